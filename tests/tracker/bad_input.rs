//! One sentence and an exit code for everything that can be asked wrongly, and nothing changed.

use std::fs;
use tracker::{Error, Run};

use crate::support::{Place, Raw, change};

const VERBS: [&[&str]; 3] = [&["runs"], &["show", "x"], &["compare", "x", "y"]];

#[test]
fn a_missing_database_is_not_made() {
    let place = Place::new();
    for verb in VERBS {
        let error = place.error(verb);
        let expected =
            "there is no run database at assay.db: record a run first, or name another file with --db or ASSAY_DB";
        assert_eq!(error, expected);
    }
    assert_eq!(fs::read_dir(place.folder()).unwrap().count(), 0);
}

#[test]
fn a_file_that_is_no_database_is_refused_by_readers_and_writers() {
    let place = Place::new();
    fs::write(place.db(), "epoch,loss\n1,0.5\n".repeat(100)).unwrap();
    let before = fs::read(place.db()).unwrap();
    for verb in VERBS {
        assert_eq!(place.error(verb), "assay.db is not an SQLite database: name the file that runs were recorded in");
    }
    assert!(matches!(Run::start_in(place.db(), "x", &()).err(), Some(Error::NotADatabase { .. })));
    assert!(fs::read(place.db()).unwrap() == before, "the file was changed");
}

#[test]
fn a_folder_is_no_database() {
    let place = Place::new();
    assert_eq!(
        place.error(&["runs", "--db", "."]),
        ". is not an SQLite database: name the file that runs were recorded in"
    );
}

#[test]
fn another_programs_database_is_left_as_it_is() {
    let place = Place::new();
    change(&place.db(), "CREATE TABLE run (id INTEGER); INSERT INTO run VALUES (1)");
    let before = fs::read(place.db()).unwrap();
    for verb in VERBS {
        let error = place.error(verb);
        assert_eq!(
            error,
            "assay.db is an SQLite database of another program: name the file that runs were recorded in"
        );
    }
    assert!(matches!(Run::start_in(place.db(), "x", &()).err(), Some(Error::Foreign { .. })));
    assert!(fs::read(place.db()).unwrap() == before, "the file was changed");
    assert_eq!(fs::read_dir(place.folder()).unwrap().count(), 1);
}

#[test]
fn another_programs_log_is_not_folded_into_its_file() {
    let (place, crashed) = (Place::new(), Place::new());
    let mut raw = Raw::open(&place.db());
    raw.run("PRAGMA journal_mode = WAL; CREATE TABLE run (id INTEGER); INSERT INTO run VALUES (1)");
    let files = ["assay.db", "assay.db-wal"];
    // As its process would leave them if it were killed now.
    for name in files {
        fs::copy(place.folder().join(name), crashed.folder().join(name)).unwrap();
    }
    raw.close();
    let read = || files.map(|name| fs::read(crashed.folder().join(name)).unwrap());
    let before = read();
    assert!(!before[1].is_empty());
    assert!(crashed.error(&["runs"]).contains("is an SQLite database of another program"));
    assert!(matches!(Run::start_in(crashed.db(), "x", &()).err(), Some(Error::Foreign { .. })));
    assert!(read() == before, "the files were changed");
}

#[test]
fn a_newer_schema_is_refused_with_both_versions() {
    let place = Place::new();
    place.start("old", &()).finish().unwrap();
    change(&place.db(), "UPDATE _sqlx_migrations SET version = 9000 WHERE version = 5");
    let before = fs::read(place.db()).unwrap();
    let error = place.error(&["runs"]);
    assert!(error.starts_with("assay.db was written by a newer assay (schema 9000, this one knows "), "{error}");
    assert!(error.ends_with("): update assay to read it"), "{error}");
    assert!(matches!(Run::start_in(place.db(), "x", &()).err(), Some(Error::Newer { found: 9000, .. })));
    assert!(fs::read(place.db()).unwrap() == before, "the file was changed");
}

#[test]
fn an_empty_file_holds_no_runs_but_may_be_recorded_into() {
    let place = Place::new();
    fs::write(place.db(), "").unwrap();
    assert!(place.error(&["runs"]).starts_with("there is no run database at assay.db"));
    assert_eq!(fs::metadata(place.db()).unwrap().len(), 0);
    place.start("first", &()).finish().unwrap();
    assert!(place.out(&["runs"]).contains("first"));
}

#[test]
fn recording_into_a_folder_that_does_not_exist() {
    let place = Place::new();
    let path = place.folder().join("no/such/assay.db");
    let error = Run::start_in(&path, "x", &()).err().unwrap().to_string();
    assert!(
        error.ends_with("no/such for the run database does not exist: create it, or choose another file"),
        "{error}"
    );
}

#[test]
fn a_run_needs_a_name() {
    let place = Place::new();
    assert!(matches!(Run::start_in(place.db(), " ", &()).err(), Some(Error::NoName)));
    assert!(!place.db().exists());
}

#[test]
fn an_unknown_run_is_answered_with_those_there_are() {
    let place = Place::new();
    let uid = place.start("digits", &()).uid().to_owned();
    for verb in [["show", "nope"].as_slice(), &["compare", "digits", "nope"], &["show", ""]] {
        let error = place.error(verb);
        let wanted = if verb[1].is_empty() { "" } else { "nope" };
        assert_eq!(error, format!("no run is called {wanted:?} in assay.db; it holds {uid} (digits)"));
    }
}

#[test]
fn an_ambiguous_name_or_prefix_names_the_candidates() {
    let place = Place::new();
    for name in ["same", "same", "other"] {
        place.start(name, &()).finish().unwrap();
    }
    change(&place.db(), "UPDATE run SET uid = 'abc0000' || id, started_ms = id");
    let error = place.error(&["show", "same"]);
    assert_eq!(error, "\"same\" fits 2 runs: abc00002 (same), abc00001 (same); give more of the uid");
    let error = place.error(&["compare", "other", "ABC"]);
    assert_eq!(error, "\"ABC\" fits 3 runs: abc00003 (other), abc00002 (same), abc00001 (same); give more of the uid");
    assert!(place.out(&["show", "abc00002"]).contains("same"));
}

#[test]
fn an_unknown_artifact_is_answered_with_those_there_are() {
    let place = Place::new();
    let run = place.start("digits", &());
    let uid = run.uid().to_owned();
    run.text("log", "a").unwrap();
    run.text("log", "b").unwrap();
    run.finish().unwrap();
    let error = place.error(&["show", "digits", "--artifact", "lag"]);
    assert_eq!(error, format!("run {uid} has no artifact \"lag\"; it has log"));
}

#[test]
fn an_unknown_sort_key_is_answered_with_those_there_are() {
    let place = Place::new();
    let run = place.start("digits", &serde_json::json!({"lr": 0.1}));
    run.log("loss", 0, 1.0);
    run.finish().unwrap();
    let error = place.error(&["runs", "--sort", "-accuracy"]);
    assert_eq!(error, "runs cannot be sorted by \"accuracy\"; try loss, lr, started, duration, name, status, group");
}

#[test]
fn usage_errors_exit_with_two() {
    let place = Place::new();
    for args in
        [["compare"].as_slice(), &["show"], &["runs", "--limit", "x"], &["nope"], &["show", "x", "--output", "f"]]
    {
        let said = place.assay(args);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{args:?}");
        assert!(said.err.starts_with("error: "), "{}", said.err);
    }
}

#[test]
fn a_damaged_file_is_said_to_be_damaged() {
    let place = Place::new();
    place.start("digits", &serde_json::json!({"lr": 0.1})).finish().unwrap();
    change(&place.db(), "UPDATE run SET config = '{'");
    let error = place.error(&["runs"]);
    assert!(error.starts_with("the configuration of run ") && error.contains(" in assay.db is damaged: "), "{error}");
    // Cut short, as an interrupted copy is.
    let whole = fs::read(place.db()).unwrap();
    fs::write(place.db(), &whole[..whole.len() / 2]).unwrap();
    let error = place.error(&["runs"]);
    assert!(error.contains("assay.db") && error.contains("malformed"), "{error}");
}
