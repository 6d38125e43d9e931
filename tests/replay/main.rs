//! `assay replay` on runs of real notebooks, through its command line.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

const ASSAY: &str = env!("CARGO_BIN_EXE_assay");

/// A small training in plain Rust: what it logs depends on the data, the seed and the number of steps.
const DATA: &str = "let data: Vec<f32> = std::fs::read_to_string(\"data.csv\")?.lines().map(|line| line.parse()).collect::<Result<_, _>>()?;";
const STEP: &str = "fn step(w: f32, x: f32, rate: f32) -> f32 { w - rate * (w * x - 1.0) * x }";
const TRAIN: &str = "let run = Run::start(\"fit\", &(\"rate\", 0.1))?;
let mut w = 0.0_f32;
for (i, x) in data.iter().cycle().take(40).enumerate() { w = step(w, *x, 0.1); run.log(\"w\", i, w); }
run.finish();";

fn assay(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(ASSAY);
    command.args(arguments).current_dir(folder).env("ASSAY_DB", folder.join("runs.db"));
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A folder in which a notebook of these cells was run.
fn recorded(cells: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("data.csv"), "0.5\n1.5\n-0.25\n").unwrap();
    run(folder.path(), cells);
    folder
}

fn run(folder: &Path, cells: &[&str]) {
    let cell = |(at, source): (usize, &&str)| {
        json!({"cell_type": "code", "id": format!("c{at}"), "execution_count": null, "outputs": [],
               "metadata": {"tags": ["raises-exception"]}, "source": source})
    };
    let cells: Vec<Value> = cells.iter().enumerate().map(cell).collect();
    let root = json!({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5});
    std::fs::write(folder.join("fit.ipynb"), root.to_string()).unwrap();
    let output = assay(folder, &["run", "fit.ipynb"]);
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}

/// The exit code of a replay, and what it says as JSON.
fn replay(folder: &Path, arguments: &[&str]) -> (i32, Value) {
    let output = assay(folder, &[&["replay", "--json"], arguments].concat());
    let said = serde_json::from_slice(&output.stdout);
    (output.status.code().unwrap(), said.unwrap_or_else(|_| text(&output.stderr).into()))
}

#[test]
fn a_run_is_repeated_by_the_cells_that_it_needs_and_stored_as_its_replay() {
    let folder = recorded(&["let other = 3;", DATA, "println!(\"{}\", other + 1);", STEP, TRAIN, "other"]);
    let (code, said) = replay(folder.path(), &["fit"]);
    assert_eq!(code, 0, "{said:#}");
    assert_eq!((&said["cells"], &said["of_cells"], &said["equal"]), (&json!(3), &json!(5), &json!(true)), "{said:#}");
    assert_eq!(said["verdict"]["series"][0]["equal"], 40);
    let first = said["run"].as_str().unwrap();
    let shown = text(&assay(folder.path(), &["show", first]).stdout);
    assert!(shown.contains("replayed     once: equal"), "{shown}");
    let again = text(&assay(folder.path(), &["show", said["replay"].as_str().unwrap()]).stdout);
    assert!(again.contains(&format!("replay of    {first}")), "{again}");
    let (code, said) = replay(folder.path(), &[first, "--whole"]);
    assert_eq!((code, &said["cells"]), (0, &json!(5)), "{said:#}");
    let shown = text(&assay(folder.path(), &["show", first]).stdout);
    assert!(shown.contains("replayed     2 times: equal"), "{shown}");
}

#[test]
fn a_check_runs_nothing_and_says_what_differs() {
    let folder = recorded(&[DATA, STEP, TRAIN]);
    std::fs::write(folder.path().join("data.csv"), "0.5\n1.5\n-0.75\n").unwrap();
    let output = assay(folder.path(), &["replay", "fit", "--check"]);
    let page = text(&output.stdout);
    assert!(output.status.success(), "{page}");
    assert!(page.lines().any(|line| line.contains("differs") && line.contains("data.csv")), "{page}");
    assert!(page.lines().any(|line| line.contains("same") && line.contains("environment")), "{page}");
    let runs = text(&assay(folder.path(), &["runs", "--json"]).stdout);
    assert_eq!(serde_json::from_str::<Value>(&runs).unwrap().as_array().unwrap().len(), 1, "{runs}");
}

#[test]
fn one_changed_byte_of_the_data_is_the_reason() {
    let folder = recorded(&[DATA, STEP, TRAIN]);
    std::fs::write(folder.path().join("data.csv"), "0.5\n1.5\n-0.26\n").unwrap();
    let (code, said) = replay(folder.path(), &["fit"]);
    assert_eq!(code, 3, "{said:#}");
    assert_eq!(said["reason"], "most likely because the file data.csv has other content than it had");
    let series = &said["verdict"]["series"][0];
    assert_eq!((&series["key"], &series["first"]["step"], &series["equal"]), (&json!("w"), &json!(2), &json!(2)));
    assert!(series["first"]["ulps"].as_u64().unwrap() > 1000, "{series}");
    let close = replay(folder.path(), &["fit", "--tolerance", "0.1"]);
    assert_eq!(close.0, 0, "{:#}", close.1);
}

#[test]
fn moved_data_is_found() {
    let folder = recorded(&[DATA, STEP, TRAIN]);
    let moved = folder.path().join("elsewhere");
    std::fs::create_dir(&moved).unwrap();
    std::fs::rename(folder.path().join("data.csv"), moved.join("data.csv")).unwrap();
    let (code, said) = replay(folder.path(), &["fit", "--data", "elsewhere"]);
    assert_eq!(code, 0, "{said:#}");
}

#[test]
fn what_cannot_be_repeated_is_named() {
    let clock = "let seed = std::time::SystemTime::now().elapsed()?.subsec_nanos() as f32 + std::process::id() as f32;";
    let folder = recorded(&[clock, "let run = Run::start(\"fit\", &())?; run.log(\"seed\", 0, seed); run.finish();"]);
    let (code, said) = replay(folder.path(), &["fit"]);
    assert_eq!(code, 3, "{said:#}");
    assert!(said["reason"].as_str().unwrap().contains("the clock, by SystemTime::now"), "{said:#}");
}

#[test]
fn a_run_that_panicked_panics_again() {
    let train = TRAIN.replace("run.finish();", "let none: Option<u8> = None; none.expect(\"to fail\");");
    let folder = recorded(&[DATA, STEP, &train]);
    let (code, said) = replay(folder.path(), &["fit"]);
    assert_eq!(code, 0, "{said:#}");
    let again = text(&assay(folder.path(), &["show", said["replay"].as_str().unwrap()]).stdout);
    assert!(again.contains("failed") && again.contains("to fail"), "{again}");
}

#[test]
fn the_right_one_of_several_runs_in_a_cell_is_compared() {
    let sweep = "for rate in [0.1_f32, 0.2, 0.3] {
    let run = Run::start(\"fit\", &(\"rate\", rate))?;
    let mut w = 0.0;
    for (i, x) in data.iter().enumerate() { w = step(w, *x, rate); run.log(\"w\", i, w); }
    run.finish();
}";
    let folder = recorded(&[DATA, STEP, sweep]);
    for run in ["1", "2", "3"] {
        let (code, said) = replay(folder.path(), &[run]);
        assert_eq!(code, 0, "{run}: {said:#}");
    }
}

#[test]
fn answers_are_given_again() {
    let folder = tempfile::tempdir().unwrap();
    let ask = "let rate: f32 = input(\"rate? \").unwrap_or(\"0.25\".to_owned()).parse()?;";
    run(folder.path(), &[ask, "let run = Run::start(\"fit\", &rate)?; run.log(\"rate\", 0, rate); run.finish();"]);
    let (code, said) = replay(folder.path(), &["fit"]);
    assert_eq!(code, 0, "{said:#}");
}

#[test]
fn what_can_not_be_replayed_is_said_in_a_sentence() {
    let folder = recorded(&[DATA, STEP, TRAIN]);
    let (code, said) = replay(folder.path(), &["nothing"]);
    assert_eq!(code, 1);
    assert!(said.as_str().unwrap().starts_with("error: ") && said.as_str().unwrap().contains("nothing"), "{said}");
    std::fs::remove_file(folder.path().join("data.csv")).unwrap();
    let (code, said) = replay(folder.path(), &["fit"]);
    assert_eq!(code, 4, "{said:#}");
    assert!(said.as_str().unwrap().contains("data.csv"), "{said:#}");
}
