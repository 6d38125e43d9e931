//! `assay report`, `assay top`, and comparisons of repeated runs.

use serde_json::json;
use tracker::{Chart, Run, chart};

use crate::support::{Place, line};
use crate::svg::Svg;

/// Two groups of runs whose accuracies are those of the unit test against scipy.
fn groups() -> Place {
    let place = Place::new();
    for (group, values) in [("a", [0.91, 0.93, 0.92].as_slice()), ("b", &[0.88, 0.9, 0.87, 0.89])] {
        for (seed, value) in values.iter().enumerate() {
            let run = Run::builder(group).database(place.db()).group(group).config(&json!({"seed": seed})).unwrap();
            let run = run.start().unwrap();
            run.log("accuracy", 0, value / 2.0);
            run.log("accuracy", 1, value);
            run.finish().unwrap();
        }
    }
    place
}

#[test]
fn groups_are_compared_with_a_test_of_significance() {
    let place = groups();
    let table = place.out(&["compare", "--groups", "a", "b"]);
    let row = line(&table, "accuracy ↑");
    for part in ["0.92 ± 0.01 (3)", "0.885 ± 0.01291 (4)", "0.010077"] {
        assert!(row.contains(part), "no {part:?} in {row}");
    }
    assert!(line(&table, "p, b").contains("p, b against a"));
    assert!(place.error(&["compare", "--groups", "a", "c"]).starts_with("no run is in a group \"c\""));
}

#[test]
fn a_baseline_says_how_far_the_others_are() {
    let place = groups();
    let table = place.out(&["compare", "1", "4", "--baseline", "1"]);
    assert!(line(&table, "accuracy ↑").contains("0.88 (-0.03)"), "{table}");
    assert!(table.contains("▁█"), "{table}");
    assert!(place.error(&["compare", "1", "4", "--baseline", "2"]).contains("is not among the runs"));
}

#[test]
fn the_best_runs_by_a_metric() {
    let place = groups();
    let table = place.out(&["top", "accuracy", "--limit", "2"]);
    let values: Vec<_> = table.lines().skip(2).map(|line| line.split_whitespace().nth(4).unwrap()).collect();
    assert_eq!(values, ["0.93", "0.92"]);
    let worst = place.out(&["top", "accuracy", "--better", "lower", "--limit", "1", "--where", "group = a"]);
    assert!(worst.lines().last().unwrap().contains("0.455"), "{worst}");
    assert!(place.error(&["top", "acc"]).starts_with("runs cannot be sorted by"));
}

#[test]
fn a_report_is_one_page_with_everything_escaped() {
    let place = Place::new();
    let evil = "<script>alert(1)</script>";
    for name in ["first", evil] {
        let run = place.start(name, &json!({ evil: evil }));
        for step in 0..10_000 {
            run.log("loss", step, 1.0 / f64::from(step + 1));
            run.log(evil, step, f64::NAN);
        }
        run.plot("curve", format!("<svg xmlns=\"http://www.w3.org/2000/svg\">{evil}</svg>")).unwrap();
        run.text("log", evil).unwrap();
        run.note(evil);
        run.tag(evil, evil);
        run.finish().unwrap();
    }
    assert_eq!(place.out(&["report", "1", "2"]), "wrote report.html\n");
    let page = std::fs::read_to_string(place.folder().join("report.html")).unwrap();
    assert!(!page.contains("<script") && !page.contains("http://www.w3.org/2000/svg\">&lt;script"), "a script");
    let [loss] = charts(&page).try_into().unwrap_or_else(|charts: Vec<Svg>| panic!("{} charts", charts.len()));
    assert_eq!(loss.lines().len(), 2);
    assert!(page.contains("there is nothing to draw: &lt;script&gt;alert(1)&lt;/script&gt; has no finite value"));
    assert!(page.contains("As it was logged, not smoothed.") && !page.contains("<h2>Repeated runs"));
    assert!(page.contains("data:image/svg+xml;base64,") && page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(!page.contains("src=\"http") && !page.contains("href="));
    assert!(page.len() < 200_000, "{} bytes", page.len());
    assert!(place.error(&["report", "1"]).starts_with("report.html exists already"));
}

/// The pictures that a page holds as SVG.
fn charts(page: &str) -> Vec<Svg> {
    let ends = page.split("<svg ").skip(1).filter_map(|rest| rest.split_once("</svg>"));
    ends.map(|(inside, _)| Svg::new(format!("<svg {inside}</svg>"))).collect()
}

#[test]
fn a_report_shows_repeats_and_what_parameters_make_of_the_main_metric() {
    let place = Place::new();
    for (seed, lr) in [(0, 0.1), (1, 0.1), (0, 0.2), (1, 0.2)] {
        let run = place.start("net", &json!({"lr": lr, "seed": seed}));
        for step in 0..50 {
            run.log("lr", step, lr);
            run.log("loss", step, lr + f64::from(seed) * 0.01 + 1.0 / f64::from(step + 1));
        }
        run.finish().unwrap();
    }
    place.out(&["report", "--where", "order by started", "--smooth", "0.9"]);
    let page = std::fs::read_to_string(place.folder().join("report.html")).unwrap();
    for text in ["Smoothed by an exponential moving average of weight 0.9; faint behind", "<h2>Repeated runs</h2>"] {
        assert!(page.contains(text), "no {text:?}");
    }
    let store = place.store();
    let runs = store.find("order by started").unwrap();
    let expected: [Box<dyn Chart>; 6] = [
        Box::new(chart::curves("lr").smooth(0.9)),
        Box::new(chart::curves("loss").smooth(0.9)),
        Box::new(chart::bands("lr").smooth(0.9)),
        Box::new(chart::bands("loss").smooth(0.9)),
        Box::new(chart::parallel("metric.loss")),
        Box::new(chart::scatter("param.lr", "metric.loss")),
    ];
    let mut rest = page.as_str();
    for chart in expected {
        let svg = chart.draw(&store, &runs).unwrap().svg;
        rest = rest.split_once(&svg).unwrap_or_else(|| panic!("not there, or not in this order: {svg}")).1;
    }
    assert_eq!(charts(&page).len(), 6);
    let error = place.error(&["report", "1", "--smooth", "2", "--output", "other.html"]);
    assert!(error.starts_with("the weight of smoothing"), "{error}");
}

#[test]
fn media_are_kept_with_their_kinds() {
    let place = Place::new();
    let run = place.start("media", &());
    run.image("photo", 3, b"\x89PNG\r\n\x1a\n".to_vec()).unwrap();
    assert!(run.image("no", 3, b"GIV".to_vec()).unwrap_err().to_string().starts_with("\"no\" is not a PNG"));
    run.histogram("weights", 3, &[0.0, 1.0, 1.0], 2).unwrap();
    run.table("errors", &["label", "count"], &[("cat", 3), ("dog", 1)]).unwrap();
    run.audio("beep", 3, &[0.0, 0.5], 8000).unwrap();
    let folder = place.folder().join("checkpoint");
    std::fs::create_dir_all(folder.join("deep")).unwrap();
    for file in ["one.txt", "deep/two.txt"] {
        std::fs::write(folder.join(file), "same").unwrap();
    }
    run.folder(&folder).unwrap();
    run.finish().unwrap();
    let store = place.store();
    let run = store.run("media").unwrap();
    let found: Vec<_> =
        store.artifacts(&run).unwrap().into_iter().map(|a| format!("{} {} {:?}", a.name, a.kind, a.step)).collect();
    let expected = [
        "photo image Some(3)",
        "weights histogram Some(3)",
        "errors table None",
        "beep audio Some(3)",
        "checkpoint/deep/two.txt file None",
        "checkpoint/one.txt file None",
    ];
    assert_eq!(found, expected);
    let table: serde_json::Value = serde_json::from_slice(&store.bytes(&run, "errors").unwrap().1).unwrap();
    assert_eq!(table, json!({"columns": ["label", "count"], "rows": [["cat", 3], ["dog", 1]]}));
}
