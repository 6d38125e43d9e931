//! Multi-head attention.

use dfdx::nn::{
    BuildOnDevice, Module, NonMutableModule,
    tensor_collection::{ModuleVisitor, TensorCollection},
};
use dfdx::shapes::{Const, Dim, Dtype, HasShape};
use dfdx::tensor::{NoneTape, PutTape, SplitTape, Storage, Tape, Tensor};
use dfdx::tensor_ops::Device;

use super::mask::{AttentionError, AttentionMask};
use super::product::{Weights, attend, weights};
use crate::device::{Dev, DevError, wrong_size};
use crate::nn::dense::{Linear, linear};
use crate::nn::dropout::Possible;
use crate::nn::shape::{AttentionRows, rows_of};

/// `MultiHeadAttention<DIM, HEADS, CAUSAL = false, DROPOUT = 0>`: each row of `DIM` numbers becomes a query, a key and a value;
/// queries look at keys, head by head, and what they see is mapped back to `DIM` numbers. As
/// `torch.nn.MultiheadAttention(DIM, HEADS, batch_first=True)`, whose `in_proj_weight` is `q_proj`, `k_proj` and
/// `v_proj` in one.
///
/// - Self-attention: `forward(x)` or `forward((x, &mask))`, with `x` and the output `(batch, sequence, DIM)`.
/// - Cross-attention: `forward((x, memory))` or `forward((x, memory, &mask))`, with `memory`
///   `(batch, other sequence, DIM)`. The tape comes with `x`; what `memory` was computed from must be on it.
///
/// `CAUSAL` hides what comes later in self-attention, so that such a layer can stand in a tuple. While it trains,
/// `DROPOUT` percent of the weights with which queries look at keys are dropped ([`Dropout`](crate::nn::Dropout)).
#[derive(Debug, Clone)]
pub struct MultiHeadAttention<
    const DIM: usize,
    const HEADS: usize,
    const CAUSAL: bool = false,
    const DROPOUT: usize = 0,
    E: Dtype = f32,
    D: Storage<E> = Dev,
> {
    /// Makes queries.
    pub q_proj: Linear<DIM, DIM, E, D>,
    /// Makes keys.
    pub k_proj: Linear<DIM, DIM, E, D>,
    /// Makes values.
    pub v_proj: Linear<DIM, DIM, E, D>,
    /// Maps what the heads saw.
    pub out_proj: Linear<DIM, DIM, E, D>,
}

impl<const DIM: usize, const HEADS: usize, const CAUSAL: bool, const DROPOUT: usize> BuildOnDevice<Dev, f32>
    for MultiHeadAttention<DIM, HEADS, CAUSAL, DROPOUT>
{
    type Built = Self;
}

impl<const DIM: usize, const HEADS: usize, const CAUSAL: bool, const DROPOUT: usize, E: Dtype, D: Storage<E>>
    NonMutableModule for MultiHeadAttention<DIM, HEADS, CAUSAL, DROPOUT, E, D>
{
}

impl<const DIM: usize, const HEADS: usize, const CAUSAL: bool, const DROPOUT: usize> TensorCollection<f32, Dev>
    for MultiHeadAttention<DIM, HEADS, CAUSAL, DROPOUT>
{
    type To<E: Dtype, D: Device<E>> = MultiHeadAttention<DIM, HEADS, CAUSAL, DROPOUT, E, D>;

    fn iter_tensors<V: ModuleVisitor<Self, f32, Dev>>(
        visitor: &mut V,
    ) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
        visitor.visit_fields(
            (
                Self::module("q_proj", |s| &s.q_proj, |s| &mut s.q_proj),
                Self::module("k_proj", |s| &s.k_proj, |s| &mut s.k_proj),
                Self::module("v_proj", |s| &s.v_proj, |s| &mut s.v_proj),
                Self::module("out_proj", |s| &s.out_proj, |s| &mut s.out_proj),
            ),
            |(q_proj, k_proj, v_proj, out_proj)| MultiHeadAttention { q_proj, k_proj, v_proj, out_proj },
        )
    }
}

/// What attention takes and gives.
pub(super) type Rows<B, S, const DIM: usize, T> = Tensor<(B, S, Const<DIM>), f32, Dev, T>;

impl<const DIM: usize, const HEADS: usize, const CAUSAL: bool, const DROPOUT: usize>
    MultiHeadAttention<DIM, HEADS, CAUSAL, DROPOUT>
{
    /// Attention of `x` to `memory`.
    pub(super) fn attend<B: Dim, Q: Dim, K: Dim, T: Tape<f32, Dev>>(
        &self,
        x: Rows<B, Q, DIM, T>,
        memory: &Rows<B, K, DIM, NoneTape>,
        mask: &AttentionMask,
    ) -> Result<Rows<B, Q, DIM, T>, AttentionError> {
        let (shape, of_memory) = (*x.shape(), *memory.shape());
        let (x, tape) = x.split_tape();
        let (keys, tape) = linear(memory.clone().put_tape(tape), &self.k_proj, of_memory)?.split_tape();
        let (values, tape) = linear(memory.clone().put_tape(tape), &self.v_proj, of_memory)?.split_tape();
        let queries = linear(x.put_tape(tape), &self.q_proj, shape)?;
        let () = Possible::<DROPOUT>::CHECK;
        let seen = attend::<HEADS, DIM, B, Q, K, T>(queries, &keys, &values, mask, DROPOUT)?;
        Ok(linear(seen, &self.out_proj, shape)?)
    }

    /// What each row looks at in self-attention, for a look at what was learned: `(batch, HEADS, sequence, sequence)`,
    /// each row of which sums to 1. [`attention_map`](crate::plot::attention_map) draws it.
    ///
    /// # Errors
    /// When the mask is for other sizes.
    pub fn weights<B: Dim, S: Dim>(
        &self,
        x: &Rows<B, S, DIM, NoneTape>,
        mask: &AttentionMask,
    ) -> Result<Weights<B, HEADS, S, S>, AttentionError> {
        let shape = *x.shape();
        let (queries, keys) = (linear(x.clone(), &self.q_proj, shape)?, linear(x.clone(), &self.k_proj, shape)?);
        weights::<HEADS, DIM, B, S, S>(&queries, &keys, &self.masked(mask))
    }

    fn masked(&self, mask: &AttentionMask) -> AttentionMask {
        AttentionMask { causal: mask.causal || CAUSAL, padding: mask.padding.clone() }
    }

    /// Attention of `x` to itself.
    pub(super) fn attend_self<B: Dim, S: Dim, T: Tape<f32, Dev>>(
        &self,
        x: Rows<B, S, DIM, T>,
        mask: &AttentionMask,
    ) -> Result<Rows<B, S, DIM, T>, AttentionError> {
        let (x, tape) = x.split_tape();
        self.attend(x.clone().put_tape(tape), &x, &self.masked(mask))
    }
}

impl<
    B: Dim,
    S: Dim,
    const ROW: usize,
    const DIM: usize,
    const HEADS: usize,
    const CAUSAL: bool,
    const DROPOUT: usize,
    T: Tape<f32, Dev>,
> Module<Rows<B, S, ROW, T>> for MultiHeadAttention<DIM, HEADS, CAUSAL, DROPOUT>
{
    type Output = Rows<B, S, DIM, T>;
    type Error = DevError;

    fn try_forward(&self, x: Rows<B, S, ROW, T>) -> Result<Self::Output, DevError> {
        let x = rows_of::<AttentionRows, DIM, ROW, _, _, _>(x)?;
        without_mask(self.attend_self(x, &AttentionMask::none()))
    }
}

impl<
    B: Dim,
    S: Dim,
    const ROW: usize,
    const DIM: usize,
    const HEADS: usize,
    const CAUSAL: bool,
    const DROPOUT: usize,
    T: Tape<f32, Dev>,
> Module<(Rows<B, S, ROW, T>, &AttentionMask)> for MultiHeadAttention<DIM, HEADS, CAUSAL, DROPOUT>
{
    type Output = Rows<B, S, DIM, T>;
    type Error = AttentionError;

    fn try_forward(&self, (x, mask): (Rows<B, S, ROW, T>, &AttentionMask)) -> Result<Self::Output, AttentionError> {
        self.attend_self(rows_of::<AttentionRows, DIM, ROW, _, _, _>(x)?, mask)
    }
}

/// A memory: what an encoder gave, its tape taken off.
type Memory<B, S, const DIM: usize> = Tensor<(B, S, Const<DIM>), f32, Dev>;

impl<
    B: Dim,
    Q: Dim,
    K: Dim,
    const ROW: usize,
    const DIM: usize,
    const HEADS: usize,
    const CAUSAL: bool,
    const DROPOUT: usize,
    T: Tape<f32, Dev>,
> Module<(Rows<B, Q, ROW, T>, Memory<B, K, DIM>)> for MultiHeadAttention<DIM, HEADS, CAUSAL, DROPOUT>
{
    type Output = Rows<B, Q, DIM, T>;
    type Error = AttentionError;

    fn try_forward(
        &self,
        (x, memory): (Rows<B, Q, ROW, T>, Memory<B, K, DIM>),
    ) -> Result<Self::Output, AttentionError> {
        self.attend(rows_of::<AttentionRows, DIM, ROW, _, _, _>(x)?, &memory, &AttentionMask::none())
    }
}

impl<
    B: Dim,
    Q: Dim,
    K: Dim,
    const ROW: usize,
    const DIM: usize,
    const HEADS: usize,
    const CAUSAL: bool,
    const DROPOUT: usize,
    T: Tape<f32, Dev>,
> Module<(Rows<B, Q, ROW, T>, Memory<B, K, DIM>, &AttentionMask)> for MultiHeadAttention<DIM, HEADS, CAUSAL, DROPOUT>
{
    type Output = Rows<B, Q, DIM, T>;
    type Error = AttentionError;

    fn try_forward(
        &self,
        (x, memory, mask): (Rows<B, Q, ROW, T>, Memory<B, K, DIM>, &AttentionMask),
    ) -> Result<Self::Output, AttentionError> {
        self.attend(rows_of::<AttentionRows, DIM, ROW, _, _, _>(x)?, &memory, mask)
    }
}

/// Without a mask and with one sequence for queries, keys and values, only dfdx can fail, whose error is the
/// one that dfdx's tuples need.
pub(super) fn without_mask<X>(result: Result<X, AttentionError>) -> Result<X, DevError> {
    result.map_err(|error| match error {
        AttentionError::Tensor { error } => error,
        _ => wrong_size(),
    })
}
