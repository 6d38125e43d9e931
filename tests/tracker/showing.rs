//! `assay show`.

use serde_json::json;

use crate::support::{Place, line};

fn one() -> Place {
    let place = Place::new();
    let run = place.start("digits", &json!({"lr": 0.01, "optimizer": {"kind": "adam", "betas": [0.9, 0.999]}}));
    run.tag("team", "vision");
    run.note("the first try");
    (0..8).for_each(|step| run.log("loss", step, 8 - step));
    run.log_with("accuracy", 7, 0.5, &[("subset", "test")]);
    run.finish().unwrap();
    place
}

#[test]
fn the_page_has_it_all() {
    let page = one().out(&["show", "digits"]);
    assert!(line(&page, "status").ends_with("finished"));
    assert!(line(&page, "tags").ends_with("team=vision"));
    assert!(line(&page, "note").ends_with("the first try"));
    assert!(line(&page, "process").contains(&std::process::id().to_string()));
    assert!(
        page.contains("\nconfiguration\n  lr         0.01\n  optimizer\n    kind   adam\n    betas  [0.9,0.999]\n"),
        "{page}"
    );
    let loss: Vec<_> = line(&page, "loss ↓").split_whitespace().collect();
    assert_eq!(loss, ["loss", "↓", "1", "1", "@", "7", "8", "@", "0", "8", "7", "█▇▆▅▄▃▂▁"]);
    assert!(line(&page, "accuracy{subset=test} ↑").contains("0.5 @ 7"));
    assert!(!page.contains("artifacts") && !page.contains("cells"), "{page}");
}

#[test]
fn a_run_is_found_by_uid_prefix_name_and_number() {
    let place = one();
    let uid = place.store().run("digits").unwrap().uid;
    for wanted in [uid.as_str(), &uid[..7], &uid.to_uppercase(), "digits", "1"] {
        assert!(place.out(&["show", wanted]).starts_with(&uid), "{wanted}");
    }
}

#[test]
fn json_holds_points_artifacts_and_cells() {
    let shown = one().json(&["show", "digits", "--json"]);
    assert_eq!(shown["name"], "digits");
    assert_eq!(shown["tags"], json!({"team": "vision"}));
    assert_eq!(shown["series"][0]["name"], "loss");
    assert_eq!(shown["series"][0]["values"][7]["step"], 7);
    assert_eq!(shown["series"][0]["values"][7]["value"], 1.0);
    assert_eq!(shown["series"][1]["context"], json!({"subset": "test"}));
    assert_eq!(shown["artifacts"], json!([]));
    assert!(shown["cells"].is_array());
}

#[test]
fn a_sparkline_goes_by_step_and_not_by_order() {
    let place = Place::new();
    let run = place.start("shuffled", &());
    for step in [3, 0, 2, 1] {
        run.log("accuracy", step, step);
    }
    run.finish().unwrap();
    assert!(line(&place.out(&["show", "shuffled"]), "accuracy").contains("▁▃▆█"));
}
