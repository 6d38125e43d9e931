//! Activations: of dfdx's names, compiled here, also inside lab's own blocks.

use dfdx::nn::{Module, NonMutableModule, ZeroSizedModule};
use dfdx::shapes::{HasShape, Shape};
use dfdx::tensor::{Tape, Tensor};

pub(super) use cuda::math::activation::Curve;

use crate::device::{Dev, DevError, wrong_size};
use crate::math;
use crate::nn::op::{Inputs, Op};
use crate::nn::parallel::{parallel, per_job};

/// What a block may have between its two linear layers.
pub trait Activation: Default + Clone + std::fmt::Debug + 'static {
    /// Which it is.
    const CURVE: Curve;
}

macro_rules! activation {
    ($($(#[$doc:meta])* $name:ident, $curve:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct $name;

        impl ZeroSizedModule for $name {}

        impl NonMutableModule for $name {}

        impl Activation for $name {
            const CURVE: Curve = Curve::$curve;
        }

        impl<S: Shape, T: Tape<f32, Dev>> Module<Tensor<S, f32, Dev, T>> for $name {
            type Output = Tensor<S, f32, Dev, T>;
            type Error = DevError;

            fn try_forward(&self, x: Tensor<S, f32, Dev, T>) -> Result<Self::Output, DevError> {
                activate::<Self, S, T>(x)
            }
        }
    )* };
}

activation! {
    /// max(x, 0). As `torch.nn.ReLU`.
    ReLU, Relu;
    /// x Φ(x) (Hendrycks and Gimpel, *Gaussian Error Linear Units*, 2016). As `torch.nn.GELU`.
    AccurateGeLU, Gelu;
    /// The same with Φ approximated by tanh, as given there. As `torch.nn.GELU(approximate="tanh")`.
    FastGeLU, FastGelu;
    /// 1 / (1 + exp(-x)). As `torch.nn.Sigmoid`.
    Sigmoid, Sigmoid;
    /// As `torch.nn.Tanh`.
    Tanh, Tanh;
}

/// Applies the activation to each number.
pub(crate) fn activate<A: Activation, S: Shape, T: Tape<f32, Dev>>(
    x: Tensor<S, f32, Dev, T>,
) -> Result<Tensor<S, f32, Dev, T>, DevError> {
    let shape = *x.shape();
    Inputs::of(x)?.apply(Activate { curve: A::CURVE, slopes: Vec::new() }, shape)
}

/// Keeps the slope at each number rather than the number, which takes as much room and no second pass.
pub(super) struct Activate {
    pub(super) curve: Curve,
    pub(super) slopes: Vec<f32>,
}

impl Op for Activate {
    fn forward(&mut self, inputs: Vec<Vec<f32>>) -> Result<Vec<f32>, DevError> {
        let [mut x]: [Vec<f32>; 1] = inputs.try_into().map_err(|_| wrong_size())?;
        self.slopes = vec![0.0; x.len()];
        let some = per_job(1);
        let jobs = x.chunks_mut(some).zip(self.slopes.chunks_mut(some)).collect();
        let curve = self.curve;
        parallel(jobs, |(x, slopes): (&mut [f32], &mut [f32])| {
            let each = x.iter_mut().zip(slopes);
            match curve {
                Curve::Relu => each.for_each(|(x, slope)| (*x, *slope) = relu(*x)),
                Curve::Gelu => each.for_each(|(x, slope)| (*x, *slope) = gelu(*x)),
                Curve::FastGelu => each.for_each(|(x, slope)| (*x, *slope) = fast_gelu(*x)),
                Curve::Sigmoid => each.for_each(|(x, slope)| (*x, *slope) = sigmoid(*x)),
                Curve::Tanh => each.for_each(|(x, slope)| (*x, *slope) = tanh(*x)),
            }
        });
        Ok(x)
    }

    fn backward(&mut self, gradient: &[f32], gradients: &mut [&mut [f32]]) -> Result<(), DevError> {
        let [to] = gradients else { return Err(wrong_size()) };
        for ((to, gradient), slope) in to.iter_mut().zip(gradient).zip(&self.slopes) {
            *to += gradient * slope;
        }
        Ok(())
    }

    #[cfg(feature = "gpu")]
    fn kernels(&mut self) -> Option<&mut dyn crate::nn::op::Kernels> {
        Some(self)
    }
}

/// Value and slope. NaN stays NaN.
fn relu(x: f32) -> (f32, f32) {
    if x < 0.0 { (0.0, 0.0) } else { (x, if x == 0.0 { 0.0 } else { 1.0 }) }
}

fn gelu(x: f32) -> (f32, f32) {
    // Φ by Abramowitz and Stegun, *Handbook of Mathematical Functions*, 7.1.26: to 1.5e-7.
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let density = math::exp(-z * z);
    let series = t * (0.254_829_6 + t * (-0.284_496_75 + t * (1.421_413_7 + t * (-1.453_152 + t * 1.061_405_4))));
    let tail = 0.5 * series * density;
    let below = if x < 0.0 { tail } else { 1.0 - tail };
    // density / √(2π) is the normal density at x.
    (x * below, below + x * density * (0.5 * std::f32::consts::FRAC_2_SQRT_PI * std::f32::consts::FRAC_1_SQRT_2))
}

fn fast_gelu(x: f32) -> (f32, f32) {
    const ROOT: f32 = std::f32::consts::FRAC_2_SQRT_PI * std::f32::consts::FRAC_1_SQRT_2; // √(2/π)
    let tanh = math::tanh(ROOT * (x + 0.044_715 * x * x * x));
    let inner = ROOT * (1.0 + 3.0 * 0.044_715 * x * x);
    (0.5 * x * (1.0 + tanh), 0.5 * (1.0 + tanh) + 0.5 * x * (1.0 - tanh * tanh) * inner)
}

fn sigmoid(x: f32) -> (f32, f32) {
    let y = math::sigmoid(x);
    (y, y * (1.0 - y))
}

fn tanh(x: f32) -> (f32, f32) {
    let y = math::tanh(x);
    (y, 1.0 - y * y)
}
