//! Several writers of one file: nothing is lost, nothing is stored twice.

use std::io::Write;

use crate::child;
use crate::support::{Place, Raw};

#[test]
fn two_processes_writing_at_once_lose_nothing() {
    let place = Place::new();
    let mut recorders = [
        child::spawn("write", &place.db()),
        child::spawn("write", &place.db()),
    ];
    for recorder in &mut recorders {
        recorder
            .child
            .stdin
            .take()
            .unwrap()
            .write_all(b"go\n")
            .unwrap();
    }
    for recorder in &mut recorders {
        assert!(recorder.child.wait().unwrap().success());
    }
    let store = place.store();
    for recorder in &recorders {
        let run = store.run(&recorder.uid).unwrap();
        let series = store.series(&run).unwrap().remove(0);
        let steps: Vec<_> = series
            .values
            .iter()
            .map(|point| (point.step, point.value))
            .collect();
        assert!(
            steps
                .into_iter()
                .eq((0..5000).map(|step| (step, step as f64)))
        );
    }
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
    assert_eq!(
        raw.count("SELECT count(*) FROM run WHERE status = 'finished'"),
        8
    );
    assert_eq!(
        raw.count("SELECT count(*) FROM series WHERE points = 200"),
        8
    );
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
        assert_eq!(
            (series.values.len() as i64, series.metric.points),
            (batch * 50, batch * 50)
        );
    }
}
