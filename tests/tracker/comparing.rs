//! `assay compare`.

use serde_json::json;

use crate::support::{Place, line};

fn two() -> Place {
    let place = Place::new();
    for (name, lr, loss, f1) in [("a", 0.1, [0.2, 0.5], 0.8), ("b", 0.01, [0.9, 0.4], 0.9)] {
        let run = place
            .start(name, &json!({"lr": lr, "epochs": 2, "only": if name == "a" { json!(1) } else { json!(null) }}));
        loss.iter().enumerate().for_each(|(step, value)| run.log("val_loss", step, value));
        run.log("f1", 1, f1);
        run.log("constant", 1, 3);
        run.finish().unwrap();
    }
    place
}

fn cells(line: &str) -> Vec<&str> {
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()
}

#[test]
fn differing_parameters_and_the_best_of_each_metric() {
    let table = two().out(&["compare", "a", "b"]);
    assert_eq!(cells(line(&table, "lr")), ["lr", "0.1", "0.01"]);
    assert!(!table.contains("epochs"), "{table}");
    assert_eq!(cells(line(&table, "val_loss ↓")), ["val_loss ↓", "0.5", "★ 0.4"]);
    assert_eq!(cells(line(&table, "val_loss, best ↓")), ["val_loss, best ↓", "★ 0.2", "0.4"]);
    assert_eq!(cells(line(&table, "f1 ↑")), ["f1 ↑", "0.8", "★ 0.9"]);
    assert_eq!(cells(line(&table, "constant ↑")), ["constant ↑", "3", "3"]);
    assert!(table.ends_with("1 parameter is the same in all.\n"), "{table}");
    assert!(two().out(&["compare", "--all", "a", "b"]).contains("epochs"));
}

#[test]
fn runs_keep_the_order_of_the_arguments() {
    let table = two().out(&["compare", "b", "a"]);
    assert_eq!(cells(line(&table, "lr")), ["lr", "0.01", "0.1"]);
}

#[test]
fn json_says_who_is_best() {
    let compared = two().json(&["compare", "a", "b", "--json"]);
    assert_eq!(compared["runs"][1]["name"], "b");
    assert_eq!(compared["params"][1], json!({"path": "epochs", "values": [2, 2], "differs": false}));
    let expected = json!({
        "metric": "val_loss", "direction": "lower",
        "last": [0.5, 0.4], "best_last": [1], "best": [0.2, 0.4], "best_best": [0],
    });
    assert_eq!(compared["metrics"][0], expected);
}

#[test]
fn runs_without_a_metric_or_parameter_leave_a_gap() {
    let place = two();
    place.start("c", &json!({"lr": 0.1})).finish().unwrap();
    let table = place.out(&["compare", "a", "b", "c"]);
    assert_eq!(cells(line(&table, "epochs")), ["epochs", "2", "2"]);
    assert_eq!(cells(line(&table, "f1 ↑")), ["f1 ↑", "0.8", "★ 0.9"]);
}
