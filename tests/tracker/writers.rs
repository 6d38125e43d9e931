//! Several writers of one file: nothing is lost, nothing is stored twice.

use std::io::{BufRead, Read, Write};

use crate::child;
use crate::support::{Place, Raw, change};

#[test]
fn two_processes_writing_at_once_lose_nothing() {
    let place = Place::new();
    let mut recorders = [child::spawn("write", &place.db()), child::spawn("write", &place.db())];
    for recorder in &mut recorders {
        recorder.child.stdin.take().unwrap().write_all(b"go\ngo\n").unwrap();
    }
    for recorder in &mut recorders {
        assert!(recorder.child.wait().unwrap().success());
    }
    let store = place.store();
    for recorder in &recorders {
        let run = store.run(&recorder.uid).unwrap();
        let series = store.series(&run).unwrap().remove(0);
        let steps: Vec<_> = series.values.iter().map(|point| (point.step, point.value)).collect();
        assert!(steps.into_iter().eq((0..5000).map(|step| (step, step as f64))));
    }
}

#[test]
fn what_cannot_be_stored_is_kept_said_once_and_stored_later() {
    let place = Place::new();
    let mut recorder = child::spawn("write", &place.db());
    let mut input = recorder.child.stdin.take().unwrap();
    let mut raw = Raw::open(&place.db());
    raw.run("ALTER TABLE chunk RENAME TO hidden");
    input.write_all(b"go\n").unwrap();
    let mut said = String::new();
    while !said.contains("values are kept and storing is tried again") {
        assert_ne!(recorder.err.read_line(&mut said).unwrap(), 0, "{said}");
    }
    raw.run("ALTER TABLE hidden RENAME TO chunk");
    input.write_all(b"go\n").unwrap();
    assert!(recorder.child.wait().unwrap().success());
    assert_eq!(raw.count("SELECT count(*) FROM point"), 5000);
    recorder.err.read_to_string(&mut said).unwrap();
    assert_eq!(said.matches("assay:").count(), 1, "{said}");
}

#[test]
fn many_refusals_are_said_once() {
    let place = Place::new();
    let mut recorder = child::spawn("flush", &place.db());
    let mut input = recorder.child.stdin.take().unwrap();
    change(&place.db(), "ALTER TABLE chunk RENAME TO hidden");
    input.write_all(b"go\n").unwrap();
    // The flush returns after it was refused again and again.
    let mut out = String::new();
    while !out.contains("refused") {
        assert_ne!(recorder.out.read_line(&mut out).unwrap(), 0, "{out}");
    }
    change(&place.db(), "ALTER TABLE hidden RENAME TO chunk");
    input.write_all(b"go\n").unwrap();
    let mut said = String::new();
    recorder.err.read_to_string(&mut said).unwrap();
    assert!(recorder.child.wait().unwrap().success(), "{said}");
    assert_eq!(said.matches("assay:").count(), 1, "{said}");
}

#[test]
fn flush_says_what_is_wrong_and_loses_nothing() {
    let place = Place::new();
    let run = place.start("broken", &());
    change(&place.db(), "ALTER TABLE chunk RENAME TO hidden");
    (0..10).for_each(|step| run.log("loss", step, 1.0));
    let error = run.flush().unwrap_err().to_string();
    let expected = format!("10 values of run {} were not stored: could not store", run.uid());
    assert!(error.starts_with(&expected) && error.contains("chunk"), "{error}");
    change(&place.db(), "ALTER TABLE hidden RENAME TO chunk");
    run.flush().unwrap();
    assert_eq!(place.store().run("broken").unwrap().metrics[0].points, 10);
}

#[test]
fn many_threads_may_start_runs_on_a_new_file_at_once() {
    let place = Place::new();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let place = &place;
            scope.spawn(move || {
                let run = place.start(&format!("run-{thread}"), &thread);
                (0..200).for_each(|step| run.log("loss", step, thread));
                run.finish().unwrap();
            });
        }
    });
    let mut raw = Raw::open(&place.db());
    assert_eq!(raw.count("SELECT count(*) FROM run WHERE status = 'finished'"), 8);
    assert_eq!(raw.count("SELECT count(*) FROM series WHERE points = 200"), 8);
    assert_eq!(raw.count("SELECT count(*) FROM point"), 1600);
}

#[test]
fn threads_share_a_run() {
    let place = Place::new();
    let run = place.start("shared", &());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let run = &run;
            scope.spawn(move || (0..500).for_each(|step| run.log("loss", step, thread)));
        }
    });
    run.finish().unwrap();
    assert_eq!(place.store().run("shared").unwrap().metrics[0].points, 2000);
}

#[test]
fn a_reader_sees_whole_batches_while_a_run_goes_on() {
    let place = Place::new();
    let run = place.start("live", &());
    let store = place.store();
    for batch in 1..=20 {
        (0..50).for_each(|step| run.log("loss", batch * 50 + step, 0.5));
        run.flush().unwrap();
        let record = store.run("live").unwrap();
        let series = store.series(&record).unwrap().remove(0);
        assert_eq!((series.values.len() as i64, series.metric.points), (batch * 50, batch * 50));
    }
}
