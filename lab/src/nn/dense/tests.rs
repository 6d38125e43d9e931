//! Against dfdx's own layers, and finite differences.

use dfdx::nn::modules::{AccurateGeLU, FastGeLU};
use dfdx::prelude::*;

use super::activation::{Activate, Curve};
use super::linear::Affine;
use super::norm::Normalize;
use super::*;
use crate::device::device;
use crate::nn::check::{check_gradients, close, numbers};

#[test]
fn gradients_are_finite_differences() {
    check_gradients(|| Affine::new(3, 2), &[numbers(12, 1), numbers(6, 2), numbers(2, 3)]);
    check_gradients(|| Normalize::new(5), &[numbers(15, 4), numbers(5, 5), numbers(5, 6)]);
    check_gradients(|| Sum, &[numbers(4, 7), numbers(4, 8)]);
    for curve in [Curve::Relu, Curve::Gelu, Curve::FastGelu] {
        // No closer to the kink of ReLU than the step.
        let x: Vec<f32> = (-6i8..6).map(|i| f32::from(i) * 0.7 + 0.3).collect();
        check_gradients(|| Activate { curve, slopes: Vec::new() }, &[x]);
    }
}

#[test]
fn values_equal_dfdx() {
    let dev = device();
    let x: Tensor<Rank3<4, 3, 6>, f32, _> = dev.sample_normal();
    let layer = dev.build_module::<builders::Linear<6, 5>, f32>();
    let ours = super::linear(x.clone(), &layer, (Const::<4>, Const::<3>, Const::<5>)).expect("an output");
    close("linear", &ours.as_vec(), &layer.forward(x.clone()).as_vec(), 1e-5);

    let mut ours = dev.build_module::<LayerNorm<6>, f32>();
    ours.weight = dev.sample_normal();
    ours.bias = dev.sample_normal();
    let mut theirs = dev.build_module::<LayerNorm1D<6>, f32>();
    (theirs.gamma, theirs.beta) = (ours.weight.clone(), ours.bias.clone());
    close("norm", &ours.forward(x.clone()).as_vec(), &theirs.forward(x.clone()).as_vec(), 1e-5);

    let wide = x * 3.0;
    for (ours, theirs) in [
        (activate::<ReLU, _, _>(wide.clone()), ReLU.forward(wide.clone())),
        (activate::<AccurateGeLU, _, _>(wide.clone()), AccurateGeLU.forward(wide.clone())),
        (activate::<FastGeLU, _, _>(wide.clone()), FastGeLU.forward(wide.clone())),
    ] {
        close("activation", &ours.expect("an output").as_vec(), &theirs.as_vec(), 1e-5);
    }
}

#[test]
fn many_rows_over_several_jobs_equal_few() {
    let size = 64;
    let rows = crate::nn::parallel::per_job(size) * 2 + 3;
    let inputs = [numbers(rows * size, 1), numbers(size, 2), numbers(size, 3)];
    let all = Normalize::new(size).forward(inputs.to_vec()).expect("an output");
    let last = inputs[0][(rows - 1) * size..].to_vec();
    let one = Normalize::new(size).forward(vec![last, inputs[1].clone(), inputs[2].clone()]).expect("an output");
    assert_eq!(all[(rows - 1) * size..], one);
}
