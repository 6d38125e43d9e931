//! What is given as a configuration comes back with its types and nesting.

use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use tracker::Run;

use crate::child;
use crate::support::Place;

#[derive(Serialize)]
struct Config {
    seed: u64,
    lr: f32,
    momentum: f64,
    layers: Vec<usize>,
    optimizer: Optimizer,
    nested: Nested,
    shuffle: bool,
    text: &'static str,
    absent: Option<i32>,
    classes: BTreeMap<&'static str, i8>,
}

#[derive(Serialize)]
enum Optimizer {
    Adam { betas: (f64, f64) },
}

#[derive(Serialize)]
struct Nested {
    deep: BTreeMap<&'static str, Vec<Option<i64>>>,
}

fn config() -> Config {
    Config {
        seed: u64::MAX,
        lr: 0.001,
        momentum: 0.1 + 0.2,
        layers: vec![64, 32],
        optimizer: Optimizer::Adam { betas: (0.9, 0.999) },
        nested: Nested { deep: BTreeMap::from([("a.b", vec![Some(-1), None])]) },
        shuffle: true,
        text: "42",
        absent: None,
        classes: BTreeMap::from([("cat", -1), ("dog", 1)]),
    }
}

#[test]
fn types_nesting_and_order_are_kept() {
    let place = Place::new();
    place.start("types", &config()).finish().unwrap();
    let run = place.store().run("types").unwrap();
    assert_eq!(
        run.config,
        serde_json::from_str::<serde_json::Value>(&serde_json::to_string(&config()).unwrap()).unwrap()
    );
    let params: Vec<_> = run.params.iter().map(|param| (param.path.as_str(), param.value.clone())).collect();
    let expected = [
        ("seed", json!(u64::MAX)),
        ("lr", json!(0.001)),
        ("momentum", json!(0.1 + 0.2)),
        ("layers", json!([64, 32])),
        ("optimizer.Adam.betas", json!([0.9, 0.999])),
        ("nested.deep.\"a.b\"", json!([-1, null])),
        ("shuffle", json!(true)),
        ("text", json!("42")),
        ("absent", json!(null)),
        ("classes.cat", json!(-1)),
        ("classes.dog", json!(1)),
    ];
    assert_eq!(params, expected);
}

#[test]
fn any_serde_value_is_a_configuration() {
    let place = Place::new();
    place.start("unit", &()).finish().unwrap();
    place.start("number", &0.5).finish().unwrap();
    place.start("pair", &("adam", 3)).finish().unwrap();
    let store = place.store();
    assert!(store.run("unit").unwrap().params.is_empty());
    assert_eq!(store.run("number").unwrap().param("value"), Some(&json!(0.5)));
    assert_eq!(store.run("pair").unwrap().config, json!(["adam", 3]));
    assert!(place.out(&["show", "pair"]).contains(r#"["adam",3]"#));
}

#[test]
fn a_configuration_without_a_json_form_is_refused_and_makes_no_file() {
    let place = Place::new();
    let map = BTreeMap::from([(vec![1], 1)]);
    let error = Run::start_in(place.db(), "bad", &map).err().unwrap().to_string();
    assert!(error.starts_with("the configuration of run \"bad\" cannot be written as JSON"), "{error}");
    assert!(!place.db().exists());
}

#[test]
fn tags_notes_and_the_commit_are_kept() {
    let place = Place::new();
    let run = Run::builder("tagged").database(place.db()).tag("team", "vision").note("first").start().unwrap();
    run.tag("stage", "draft");
    run.tag("stage", "final");
    run.note("second");
    run.finish().unwrap();
    let run = place.store().run("tagged").unwrap();
    let tags: Vec<_> = run.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(tags, ["stage=final", "team=vision"]);
    assert_eq!(run.note.as_deref(), Some("second"));
    // The tests may run in an export of the sources; where there is a commit, the run has it.
    let commit = tracker::capture::git(&std::env::current_dir().unwrap()).map(|git| git.commit);
    assert_eq!(run.git.map(|git| git.commit), commit);
}

#[test]
fn a_run_holds_the_notebook_and_the_cells_before_and_during_it() {
    // In a process of its own: the context is the process's.
    let place = Place::new();
    assert!(child::spawn("cells", &place.db()).child.wait().unwrap().success());
    let store = place.store();
    let run = store.run("cells").unwrap();
    let cells: Vec<_> =
        store.cells(&run).unwrap().into_iter().map(|cell| (cell.execution_count, cell.source)).collect();
    assert_eq!(cells, [(1, "let x = 1;".to_owned()), (2, "train(x);\nplot();".to_owned())]);
    let page = place.out(&["show", "cells"]);
    for part in ["digits.ipynb", "rustc 1.95.0", "e5f", "[1] let x = 1;", "[2] train(x);", "... 1 more line"] {
        assert!(page.contains(part), "no {part:?} in:\n{page}");
    }
    assert!(place.out(&["show", "cells", "--cells"]).contains("      plot();"));
}
