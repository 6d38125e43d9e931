//! `assay run` on real notebooks, through its command line.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const ASSAY: &str = env!("CARGO_BIN_EXE_assay");

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../notebooks").join(name).canonicalize().unwrap()
}

/// Where data is that is too large to ship: `ASSAY_DATA`, or beside the checkout.
fn data() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    std::env::var_os("ASSAY_DATA").map_or_else(beside, PathBuf::from)
}

/// Runs `assay` in `folder`, on the database in it.
fn assay(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(ASSAY);
    command.args(arguments).current_dir(folder).env("ASSAY_DB", folder.join("runs.db")).env("ASSAY_DATA", data());
    command.output().unwrap()
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
    let path = shipped("01-digits.ipynb");
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

/// Runs a notebook with these parameters; looks for texts in its outputs, counts its pictures, and gives its runs.
fn executed(name: &str, parameters: &[&str], parts: &[&str], pictures: usize) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let path = shipped(name);
    let mut arguments = vec!["run", path.to_str().unwrap()];
    arguments.extend(parameters.iter().flat_map(|parameter| ["--param", parameter]));
    let output = assay(folder.path(), &arguments);
    assert!(output.status.success(), "{name}: {}", text(&output.stderr));
    let executed = notebook(&folder.path().join("out").join(name));
    let said: String = outputs(&executed).map(|output| joined(&output["text"])).chain(texts(&executed)).collect();
    for part in parts {
        assert!(said.contains(part), "{name}: no {part} in:\n{said}");
    }
    let drawn = outputs(&executed).filter(|it| it.pointer("/data/image~1svg+xml").is_some()).count();
    assert!(drawn >= pictures, "{name}: {drawn} pictures");
    assert!(outputs(&executed).all(|it| it["output_type"] != "error"), "{name}");
    let runs: Value = serde_json::from_slice(&assay(folder.path(), &["runs", "--json"]).stdout).unwrap();
    let runs = runs.as_array().unwrap().clone();
    assert!(runs.iter().all(|run| run["status"] == "finished"), "{name}: {runs:#?}");
    runs
}

/// The last value of a metric in each run that has it.
fn last(runs: &[Value], metric: &str) -> Vec<f64> {
    let metrics = runs.iter().filter_map(|run| run["metrics"].as_array()).flatten();
    metrics.filter(|it| it["name"] == metric).filter_map(|it| it["last"].as_f64()).collect()
}

/// Whether the data that is not shipped is there; says so where it is not.
fn has_data(file: &str) -> bool {
    let there = data().join(file).exists();
    if !there {
        println!("SKIPPED: {file} is not in {}; ASSAY_DATA names the folder", data().display());
    }
    there
}

#[test]
fn house_prices_are_predicted_by_three_models() {
    if has_data("california_housing.csv") {
        let parts = ["always the mean", "by hand", "in dfdx", "R²"];
        let runs = executed("02-house-prices.ipynb", &["epochs_n=4", "rmse_wanted=70000"], &parts, 5);
        let errors = last(&runs, "val_rmse");
        assert_eq!(errors.len(), 2, "{runs:#?}");
        assert!(errors.iter().all(|error| (40_000.0..75_000.0).contains(error)), "{errors:?}");
    }
}

#[test]
fn a_convolutional_network_reads_digits_too() {
    let parts = ["test accuracy", "the perceptron's", "the best epoch"];
    let runs = executed("03-digits-cnn.ipynb", &["epochs_n=5", "accuracy_wanted=0.9"], &parts, 5);
    assert_eq!(last(&runs, "test_accuracy").len(), 2, "{runs:#?}");
}

#[test]
fn a_transformer_writes() {
    if has_data("tinyshakespeare.txt") {
        let parameters = ["rounds=2", "steps_per_round=10", "written=20", "loss_wanted=4.0", "article_steps=0"];
        let parts = ["ROMEO:", "JULIET:", "perplexity", "nats per character"];
        let runs = executed("04-text-generation.ipynb", &parameters, &parts, 1);
        // Guessing blindly is ln 65 = 4.17.
        assert!(last(&runs, "val_loss").iter().all(|loss| (2.0..4.0).contains(loss)), "{runs:#?}");
    }
}

#[test]
fn a_model_is_tuned_and_a_training_goes_on() {
    let parts = ["another model", "not a bit differs", "fine-tuned"];
    let runs = executed("05-fine-tuning.ipynb", &["epochs_n=12", "accuracy_wanted=0.7"], &parts, 1);
    assert_eq!(last(&runs, "val_accuracy").len(), 3, "{runs:#?}");
}

#[test]
fn data_that_is_missing_is_said_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("d.ipynb"), &["read_csv(data_file(\"california_housing.csv\")?)?"]);
    let mut command = Command::new(ASSAY);
    let output = command.args(["run", "d.ipynb"]).current_dir(folder.path()).env_remove("ASSAY_DATA").output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("ASSAY_DATA") && said.contains("california_housing.csv"), "{said}");
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

#[test]
fn mistakes_are_found_before_anything_is_built() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    write(&folder.path().join("p.ipynb"), &["#parameters\nlet n: usize = 1;"]);
    std::fs::write(folder.path().join("text.ipynb"), "hello").unwrap();
    for (arguments, part) in [
        (&["run", "nosuch.ipynb"][..], "nosuch.ipynb"),
        (&["run", "text.ipynb"], "text.ipynb"),
        (&["run", "p.ipynb", "--param", "m=1"], "`m`"),
        (&["run", "p.ipynb", "--param", "n=many"], "many"),
    ] {
        let mut command = Command::new(ASSAY);
        let output = command.args(arguments).current_dir(folder.path()).env("ASSAY_HOME", &home).output().unwrap();
        let printed = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{printed}");
        assert!(printed.contains(part), "{arguments:?}: {printed}");
        assert!(!home.exists(), "{arguments:?} has begun to build: {printed}");
    }
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_notebook_is_written_after_each_cell() {
    let folder = tempfile::tempdir().unwrap();
    let second = "std::fs::read_to_string(\"o.ipynb\")?.matches(&format!(\"{} first\", \"of the\")).count()";
    write(&folder.path().join("n.ipynb"), &["format!(\"{} first\", \"of the\")", second]);
    let output = assay(folder.path(), &["run", "n.ipynb", "--output", "o.ipynb"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(texts(&notebook(&folder.path().join("o.ipynb"))), ["\"of the first\"", "1"]);
}

#[test]
fn a_run_that_a_signal_ends_is_written_as_far_as_it_came() {
    let folder = tempfile::tempdir().unwrap();
    let waits = "std::fs::write(\"begun\", \"\")?; loop { std::thread::sleep(std::time::Duration::from_secs(1)); }";
    write(&folder.path().join("n.ipynb"), &["6 * 7", waits, "println!(\"never\");"]);
    let mut command = Command::new(ASSAY);
    command.args(["run", "n.ipynb", "--output", "out/o.ipynb"]).current_dir(folder.path());
    let child = command.env("ASSAY_DB", folder.path().join("runs.db")).stderr(Stdio::piped()).spawn().unwrap();
    while !folder.path().join("begun").exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(143), "{}", text(&output.stderr));
    let executed = notebook(&folder.path().join("out/o.ipynb"));
    assert_eq!(texts(&executed), ["42"]);
    let errors: Vec<_> = outputs(&executed).filter(|it| it["output_type"] == "error").collect();
    assert_eq!(errors.len(), 1);
    assert!(errors[0]["evalue"].as_str().unwrap().contains("signal"), "{errors:?}");
    assert_eq!(names(&folder.path().join("out")), ["o.ipynb"]);
}
