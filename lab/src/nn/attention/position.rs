//! Where a row stands in its sequence, added to the row.

use std::sync::{Arc, OnceLock};

use dfdx::nn::{
    BuildOnDevice, Module, NonMutableModule, ZeroSizedModule,
    tensor_collection::{ModuleVisitor, TensorCollection, TensorOptions},
};
use dfdx::shapes::{Dim, Dtype, HasShape, Rank2};
use dfdx::tensor::{Storage, Tape, Tensor};
use dfdx::tensor_ops::Device;

use super::heads::Rows;
use crate::device::{Dev, DevError, wrong_size};
use crate::math::double::{cos, powf, sin};
use crate::nn::op::{Inputs, Op, add_to};

/// `SinusoidalPositions<LENGTH, DIM>`: adds sines and cosines of the position, of `DIM / 2` wavelengths from 2π to
/// 10000 · 2π (Vaswani et al., *Attention Is All You Need*, 2017, section 3.5). Input and output:
/// `(batch, sequence, DIM)`, with sequences of `LENGTH` at most.
#[derive(Debug, Clone, Default)]
pub struct SinusoidalPositions<const LENGTH: usize, const DIM: usize> {
    table: OnceLock<Arc<Table>>,
}

impl<const LENGTH: usize, const DIM: usize> ZeroSizedModule for SinusoidalPositions<LENGTH, DIM> {}

impl<const LENGTH: usize, const DIM: usize> NonMutableModule for SinusoidalPositions<LENGTH, DIM> {}

impl<B: Dim, S: Dim, const LENGTH: usize, const DIM: usize, T: Tape<f32, Dev>> Module<Rows<B, S, DIM, T>>
    for SinusoidalPositions<LENGTH, DIM>
{
    type Output = Rows<B, S, DIM, T>;
    type Error = DevError;

    /// An error, [`wrong_size()`], when the sequence is longer than `LENGTH`.
    fn try_forward(&self, x: Rows<B, S, DIM, T>) -> Result<Self::Output, DevError> {
        let shape = *x.shape();
        let table = self.table.get_or_init(|| Arc::new(Table::sinusoids(LENGTH, DIM))).clone();
        Inputs::of(x)?.apply(AddPositions { rows: shape.1.size(), dim: DIM, table: Some(table) }, shape)
    }
}

/// `LearnedPositions<LENGTH, DIM>`: adds a row of weights for each position, as `torch.nn.Embedding(LENGTH, DIM)` of
/// the positions. Input and output: `(batch, sequence, DIM)`, with sequences of `LENGTH` at most. Starts normal
/// with a standard deviation of 0.02, as in GPT-2.
#[derive(Debug, Clone)]
pub struct LearnedPositions<const LENGTH: usize, const DIM: usize, E: Dtype = f32, D: Storage<E> = Dev> {
    pub weight: Tensor<Rank2<LENGTH, DIM>, E, D>,
}

impl<const LENGTH: usize, const DIM: usize> BuildOnDevice<Dev, f32> for LearnedPositions<LENGTH, DIM> {
    type Built = Self;
}

impl<const LENGTH: usize, const DIM: usize, E: Dtype, D: Storage<E>> NonMutableModule
    for LearnedPositions<LENGTH, DIM, E, D>
{
}

impl<const LENGTH: usize, const DIM: usize> TensorCollection<f32, Dev> for LearnedPositions<LENGTH, DIM> {
    type To<E: Dtype, D: Device<E>> = LearnedPositions<LENGTH, DIM, E, D>;

    fn iter_tensors<V: ModuleVisitor<Self, f32, Dev>>(
        visitor: &mut V,
    ) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
        let start = TensorOptions::reset_with(|weight| crate::nn::init::reset_normal(weight, 0.02));
        let weight = Self::tensor("weight", |s| &s.weight, |s| &mut s.weight, start);
        visitor.visit_fields(weight, |weight| LearnedPositions { weight })
    }
}

impl<B: Dim, S: Dim, const LENGTH: usize, const DIM: usize, T: Tape<f32, Dev>> Module<Rows<B, S, DIM, T>>
    for LearnedPositions<LENGTH, DIM>
{
    type Output = Rows<B, S, DIM, T>;
    type Error = DevError;

    /// An error, [`wrong_size()`], when the sequence is longer than `LENGTH`.
    fn try_forward(&self, x: Rows<B, S, DIM, T>) -> Result<Self::Output, DevError> {
        let shape = *x.shape();
        let op = AddPositions { rows: shape.1.size(), dim: DIM, table: None };
        Inputs::of(x)?.and(&self.weight)?.apply(op, shape)
    }
}

/// Inputs: `[batch, rows, dim]`, and the table `[length, dim]` unless it is fixed.
pub(super) struct AddPositions {
    pub(super) rows: usize,
    pub(super) dim: usize,
    pub(super) table: Option<Arc<Table>>,
}

impl Op for AddPositions {
    fn forward(&mut self, inputs: Vec<Vec<f32>>) -> Result<Vec<f32>, DevError> {
        let mut inputs = inputs.into_iter();
        let mut x = inputs.next().ok_or(wrong_size())?;
        let learned = inputs.next();
        let fixed = self.table.as_ref().map(|table| table.numbers.as_slice());
        let table = fixed.or(learned.as_deref()).ok_or(wrong_size())?;
        let sequence = self.rows * self.dim;
        let table = table.get(..sequence).ok_or(wrong_size())?;
        x.chunks_exact_mut(sequence.max(1)).for_each(|rows| add_to(rows, table));
        Ok(x)
    }

    fn backward(&mut self, gradient: &[f32], gradients: &mut [&mut [f32]]) -> Result<(), DevError> {
        let (of_x, of_table) = gradients.split_first_mut().ok_or(wrong_size())?;
        add_to(of_x, gradient);
        if let [table] = of_table {
            gradient.chunks_exact((self.rows * self.dim).max(1)).for_each(|rows| add_to(table, rows));
        }
        Ok(())
    }

    #[cfg(feature = "gpu")]
    fn kernels(&mut self) -> Option<&mut dyn crate::nn::op::Kernels> {
        Some(self)
    }
}

/// A table that no step changes: `[length, dim]`.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) numbers: Vec<f32>,
    /// The same on a GPU, from the first step on.
    #[cfg(feature = "gpu")]
    pub(super) there: OnceLock<cuda::math::Room>,
}

impl Table {
    /// sin(p / 10000^(2i / dim)) at 2i and cos of the same at 2i + 1.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // computed in f64, used in f32
    fn sinusoids(length: usize, dim: usize) -> Self {
        let value = |position: usize, i: usize| {
            let angle = position as f64 / powf(10_000.0, (i / 2 * 2) as f64 / dim as f64);
            (if i.is_multiple_of(2) { sin(angle) } else { cos(angle) }) as f32
        };
        Self {
            numbers: (0..length * dim).map(|at| value(at / dim, at % dim)).collect(),
            #[cfg(feature = "gpu")]
            there: OnceLock::new(),
        }
    }
}
