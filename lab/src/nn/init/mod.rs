//! How weights start: drawn by a seed, for a whole model or one tensor.
//!
//! In a model, weights of two axes or more are drawn, and those named `bias…` or `beta` become 0; the scales of
//! normalization layers, running statistics and frozen weights stay as they are. Given one tensor
//! (`init::normal(&mut model.0.bias, 0.1, 1)`), it is drawn whatever it is. Each tensor has a stream of its own,
//! so the same seed gives the same weights.
//!
//! The fan-in of a weight is the size of one output's inputs (the product of all axes but the first), the
//! fan-out the first axis times the kernel's size, as in PyTorch.

mod draw;
mod orthogonal;

use std::convert::Infallible;

use dfdx::nn::TensorCollection;
use dfdx::nn::tensor_collection::{RecursiveWalker, TensorOptions, TensorVisitor, ViewTensorMut, ViewTensorName};
use dfdx::shapes::{HasShape, Shape};
use dfdx::tensor::{RandomU64, Tensor};

use crate::device::{Dev, DevError};

/// Uniform in ±√(6 / (fan-in + fan-out)): Glorot and Bengio, *Understanding the difficulty of training deep
/// feedforward neural networks*, 2010, equation 16. For tanh and sigmoid.
pub fn xavier_uniform<M: TensorCollection<f32, Dev>>(model: &mut M, seed: u64) {
    start(model, seed, Start::Uniform(|[fan_in, fan_out]| (6.0 / (fan_in + fan_out)).sqrt()));
}

/// Normal with variance 2 / (fan-in + fan-out): Glorot and Bengio, 2010.
pub fn xavier_normal<M: TensorCollection<f32, Dev>>(model: &mut M, seed: u64) {
    start(model, seed, Start::Normal(|[fan_in, fan_out]| (2.0 / (fan_in + fan_out)).sqrt()));
}

/// Uniform in ±√(6 / fan-in), for ReLU: He et al., *Delving Deep into Rectifiers*, 2015, equation 10.
pub fn kaiming_uniform<M: TensorCollection<f32, Dev>>(model: &mut M, seed: u64) {
    start(model, seed, Start::Uniform(|[fan_in, _]| (6.0 / fan_in).sqrt()));
}

/// Normal with variance 2 / fan-in, for ReLU: He et al., 2015.
pub fn kaiming_normal<M: TensorCollection<f32, Dev>>(model: &mut M, seed: u64) {
    start(model, seed, Start::Normal(|[fan_in, _]| (2.0 / fan_in).sqrt()));
}

/// Normal around 0 with this standard deviation.
pub fn normal<M: TensorCollection<f32, Dev>>(model: &mut M, deviation: f64, seed: u64) {
    start(model, seed, Start::NormalOf(deviation));
}

/// Uniform in ±`bound`.
pub fn uniform<M: TensorCollection<f32, Dev>>(model: &mut M, bound: f64, seed: u64) {
    start(model, seed, Start::UniformOf(bound));
}

/// Zeros.
pub fn zeros<M: TensorCollection<f32, Dev>>(model: &mut M) {
    start(model, 0, Start::Zeros);
}

/// Rows, or columns if there are fewer, that are orthogonal and of length `gain`, the axes after the first
/// taken as one: Saxe, McClelland and Ganguli, *Exact solutions to the nonlinear dynamics of learning in deep
/// linear neural networks*, 2014.
pub fn orthogonal<M: TensorCollection<f32, Dev>>(model: &mut M, gain: f64, seed: u64) {
    start(model, seed, Start::Orthogonal(gain));
}

/// How a weight is drawn, given its fan-in and fan-out where it depends on them.
#[derive(Clone, Copy)]
enum Start {
    Uniform(fn([f64; 2]) -> f64),
    Normal(fn([f64; 2]) -> f64),
    UniformOf(f64),
    NormalOf(f64),
    Orthogonal(f64),
    Zeros,
}

impl Start {
    /// The numbers of a tensor of this shape.
    fn draw(self, shape: &[usize], seed: u64, stream: u64) -> Vec<f32> {
        let mut generator = draw::generator(seed);
        generator.set_stream(stream);
        let len = shape.iter().product();
        match self {
            Self::Uniform(bound) => draw::uniform(&mut generator, len, bound(fans(shape))),
            Self::UniformOf(bound) => draw::uniform(&mut generator, len, bound),
            Self::Normal(deviation) => draw::normal(&mut generator, len, deviation(fans(shape))),
            Self::NormalOf(deviation) => draw::normal(&mut generator, len, deviation),
            Self::Orthogonal(gain) => {
                let rows = shape.first().copied().unwrap_or(1);
                orthogonal::orthogonal(&mut generator, rows, len / rows.max(1), gain)
            }
            Self::Zeros => vec![0.0; len],
        }
    }
}

/// Fan-in and fan-out; of a row, its length for both.
#[allow(clippy::cast_precision_loss)] // sizes of layers are far below 2^52
fn fans(shape: &[usize]) -> [f64; 2] {
    let numbers = shape.iter().product::<usize>().max(1) as f64;
    match shape {
        [out, inputs, ..] => [numbers / *out as f64, numbers / *inputs as f64],
        _ => [numbers, numbers],
    }
}

fn start<M: TensorCollection<f32, Dev>>(model: &mut M, seed: u64, start: Start) {
    let mut starter = Starter { start, seed, stream: 0 };
    // Starting can't fail: the visitor below never returns an error.
    let _ = M::iter_tensors(&mut RecursiveWalker { m: (model, String::new()), f: &mut starter });
}

struct Starter {
    start: Start,
    seed: u64,
    stream: u64,
}

impl Starter {
    /// What a tensor becomes, if anything.
    fn numbers(&mut self, name: &str, shape: &[usize]) -> Option<Vec<f32>> {
        self.stream += 1;
        let last = name.rsplit('.').next().unwrap_or(name);
        match shape {
            _ if last.starts_with("bias") || last == "beta" => Some(vec![0.0; shape.iter().product()]),
            // A recurrent layer's gates are an axis here and not in PyTorch, whose fans are meant.
            [gates, out, inputs] if last.starts_with("weight_ih") || last.starts_with("weight_hh") => {
                Some(self.start.draw(&[gates * out, *inputs], self.seed, self.stream))
            }
            [_, _, ..] => Some(self.start.draw(shape, self.seed, self.stream)),
            _ if name.is_empty() => Some(self.start.draw(shape, self.seed, self.stream)),
            _ => None,
        }
    }
}

impl TensorVisitor<f32, Dev> for Starter {
    type Viewer = (ViewTensorMut, ViewTensorName);
    type Err = Infallible;
    type E2 = f32;
    type D2 = Dev;

    fn visit<S: Shape>(
        &mut self,
        options: TensorOptions<S, f32, Dev>,
        (tensor, name): (&mut Tensor<S, f32, Dev>, String),
    ) -> Result<Option<Tensor<S, f32, Dev>>, Infallible> {
        if options.do_gradient_update
            && let Some(numbers) = self.numbers(&name, tensor.shape().concrete().as_ref())
        {
            tensor.copy_from(&numbers);
        }
        Ok(None)
    }
}

/// Uniform in ±1/√`fan_in`, by the device's generator: what `build_module` does, as in PyTorch.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn reset_uniform<S: Shape>(tensor: &mut Tensor<S, f32, Dev>, fan_in: usize) -> Result<(), DevError> {
    let mut generator = draw::generator(tensor.device().random_u64());
    let bound = 1.0 / (fan_in.max(1) as f64).sqrt();
    tensor.copy_from(&draw::uniform(&mut generator, tensor.shape().num_elements(), bound));
    Ok(())
}

/// Normal around 0, by the device's generator.
pub(crate) fn reset_normal<S: Shape>(tensor: &mut Tensor<S, f32, Dev>, deviation: f64) -> Result<(), DevError> {
    let mut generator = draw::generator(tensor.device().random_u64());
    tensor.copy_from(&draw::normal(&mut generator, tensor.shape().num_elements(), deviation));
    Ok(())
}

#[cfg(test)]
mod tests;
