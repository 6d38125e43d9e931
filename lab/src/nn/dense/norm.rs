//! Layer normalization, compiled once; dfdx's `LayerNorm1D` is the same with other names.

use dfdx::nn::{
    BuildOnDevice, Module, NonMutableModule,
    tensor_collection::{ModuleVisitor, TensorCollection, TensorOptions},
};
use dfdx::shapes::{Const, Dim, Dtype, HasShape, Rank1, Shape};
use dfdx::tensor::{Storage, Tape, Tensor};
use dfdx::tensor_ops::Device;

use crate::device::{Dev, DevError, wrong_size};
use crate::nn::op::{Inputs, Op, add_to};
use crate::nn::parallel::{parallel, per_job};
use crate::nn::shape::{NormRows, Takes};

/// As PyTorch's default.
pub(super) const EPSILON: f32 = 1e-5;

/// `LayerNorm<SIZE>`: makes mean 0 and variance 1 of each row of `SIZE` numbers, then scales and shifts them
/// (Ba, Kiros and Hinton, *Layer Normalization*, 2016). Input and output: `(batch, SIZE)` or
/// `(batch, sequence, SIZE)`. As `torch.nn.LayerNorm`, with its names and its epsilon of 1e-5.
#[derive(Debug, Clone)]
pub struct LayerNorm<const SIZE: usize, E: Dtype = f32, D: Storage<E> = Dev> {
    /// Multiplies; starts at 1.
    pub weight: Tensor<Rank1<SIZE>, E, D>,
    /// Is added; starts at 0.
    pub bias: Tensor<Rank1<SIZE>, E, D>,
}

impl<const SIZE: usize> BuildOnDevice<Dev, f32> for LayerNorm<SIZE> {
    type Built = Self;
}

impl<const SIZE: usize, E: Dtype, D: Storage<E>> NonMutableModule for LayerNorm<SIZE, E, D> {}

impl<const SIZE: usize> TensorCollection<f32, Dev> for LayerNorm<SIZE> {
    type To<E: Dtype, D: Device<E>> = LayerNorm<SIZE, E, D>;

    fn iter_tensors<V: ModuleVisitor<Self, f32, Dev>>(
        visitor: &mut V,
    ) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
        let weight = Self::tensor("weight", |s| &s.weight, |s| &mut s.weight, TensorOptions::reset_to_ones());
        let bias = Self::tensor("bias", |s| &s.bias, |s| &mut s.bias, TensorOptions::reset_to_zeros());
        visitor.visit_fields((weight, bias), |(weight, bias)| LayerNorm { weight, bias })
    }
}

impl<const SIZE: usize> LayerNorm<SIZE> {
    fn rows<const ROW: usize, S: Shape, Out: Shape, T: Tape<f32, Dev>>(
        &self,
        x: Tensor<S, f32, Dev, T>,
        shape: Out,
    ) -> Result<Tensor<Out, f32, Dev, T>, DevError> {
        let () = Takes::<NormRows, SIZE, ROW>::CHECK;
        Inputs::of(x)?.and(&self.weight)?.and(&self.bias)?.apply(Normalize::new(SIZE), shape)
    }
}

impl<B: Dim, const SIZE: usize, const ROW: usize, T: Tape<f32, Dev>> Module<Tensor<(B, Const<ROW>), f32, Dev, T>>
    for LayerNorm<SIZE>
{
    type Output = Tensor<(B, Const<SIZE>), f32, Dev, T>;
    type Error = DevError;

    fn try_forward(&self, x: Tensor<(B, Const<ROW>), f32, Dev, T>) -> Result<Self::Output, DevError> {
        let shape = (x.shape().0, Const);
        self.rows::<ROW, _, _, _>(x, shape)
    }
}

impl<B: Dim, L: Dim, const SIZE: usize, const ROW: usize, T: Tape<f32, Dev>>
    Module<Tensor<(B, L, Const<ROW>), f32, Dev, T>> for LayerNorm<SIZE>
{
    type Output = Tensor<(B, L, Const<SIZE>), f32, Dev, T>;
    type Error = DevError;

    fn try_forward(&self, x: Tensor<(B, L, Const<ROW>), f32, Dev, T>) -> Result<Self::Output, DevError> {
        let shape = (x.shape().0, x.shape().1, Const);
        self.rows::<ROW, _, _, _>(x, shape)
    }
}

/// Inputs: rows `[rows, size]`, weight and bias `[size]`. Output: `[rows, size]`.
pub(super) struct Normalize {
    pub(super) size: usize,
    normal: Vec<f32>,
    /// One over each row's standard deviation.
    scales: Vec<f32>,
    weight: Vec<f32>,
    /// The same on a GPU: each row's mean and scale.
    #[cfg(feature = "gpu")]
    pub(super) statistics: Option<cuda::math::Room>,
}

impl Normalize {
    pub(super) fn new(size: usize) -> Self {
        Self {
            size,
            normal: Vec::new(),
            scales: Vec::new(),
            weight: Vec::new(),
            #[cfg(feature = "gpu")]
            statistics: None,
        }
    }
}

impl Op for Normalize {
    fn forward(&mut self, inputs: Vec<Vec<f32>>) -> Result<Vec<f32>, DevError> {
        let [x, weight, bias]: [Vec<f32>; 3] = inputs.try_into().map_err(|_| wrong_size())?;
        let (size, some) = (self.size, per_job(self.size));
        (self.normal, self.weight) = (x, weight);
        self.scales = vec![0.0; self.normal.len() / size];
        let mut output = vec![0.0; self.normal.len()];
        let rows = self.normal.chunks_mut(some * size).zip(output.chunks_mut(some * size));
        let jobs = rows.zip(self.scales.chunks_mut(some)).collect();
        let weight = &self.weight;
        parallel(jobs, |((normal, output), scales): ((&mut [f32], &mut [f32]), &mut [f32])| {
            let rows = normal.chunks_exact_mut(size).zip(output.chunks_exact_mut(size));
            for ((normal, output), scale) in rows.zip(scales) {
                *scale = normalize(normal);
                for (((output, normal), weight), bias) in output.iter_mut().zip(normal).zip(weight).zip(&bias) {
                    *output = *normal * weight + bias;
                }
            }
        });
        Ok(output)
    }

    fn backward(&mut self, gradient: &[f32], gradients: &mut [&mut [f32]]) -> Result<(), DevError> {
        let [to, of_weight, of_bias] = gradients else { return Err(wrong_size()) };
        let (size, some) = (self.size, per_job(self.size));
        let rows = gradient.chunks(some * size).zip(self.normal.chunks(some * size));
        let jobs = rows.zip(to.chunks_mut(some * size)).zip(self.scales.chunks(some)).collect();
        #[allow(clippy::type_complexity)] // a job is slices that belong together
        let parts = parallel(jobs, |(((gradient, normal), to), scales): (((&[f32], &[f32]), _), &[f32])| {
            let to: &mut [f32] = to;
            let (mut of_weight, mut of_bias) = (vec![0.0; size], vec![0.0; size]);
            let rows = gradient.chunks_exact(size).zip(normal.chunks_exact(size));
            for (((gradient, normal), to), scale) in rows.zip(to.chunks_exact_mut(size)).zip(scales) {
                add_to(&mut of_bias, gradient);
                for ((sum, gradient), normal) in of_weight.iter_mut().zip(gradient).zip(normal) {
                    *sum += gradient * normal;
                }
                differentiate(gradient, normal, &self.weight, *scale, to);
            }
            (of_weight, of_bias)
        });
        for (weight, bias) in parts {
            add_to(of_weight, &weight);
            add_to(of_bias, &bias);
        }
        Ok(())
    }

    #[cfg(feature = "gpu")]
    fn kernels(&mut self) -> Option<&mut dyn crate::nn::op::Kernels> {
        Some(self)
    }
}

/// Makes mean 0 and variance 1 of a row; gives what it was multiplied by.
#[allow(clippy::cast_precision_loss)] // rows are far shorter than 2^24
fn normalize(row: &mut [f32]) -> f32 {
    let size = row.len() as f32;
    let mean = row.iter().sum::<f32>() / size;
    row.iter_mut().for_each(|value| *value -= mean);
    let variance = row.iter().map(|value| value * value).sum::<f32>() / size;
    let scale = 1.0 / (variance + EPSILON).sqrt();
    row.iter_mut().for_each(|value| *value *= scale);
    scale
}

/// With n the normalized row, w the weight and g the gradient: scale (gw - mean(gw) - n mean(gw n)).
#[allow(clippy::cast_precision_loss)]
fn differentiate(gradient: &[f32], normal: &[f32], weight: &[f32], scale: f32, to: &mut [f32]) {
    let (mut sum, mut along) = (0.0, 0.0);
    for ((gradient, weight), normal) in gradient.iter().zip(weight).zip(normal) {
        sum += gradient * weight;
        along += gradient * weight * normal;
    }
    let (mean, along) = (sum / to.len() as f32, along / to.len() as f32);
    for (((to, gradient), weight), normal) in to.iter_mut().zip(gradient).zip(weight).zip(normal) {
        *to += scale * (gradient * weight - mean - normal * along);
    }
}
