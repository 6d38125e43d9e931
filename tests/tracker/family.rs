//! Runs that go on, runs inside runs, and groups.

use serde_json::json;
use tracker::{Error, Run, Status};

use crate::child;
use crate::support::Place;

#[test]
fn a_run_goes_on_where_it_ended() {
    let place = Place::new();
    let run = place.start("long", &json!({"lr": 0.1}));
    let uid = run.uid().to_owned();
    (0..3000).for_each(|step| run.log("loss", step, 5.0));
    run.fail("interrupted").unwrap();
    let run = Run::resume_in(place.db(), &uid[..6]).unwrap();
    assert_eq!((run.uid(), run.name()), (uid.as_str(), "long"));
    assert_eq!(place.store().run(&uid).unwrap().status, Status::Running);
    run.log("loss", 3000, 1.0);
    run.log("accuracy", 3000, 0.5);
    run.finish().unwrap();
    let store = place.store();
    let run = store.run(&uid).unwrap();
    assert_eq!((run.status, run.error.as_deref(), run.metrics.len()), (Status::Finished, None, 2));
    let loss = run.metric("loss").unwrap();
    assert_eq!((loss.points, loss.last, loss.max.map(|at| at.value)), (3001, 1.0, Some(5.0)));
    let steps = store.series(&run).unwrap().remove(0).values;
    assert!(steps.iter().map(|point| point.step).eq(0..=3000));
}

#[test]
fn a_run_that_goes_on_elsewhere_cannot_be_taken_over() {
    let place = Place::new();
    let mut recorder = child::spawn("hang", &place.db());
    let error = Run::resume_in(place.db(), &recorder.uid).err().unwrap();
    assert!(matches!(error, Error::StillRunning { .. }));
    let pid = recorder.child.id();
    assert!(error.to_string().contains(&format!("goes on in process {pid} on ")), "{error}");
    recorder.child.kill().unwrap();
    recorder.child.wait().unwrap();
    Run::resume_in(place.db(), &recorder.uid).unwrap().finish().unwrap();
    assert_eq!(place.store().run(&recorder.uid).unwrap().status, Status::Finished);
}

#[test]
fn resuming_makes_no_file_and_names_what_is_unknown() {
    let place = Place::new();
    assert!(matches!(Run::resume_in(place.db(), "x").err(), Some(Error::Missing { .. })));
    assert!(!place.db().exists());
    place.start("there", &()).finish().unwrap();
    assert!(matches!(Run::resume_in(place.db(), "x").err(), Some(Error::UnknownRun { .. })));
}

#[test]
fn a_part_of_a_run_names_its_parent_and_a_group_its_members() {
    let place = Place::new();
    let sweep = place.start("sweep", &());
    for seed in 0..3 {
        let run = Run::builder("trial").database(place.db()).parent(sweep.uid()).group("seeds");
        run.config(&json!({ "seed": seed })).unwrap().start().unwrap().finish().unwrap();
    }
    let parent = sweep.uid().to_owned();
    sweep.finish().unwrap();
    let store = place.store();
    let runs = store.runs(&tracker::Query::default()).unwrap();
    let id = store.run(&parent).unwrap().id;
    assert_eq!(runs.iter().filter(|run| run.parent == Some(id) && run.group.as_deref() == Some("seeds")).count(), 3);
    let error = Run::builder("lost").database(place.db()).parent("nope").start().err().unwrap();
    assert!(error.to_string().starts_with("no run is called \"nope\""), "{error}");
}
