//! What is dropped, and what becomes of it and of the rest.

use crate::device::{DevError, wrong_size};
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::device::random_key;
use crate::nn::op::Op;
use crate::nn::parallel::{parallel, per_job};

/// A number that is kept becomes `x scale + shift`, one that is dropped `dropped`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) percent: usize,
    pub(super) scale: f32,
    pub(super) shift: f32,
    pub(super) dropped: f32,
}

impl Rule {
    /// Zeros, and the rest scaled to keep the mean.
    pub(super) fn zero(percent: usize) -> Self {
        Self { percent, scale: scale(percent), shift: 0.0, dropped: 0.0 }
    }

    /// SELU's lower limit -λα, then a x + b: Klambauer et al., 2017, section "New Dropout Technique".
    #[allow(clippy::cast_possible_truncation)] // computed in f64, used in f32
    pub(super) fn alpha(percent: usize) -> Self {
        const LIMIT: f64 = -1.758_099_340_847_376_6;
        let p = share(percent);
        let a = ((1.0 - p) * (1.0 + p * LIMIT * LIMIT)).sqrt().recip();
        let b = -a * p * LIMIT;
        Self { percent, scale: a as f32, shift: b as f32, dropped: (a * LIMIT + b) as f32 }
    }
}

#[allow(clippy::cast_precision_loss)] // below 100
pub(super) fn share(percent: usize) -> f64 {
    percent as f64 / 100.0
}

#[allow(clippy::cast_possible_truncation)]
fn scale(percent: usize) -> f32 {
    (1.0 / (1.0 - share(percent))) as f32
}

/// For each of `count` things 0 with this probability, and `1 / (1 - p)` otherwise.
pub(crate) fn factors(percent: usize, count: usize) -> Vec<f32> {
    draw(percent, count, scale(percent))
}

/// Drawn in jobs of one size, each from a stream of its own, so that it is the same on any number of cores.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a share of 2^32
fn draw(percent: usize, count: usize, kept: f32) -> Vec<f32> {
    let (key, least) = (random_key(), (share(percent) * 2f64.powi(32)) as u32);
    let mut factors = vec![0.0; count];
    let jobs = factors.chunks_mut(per_job(1)).zip(0..).collect();
    parallel(jobs, |(factors, stream): (&mut [f32], u64)| {
        let mut generator = ChaCha8Rng::seed_from_u64(key);
        generator.set_stream(stream);
        for factor in factors {
            *factor = if generator.next_u32() < least { 0.0 } else { kept };
        }
    });
    factors
}

/// Input: groups of numbers that are dropped or kept together.
pub(super) struct DropOut {
    pub(super) rule: Rule,
    pub(super) group: usize,
    /// For each group its scale; 0 where it was dropped.
    factors: Vec<f32>,
    /// On a GPU it is drawn again from this.
    #[cfg(feature = "gpu")]
    pub(super) key: u64,
}

impl DropOut {
    pub(super) fn new(rule: Rule, group: usize) -> Self {
        Self {
            rule,
            group: group.max(1),
            factors: Vec::new(),
            #[cfg(feature = "gpu")]
            key: random_key(),
        }
    }
}

impl Op for DropOut {
    fn forward(&mut self, inputs: Vec<Vec<f32>>) -> Result<Vec<f32>, DevError> {
        let [mut x]: [Vec<f32>; 1] = inputs.try_into().map_err(|_| wrong_size())?;
        let Rule { percent, scale, shift, dropped } = self.rule;
        self.factors = draw(percent, x.len() / self.group, scale);
        for (group, factor) in x.chunks_exact_mut(self.group).zip(&self.factors) {
            let added = if *factor == 0.0 { dropped } else { shift };
            group.iter_mut().for_each(|x| *x = *x * factor + added);
        }
        Ok(x)
    }

    fn backward(&mut self, gradient: &[f32], gradients: &mut [&mut [f32]]) -> Result<(), DevError> {
        let [to] = gradients else { return Err(wrong_size()) };
        let groups = to.chunks_exact_mut(self.group).zip(gradient.chunks_exact(self.group));
        for ((to, gradient), factor) in groups.zip(&self.factors) {
            to.iter_mut().zip(gradient).for_each(|(to, gradient)| *to += gradient * factor);
        }
        Ok(())
    }

    #[cfg(feature = "gpu")]
    fn kernels(&mut self) -> Option<&mut dyn crate::nn::op::Kernels> {
        Some(self)
    }
}
