//! `assay runs`.

use serde_json::json;
use std::process::Stdio;
use tracker::table::Values;
use tracker::{Query, Status};

use crate::support::{Place, line, said};

/// Three runs: lr 0.1, 0.01, 0.001; accuracy 0.9, 0.97, none; the last one failed.
fn three() -> Place {
    let place = Place::new();
    for (name, lr, accuracy) in [("wide", 0.1, [0.95, 0.9]), ("mid", 0.01, [0.5, 0.97])] {
        let run = place.start(name, &json!({"lr": lr, "epochs": 2, "optimizer": {"kind": "adam"}}));
        accuracy.iter().enumerate().for_each(|(step, value)| run.log("accuracy", step, value));
        run.log("loss", 0, lr * 2.0);
        run.finish().unwrap();
    }
    let run = place.start("slow", &json!({"lr": 0.001, "epochs": 2, "optimizer": {"kind": "sgd"}}));
    run.fail("interrupted").unwrap();
    place
}

fn names(place: &Place, args: &[&str]) -> Vec<String> {
    let args: Vec<&str> = ["runs", "--json"].iter().chain(args).copied().collect();
    let runs = place.json(&args);
    runs.as_array().unwrap().iter().map(|run| run["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_table_shows_what_differs_and_marks_the_best() {
    let place = three();
    let table = place.out(&["runs"]);
    let head = line(&table, "name");
    for heading in ["run", "status", "duration", "started", "lr", "optimizer.kind", "accuracy ↑", "loss ↓"] {
        assert!(head.contains(heading), "no {heading:?} in {head}");
    }
    assert!(!head.contains("epochs"), "{head}");
    assert!(line(&table, "wide").contains("0.9 (0.95)"));
    assert!(line(&table, "mid").contains("★ 0.97"));
    assert!(line(&table, "mid").contains("★ 0.02"));
    assert!(line(&table, "slow").contains("failed"));
    assert!(line(&table, "slow").contains("sgd"));
    assert_eq!(table.matches('★').count(), 2);
}

#[test]
fn sorting_by_anything_puts_runs_without_it_last() {
    let place = three();
    assert_eq!(names(&place, &[]), ["slow", "mid", "wide"]);
    assert_eq!(names(&place, &["--sort", "accuracy"]), ["wide", "mid", "slow"]);
    assert_eq!(names(&place, &["--sort", "-accuracy"]), ["mid", "wide", "slow"]);
    assert_eq!(names(&place, &["--sort", "metric.accuracy.min", "--desc"]), ["wide", "mid", "slow"]);
    assert_eq!(names(&place, &["--sort", "lr"]), ["slow", "mid", "wide"]);
    assert_eq!(names(&place, &["--sort", "param.optimizer.kind", "--desc"]), ["slow", "mid", "wide"]);
    assert_eq!(names(&place, &["--sort", "started"]), ["wide", "mid", "slow"]);
    assert_eq!(names(&place, &["--sort", "name"]), ["mid", "slow", "wide"]);
    assert_eq!(names(&place, &["--sort", "-loss", "--limit", "1"]), ["wide"]);
}

#[test]
fn filters_by_status_and_name() {
    let place = three();
    assert_eq!(names(&place, &["--status", "finished"]), ["mid", "wide"]);
    assert_eq!(names(&place, &["--name", "slow"]), ["slow"]);
    assert_eq!(place.out(&["runs", "--status", "crashed"]), "No runs.\n");
    let query = Query { status: Some(Status::Failed), ..Query::default() };
    assert_eq!(place.store().runs(&query).unwrap().len(), 1);
}

#[test]
fn json_holds_every_field() {
    let place = three();
    let runs = place.json(&["runs", "--json", "--sort", "started"]);
    let run = &runs[0];
    assert_eq!(run["config"], json!({"lr": 0.1, "epochs": 2, "optimizer": {"kind": "adam"}}));
    assert_eq!(run["status"], "finished");
    assert_eq!(run["metrics"][0]["name"], "accuracy");
    assert_eq!(run["metrics"][0]["max"], json!({"value": 0.95, "step": 0}));
    assert_eq!(run["pid"], std::process::id());
    assert_eq!(run["duration_ms"], json!(run["ended_ms"].as_i64().unwrap() - run["started_ms"].as_i64().unwrap()));
    assert_eq!(runs[2]["error"], "interrupted");
}

#[test]
fn the_database_may_be_named_in_two_ways() {
    let place = three();
    std::fs::rename(place.db(), place.folder().join("other.db")).unwrap();
    assert!(place.out(&["runs", "--db", "other.db"]).contains("wide"));
    let named = place.command(&["runs"]).env("ASSAY_DB", "other.db").output().unwrap();
    assert!(said(named).out.contains("wide"));
    assert!(!place.db().exists());
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let place = three();
    let mut child = place.command(&["runs", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), [].as_slice()));
}

#[test]
fn many_metrics_are_cut_and_counted() {
    let place = Place::new();
    let run = place.start("many", &());
    (0..11).for_each(|metric| run.log(&format!("m{metric:02}"), 0, metric));
    run.finish().unwrap();
    let table = place.out(&["runs"]);
    assert!(line(&table, "m07").contains("m00") && !table.contains("m08"), "{table}");
    assert!(table.ends_with("3 more columns: see `assay runs --json` or `assay show RUN`.\n"), "{table}");
}

#[test]
fn text_in_a_run_cannot_command_the_terminal() {
    let place = Place::new();
    place.start("evil\u{1b}]0;owned\u{7}\nrow", &json!({"a\u{1b}": "\u{1b}[2J"})).finish().unwrap();
    place.start("plain", &()).finish().unwrap();
    for output in [place.out(&["runs"]), place.out(&["show", "1"]), place.out(&["compare", "1", "2"])] {
        assert!(!output.contains('\u{1b}') && !output.contains('\u{7}'), "{output:?}");
    }
}

#[test]
fn runs_come_as_typed_columns() {
    let table = three().store().table(&Query { sort: Some("started".into()), ..Query::default() }).unwrap();
    let column = |name: &str| &table.columns.iter().find(|column| column.name == name).unwrap().values;
    assert_eq!(*column("param.lr"), Values::Float(vec![Some(0.1), Some(0.01), Some(0.001)]));
    assert_eq!(*column("param.epochs"), Values::Integer(vec![Some(2); 3]));
    assert_eq!(*column("metric.accuracy.last"), Values::Float(vec![Some(0.9), Some(0.97), None]));
    assert_eq!(*column("metric.accuracy.max"), Values::Float(vec![Some(0.95), Some(0.97), None]));
    assert!(matches!(column("started"), Values::Moment(moments) if moments.len() == 3));
}

#[test]
fn columns_come_in_the_order_in_which_the_runs_met_them() {
    let place = Place::new();
    let run = place.start("first", &json!({"b": 1, "opt": {"lr": 0.1, "steps": [1, 2]}, "none": null}));
    run.log_with("loss", 0, 2.0, &[("subset", "test")]);
    run.log("loss", 0, f64::NAN);
    run.tag("team", "vision");
    run.finish().unwrap();
    let run = place.start("second", &json!({"a": true, "opt": {"lr": 1, "kind": "adam"}, "b": 2.5}));
    run.log("accuracy", 0, 0.5);
    run.log("accuracy", 1, 0.25);
    run.log("loss", 0, 1.0);
    run.tag("area", "a");
    run.fail("no").unwrap();
    place.start("second", &7).finish().unwrap();
    let query = |sort: &str| Query { sort: Some(sort.into()), ..Query::default() };
    let table = place.store().table(&query("started")).unwrap();
    let metric = |key: &str| ["last", "min", "max"].map(|end| format!("metric.{key}.{end}"));
    let mut names: Vec<String> = ["uid", "name", "status", "started", "duration", "notebook", "commit"]
        .into_iter()
        .chain(["param.b", "param.opt.lr", "param.opt.steps", "param.none", "param.a", "param.opt.kind", "param.value"])
        .map(str::to_owned)
        .collect();
    for key in ["loss{subset=test}", "loss", "accuracy"] {
        names.extend(metric(key));
    }
    names.extend(["tag.area", "tag.team"].map(str::to_owned));
    assert_eq!(table.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>(), names);
    let column = |name: &str| &table.columns.iter().find(|column| column.name == name).unwrap().values;
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(*column("status"), Values::Text(vec![text("finished"), text("failed"), text("finished")]));
    assert_eq!(*column("param.b"), Values::Float(vec![Some(1.0), Some(2.5), None]));
    assert_eq!(*column("param.opt.steps"), Values::Text(vec![text("[1,2]"), None, None]));
    assert_eq!(*column("param.a"), Values::Bool(vec![None, Some(true), None]));
    assert_eq!(*column("param.value"), Values::Integer(vec![None, None, Some(7)]));
    assert_eq!(*column("metric.accuracy.max"), Values::Float(vec![None, Some(0.5), None]));
    assert_eq!(*column("metric.loss.min"), Values::Float(vec![None, Some(1.0), None]));
    assert!(matches!(column("metric.loss.last"), Values::Float(last) if last[0].unwrap().is_nan()));
    assert_eq!(*column("tag.team"), Values::Text(vec![text("vision"), None, None]));
    let uids = |query: &Query| match place.store().table(query).unwrap().columns.remove(0).values {
        Values::Text(uids) => uids.into_iter().flatten().collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let queries = [
        Query { status: Some(Status::Finished), limit: Some(1), ..Query::default() },
        Query { name: Some("second".into()), ..Query::default() },
        Query { limit: Some(2), ..query("metric.loss") },
        Query { status: Some(Status::Running), ..Query::default() },
        "metric.accuracy or param.value = 7".into(),
    ];
    for query in queries {
        let runs = place.store().runs(&query).unwrap();
        assert_eq!(uids(&query), runs.into_iter().map(|run| run.uid).collect::<Vec<_>>(), "{query:?}");
    }
}

#[test]
fn every_verb_has_help_with_an_example() {
    let place = Place::new();
    let verbs = [
        "runs", "show", "compare", "top", "report", "sql", "export", "delete", "undelete", "gc", "vacuum", "backup",
        "merge",
    ];
    for verb in verbs {
        let help = place.out(&[verb, "--help"]);
        assert!(help.contains("Example") && help.contains(&format!("  assay {verb}")), "{help}");
    }
}
