//! Every loss and its gradient.

use dfdx::prelude::*;

use super::Case;
use super::layers::tensor;
use super::values::{Named, Rows};
use crate::device::Dev;
use crate::loss::{
    BceWithLogits, CrossEntropy, Loss, Reduction, bce_with_logits_loss, contrastive_loss, cross_entropy, focal_loss,
    huber_loss, kl_div_loss, kl_div_with_logits_loss, mae_loss, mse_loss, nt_xent_loss, sigmoid_focal_loss,
};

type Scores = Rank2<33, 13>;
type Taped = OwnedTape<f32, Dev>;

fn run(loss: impl FnOnce(Tensor<Scores, f32, Dev, Taped>) -> Loss<Taped>) -> Rows {
    let x = tensor(Scores::default(), 1);
    let loss = loss(x.leaky_trace());
    let values = Named::from([("the loss".to_owned(), vec![loss.array()])]);
    let gradient = loss.backward().get(&x).as_vec();
    Rows { values, gradients: Named::from([("the scores".to_owned(), gradient)]) }
}

/// A class for each row.
fn classes() -> Vec<usize> {
    (0..33).map(|i| i * 7 % 13).collect()
}

fn wanted() -> Tensor<Scores, f32, Dev> {
    tensor(Scores::default(), 2)
}

/// Numbers from 0 to 1.
fn shares() -> Tensor<Scores, f32, Dev> {
    wanted().sigmoid()
}

fn distribution() -> Tensor<Scores, f32, Dev> {
    wanted().softmax::<Axis<1>>()
}

macro_rules! losses {
    ($($name:literal, |$x:ident| $loss:expr;)*) => {
        vec![$(Case { name: $name, kinked: false, run: || run(|$x| $loss.expect("a loss")) }),*]
    };
}

pub(super) fn cases() -> Vec<Case> {
    losses! {
        "cross_entropy", |x| cross_entropy(x, classes());
        "CrossEntropy, smoothed, weighted, with an ignored class", |x| {
            let weights: Vec<f32> = (1u8..=13).map(f32::from).collect();
            let loss = CrossEntropy::new().with_label_smoothing(0.1).with_class_weights(&weights);
            loss.with_ignore_index(3).loss(x, classes())
        };
        "CrossEntropy, summed", |x| CrossEntropy::new().with_reduction(Reduction::Sum).loss(x, classes());
        "focal_loss", |x| focal_loss(x, classes(), 2.0);
        "bce_with_logits_loss", |x| bce_with_logits_loss(x, shares());
        "BceWithLogits, weighted", |x| {
            let weights: Vec<f32> = (1u8..=13).map(f32::from).collect();
            BceWithLogits::new().with_pos_weight(&weights).loss(x, shares())
        };
        "sigmoid_focal_loss", |x| sigmoid_focal_loss(x, shares(), 0.25, 2.0);
        "mse_loss", |x| mse_loss(x, wanted());
        "mae_loss", |x| mae_loss(x, wanted());
        "huber_loss", |x| huber_loss(x, wanted(), 0.7);
        "kl_div_loss", |x| kl_div_loss(x.log_softmax::<Axis<1>>(), distribution());
        "kl_div_with_logits_loss", |x| kl_div_with_logits_loss(x, distribution());
        "contrastive_loss", |x| {
            let second = x.with_empty_tape().sin();
            contrastive_loss(x, second, (0..33).map(|i| i % 3 == 0).collect::<Vec<bool>>(), 4.0)
        };
        "nt_xent_loss", |x| {
            let second = x.with_empty_tape().sin();
            nt_xent_loss(x, second, 0.5)
        };
    }
}
