//! What a run was recorded in.

use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::child;
use crate::support::{Place, line};

#[test]
fn surroundings_are_found_out_without_being_asked() {
    let place = Place::new();
    let run = place.start("here", &());
    run.finish().unwrap();
    let store = place.store();
    let run = store.run("here").unwrap();
    let machine = store.snapshot(&run, "machine").unwrap().unwrap();
    let machine: serde_json::Value = serde_json::from_slice(&machine).unwrap();
    assert_eq!(machine["architecture"], std::env::consts::ARCH);
    assert!(machine["memory_kib"].as_u64().unwrap() > 0 && machine["cpu_flags"].is_string());
    // The tests run in a package of this workspace.
    let lockfile = store.snapshot(&run, "lockfile").unwrap().unwrap();
    assert!(String::from_utf8(lockfile).unwrap().contains("name = \"tracker\""));
    let dirty = run.git.as_ref().is_some_and(|git| git.dirty);
    assert_eq!(store.snapshot(&run, "diff").unwrap().is_some(), dirty);
    assert!(place.out(&["show", "here", "--print", "machine"]).contains("\"cpus\""));
    let error = place.error(&["show", "here", "--print", "nothing"]);
    assert!(error.starts_with("run ") && error.contains(" has no \"nothing\"; it has "), "{error}");
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn sha256(path: &Path) -> String {
    let output = Command::new("sha256sum").arg(path).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

#[test]
fn compiler_crates_and_machine_of_a_program_are_recorded() {
    let place = Place::new();
    place.start("here", &()).finish().unwrap();
    let store = place.store();
    let environment = store.environment(&store.run("here").unwrap()).unwrap();
    let rustc = Command::new("rustc").arg("--version").current_dir(workspace()).output().unwrap();
    assert_eq!(environment["rustc"], String::from_utf8(rustc.stdout).unwrap().trim());
    assert!(environment["target"].as_str().unwrap().contains(std::env::consts::ARCH));
    assert_eq!(environment["target_features"].as_str().unwrap().contains("avx2"), cfg!(target_feature = "avx2"));
    assert_eq!(environment["profile"], if cfg!(debug_assertions) { "debug" } else { "release" });
    assert_eq!(environment["threads"], std::thread::available_parallelism().unwrap().get());
    let lockfile = workspace().join("Cargo.lock");
    assert_eq!(environment["lockfile"], sha256(&lockfile));
    assert_eq!(Path::new(environment["lockfile_path"].as_str().unwrap()), lockfile);
    // Which features a program was built with cannot be found out by its parts.
    assert_eq!((&environment["features"], &environment["environment"]), (&json!(null), &json!(null)));
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    assert!(environment["os"].is_null() || release.contains(environment["os"].as_str().unwrap()));
    let page = place.out(&["show", "here"]);
    for (part, value) in [("rustc", environment["rustc"].as_str().unwrap()), ("features", "absent"), ("threads", "")] {
        assert!(line(&page, &format!("  {part} ")).ends_with(value), "{page}");
    }
    assert_eq!(place.json(&["show", "here", "--json"])["recorded_in"], environment);
}

/// A process that records elsewhere and has nothing from the workspace but its program.
fn elsewhere(folder: &Path) -> Command {
    let program = folder.join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let mut command = Command::new(program);
    command.current_dir(folder).env_remove("CARGO_MANIFEST_DIR");
    command
}

#[test]
fn a_lockfile_of_something_else_is_not_taken_for_the_programs() {
    for (package, expected) in [("other", Value::Null), ("tracker", json!("as it stands"))] {
        let (place, folder) = (Place::new(), tempfile::tempdir().unwrap());
        let lockfile = folder.path().join("Cargo.lock");
        fs::write(&lockfile, format!("version = 4\n\n[[package]]\nname = \"{package}\"\n")).unwrap();
        let mut recorder = child::spawn_by(elsewhere(folder.path()), "hang", &place.db());
        drop(recorder.child.stdin.take());
        assert!(recorder.child.wait().unwrap().success());
        let store = place.store();
        let found = store.environment(&store.run("hang").unwrap()).unwrap();
        let expected = if expected.is_null() { expected } else { sha256(&lockfile).into() };
        assert_eq!(found["lockfile"], expected, "{package}");
    }
}

/// Records in a process whose cells link what is resolved in this folder; the run's uid.
fn linking(place: &Place, folder: &Path, serde: &str, features: Value) -> String {
    fs::create_dir(folder).unwrap();
    let lock = format!(
        "[[package]]\nname = \"serde\"\nversion = \"{serde}\"\n\n[[package]]\nname = \"syn\"\nversion = \"2.0.1\"\n"
    );
    fs::write(folder.join("Cargo.lock"), lock).unwrap();
    fs::write(folder.join("features.json"), json!({"registry+https://index#polars@0.55.2": features}).to_string())
        .unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env("ASSAY_TEST_RESOLVED", folder).env("RAYON_NUM_THREADS", serde.rsplit('.').next().unwrap());
    let mut recorder = child::spawn_by(command, "cells", &place.db());
    assert!(recorder.child.wait().unwrap().success());
    recorder.uid
}

#[test]
fn each_difference_between_environments_is_a_row_of_the_comparison() {
    let (place, folders) = (Place::new(), tempfile::tempdir().unwrap());
    let a = linking(&place, &folders.path().join("a"), "1.0.1", json!(["csv"]));
    let b = linking(&place, &folders.path().join("b"), "1.0.2", json!(["csv", "lazy"]));
    let table = place.out(&["compare", &a, &b]);
    let rows: Vec<Vec<&str>> = table
        .lines()
        .filter(|line| line.trim_start().starts_with("environment."))
        .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
        .collect();
    let hash = |folder: &str, file: &str| sha256(&folders.path().join(folder).join(file))[..12].to_owned();
    let locks = [hash("a", "Cargo.lock"), hash("b", "Cargo.lock")];
    let features = [hash("a", "features.json"), hash("b", "features.json")];
    let expected = [
        ["environment.lockfile", &locks[0], &locks[1]],
        ["environment.features", &features[0], &features[1]],
        ["environment.rayon_threads", "1", "2"],
        ["environment.variables.RAYON_NUM_THREADS", "1", "2"],
        ["environment.crates.serde", "1.0.1", "1.0.2"],
        ["environment.features.polars", "csv", "csv lazy"],
    ];
    assert_eq!(rows, expected, "{table}");
    place.out(&["report", &a, &b]);
    let page = fs::read_to_string(place.folder().join("report.html")).unwrap();
    for row in expected {
        let cells = page.split("<tr>").find(|cells| cells.contains(row[0])).unwrap_or_default();
        assert!(row.iter().all(|cell| cells.contains(&format!(">{cell}</td>"))), "{row:?} in {cells:?}");
    }
    let again = place.out(&["compare", &a, &a]);
    assert!(!again.contains("environment."), "{again}");
    let rows = &place.json(&["compare", &a, &b, "--json"])["environment"];
    let rustc = rows.as_array().unwrap().iter().find(|row| row["path"] == "rustc").unwrap();
    assert_eq!((&rustc["differs"], &rustc["values"]), (&json!(false), &json!(["rustc 1.95.0", "rustc 1.95.0"])));
}
