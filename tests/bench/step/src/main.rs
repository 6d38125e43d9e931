//! The training loop of the benchmark's cells in a program: prints the seconds of each step.

use dfdx::optim::{Adam, Optimizer};
use dfdx::prelude::*;

type Mlp = (Linear<784, 128>, ReLU, Linear<128, 10>);

fn main() {
    let steps: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(50);
    let dev = Cpu::seed_from_u64(0);
    let x: Tensor<Rank2<128, 784>, f32, Cpu> = dev.sample_normal();
    let y: Tensor<Rank2<128, 10>, f32, Cpu> = dev.sample_uniform();
    // The text that a cell runs, to the letter.
    let times = include!("loop.rs");
    println!("{times:?}");
}
