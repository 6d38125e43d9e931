//! Curves, probabilities, regression and BLEU equal scikit-learn's and sacreBLEU's on the cases in
//! `expected_scores.json`.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::*;
use crate::display::Show;

fn file() -> Value {
    serde_json::from_str(include_str!("expected_scores.json")).expect("JSON")
}

fn read<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).expect("a value of this type")
}

/// Runs a check on each case of a part of the file.
fn each(part: &str, check: impl Fn(&str, &Value)) {
    let file = file();
    let cases = file[part].as_array().expect("cases");
    assert!(!cases.is_empty());
    cases.iter().for_each(|case| check(case["name"].as_str().expect("a name"), case));
}

fn close(what: &str, got: f64, expected: &Value) {
    let expected = expected.as_f64().expect("a number");
    assert!((got - expected).abs() < 1e-6 * expected.abs().max(1.0), "{what} is {got}, not {expected}");
}

fn all_close(what: &str, got: &[f64], expected: &Value) {
    let expected = expected.as_array().expect("numbers");
    assert_eq!(got.len(), expected.len(), "{what}: {got:?}");
    got.iter().zip(expected).for_each(|(got, expected)| close(what, *got, expected));
}

#[test]
fn curves_equal_scikit_learn() {
    each("binary", |name, case| {
        let (truth, scores): (Vec<usize>, Vec<f32>) = (read(&case["truth"]), read(&case["scores"]));
        let curve = precision_recall_curve(&truth, &scores).expect("a curve");
        all_close(name, &curve.precision, &case["pr"][0]);
        all_close(name, &curve.recall, &case["pr"][1]);
        all_close(name, &curve.thresholds, &case["pr"][2]);
        close(name, average_precision(&truth, &scores).expect("a score"), &case["average_precision"]);
        if case["roc"].is_null() {
            assert_eq!(roc_curve(&truth, &scores), Err(MetricError::NoneOfClass { class: 0 }));
            return;
        }
        let curve = roc_curve(&truth, &scores).expect("a curve");
        all_close(name, &curve.false_positive_rate, &case["roc"][0]);
        all_close(name, &curve.true_positive_rate, &case["roc"][1]);
        assert!(curve.thresholds[0].is_infinite());
        all_close(name, &curve.thresholds[1..], &case["roc"][2]);
        close(name, roc_auc(&truth, &scores).expect("a score"), &case["roc_auc"]);
    });
}

#[test]
fn scores_of_several_classes_equal_scikit_learn() {
    each("multi", |name, case| {
        let (truth, probabilities): (Vec<usize>, Vec<f32>) = (read(&case["truth"]), read(&case["probabilities"]));
        for (k, expected) in case["top"].as_array().expect("scores").iter().enumerate() {
            close(name, top_k_accuracy(&truth, &probabilities, k + 1).expect("a score"), expected);
        }
        close(name, log_loss(&truth, &probabilities).expect("a loss"), &case["log_loss"]);
        for (index, average) in [Average::Micro, Average::Macro, Average::Weighted].into_iter().enumerate() {
            let auc = roc_auc_one_vs_rest(&truth, &probabilities, average).expect("a score");
            close(name, auc, &case["roc_auc"][index]);
            close(name, auc, &case["ovr"][index]);
            let precision = average_precision_one_vs_rest(&truth, &probabilities, average).expect("a score");
            close(name, precision, &case["average_precision"][index]);
        }
    });
}

#[test]
fn log_loss_of_two_classes_equals_scikit_learn() {
    each("binary", |name, case| {
        let (truth, scores): (Vec<usize>, Vec<f32>) = (read(&case["truth"]), read(&case["scores"]));
        if case["log_loss"].is_null() {
            assert!(matches!(log_loss(&truth, &scores), Err(MetricError::Probability { .. })), "{name}");
            return;
        }
        close(name, log_loss(&truth, &scores).expect("a loss"), &case["log_loss"]);
        let both: Vec<f32> = scores.iter().flat_map(|&score| [1.0 - score, score]).collect();
        close(name, log_loss(&truth, &both).expect("a loss"), &case["log_loss"]);
    });
}

#[test]
fn regression_equals_scikit_learn() {
    each("regression", |name, case| {
        let (truth, predicted): (Vec<f32>, Vec<f32>) = (read(&case["truth"]), read(&case["predicted"]));
        close(name, mean_absolute_error(&truth, &predicted).expect("a score"), &case["mae"]);
        close(name, mean_squared_error(&truth, &predicted).expect("a score"), &case["mse"]);
        close(name, root_mean_squared_error(&truth, &predicted).expect("a score"), &case["rmse"]);
        close(name, r2_score(&truth, &predicted).expect("a score"), &case["r2"]);
    });
}

#[test]
fn bleu_equals_sacrebleu_and_nltk() {
    let words = |text: &String| text.split(' ').map(str::to_owned).collect::<Vec<String>>();
    each("bleu", |name, case| {
        let (references, candidates): (Vec<Vec<String>>, Vec<String>) =
            (read(&case["references"]), read(&case["candidates"]));
        let references: Vec<Vec<Vec<String>>> =
            references.iter().map(|texts| texts.iter().map(words).collect()).collect();
        let candidates: Vec<Vec<String>> = candidates.iter().map(words).collect();
        let bleu = bleu(&references, &candidates).expect("a score");
        close(name, bleu.score, &case["score"]);
        all_close(name, &bleu.precisions, &case["precisions"]);
        close(name, bleu.brevity_penalty, &case["penalty"]);
        assert_eq!([bleu.candidate_length, bleu.reference_length], read::<[usize; 2]>(&case["lengths"]), "{name}");
        if !case["nltk"].is_null() {
            close(name, bleu.score, &case["nltk"]);
        }
    });
}

#[test]
fn bleu_of_nothing_is_refused_and_of_silence_is_0() {
    assert_eq!(bleu::<&str>(&[], &[]).expect_err("nothing"), MetricError::Empty);
    assert_eq!(bleu(&[vec![]], &[vec!["a"]]).expect_err("no reference"), MetricError::NoReference { row: 0 });
    assert_eq!(
        bleu::<&str>(&[], &[vec!["a"]]).expect_err("no references"),
        MetricError::Length { truth: 0, predicted: 1 }
    );
    let silent = bleu(&[vec![vec!["a", "b"]]], &[vec![]]).expect("a score");
    assert_eq!((silent.score, silent.brevity_penalty), (0.0, 0.0));
    let shown = bleu(&[vec![vec!["a", "b", "c", "d"]]], &[vec!["a", "b", "c", "d"]]).expect("a score").show();
    assert_eq!(
        shown.plain().expect("text"),
        "BLEU 100.00 (1 to 4 words: 100.0 / 100.0 / 100.0 / 100.0, brevity penalty 1.000, 4 words for 4)"
    );
}

#[test]
fn perplexity_is_e_to_the_loss() {
    let uniform = log_loss(&[0, 3, 1], &[0.25; 12]).expect("a loss");
    assert!((perplexity(uniform).expect("a perplexity") - 4.0).abs() < 1e-6);
    assert!(perplexity(f64::NAN).is_err());
    assert!(perplexity(-0.1).is_err());
}

#[test]
fn what_has_no_score_is_refused() {
    assert_eq!(roc_auc(&[], &[]), Err(MetricError::Empty));
    assert_eq!(roc_auc(&[0, 1], &[0.5]), Err(MetricError::Length { truth: 2, predicted: 1 }));
    assert_eq!(roc_auc(&[0, 1], &[0.5, f32::NAN]), Err(MetricError::NotFinite { what: "score", place: 1 }));
    assert_eq!(roc_auc(&[0, 2], &[0.5, 0.1]), Err(MetricError::NotBinary { row: 1, label: 2 }));
    assert_eq!(roc_auc(&[0, 0], &[0.5, 0.1]), Err(MetricError::NoneOfClass { class: 1 }));
    assert_eq!(average_precision(&[0, 0], &[0.5, 0.1]), Err(MetricError::NoneOfClass { class: 1 }));
    let missing = roc_auc_one_vs_rest(&[0, 1], &[0.5, 0.3, 0.2, 0.1, 0.8, 0.1], Average::Macro);
    assert_eq!(missing, Err(MetricError::NoneOfClass { class: 2 }));
    assert_eq!(top_k_accuracy(&[0, 1], &[0.5, 0.3, 0.2], 1), Err(MetricError::Rows { rows: 2, scores: 3 }));
    assert_eq!(top_k_accuracy(&[2], &[0.5, 0.3], 1), Err(MetricError::Class { row: 0, label: 2, classes: 2 }));
    let error = log_loss(&[0, 1], &[0.5, 0.7, 0.5, 0.5]).expect_err("more than 1").to_string();
    assert!(error.starts_with("the probabilities in row 0 sum up to 1.2, not to 1"), "{error}");
    assert!(matches!(log_loss(&[0], &[1.5, -0.5]), Err(MetricError::Probability { place: 0, .. })));
    assert_eq!(r2_score(&[1.0], &[1.0]), Err(MetricError::One));
    assert_eq!(mean_absolute_error(&[], &[]), Err(MetricError::Empty));
    assert_eq!(mean_squared_error(&[1.0], &[]), Err(MetricError::Length { truth: 1, predicted: 0 }));
    assert!(matches!(r2_score(&[1.0, f32::INFINITY], &[1.0, 1.0]), Err(MetricError::NotFinite { place: 1, .. })));
}
