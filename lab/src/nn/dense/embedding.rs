//! Rows of weights, looked up by number.

use dfdx::nn::{
    BuildOnDevice, Module, NonMutableModule,
    tensor_collection::{ModuleVisitor, TensorCollection, TensorOptions},
};
use dfdx::shapes::{Const, Dim, Dtype, HasShape, Rank2, Shape};
use dfdx::tensor::{PutTape, SplitTape, Storage, Tape, Tensor};
use dfdx::tensor_ops::Device;

use crate::device::{Dev, DevError, wrong_size};
use crate::nn::init;
use crate::nn::op::{Inputs, Op, add_to};

/// `Embedding<VOCABULARY, DIM>`: a row of `DIM` weights for each token, from `(sequence,)` or `(batch, sequence)` of
/// `usize` to the same with `DIM` numbers for each. As `torch.nn.Embedding`; weights start uniform in ±1/√VOCABULARY.
///
/// # Panics
/// When a token is not below `VOCABULARY`.
#[derive(Debug, Clone)]
pub struct Embedding<const VOCABULARY: usize, const DIM: usize, E: Dtype = f32, D: Storage<E> = Dev> {
    pub weight: Tensor<Rank2<VOCABULARY, DIM>, E, D>,
}

impl<const VOCABULARY: usize, const DIM: usize> BuildOnDevice<Dev, f32> for Embedding<VOCABULARY, DIM> {
    type Built = Self;
}

impl<const VOCABULARY: usize, const DIM: usize, E: Dtype, D: Storage<E>> NonMutableModule
    for Embedding<VOCABULARY, DIM, E, D>
{
}

impl<const VOCABULARY: usize, const DIM: usize> TensorCollection<f32, Dev> for Embedding<VOCABULARY, DIM> {
    type To<E: Dtype, D: Device<E>> = Embedding<VOCABULARY, DIM, E, D>;

    fn iter_tensors<V: ModuleVisitor<Self, f32, Dev>>(
        visitor: &mut V,
    ) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
        let start = TensorOptions::reset_with(|weight| init::reset_uniform(weight, VOCABULARY));
        let weight = Self::tensor("weight", |s| &s.weight, |s| &mut s.weight, start);
        visitor.visit_fields(weight, |weight| Embedding { weight })
    }
}

impl<const VOCABULARY: usize, const DIM: usize> Embedding<VOCABULARY, DIM> {
    fn look_up<S: Shape, Out: Shape, T: Tape<f32, Dev>>(
        &self,
        tokens: Tensor<S, usize, Dev, T>,
        shape: Out,
    ) -> Result<Tensor<Out, f32, Dev, T>, DevError> {
        let (tokens, tape) = tokens.split_tape();
        let op = LookUp::new(tokens.as_vec(), VOCABULARY, DIM);
        Inputs::of(self.weight.clone().put_tape(tape))?.apply(op, shape)
    }
}

impl<S: Dim, const VOCABULARY: usize, const DIM: usize, T: Tape<f32, Dev>> Module<Tensor<(S,), usize, Dev, T>>
    for Embedding<VOCABULARY, DIM>
{
    type Output = Tensor<(S, Const<DIM>), f32, Dev, T>;
    type Error = DevError;

    fn try_forward(&self, tokens: Tensor<(S,), usize, Dev, T>) -> Result<Self::Output, DevError> {
        let shape = (tokens.shape().0, Const);
        self.look_up(tokens, shape)
    }
}

impl<B: Dim, S: Dim, const VOCABULARY: usize, const DIM: usize, T: Tape<f32, Dev>> Module<Tensor<(B, S), usize, Dev, T>>
    for Embedding<VOCABULARY, DIM>
{
    type Output = Tensor<(B, S, Const<DIM>), f32, Dev, T>;
    type Error = DevError;

    fn try_forward(&self, tokens: Tensor<(B, S), usize, Dev, T>) -> Result<Self::Output, DevError> {
        let shape = (tokens.shape().0, tokens.shape().1, Const);
        self.look_up(tokens, shape)
    }
}

/// Input: the table, `[vocabulary, dim]`. Output: `[tokens, dim]`.
pub(super) struct LookUp {
    pub(super) tokens: Vec<usize>,
    pub(super) dim: usize,
}

impl LookUp {
    /// Panics on a token that is not in the vocabulary: the error type that dfdx's tuples need could not say which.
    pub(super) fn new(tokens: Vec<usize>, vocabulary: usize, dim: usize) -> Self {
        if let Some(token) = tokens.iter().find(|token| **token >= vocabulary) {
            panic!(
                "token {token} is not in the vocabulary of Embedding<{vocabulary}, {dim}>, which ends before {vocabulary}"
            );
        }
        Self { tokens, dim }
    }
}

impl Op for LookUp {
    fn forward(&mut self, inputs: Vec<Vec<f32>>) -> Result<Vec<f32>, DevError> {
        let [table]: [Vec<f32>; 1] = inputs.try_into().map_err(|_| wrong_size())?;
        let mut rows = Vec::with_capacity(self.tokens.len() * self.dim);
        self.tokens.iter().for_each(|token| rows.extend_from_slice(&table[token * self.dim..][..self.dim]));
        Ok(rows)
    }

    fn backward(&mut self, gradient: &[f32], gradients: &mut [&mut [f32]]) -> Result<(), DevError> {
        let [to] = gradients else { return Err(wrong_size()) };
        for (token, row) in self.tokens.iter().zip(gradient.chunks_exact(self.dim.max(1))) {
            add_to(&mut to[token * self.dim..][..self.dim], row);
        }
        Ok(())
    }

    #[cfg(feature = "gpu")]
    fn kernels(&mut self) -> Option<&mut dyn crate::nn::op::Kernels> {
        Some(self)
    }
}
