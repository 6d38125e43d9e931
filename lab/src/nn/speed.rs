//! Steps against the clock: `cargo test --release -p lab --lib nn::speed -- --ignored --nocapture`, on a quiet machine.

use std::time::Instant;

use dfdx::prelude::*;

use super::{CausalTransformerBlock, Conv2D, Embedding, LayerNorm, LearnedPositions, Linear, ReLU};
use crate::device::{Dev, device_seeded};
use crate::loss::{cross_entropy, mse_loss};
use crate::train::{Adam, Optimizer};

/// Milliseconds: the least and the median of 200 steps, after 20 more.
#[allow(clippy::print_stdout)] // it is what this is for
fn time(name: &str, mut step: impl FnMut()) {
    (0..20).for_each(|_| step());
    let one = |_| {
        let start = Instant::now();
        step();
        start.elapsed().as_secs_f64() * 1e3
    };
    let mut times: Vec<f64> = (0..200).map(one).collect();
    times.sort_by(f64::total_cmp);
    println!("{name}: least {:.2} ms, median {:.2} ms", times[0], times[100]);
}

#[test]
#[ignore = "it measures"]
fn convolution() {
    let layer = device_seeded(1).build_module::<Conv2D<1, 8, 3, 26, 26>, f32>();
    let x: Tensor<Rank4<64, 1, 28, 28>, f32, _> = layer.weight.device().sample_normal();
    let wanted: Tensor<Rank4<64, 8, 26, 26>, f32, Dev> = layer.weight.device().zeros();
    time("convolution 1 to 8, 3 x 3, 64 of 28 x 28, forward and backward", || {
        let loss = mse_loss(layer.forward(x.trace(layer.alloc_grads())), wanted.clone()).expect("a loss");
        std::hint::black_box(loss.backward());
    });
}

#[test]
#[ignore = "it measures"]
fn transformer() {
    type Block = CausalTransformerBlock<64, 4, 256, true>;
    type Model = (Embedding<256, 64>, LearnedPositions<32, 64>, Block, Block, LayerNorm<64>, Linear<64, 256>);
    let mut model = device_seeded(1).build_module::<Model, f32>();
    let tokens: Vec<usize> = (0..512).map(|i| i * 7919 % 256).collect();
    let next: Vec<usize> = tokens.iter().map(|token| (token * 31 + 7) % 256).collect();
    let x: Tensor<Rank2<16, 32>, usize, Dev> = device_seeded(1).tensor_from_vec(tokens, (Const, Const));
    let mut adam = Adam::new(1e-3);
    time("transformer 256 x 64, 2 layers, 16 x 32 tokens, Adam", || {
        let scores = model.forward_mut(x.trace(model.alloc_grads())).reshape::<Rank2<512, 256>>();
        let gradients = cross_entropy(scores, &next).expect("a loss").backward();
        adam.update(&mut model, &gradients).expect("a step");
    });
}

#[test]
#[ignore = "it measures"]
fn perceptron() {
    type Model = (Linear<784, 128>, ReLU, Linear<128, 10>);
    let mut model = device_seeded(1).build_module::<Model, f32>();
    let x: Tensor<Rank2<128, 784>, f32, Dev> = device_seeded(1).sample_normal();
    let labels: Vec<usize> = (0..128).map(|i| i % 10).collect();
    let mut adam = Adam::new(1e-3);
    time("perceptron 784-128-10, batch 128, Adam", || {
        let scores = model.forward_mut(x.trace(model.alloc_grads()));
        let gradients = cross_entropy(scores, &labels).expect("a loss").backward();
        adam.update(&mut model, &gradients).expect("a step");
    });
}
