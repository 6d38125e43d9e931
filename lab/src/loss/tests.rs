//! Losses and their gradients equal PyTorch's on the numbers in `expected.json`, and finite differences.

use dfdx::shapes::{Rank0, Rank1, Rank2, Rank3};
use dfdx::tensor::{AsArray, Gradients, NoneTape, OwnedTape, Tensor, TensorFrom, TensorFromVec, Trace};
use dfdx::tensor_ops::{Backward, BroadcastTo, PermuteTo};
use serde_json::Value;

use super::*;
use crate::device::{Dev, device};

type Scores<T = NoneTape> = Tensor<Rank2<4, 5>, f32, Dev, T>;
type Traced = Scores<OwnedTape<f32, Dev>>;

struct File(Value);

impl File {
    fn read() -> Self {
        Self(serde_json::from_str(include_str!("expected.json")).expect("JSON"))
    }

    fn floats(&self, key: &str) -> Vec<f32> {
        serde_json::from_value(self.0[key].clone()).expect("numbers")
    }

    fn scores(&self, key: &str) -> Scores {
        device().tensor(self.floats(key))
    }

    fn classes(&self) -> Vec<usize> {
        serde_json::from_value(self.0["classes"].clone()).expect("classes")
    }

    fn same(&self) -> Vec<bool> {
        serde_json::from_value(self.0["same"].clone()).expect("answers")
    }
}

fn close(what: &str, got: &[f32], expected: &Value) {
    let expected: Vec<f64> = serde_json::from_value(expected.clone()).expect("numbers");
    assert_eq!(got.len(), expected.len(), "{what}");
    for (place, (got, expected)) in got.iter().zip(expected).enumerate() {
        let difference = (f64::from(*got) - expected).abs();
        assert!(difference < 1e-6 * expected.abs().max(1.0), "{what}, place {place}: {got} is not {expected}");
    }
}

/// Checks value and gradient of a loss of the file's scores.
fn equals(name: &str, loss: impl Fn(Traced) -> Result<Loss<OwnedTape<f32, Dev>>, LossError>) {
    let file = File::read();
    let scores = file.scores("scores");
    let loss = loss(scores.leaky_trace()).expect("a loss");
    close(name, &[loss.array()], &serde_json::json!([file.0["cases"][name]["loss"]]));
    let gradients = loss.backward();
    close(name, &gradients.get(&scores).as_vec(), &file.0["cases"][name]["gradient"]);
}

#[test]
fn losses_of_numbers_equal_pytorch() {
    let other = File::read().scores("other");
    equals("mse", |scores| mse_loss(scores, other.clone()));
    equals("mae", |scores| mae_loss(scores, other.clone()));
    equals("huber 1", |scores| huber_loss(scores, other.clone(), 1.0));
    equals("huber 2.5", |scores| huber_loss(scores, other.clone(), 2.5));
}

#[test]
fn losses_of_classes_equal_pytorch() {
    let file = File::read();
    let (classes, weights) = (file.classes(), file.floats("class_weights"));
    let plain = CrossEntropy::new();
    equals("cross entropy", |scores| cross_entropy(scores, &classes));
    equals("cross entropy, sum", |scores| plain.clone().with_reduction(Reduction::Sum).loss(scores, &classes));
    equals("cross entropy, smoothed", |scores| plain.clone().with_label_smoothing(0.2).loss(scores, &classes));
    let weighted = plain.clone().with_class_weights(&weights);
    equals("cross entropy, weighted", |scores| weighted.loss(scores, &classes));
    let both = weighted.clone().with_label_smoothing(0.1);
    equals("cross entropy, weighted and smoothed", |scores| both.loss(scores, &classes));
    equals("cross entropy, one ignored", |scores| plain.clone().with_ignore_index(4).loss(scores, &classes));
    let all = both.clone().with_ignore_index(0);
    equals("cross entropy, all three", |scores| all.loss(scores, &classes));
    equals("focal 2", |scores| focal_loss(scores, &classes, 2.0));
    equals("focal 0.5", |scores| focal_loss(scores, &classes, 0.5));
    equals("focal 0", |scores| focal_loss(scores, &classes, 0.0));
    equals("cross entropy", |scores| focal_loss(scores, &classes, 0.0));
}

#[test]
fn losses_of_yes_and_no_equal_pytorch() {
    let file = File::read();
    let yes = file.scores("yes");
    let plain = BceWithLogits::new();
    equals("bce", |scores| bce_with_logits_loss(scores, yes.clone()));
    equals("bce, sum", |scores| plain.clone().with_reduction(Reduction::Sum).loss(scores, yes.clone()));
    equals("bce, one weight", |scores| plain.clone().with_pos_weight(&[3.0]).loss(scores, yes.clone()));
    let weighted = plain.clone().with_pos_weight(&file.floats("pos_weights"));
    equals("bce, weights", |scores| weighted.loss(scores, yes.clone()));
    equals("sigmoid focal 0.25 2", |scores| sigmoid_focal_loss(scores, yes.clone(), 0.25, 2.0));
    equals("sigmoid focal 0.6 0.7", |scores| sigmoid_focal_loss(scores, yes.clone(), 0.6, 0.7));
}

#[test]
fn divergences_equal_pytorch() {
    let wanted = File::read().scores("probabilities");
    assert!(wanted.as_vec().contains(&0.0));
    equals("kl", |scores| kl_div_loss(scores, wanted.clone()));
    equals("kl of scores", |scores| kl_div_with_logits_loss(scores, wanted.clone()));
}

/// Checks value and both gradients of a loss of pairs.
fn pair_equals(name: &str, loss: impl Fn(Traced, Traced) -> Result<Loss<OwnedTape<f32, Dev>>, LossError>) {
    let file = File::read();
    let (first, second) = (file.scores("scores"), file.scores("other"));
    let loss = loss(first.leaky_trace(), second.leaky_trace()).expect("a loss");
    close(name, &[loss.array()], &serde_json::json!([file.0["cases"][name]["loss"]]));
    let gradients = loss.backward();
    close(name, &gradients.get(&first).as_vec(), &file.0["cases"][name]["gradient"]);
    close(name, &gradients.get(&second).as_vec(), &file.0["cases"][name]["other"]);
}

#[test]
fn losses_of_pairs_equal_pytorch() {
    let same = File::read().same();
    pair_equals("contrastive 5", |first, second| contrastive_loss(first, second, &same, 5.0));
    pair_equals("contrastive 20", |first, second| contrastive_loss(first, second, &same, 20.0));
    pair_equals("nt-xent 0.5", |first, second| nt_xent_loss(first, second, 0.5));
    pair_equals("nt-xent 0.1", |first, second| nt_xent_loss(first, second, 0.1));
}

/// Compares the gradient of a loss with what happens when each number is moved a little.
fn slopes(name: &str, numbers: &[f32], loss: impl Fn(Traced) -> Result<Loss<OwnedTape<f32, Dev>>, LossError>) {
    const STEP: f32 = 1.0 / 128.0;
    let dev = device();
    let at = |numbers: &[f32]| {
        let scores: Scores = dev.tensor(numbers.to_vec());
        loss(scores.leaky_trace()).expect("a loss")
    };
    let scores: Scores = dev.tensor(numbers.to_vec());
    let gradient = loss(scores.leaky_trace()).expect("a loss").backward().get(&scores).as_vec();
    for (place, slope) in gradient.into_iter().enumerate() {
        let moved = |by: f32| {
            let mut numbers = numbers.to_vec();
            numbers[place] += by;
            at(&numbers).array()
        };
        let measured = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
        assert!((measured - slope).abs() < 1e-3, "{name}, place {place}: {slope} is not {measured}");
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let file = File::read();
    // The differences of the file's numbers are more than a step away from 0 and from the bend of Huber's.
    let numbers = file.floats("scores");
    let (classes, other) = (file.classes(), file.scores("other"));
    let (yes, wanted, same) = (file.scores("yes"), file.scores("probabilities"), file.same());
    slopes("mse", &numbers, |scores| mse_loss(scores, other.clone()));
    slopes("mae", &numbers, |scores| mae_loss(scores, other.clone()));
    slopes("huber", &numbers, |scores| huber_loss(scores, other.clone(), 1.0));
    slopes("cross entropy", &numbers, |scores| cross_entropy(scores, &classes));
    slopes("smoothed", &numbers, |scores| CrossEntropy::new().with_label_smoothing(0.3).loss(scores, &classes));
    slopes("focal", &numbers, |scores| focal_loss(scores, &classes, 1.5));
    slopes("bce", &numbers, |scores| bce_with_logits_loss(scores, yes.clone()));
    slopes("sigmoid focal", &numbers, |scores| sigmoid_focal_loss(scores, yes.clone(), 0.25, 2.0));
    slopes("kl", &numbers, |scores| kl_div_loss(scores, wanted.clone()));
    slopes("kl of scores", &numbers, |scores| kl_div_with_logits_loss(scores, wanted.clone()));
    slopes("contrastive", &numbers, |scores| contrastive_loss(scores, other.clone(), &same, 8.0));
    slopes("nt-xent", &numbers, |scores| nt_xent_loss(scores, other.clone(), 0.5));
}

#[test]
fn the_tape_goes_on_before_and_after() {
    // Scores that are a view (columns in the place of rows), and a loss that is used further.
    let file = File::read();
    let dev = device();
    let upright: Tensor<Rank2<5, 4>, f32, Dev> = dev.tensor(file.floats("scores"));
    let classes = file.classes();
    let loss = cross_entropy(upright.leaky_trace().permute::<Rank2<4, 5>, _>(), &classes).expect("a loss");
    let gradient = (loss * 3.0).backward().get(&upright);

    let turned: Vec<f32> = (0..4).flat_map(|row| upright.array().map(|column| column[row])).collect();
    let turned: Scores = dev.tensor(turned);
    let plain = cross_entropy(turned.leaky_trace(), &classes).expect("a loss").backward().get(&turned);
    for row in 0..4 {
        for column in 0..5 {
            let (got, expected) = (gradient.array()[column][row], 3.0 * plain.array()[row][column]);
            assert!((got - expected).abs() < 1e-6, "{got} is not {expected}");
        }
    }

    // Two losses of the same scores add up, and a row that was broadcast gets the sum of what its copies get.
    let row: Tensor<Rank1<5>, f32, Dev> = dev.tensor(file.floats("scores")[..5].to_vec());
    let rows = row.leaky_trace().broadcast::<Rank2<4, 5>, _>();
    let gradient = cross_entropy(rows, &classes).expect("a loss").backward().get(&row).as_vec();
    let alone: Tensor<Rank2<1, 5>, f32, Dev> = dev.tensor(row.as_vec());
    let mut sum = [0.0; 5];
    for class in classes {
        let part = cross_entropy(alone.leaky_trace(), [class]).expect("a loss").backward().get(&alone).as_vec();
        sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part / 4.0);
    }
    for (got, expected) in gradient.into_iter().zip(sum) {
        assert!((got - expected).abs() < 1e-6, "{got} is not {expected}");
    }
}

#[test]
fn sequences_take_a_class_for_each_step() {
    let file = File::read();
    let dev = device();
    let scores: Tensor<Rank3<2, 2, 5>, f32, Dev> = dev.tensor(file.floats("scores"));
    let classes = [[3, 0], [4, 0]];
    let loss = cross_entropy(scores, classes.as_flattened()).expect("a loss");
    close("a sequence", &[loss.array()], &serde_json::json!([file.0["cases"]["cross entropy"]["loss"]]));
    // Rows whose number is known only when the program runs.
    let scores = dev.tensor_from_vec(file.floats("scores"), (4, dfdx::shapes::Const::<5>));
    let loss = cross_entropy(scores, file.classes()).expect("a loss");
    close("at run time", &[loss.array()], &serde_json::json!([file.0["cases"]["cross entropy"]["loss"]]));
}

#[test]
fn large_scores_give_finite_losses() {
    let dev = device();
    let scores: Tensor<Rank2<2, 3>, f32, Dev> = dev.tensor([[1e4, -1e4, 0.0], [-3e38, 3e38, 0.0]]);
    let loss = cross_entropy(scores.leaky_trace(), [1, 1]).expect("a loss");
    assert!((loss.array() - 1e4).abs() < 1e-2, "{}", loss.array());
    assert!(loss.backward().get(&scores).as_vec().iter().all(|slope| slope.is_finite()));
    let wanted = dev.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]]);
    let scores: Tensor<Rank2<2, 3>, f32, Dev> = dev.tensor([[500.0, -500.0, 0.0], [500.0, -500.0, 0.0]]);
    let loss = sigmoid_focal_loss(scores.leaky_trace(), wanted.clone(), 0.25, 2.0).expect("a loss");
    assert!(loss.backward().get(&scores).as_vec().iter().all(|slope| slope.is_finite()));
    let loss = bce_with_logits_loss(scores, wanted).expect("a loss");
    assert!((loss.array() - (500.0 * 2.0 + 2.0 * std::f32::consts::LN_2) / 6.0).abs() < 1e-3, "{}", loss.array());
    let sure: Tensor<Rank2<1, 2>, f32, Dev> = dev.tensor([[200.0, 0.0]]);
    let slopes = focal_loss(sure.leaky_trace(), [0], 0.5).expect("a loss").backward().get(&sure).as_vec();
    assert_eq!(slopes, [0.0, 0.0]);
}

#[test]
fn a_pair_without_distance_has_a_gradient() {
    let dev = device();
    let point: Tensor<Rank2<1, 2>, f32, Dev> = dev.tensor([[1.0, 2.0]]);
    let loss = contrastive_loss(point.leaky_trace(), point.clone(), [false], 1.0).expect("a loss");
    assert!((loss.array() - 0.5).abs() < 1e-6);
    assert_eq!(loss.backward().get(&point).as_vec(), [0.0, 0.0]);
    let nothing: Tensor<Rank2<2, 2>, f32, Dev> = dev.tensor([[0.0, 0.0], [1.0, 0.0]]);
    let loss = nt_xent_loss(nothing.leaky_trace(), nothing.clone(), 0.5).expect("a loss");
    assert!(loss.backward().get(&nothing).as_vec().iter().all(|slope| slope.is_finite()));
}

#[test]
fn nan_stays_nan() {
    let dev = device();
    let scores: Tensor<Rank2<1, 3>, f32, Dev> = dev.tensor([[0.0, f32::NAN, 1.0]]);
    let zeros: Tensor<Rank2<1, 3>, f32, Dev> = dev.tensor([[0.0, 1.0, 0.0]]);
    let (plain, other) = (|| scores.clone(), || zeros.clone());
    for (name, loss) in [
        ("cross entropy", cross_entropy(plain(), [0])),
        ("focal", focal_loss(plain(), [0], 0.0)),
        ("focal 2", focal_loss(plain(), [0], 2.0)),
        ("mse", mse_loss(plain(), other())),
        ("mae", mae_loss(plain(), other())),
        ("huber", huber_loss(plain(), other(), 1.0)),
        ("bce", bce_with_logits_loss(plain(), other())),
        ("sigmoid focal", sigmoid_focal_loss(plain(), other(), 0.25, 2.0)),
        ("kl", kl_div_loss(plain(), other())),
        ("kl of scores", kl_div_with_logits_loss(plain(), other())),
        ("contrastive", contrastive_loss(plain(), other(), [true], 1.0)),
        ("contrastive, apart", contrastive_loss(plain(), other(), [false], 1.0)),
    ] {
        assert!(loss.expect("a loss").array().is_nan(), "{name}");
    }
    let pairs: Tensor<Rank2<2, 2>, f32, Dev> = dev.tensor([[1.0, f32::NAN], [1.0, 0.0]]);
    let loss = nt_xent_loss(pairs.leaky_trace(), pairs.clone(), 0.5).expect("a loss");
    assert!(loss.array().is_nan());
    assert!(loss.backward().get(&pairs).as_vec()[..2].iter().all(|slope| slope.is_nan()));
}

#[test]
fn what_does_not_fit_is_named() {
    let file = File::read();
    let scores = file.scores("scores");
    let said = |result: Result<Loss<NoneTape>, LossError>| result.expect_err("it does not fit").to_string();
    let error = said(cross_entropy(scores.clone(), [0, 1, 5, 0]));
    assert_eq!(error, "target 5 in row 2 is not one of the 5 classes, which are counted from 0");
    let error = said(cross_entropy(scores.clone(), [0, 1]));
    assert!(error.starts_with("there are 2 targets for 4 rows of scores"), "{error}");
    let error = said(focal_loss(scores.clone(), [0, 1, 2, 3], -1.0));
    assert_eq!(error, "gamma is -1, and must be a finite number, 0 or more");
    let error = said(CrossEntropy::new().with_class_weights(&[1.0]).loss(scores.clone(), [0; 4]));
    assert_eq!(error, "there are 1 class weights for 5 classes");
    let error = said(CrossEntropy::new().with_label_smoothing(1.5).loss(scores.clone(), [0; 4]));
    assert_eq!(error, "label smoothing is 1.5, and must be from 0 to 1");
    let ignored = CrossEntropy::new().with_ignore_index(9).loss(scores.clone(), [9; 4]);
    assert!(matches!(ignored, Err(LossError::Empty)));
    let error = said(sigmoid_focal_loss(scores.clone(), scores.clone(), 1.5, 2.0));
    assert_eq!(error, "alpha is 1.5, and must be from 0 to 1");
    let error = said(BceWithLogits::new().with_pos_weight(&[1.0, 2.0]).loss(scores.clone(), file.scores("yes")));
    assert_eq!(error, "there are 2 weights for a yes for 5 classes");
    assert!(matches!(huber_loss(scores.clone(), scores.clone(), 0.0), Err(LossError::Setting { .. })));
    assert!(matches!(nt_xent_loss(scores.clone(), scores.clone(), 0.0), Err(LossError::Setting { .. })));
    let error = said(contrastive_loss(scores.clone(), scores, [true], 1.0));
    assert!(error.starts_with("there are 1 targets for 4 rows"), "{error}");
}

#[test]
fn targets_that_are_no_probabilities_are_named() {
    let file = File::read();
    let scores = || file.scores("scores");
    for (place, wrong, said) in [(0, -0.1, "-0.1"), (7, f32::NAN, "NaN"), (19, 1.5, "1.5")] {
        let mut wanted = file.floats("yes");
        // Only the first is named.
        (wanted[place], wanted[19]) = (wrong, 1.5);
        let wanted: Scores = device().tensor(wanted);
        for loss in [
            bce_with_logits_loss(scores(), wanted.clone()),
            sigmoid_focal_loss(scores(), wanted.clone(), 0.25, 2.0),
            kl_div_loss(scores(), wanted.clone()),
            kl_div_with_logits_loss(scores(), wanted.clone()),
        ] {
            let error = loss.expect_err("no probability").to_string();
            let expected = format!("the target at place {place} is {said}, and must be a probability, from 0 to 1");
            assert_eq!(error, expected);
        }
    }
}

#[test]
fn shapes_known_only_at_run_time_are_checked() {
    let dev = device();
    let long = dev.tensor_from_vec(vec![0.0; 6], (3, dfdx::shapes::Const::<2>));
    let short = dev.tensor_from_vec(vec![0.0; 4], (2, dfdx::shapes::Const::<2>));
    let (long, short) = (|| long.clone(), || short.clone());
    for loss in [
        mse_loss(long(), short()),
        bce_with_logits_loss(long(), short()),
        sigmoid_focal_loss(long(), short(), 0.25, 2.0),
        kl_div_loss(long(), short()),
        kl_div_with_logits_loss(long(), short()),
        contrastive_loss(long(), short(), [true; 3], 1.0),
        nt_xent_loss(long(), short(), 0.5),
    ] {
        let error = loss.expect_err("other shapes").to_string();
        assert_eq!(error, "the prediction has shape [3, 2], but the target [2, 2]: they must be the same");
    }
    let none = dev.tensor_from_vec(Vec::new(), (0, dfdx::shapes::Const::<2>));
    let none = || none.clone();
    for loss in [
        mse_loss(none(), none()),
        cross_entropy(none(), []),
        focal_loss(none(), [], 2.0),
        bce_with_logits_loss(none(), none()),
        sigmoid_focal_loss(none(), none(), 0.25, 2.0),
        kl_div_loss(none(), none()),
        kl_div_with_logits_loss(none(), none()),
        contrastive_loss(none(), none(), [], 1.0),
        nt_xent_loss(none(), none(), 0.5),
    ] {
        assert!(matches!(loss, Err(LossError::Empty)));
    }
}

#[test]
fn options_are_recorded() {
    let options = CrossEntropy::new().with_label_smoothing(0.1).with_ignore_index(3);
    let text = serde_json::to_string(&options).expect("JSON");
    assert_eq!(text, r#"{"label_smoothing":0.1,"class_weights":[],"ignore_index":3,"reduction":"mean"}"#);
    assert_eq!(serde_json::from_str::<CrossEntropy>(&text).expect("options"), options);
}

#[test]
fn an_untraced_loss_is_the_same() {
    let file = File::read();
    let scores = file.scores("scores");
    let untraced: Tensor<Rank0, f32, Dev> = cross_entropy(scores.clone(), file.classes()).expect("a loss");
    let traced = cross_entropy(scores.trace(Gradients::leaky()), file.classes()).expect("a loss");
    assert_eq!(untraced.array().to_bits(), traced.array().to_bits());
}
