//! `assay run` on real notebooks, through its command line.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const ASSAY: &str = env!("CARGO_BIN_EXE_assay");

fn digits() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../notebooks/01-digits.ipynb").canonicalize().unwrap()
}

/// Runs `assay` in `folder`, on the database in it.
fn assay(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(ASSAY).args(arguments).current_dir(folder).env("ASSAY_DB", folder.join("runs.db")).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn notebook(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn sources(notebook: &Value) -> Vec<String> {
    notebook["cells"].as_array().unwrap().iter().map(|cell| joined(&cell["source"])).collect()
}

/// A text, which notebooks hold whole or as lines.
fn joined(text: &Value) -> String {
    match text {
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        text => text.as_str().unwrap_or_default().to_owned(),
    }
}

/// The text of every output that has one.
fn texts(notebook: &Value) -> Vec<String> {
    outputs(notebook).filter_map(|it| it.pointer("/data/text~1plain")).map(joined).collect()
}

fn outputs(notebook: &Value) -> impl Iterator<Item = &Value> {
    notebook["cells"].as_array().unwrap().iter().filter_map(|cell| cell["outputs"].as_array()).flatten()
}

/// Writes a notebook of code cells; a cell that begins with `#parameters` is tagged so.
fn write(path: &Path, cells: &[&str]) {
    let cells: Vec<Value> = cells
        .iter()
        .enumerate()
        .map(|(id, source)| {
            let (source, tags) = match source.strip_prefix("#parameters\n") {
                Some(source) => (source, vec!["parameters"]),
                None => (*source, vec![]),
            };
            serde_json::json!({
                "cell_type": "code", "id": format!("cell-{id}"), "execution_count": null, "outputs": [],
                "metadata": {"tags": tags}, "source": source,
            })
        })
        .collect();
    let notebook = serde_json::json!({"cells": cells, "metadata": {"mine": 1}, "nbformat": 4, "nbformat_minor": 5});
    std::fs::write(path, notebook.to_string()).unwrap();
}

#[test]
fn the_digits_are_learned_logged_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let path = digits();
    let output = assay(folder.path(), &["run", path.to_str().unwrap(), "--param", "seed=2"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    for part in ["digits-mlp", "test_accuracy", "learning_rate", "★", "assay runs"] {
        assert!(said.contains(part), "no {part} in:\n{said}");
    }

    let executed = notebook(&folder.path().join("out/01-digits.ipynb"));
    let injected = sources(&executed).into_iter().find(|source| source.contains("seed: u64 = 2")).unwrap();
    assert!(!injected.contains("learning_rate"), "only what was given is replaced:\n{injected}");
    let pictures = outputs(&executed).filter(|it| it.pointer("/data/image~1svg+xml").is_some()).count();
    assert!(pictures >= 4, "{pictures} pictures");
    assert!(outputs(&executed).all(|it| it["output_type"] != "error"));
    // A chart that is redrawn while it runs leaves one output, in its last state.
    let training = texts(&executed).into_iter().find(|text| text.contains("accuracy: test")).unwrap();
    assert!(training.contains("at 30"), "{training}");

    let runs: Value = serde_json::from_slice(&assay(folder.path(), &["runs", "--json"]).stdout).unwrap();
    let runs = runs.as_array().unwrap();
    assert_eq!(runs.len(), 2);
    for run in runs {
        assert_eq!(run["status"], "finished");
        assert_eq!(run["config"]["optimizer"], "adam");
        assert_eq!(run["config"]["seed"], 2);
        for known in ["toolchain", "lock_hash", "environment"] {
            assert!(run[known].as_str().is_some_and(|value| !value.is_empty()), "{known} of {run}");
        }
    }
    assert!(runs[0]["notebook"].as_str().is_some_and(|name| name.ends_with("01-digits.ipynb")), "{}", runs[0]);
    let best = runs.iter().filter_map(|run| run["metrics"].as_array()).flatten();
    let best = best.filter(|metric| metric["name"] == "test_accuracy").filter_map(|it| it["last"].as_f64());
    assert!(best.fold(0.0, f64::max) >= 0.96, "{runs:#?}");

    let uid = runs[0]["uid"].as_str().unwrap();
    let shown = text(&assay(folder.path(), &["show", uid]).stdout);
    for part in ["training", "fn train_mlp", "learning_rate"] {
        assert!(shown.contains(part), "no {part} in:\n{shown}");
    }
}

#[test]
fn the_first_failing_cell_ends_it_with_its_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fails.ipynb");
    write(&path, &["let a = 1;", "println!(\"before\");\nlet b: i32 = \"no\";", "println!(\"never\");"]);
    let output = assay(folder.path(), &["run", "fails.ipynb", "--output", "done.ipynb"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("E0308") && said.contains("line 2"), "{said}");
    let executed = notebook(&folder.path().join("done.ipynb"));
    assert_eq!(outputs(&executed).filter(|it| it["output_type"] == "error").count(), 1);
    assert_eq!(executed["metadata"]["mine"], 1);
    assert_eq!(executed["cells"][2]["execution_count"], Value::Null);
}

#[test]
fn parameters_keep_their_types_and_mistakes_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.ipynb");
    write(
        &path,
        &["#parameters\nlet rate: f32 = 0.5;\nlet name = \"a\";\nlet n: usize = 1;", "format!(\"{rate} {name} {n}\")"],
    );
    let run =
        |arguments: &[&str]| assay(folder.path(), &[&["run", "p.ipynb", "--output", "o.ipynb"], arguments].concat());
    let output = run(&["--param", "rate=0.25", "--param", "name=it's \"b\""]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let executed = notebook(&folder.path().join("o.ipynb"));
    assert_eq!(texts(&executed), [r#""0.25 it's \"b\" 1""#]);
    for (given, parts) in [("nosuch=1", ["nosuch", "rate"]), ("n=many", ["many", "usize"])] {
        let output = run(&["--param", given]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(parts.iter().all(|part| said.contains(part)), "{given}: {said}");
    }
}

#[test]
fn what_is_no_notebook_is_said_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("text.ipynb"), "hello").unwrap();
    for (file, part) in [("nosuch.ipynb", "nosuch.ipynb"), ("text.ipynb", "text.ipynb")] {
        let output = assay(folder.path(), &["run", file]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(part) && said.lines().count() <= 3, "{said}");
    }
}
