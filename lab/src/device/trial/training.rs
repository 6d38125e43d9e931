//! Training as in `notebooks/01-digits.ipynb`, on made-up pictures of 28 x 28 pixels.

use dfdx::prelude::{ZeroGrads as _, *};

use crate::device::{Dev, device_seeded};
use crate::loss::cross_entropy;
use crate::nn::check::numbers;
use crate::nn::{Linear, ReLU};
use crate::train::{Adam, Optimizer};

/// How many losses are compared.
pub(super) const COMPARED: usize = 50;

pub(super) const BATCH: usize = 64;

/// The notebook's model, for larger pictures.
pub(super) type Mlp = (Linear<784, 128>, ReLU, Linear<128, 10>);

/// A batch of pictures and their classes: each class has a pattern, under as much noise.
pub(super) fn pictures(dev: &Dev, step: u32) -> (Tensor<Rank2<BATCH, 784>, f32, Dev>, Vec<usize>) {
    let classes: Vec<usize> = (0..BATCH).map(|i| (i * 7 + step as usize) % 10).collect();
    let patterns = numbers(10 * 784, 1);
    let pattern = classes.iter().flat_map(|class| &patterns[class * 784..][..784]);
    let pixels = pattern.zip(numbers(BATCH * 784, 2 + step)).map(|(pattern, noise)| (2.0 + pattern + noise) / 4.0);
    (dev.tensor_from_vec(pixels.collect(), (Const, Const)), classes)
}

/// The losses of so many steps.
pub(super) fn losses(steps: usize) -> Vec<f32> {
    let dev = device_seeded(1);
    let mut model = dev.build_module::<Mlp, f32>();
    let mut gradients = model.alloc_grads();
    let mut adam = Adam::new(0.003);
    let step = |step| {
        let (x, classes) = pictures(&dev, step);
        let scores = model.forward(x.trace(std::mem::replace(&mut gradients, Gradients::leaky())));
        let loss = cross_entropy(scores, &classes).expect("a loss");
        let value = loss.array();
        gradients = loss.backward();
        adam.update(&mut model, &gradients).expect("a step");
        model.zero_grads(&mut gradients);
        value
    };
    (0..).take(steps).map(step).collect()
}

#[cfg(feature = "gpu")]
mod graphics {
    use super::super::values::Values;
    use super::{COMPARED, losses};
    use crate::device::{Precision, Usage, device, device_memory, device_name, set_matmul_precision};

    #[test]
    #[ignore = "it needs the processor's values: tests/gpu/run"]
    fn losses_of_50_steps() {
        device();
        set_matmul_precision(Precision::Fp32);
        let (ours, theirs) = (losses(COMPARED), Values::read().losses);
        for (step, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            assert!((ours - theirs).abs() <= 1e-4, "step {step}: {ours} instead of {theirs}");
        }
        assert_eq!(ours.len(), theirs.len());
    }

    #[test]
    #[ignore = "it takes a while: tests/gpu/run"]
    fn memory_of_10000_steps() {
        losses(10);
        let before = device_memory();
        let steps = if device_name().starts_with("Simulated") { 100 } else { 10_000 };
        losses(steps);
        let after = device_memory();
        let figures = |usage: Usage| (usage.reserved, usage.used, usage.buffers);
        assert_eq!(figures(after), figures(before), "bytes reserved, bytes used, buffers after {steps} more steps");
    }
}
