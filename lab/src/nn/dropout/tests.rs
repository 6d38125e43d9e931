//! What is dropped, by whose seed, when, and what the gradient is.

use dfdx::prelude::*;

use super::{AlphaDropout, Dropout, Dropout1D, Dropout2D};
use crate::device::{Dev, device, device_seeded, seed_random};
use crate::nn::{CausalTransformerBlock, ReLU};

const MANY: usize = 200_000;

type Row = Tensor<Rank1<MANY>, f32, Dev>;

fn mean(values: impl Iterator<Item = f32>) -> f64 {
    values.map(f64::from).sum::<f64>() / MANY as f64
}

#[test]
fn the_share_is_dropped_and_the_mean_stays() {
    let x: Row = device().ones();
    seed_random(1, 0);
    let y = Dropout::<20>.forward(x.leaky_trace()).as_vec();
    let dropped = y.iter().filter(|value| **value == 0.0).count() as f64 / MANY as f64;
    // Five standard deviations of a share of this many: 5 √(0.2 · 0.8 / 200,000) = 0.0045.
    assert!((dropped - 0.2).abs() < 0.0045, "{dropped}");
    assert!(y.iter().all(|value| *value == 0.0 || *value == 1.25));
    assert!((mean(y.into_iter()) - 1.0).abs() < 0.006);
}

#[test]
fn alpha_dropout_keeps_mean_and_variance() {
    let x: Row = device_seeded(3).sample_normal();
    let y = AlphaDropout::<30>.forward(x.leaky_trace()).as_vec();
    let (mean, square) = (mean(y.iter().copied()), mean(y.iter().map(|y| y * y)));
    assert!(mean.abs() < 0.015 && (square - 1.0).abs() < 0.02, "{mean} {square}");
    // From a = ((1 - p)(1 + p 1.7580993²))^-½ and b = 1.7580993 a p with p = 0.3.
    let dropped = y.iter().filter(|y| (**y + 1.059_548).abs() < 1e-5).count() as f64 / MANY as f64;
    assert!((dropped - 0.3).abs() < 0.006, "{dropped}");
}

#[test]
fn whole_channels_are_dropped() {
    seed_random(2, 0);
    let sequences: Tensor<Rank3<40, 5, 7>, f32, _> = device().ones();
    let pictures: Tensor<Rank4<40, 5, 3, 4>, f32, _> = device().ones();
    let y = Dropout1D::<50>.forward(sequences.leaky_trace()).as_vec();
    let z = Dropout2D::<50>.forward(pictures.leaky_trace()).as_vec();
    for (values, channel) in [(y, 7), (z, 12)] {
        let channels: Vec<&[f32]> = values.chunks(channel).collect();
        assert!(channels.iter().all(|channel| channel.iter().all(|value| *value == channel[0])));
        let kept = channels.iter().filter(|channel| channel[0] == 2.0).count();
        let dropped = channels.iter().filter(|channel| channel[0] == 0.0).count();
        assert!(kept + dropped == 200 && (60..140).contains(&kept), "{kept} {dropped}");
    }
}

#[test]
fn the_gradient_is_the_mask() {
    let x: Tensor<Rank2<30, 20>, f32, _> = device().ones();
    let y = Dropout::<40>.forward(x.leaky_trace());
    let mask = y.as_vec();
    assert_eq!(y.sum::<Rank0, _>().backward().get(&x).as_vec(), mask);
    let x: Tensor<Rank4<3, 4, 2, 2>, f32, _> = device().ones();
    let y = Dropout2D::<40>.forward(x.leaky_trace());
    let mask = y.as_vec();
    assert_eq!(y.sum::<Rank0, _>().backward().get(&x).as_vec(), mask);
}

#[test]
fn without_a_tape_nothing_changes_and_nothing_is_drawn() {
    let x: Tensor<Rank2<3, 4>, f32, _> = device_seeded(9).sample_normal();
    let drawn = || Dropout::<50>.forward(x.leaky_trace()).as_vec();
    seed_random(1, 1);
    let first = drawn();
    seed_random(1, 1);
    assert_eq!(Dropout::<50>.forward(x.clone()).as_vec(), x.as_vec());
    assert_eq!(AlphaDropout::<50>.forward(x.clone()).as_vec(), x.as_vec());
    assert_eq!(Dropout::<0>.forward(x.leaky_trace()).as_vec(), x.as_vec());
    assert_eq!(drawn(), first);
    assert_ne!(drawn(), first, "the next draw is another one");
}

#[test]
fn a_model_draws_the_same_after_the_same_seed_and_step() {
    type Model = (Linear<4, 64>, Dropout<30>, Linear<64, 2>);
    let mut model = device().build_module::<Model, f32>();
    let x: Tensor<Rank2<3, 4>, f32, _> = device().sample_normal();
    let mut step = |step: u64| {
        seed_random(5, step);
        model.forward_mut(x.leaky_trace()).as_vec()
    };
    let steps = [step(0), step(1), step(2)];
    assert!(steps[0] != steps[1] && steps[1] != steps[2]);
    assert_eq!(step(1), steps[1], "resumed at step 1");
    assert_eq!(step(2), steps[2]);
}

#[test]
fn blocks_drop_while_they_train_only() {
    let plain = device().build_module::<CausalTransformerBlock<4, 2, 6, true>, f32>();
    let dropping = device().build_module::<CausalTransformerBlock<4, 2, 6, true, ReLU, 30>, f32>();
    let x: Tensor<Rank3<2, 3, 4>, f32, _> = device().sample_normal();
    let evaluated = plain.forward(x.clone()).as_vec();
    assert_eq!(dropping.forward(x.clone()).as_vec(), evaluated);
    assert_eq!(plain.forward(x.leaky_trace()).as_vec(), evaluated);
    let trained = |step| {
        seed_random(1, step);
        dropping.forward(x.leaky_trace()).as_vec()
    };
    assert_eq!(trained(1), trained(1));
    assert!(trained(1) != trained(2) && trained(1) != evaluated);
}
