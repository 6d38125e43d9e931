//! Against dfdx's own layers, and finite differences.

use dfdx::nn::modules;
use dfdx::prelude::*;

use super::activation::{Activate, Curve};
use super::affine::Affine;
use super::embedding::LookUp;
use super::norm::Normalize;
use super::{AccurateGeLU, Embedding, FastGeLU, LayerNorm, Linear, ReLU, Sigmoid, Sum, Tanh};
use crate::device::device;
use crate::nn::check::{check_gradients, close, numbers};
use crate::nn::op::Op;

#[test]
fn gradients_are_finite_differences() {
    check_gradients(|| Affine::new(3, 2), &[numbers(12, 1), numbers(6, 2), numbers(2, 3)]);
    check_gradients(|| Normalize::new(5), &[numbers(15, 4), numbers(5, 5), numbers(5, 6)]);
    check_gradients(|| Sum, &[numbers(4, 7), numbers(4, 8)]);
    check_gradients(|| LookUp::new(vec![2, 0, 2], 4, 3), &[numbers(12, 9)]);
    for curve in [Curve::Relu, Curve::Gelu, Curve::FastGelu, Curve::Sigmoid, Curve::Tanh] {
        // No closer to the kink of ReLU than the step.
        let x: Vec<f32> = (-6i8..6).map(|i| f32::from(i) * 0.7 + 0.3).collect();
        check_gradients(|| Activate { curve, slopes: Vec::new() }, &[x]);
    }
}

#[test]
fn values_equal_dfdx() {
    let dev = device();
    let x: Tensor<Rank3<4, 3, 6>, f32, _> = dev.sample_normal();
    let mut theirs = dev.build_module::<builders::Linear<6, 5>, f32>();
    let ours = dev.build_module::<Linear<6, 5>, f32>();
    (theirs.weight, theirs.bias) = (ours.weight.clone(), ours.bias.clone());
    close("linear", &ours.forward(x.clone()).as_vec(), &theirs.forward(x.clone()).as_vec(), 1e-5);
    let row: Tensor<Rank1<6>, f32, _> = dev.sample_normal();
    close("linear", &ours.forward(row.clone()).as_vec(), &theirs.forward(row).as_vec(), 1e-5);

    let mut theirs = dev.build_module::<builders::Embedding<9, 4>, f32>();
    let ours = dev.build_module::<Embedding<9, 4>, f32>();
    theirs.weight = ours.weight.clone();
    let tokens = dev.tensor([[8usize, 0, 3], [3, 3, 1]]);
    assert_eq!(ours.forward(tokens.clone()).as_vec(), theirs.forward(tokens.clone()).as_vec());
    let of_ours = ours.forward(tokens.leaky_trace()).square().sum().backward().get(&ours.weight).as_vec();
    let of_theirs = theirs.forward(tokens.leaky_trace()).square().sum().backward().get(&theirs.weight).as_vec();
    close("gradient of an embedding", &of_ours, &of_theirs, 1e-6);

    let mut ours = dev.build_module::<LayerNorm<6>, f32>();
    ours.weight = dev.sample_normal();
    ours.bias = dev.sample_normal();
    let mut theirs = dev.build_module::<LayerNorm1D<6>, f32>();
    (theirs.gamma, theirs.beta) = (ours.weight.clone(), ours.bias.clone());
    close("norm", &ours.forward(x.clone()).as_vec(), &theirs.forward(x.clone()).as_vec(), 1e-5);

    let wide = x * 3.0;
    for (ours, theirs) in [
        (ReLU.forward(wide.clone()), modules::ReLU.forward(wide.clone())),
        (AccurateGeLU.forward(wide.clone()), modules::AccurateGeLU.forward(wide.clone())),
        (FastGeLU.forward(wide.clone()), modules::FastGeLU.forward(wide.clone())),
        (Sigmoid.forward(wide.clone()), modules::Sigmoid.forward(wide.clone())),
        (Tanh.forward(wide.clone()), modules::Tanh.forward(wide.clone())),
    ] {
        close("activation", &ours.as_vec(), &theirs.as_vec(), 1e-5);
    }
}

#[test]
#[should_panic(expected = "token 9 is not in the vocabulary of Embedding<9, 4>")]
fn a_token_that_is_not_in_the_vocabulary_is_named() {
    device().build_module::<Embedding<9, 4>, f32>().forward(device().tensor([8usize, 9, 0]));
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
