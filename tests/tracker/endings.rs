//! Every way a run can end, and what a reader sees of it.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use tracker::{Query, Status};

use crate::child;
use crate::support::{Place, Raw, line};

#[test]
fn a_killed_process_leaves_a_crashed_run_with_what_it_logged() {
    let place = Place::new();
    let mut recorder = child::spawn("hang", &place.db());
    let store = place.store();
    assert_eq!(store.run(&recorder.uid).unwrap().status, Status::Running);

    recorder.child.kill().unwrap();
    recorder.child.wait().unwrap();
    let run = store.run(&recorder.uid).unwrap();
    assert_eq!((run.status, run.metrics[0].points), (Status::Crashed, 100));
    // Stored, with the last sign of life as its end.
    let mut raw = Raw::open(&place.db());
    assert_eq!(raw.text("SELECT status FROM run"), "crashed");
    assert_eq!(raw.count("SELECT ended_ms = (SELECT max(time_ms) FROM point) FROM run"), 1);
    assert_eq!(line(&place.out(&["runs"]), &recorder.uid).split_whitespace().nth(2), Some("crashed"));
}

#[test]
fn runs_of_other_machines_are_left_alone() {
    let place = Place::new();
    let mut recorder = child::spawn("hang", &place.db());
    recorder.child.kill().unwrap();
    recorder.child.wait().unwrap();
    Raw::open(&place.db()).run("UPDATE run SET host = host || '-other'");
    assert_eq!(place.store().run(&recorder.uid).unwrap().status, Status::Running);
}

#[test]
fn a_reused_process_id_does_not_keep_a_run_alive() {
    let place = Place::new();
    let run = place.start("reused", &());
    let store = place.store();
    assert_eq!(store.run("reused").unwrap().status, Status::Running);
    // The same living process id, but of a process that started at another time.
    Raw::open(&place.db()).run("UPDATE run SET process_start = process_start - 1");
    assert_eq!(store.run("reused").unwrap().status, Status::Crashed);
    // A run that ends after all has the last word.
    run.finish().unwrap();
    assert_eq!(store.run("reused").unwrap().status, Status::Finished);
}

#[test]
fn a_crash_is_seen_while_someone_else_is_writing() {
    let place = Place::new();
    let run = place.start("busy", &());
    let mut raw = Raw::open(&place.db());
    raw.run("UPDATE run SET process_start = process_start - 1");
    let store = place.store();
    raw.run("BEGIN IMMEDIATE");
    assert_eq!(store.runs(&Query::default()).unwrap()[0].status, Status::Crashed);
    assert_eq!(raw.text("SELECT status FROM run"), "running");
    raw.run("COMMIT");
    drop(run);
}

#[test]
fn a_failed_run_says_why() {
    let place = Place::new();
    let run = place.start("diverged", &());
    run.log("loss", 0, f64::NAN);
    run.fail("loss is NaN at step 0").unwrap();
    let page = place.out(&["show", "diverged"]);
    assert!(line(&page, "status").contains("failed"));
    assert!(line(&page, "error").contains("loss is NaN at step 0"));
}

#[test]
fn dropping_finishes_and_panicking_fails() {
    let place = Place::new();
    drop(place.start("dropped", &()));
    let run = place.start("panicked", &());
    let panicked = std::thread::spawn(move || {
        run.log("loss", 0, 1.0);
        std::panic::panic_any("on purpose");
    });
    assert!(panicked.join().is_err());
    let store = place.store();
    assert_eq!(store.run("dropped").unwrap().status, Status::Finished);
    let run = store.run("panicked").unwrap();
    assert_eq!((run.status, run.error.as_deref(), run.metrics.len()), (Status::Failed, Some("on purpose"), 1));
}

/// Threads that log as fast as they can: what they log is stored while they go on, not once they rest.
#[test]
fn threads_that_log_without_pause_keep_nothing_from_being_stored() {
    let place = Place::new();
    let run = place.start("busy", &());
    let (stop, sent) = (AtomicBool::new(false), AtomicI64::new(0));
    let mut seen = 0;
    std::thread::scope(|scope| {
        for metric in ["a", "b", "c"] {
            let (run, stop, sent) = (&run, &stop, &sent);
            scope.spawn(move || {
                // A bound of the memory, should nothing be stored.
                while !stop.load(Ordering::Relaxed) && sent.load(Ordering::Relaxed) < 60_000_000 {
                    for _ in 0..1000 {
                        run.log(metric, 0, 1.0);
                    }
                    sent.fetch_add(1000, Ordering::Relaxed);
                }
            });
        }
        let mut logged = 0;
        while logged < 60_000_000 && seen == 0 {
            logged = sent.load(Ordering::Relaxed);
            let metrics = place.store().run("busy").unwrap().metrics;
            seen = metrics.iter().map(|metric| metric.points).sum();
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(seen > 0, "nothing was stored while threads logged");
    // Whoever asks for a flush waits for what was logged before, and no longer.
    run.flush().unwrap();
    let points: i64 = place.store().run("busy").unwrap().metrics.iter().map(|metric| metric.points).sum();
    assert_eq!(points, sent.load(Ordering::Relaxed));
    run.finish().unwrap();
}
