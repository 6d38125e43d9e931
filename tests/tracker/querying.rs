//! The query language and SQL, as `assay runs --where` and `assay sql` have them.

use serde_json::json;
use tracker::{Query, Run, SqlCell};

use crate::support::{Place, line};

/// Four runs, oldest first: a (vision, 0.95, loss 0.3), b (0.8, loss 0.1), c (failed, no accuracy, loss NaN), d (none).
fn four() -> Place {
    let place = Place::new();
    let start = |name: &str, config| Run::builder(name).database(place.db()).config(&config).unwrap();
    let run = start("a", json!({"lr": 0.1, "layers": [64, 32], "optimizer": {"kind": "adam"}}));
    let run = run.tag("team", "vision").tag("fold", "3").group("seeds").start().unwrap();
    run.log("accuracy", 0, 0.95);
    run.log("accuracy", 1, 0.9);
    run.log("loss", 1, 0.3);
    run.log_with("loss", 1, 0.7, &[("subset", "test")]);
    run.finish().unwrap();
    let run = start("b", json!({"lr": 0.01, "optimizer": {"kind": "sgd"}, "shuffle": true})).start().unwrap();
    run.log("accuracy", 0, 0.8);
    run.log("loss", 5, 0.1);
    run.log("val loss", 5, 0.1);
    run.finish().unwrap();
    let run = start("c", json!({"lr": "auto"})).tag("fold", "10").start().unwrap();
    run.log("loss", 0, f64::NAN);
    run.fail("it diverged").unwrap();
    start("d", json!({})).note("nothing").start().unwrap().finish().unwrap();
    place
}

#[test]
fn conditions_orders_and_limits() {
    let place = four();
    let store = place.store();
    let cases = [
        ("", "dcba"),
        ("limit 2", "dc"),
        ("status = finished", "dba"),
        ("status != \"finished\"", "c"),
        ("metric.accuracy.max > 0.9", "a"),
        ("metric.accuracy > 0.9", ""),
        ("metric.accuracy.last >= 0.9", "a"),
        ("status = \"finished\" and (metric.accuracy.max > 0.99 or tag.team = \"vision\")", "a"),
        ("status = failed or name = b", "cb"),
        ("name = b or name = c and status = finished", "b"),
        ("(name = b or name = c) and status = failed", "c"),
        ("not metric.accuracy", "dc"),
        ("metric.loss", "cba"),
        ("not metric.loss < 0.2", "dca"),
        ("metric.loss{subset=test} > 0.5", "a"),
        ("metric.\"val loss\".min = 0.1", "b"),
        ("metric.loss.step = 5", "b"),
        ("metric.accuracy.points = 2", "a"),
        ("param.lr = 0.01", "b"),
        ("param.lr = auto", "c"),
        ("param.lr > 0.001", "ba"),
        ("param.optimizer.kind in (adam, \"sgd\")", "ba"),
        ("param.layers = \"[64,32]\"", "a"),
        ("param.shuffle = true", "b"),
        ("tag.fold > 5", "c"),
        ("tag.fold = 3", "a"),
        ("group = seeds", "a"),
        ("error like \"%diverged\"", "c"),
        ("note", "d"),
        ("name in (a, d) order by name", "ad"),
        ("order by metric.loss", "bacd"),
        ("order by metric.loss desc", "abcd"),
        ("order by metric.loss limit 1", "b"),
        ("order by metric.accuracy.best desc, name", "abcd"),
        ("order by param.lr", "bacd"),
        ("order by tag.team, name", "abcd"),
        ("duration >= 0 and started > \"2020-01-01\" and started < \"2100-01-01 00:00\" order by started", "abcd"),
        ("duration > 3600", ""),
        ("name = 'a' ORDER BY name LIMIT 0", ""),
    ];
    for (query, expected) in cases {
        let names: String = store.find(query).unwrap().into_iter().map(|run| run.name).collect();
        assert_eq!(names, expected, "{query}");
    }
    let query = Query { sort: Some("name".into()), ..Query::from("metric.loss") };
    assert_eq!(store.runs(&query).unwrap().into_iter().map(|run| run.name).collect::<String>(), "abc");
}

#[test]
fn the_command_filters_and_points_at_mistakes() {
    let place = four();
    let found = place.out(&["runs", "--where", "metric.accuracy.max > 0.9"]);
    assert!(found.contains("seeds") || line(&found, " a ").contains("finished"), "{found}");
    assert!(!found.contains(" b "), "{found}");
    let said = place.assay(&["runs", "--where", "metric.acuracy > 0.9"]);
    let expected = "error: in the query at column 1: no run has a metric acuracy; did you mean accuracy?\n  \
                    metric.acuracy > 0.9\n  ^^^^^^^^^^^^^^\n";
    assert_eq!((said.code, said.err.as_str()), (1, expected));
    let said = place.assay(&["runs", "--where", "name = a and"]);
    assert!(said.err.contains("column 13: a condition, such as metric.loss.last < 0.5 is expected"), "{}", said.err);
    for (query, message) in [
        ("param.learning = 1", "no run has a parameter learning; there is layers, lr, optimizer.kind, shuffle"),
        ("tag.teem", "no run has a tag teem; did you mean team?"),
        ("metric.loss{subset=tset}", "no run has a metric loss{subset=tset}; did you mean loss{subset=test}?"),
    ] {
        let error = place.store().find(query).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn a_value_is_never_sql() {
    let place = four();
    for evil in ["' or 1=1 --", "a\"; DROP TABLE run; --"] {
        let quoted = evil.replace('"', "\"\"");
        assert!(place.store().find(&format!("name = \"{quoted}\"")).unwrap().is_empty());
        assert!(place.store().find(&format!("metric.\"{quoted}\" > 0")).is_err());
    }
    assert_eq!(place.store().find("").unwrap().len(), 4);
}

#[test]
fn sql_reads_the_views_and_refuses_to_write() {
    let place = four();
    let rows = place.store().sql("select name, status from runs order by name limit 2;").unwrap();
    assert_eq!(rows.columns, ["name", "status"]);
    assert_eq!(rows.rows[1], [SqlCell::Text("b".into()), SqlCell::Text("finished".into())]);
    let points = place.out(&[
        "sql",
        "select step, value from points where metric = 'accuracy' order by value",
        "--format",
        "csv",
    ]);
    assert_eq!(points, "step,value\n0,0.8\n1,0.9\n0,0.95\n");
    let json =
        place.json(&["sql", "select max as best, null as empty from metrics where max > 0.9", "--format", "json"]);
    assert_eq!(json, json!([{"best": 0.95, "empty": null}]));
    let table =
        place.out(&["sql", "select path, value from params where run in (select run from runs where name = 'c')"]);
    assert!(line(&table, "lr").contains("auto"));
    assert_eq!(place.out(&["sql", "select 1 where 0"]), "No rows.\n");
    let before = std::fs::read(place.db()).unwrap();
    for (sql, why) in [
        ("delete from run", "only SELECT, WITH, VALUES and EXPLAIN can be run, nothing that writes"),
        ("with x as (select 1) delete from run", "attempt to write a readonly database"),
        ("select 1; delete from run", "it is more than one statement; give one at a time"),
        ("select nonsense from runs", "no such column: nonsense"),
        ("", "only SELECT"),
    ] {
        let error = place.error(&["sql", sql]);
        assert!(error.starts_with(&format!("the SQL was refused: {why}")), "{sql}: {error}");
        assert!(
            error.ends_with("views to read from are runs, params, tags, metrics, points, inputs and artifacts"),
            "{error}"
        );
    }
    assert!(std::fs::read(place.db()).unwrap() == before, "the file was changed");
}
