//! Keeping house: deleting, copying, merging, exporting.

use serde_json::json;
use tracker::{Error, Merged, Removed, Run};

use crate::child;
use crate::support::{Place, Raw, line};

fn two() -> Place {
    let place = Place::new();
    for name in ["keep", "drop"] {
        let run = place.start(name, &json!({"lr": 0.1, "text": "a,\"b\"\nc"}));
        (0..5000).for_each(|step| run.log("loss", step, f64::from(step) / 3.0));
        run.log("odd", 0, f64::INFINITY);
        run.tag("team", "vision");
        run.text("log", "the same in both").unwrap();
        run.text("own", name).unwrap();
        run.finish().unwrap();
    }
    place
}

#[test]
fn a_deleted_run_can_be_taken_back_until_it_is_removed() {
    let place = two();
    let uid = place.store().run("drop").unwrap().uid;
    assert_eq!(place.out(&["delete", "drop"]), format!("deleted {uid} (drop)\n"));
    assert!(!place.out(&["runs"]).contains("drop"));
    assert!(place.error(&["show", "drop"]).starts_with("no run is called \"drop\""));
    assert!(place.out(&["runs", "--where", "deleted"]).contains("drop"));
    assert!(!place.out(&["sql", "select name from runs"]).contains("drop"));
    assert!(place.error(&["undelete", "keep"]).contains("no run is called \"keep\" in assay.db; it holds "));
    assert_eq!(place.out(&["undelete", &uid[..5]]), format!("took back {uid} (drop)\n"));
    assert!(place.out(&["show", "drop"]).contains("finished"));
    assert_eq!(place.store().gc().unwrap(), Removed::default());

    place.out(&["delete", "drop"]);
    assert_eq!(place.out(&["gc"]), "removed 1 runs and 1 artifacts (4 B)\n");
    assert!(place.error(&["undelete", &uid]).starts_with("no run is called"));
    let mut raw = Raw::open(&place.db());
    assert_eq!(raw.count("SELECT count(*) FROM series"), 2);
    assert_eq!(raw.count("SELECT count(*) FROM artifact"), 2);
    assert_eq!(raw.count("SELECT sum(points) FROM chunk"), 5001);
    raw.close();
    let before = std::fs::metadata(place.db()).unwrap().len();
    assert!(place.out(&["vacuum"]).starts_with("assay.db: "));
    assert!(std::fs::metadata(place.db()).unwrap().len() < before);
    assert_eq!(place.store().series(&place.store().run("keep").unwrap()).unwrap()[0].values.len(), 5000);
}

#[test]
fn a_run_that_goes_on_is_not_deleted() {
    let place = Place::new();
    let mut recorder = child::spawn("hang", &place.db());
    let error = place.error(&["delete", &recorder.uid]);
    assert!(error.starts_with(&format!("run {} goes on in process ", recorder.uid)), "{error}");
    recorder.child.kill().unwrap();
    recorder.child.wait().unwrap();
    place.out(&["delete", &recorder.uid]);
}

#[test]
fn a_backup_of_a_file_in_use_is_one_whole_file() {
    let place = two();
    let run = place.start("live", &());
    run.log("loss", 0, 1.0);
    run.flush().unwrap();
    assert_eq!(place.out(&["backup", "copy.db"]), "wrote copy.db\n");
    assert_eq!(place.error(&["backup", "copy.db"]), "copy.db exists already: name another file");
    assert!(place.error(&["backup", "no/copy.db"]).starts_with("the folder no for the run database does not exist"));
    drop(run);
    assert!(!place.folder().join("copy.db-wal").exists());
    let listed = place.out(&["runs", "--db", "copy.db"]);
    assert!(listed.contains("live") && listed.contains("keep"));
    assert_eq!(Raw::open(&place.folder().join("copy.db")).text("PRAGMA integrity_check"), "ok");
}

#[test]
fn merging_takes_in_what_is_new_and_can_be_repeated() {
    let (here, there) = (two(), two());
    let sweep = there.start("sweep", &());
    let part = Run::builder("part").database(there.db()).parent(sweep.uid()).start().unwrap();
    part.log_with("loss", 0, 0.25, &[("subset", "test")]);
    part.finish().unwrap();
    sweep.finish().unwrap();
    let before = std::fs::read(there.db()).unwrap();
    let from = there.db().display().to_string();
    assert_eq!(here.out(&["merge", &from]), "took in 4 runs; 0 were here already\n");
    assert_eq!(here.store().merge(there.db()).unwrap(), Merged { runs: 0, known: 4 });
    assert!(std::fs::read(there.db()).unwrap() == before, "the other file was changed");
    assert_eq!(std::fs::read_dir(here.folder()).unwrap().count(), 1);

    let store = here.store();
    let (part, sweep) = (store.run("part").unwrap(), store.run("sweep").unwrap());
    assert_eq!(part.parent, Some(sweep.id));
    assert_eq!(store.series(&part).unwrap()[0].values[0].value, 0.25);
    let theirs = store.run(&there.store().run("drop").unwrap().uid).unwrap();
    assert_eq!(store.series(&theirs).unwrap()[0].values.len(), 5000);
    assert_eq!((store.bytes(&theirs, "own").unwrap().1, theirs.tags["team"].as_str()), (b"drop".to_vec(), "vision"));
    let mut raw = Raw::open(&here.db());
    assert_eq!(raw.count("SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

#[test]
fn two_runs_that_share_a_uid_are_both_kept() {
    let (here, there) = (two(), two());
    for (place, time) in [(&here, 1), (&there, 2)] {
        let mut raw = Raw::open(&place.db());
        raw.run("UPDATE run SET uid = 'abcdef00' WHERE name = 'keep'");
        raw.run(if time == 1 { "UPDATE run SET started_ms = 1" } else { "UPDATE run SET started_ms = 2" });
        raw.close();
    }
    assert_eq!(here.store().merge(there.db()).unwrap(), Merged { runs: 2, known: 0 });
    assert_eq!(Raw::open(&here.db()).count("SELECT count(DISTINCT uid) FROM run"), 4);
}

#[test]
fn what_cannot_be_merged_changes_nothing() {
    let place = two();
    std::fs::write(place.folder().join("text.db"), "not a database".repeat(100)).unwrap();
    let before = std::fs::read(place.db()).unwrap();
    assert!(matches!(place.store().merge(place.folder().join("none.db")), Err(Error::Missing { .. })));
    assert!(place.error(&["merge", "text.db"]).starts_with("text.db is not an SQLite database"));
    assert!(std::fs::read(place.db()).unwrap() == before, "the file was changed");
    assert_eq!(std::fs::read_dir(place.folder()).unwrap().count(), 2);
}

#[test]
fn exports_hold_what_was_recorded() {
    let place = two();
    let uid = place.store().run("keep").unwrap().uid;
    let runs = place.out(&["export", "runs", "--where", "name = keep"]);
    assert!(runs.starts_with("uid,name,status,started,duration,"), "{runs}");
    assert!(runs.contains(",0.1,\"a,\"\"b\"\"\nc\","), "{runs}");
    let json = place.json(&["export", "runs", "--format", "json"]);
    assert_eq!(json[1]["config"]["text"], "a,\"b\"\nc");
    let params = place.json(&["export", "params", "--format", "json", "--where", "name = keep"]);
    assert_eq!(params[0], json!({"run": uid, "path": "lr", "value": 0.1}));
    let metrics = place.out(&["export", "metrics", "--where", "name = keep"]);
    assert_eq!(line(&metrics, ",odd,"), format!("{uid},odd,1,0,Infinity,Infinity,0,Infinity,0"));
    place.out(&["export", "points", "--where", "name = keep", "--output", "points.csv"]);
    let points = std::fs::read_to_string(place.folder().join("points.csv")).unwrap();
    assert_eq!(points.lines().count(), 5002);
    let third: f64 = points.lines().nth(2).unwrap().rsplit(',').next().unwrap().parse().unwrap();
    assert_eq!(third, 1.0 / 3.0);
    assert!(place.error(&["export", "points", "--output", "points.csv"]).starts_with("points.csv exists already"));
    assert_eq!(place.out(&["export", "params", "--where", "name = none", "--format", "json"]), "[]\n");
}
