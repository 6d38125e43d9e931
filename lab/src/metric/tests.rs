//! Every score equals scikit-learn's on the cases in `expected.json`.

use serde_json::Value;

use super::*;
use crate::display::Show;

fn numbers(value: &Value) -> Vec<usize> {
    serde_json::from_value(value.clone()).expect("a list of classes")
}

fn close(case: &str, what: &str, got: f64, expected: &Value) {
    let expected = expected.as_f64().expect("a number");
    assert!((got - expected).abs() < 1e-9, "{case}: {what} is {got}, not {expected}");
}

#[test]
fn scores_equal_scikit_learn() {
    let file: Value = serde_json::from_str(include_str!("expected.json")).expect("JSON");
    for case in file["cases"].as_array().expect("cases") {
        let name = case["name"].as_str().expect("a name");
        let (truth, predicted) = (numbers(&case["truth"]), numbers(&case["predicted"]));
        close(name, "accuracy", accuracy(&truth, &predicted).expect("a score"), &case["accuracy"]);
        let averages = [("micro", Average::Micro), ("macro", Average::Macro), ("weighted", Average::Weighted)];
        for (key, average) in averages {
            for (index, score) in [precision, recall, f1].into_iter().enumerate() {
                let got = score(&truth, &predicted, average).expect("a score");
                close(name, &format!("{key} score {index}"), got, &case[key][index]);
            }
        }
        let matrix = confusion_matrix(&truth, &predicted).expect("a matrix");
        assert_eq!(serde_json::json!(matrix.counts()), case["confusion"], "{name}");
    }
}

#[test]
fn what_can_not_be_compared_is_refused() {
    assert_eq!(accuracy(&[], &[]), Err(MetricError::Empty));
    assert_eq!(accuracy(&[1], &[1, 2]), Err(MetricError::Length { truth: 1, predicted: 2 }));
    let matrix = confusion_matrix(&[0, 2], &[0, 2]).expect("a matrix");
    assert_eq!(matrix.named(&["a", "b"]), Err(MetricError::Names { names: 2, class: 2 }));
}

#[test]
fn the_report_has_a_line_for_each_class_and_mean() {
    let report = classification_report(&[0, 1, 1], &[0, 1, 0]).expect("a report");
    let shown = report.show();
    let text = shown.plain().expect("text");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "class          precision  recall     F1  support");
    assert_eq!(lines[2], "0                  0.500   1.000  0.667        1");
    assert!(lines.last().expect("a line").starts_with("weighted mean      0.833   0.667  0.667        3"), "{text}");
}

#[test]
fn names_stand_in_the_picture_escaped() {
    let matrix = confusion_matrix(&[0, 1], &[0, 0]).expect("a matrix").named(&["<cat>", "dog"]).expect("names");
    let svg = matrix.svg();
    assert!(svg.contains("&lt;cat&gt;") && svg.contains("dog") && !svg.contains("<cat>"), "{svg}");
}
