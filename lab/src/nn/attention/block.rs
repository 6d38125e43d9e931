//! Transformer blocks whose rows look at each other: encoders, and decoders that only see the past.

use dfdx::nn::{
    BuildOnDevice, Module, NonMutableModule,
    tensor_collection::{ModuleVisitor, TensorCollection},
};
use dfdx::shapes::{Const, Dim, Dtype, HasShape};
use dfdx::tensor::{PutTape, SplitTape, Storage, Tape};
use dfdx::tensor_ops::Device;

use super::heads::{MultiHeadAttention, Rows, without_mask};
use super::mask::{AttentionError, AttentionMask};
use crate::device::{Dev, DevError};
use crate::nn::dense::{Activation, LayerNorm, Linear, ReLU, activate, linear, sum};
use crate::nn::dropout::dropout;
use crate::nn::shape::{BlockRows, rows_of};

/// An encoder block: `TransformerEncoderBlock<DIM, HEADS, HIDDEN, NORM_FIRST = false, ACTIVATION = ReLU, DROPOUT = 0>`.
/// As `torch.nn.TransformerEncoderLayer` with `dropout=DROPOUT / 100` and `batch_first=True`.
pub type TransformerEncoderBlock<
    const DIM: usize,
    const HEADS: usize,
    const HIDDEN: usize,
    const NORM_FIRST: bool = false,
    A = ReLU,
    const DROPOUT: usize = 0,
> = TransformerBlock<DIM, HEADS, HIDDEN, false, NORM_FIRST, A, DROPOUT>;

/// A block of a language model: each row looks at itself and what came before.
/// `CausalTransformerBlock<DIM, HEADS, HIDDEN, NORM_FIRST = false, ACTIVATION = ReLU, DROPOUT = 0>`.
pub type CausalTransformerBlock<
    const DIM: usize,
    const HEADS: usize,
    const HIDDEN: usize,
    const NORM_FIRST: bool = false,
    A = ReLU,
    const DROPOUT: usize = 0,
> = TransformerBlock<DIM, HEADS, HIDDEN, true, NORM_FIRST, A, DROPOUT>;

/// Self-attention and two linear layers with `HIDDEN` numbers between them, each with a residual connection
/// and layer normalization: after the sum, or with `NORM_FIRST` before the layer (Xiong et al., *On Layer
/// Normalization in the Transformer Architecture*, 2020).
///
/// While it trains, `DROPOUT` percent are dropped ([`Dropout`](crate::nn::Dropout)) of the attention's weights, of
/// what it gives, of the numbers between the linear layers and of what these give.
///
/// `forward(x)` or `forward((x, &mask))`, with `x` and the output `(batch, sequence, DIM)`.
#[derive(Debug, Clone)]
pub struct TransformerBlock<
    const DIM: usize,
    const HEADS: usize,
    const HIDDEN: usize,
    const CAUSAL: bool,
    const NORM_FIRST: bool,
    A = ReLU,
    const DROPOUT: usize = 0,
    E: Dtype = f32,
    D: Storage<E> = Dev,
> {
    pub self_attn: MultiHeadAttention<DIM, HEADS, CAUSAL, DROPOUT, E, D>,
    pub linear1: Linear<DIM, HIDDEN, E, D>,
    pub linear2: Linear<HIDDEN, DIM, E, D>,
    pub norm1: LayerNorm<DIM, E, D>,
    pub norm2: LayerNorm<DIM, E, D>,
    /// Between the linear layers.
    pub activation: A,
}

impl<
    const DIM: usize,
    const HEADS: usize,
    const HIDDEN: usize,
    const CAUSAL: bool,
    const NORM_FIRST: bool,
    A,
    const DROPOUT: usize,
> BuildOnDevice<Dev, f32> for TransformerBlock<DIM, HEADS, HIDDEN, CAUSAL, NORM_FIRST, A, DROPOUT>
where
    A: Activation,
{
    type Built = Self;
}

impl<
    const DIM: usize,
    const HEADS: usize,
    const HIDDEN: usize,
    const CAUSAL: bool,
    const NORM_FIRST: bool,
    A,
    const DROPOUT: usize,
    E: Dtype,
    D: Storage<E>,
> NonMutableModule for TransformerBlock<DIM, HEADS, HIDDEN, CAUSAL, NORM_FIRST, A, DROPOUT, E, D>
{
}

impl<
    const DIM: usize,
    const HEADS: usize,
    const HIDDEN: usize,
    const CAUSAL: bool,
    const NORM_FIRST: bool,
    A,
    const DROPOUT: usize,
> TensorCollection<f32, Dev> for TransformerBlock<DIM, HEADS, HIDDEN, CAUSAL, NORM_FIRST, A, DROPOUT>
where
    A: Activation,
{
    type To<E: Dtype, D: Device<E>> = TransformerBlock<DIM, HEADS, HIDDEN, CAUSAL, NORM_FIRST, A, DROPOUT, E, D>;

    fn iter_tensors<V: ModuleVisitor<Self, f32, Dev>>(
        visitor: &mut V,
    ) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
        visitor.visit_fields(
            (
                Self::module("self_attn", |s| &s.self_attn, |s| &mut s.self_attn),
                Self::module("linear1", |s| &s.linear1, |s| &mut s.linear1),
                Self::module("linear2", |s| &s.linear2, |s| &mut s.linear2),
                Self::module("norm1", |s| &s.norm1, |s| &mut s.norm1),
                Self::module("norm2", |s| &s.norm2, |s| &mut s.norm2),
            ),
            |(self_attn, linear1, linear2, norm1, norm2)| TransformerBlock {
                self_attn,
                linear1,
                linear2,
                norm1,
                norm2,
                activation: A::default(),
            },
        )
    }
}

impl<
    const DIM: usize,
    const HEADS: usize,
    const HIDDEN: usize,
    const CAUSAL: bool,
    const NORM_FIRST: bool,
    A,
    const DROPOUT: usize,
> TransformerBlock<DIM, HEADS, HIDDEN, CAUSAL, NORM_FIRST, A, DROPOUT>
where
    A: Activation,
{
    fn run<B: Dim, S: Dim, T: Tape<f32, Dev>>(
        &self,
        x: Rows<B, S, DIM, T>,
        mask: &AttentionMask,
    ) -> Result<Rows<B, S, DIM, T>, AttentionError> {
        let x = residual::<NORM_FIRST, DROPOUT, DIM, _, _, _>(x, &self.norm1, |x| self.self_attn.attend_self(x, mask))?;
        residual::<NORM_FIRST, DROPOUT, DIM, _, _, _>(x, &self.norm2, |x| {
            Ok(feed_forward::<A, DROPOUT, DIM, HIDDEN, _, _, _>(x, &self.linear1, &self.linear2)?)
        })
    }
}

/// A layer beside which its input goes on, normalized after the sum or before the layer.
pub(super) fn residual<
    const NORM_FIRST: bool,
    const DROPOUT: usize,
    const DIM: usize,
    B: Dim,
    S: Dim,
    T: Tape<f32, Dev>,
>(
    x: Rows<B, S, DIM, T>,
    norm: &LayerNorm<DIM>,
    layer: impl FnOnce(Rows<B, S, DIM, T>) -> Result<Rows<B, S, DIM, T>, AttentionError>,
) -> Result<Rows<B, S, DIM, T>, AttentionError> {
    let (x, tape) = x.split_tape();
    let beside = x.clone();
    let x = x.put_tape(tape);
    if NORM_FIRST {
        Ok(sum(dropout::<DROPOUT, _, _>(layer(norm.try_forward(x)?)?)?, &beside)?)
    } else {
        Ok(norm.try_forward(sum(dropout::<DROPOUT, _, _>(layer(x)?)?, &beside)?)?)
    }
}

/// The two linear layers.
pub(super) fn feed_forward<
    A: Activation,
    const DROPOUT: usize,
    const DIM: usize,
    const HIDDEN: usize,
    B: Dim,
    S: Dim,
    T: Tape<f32, Dev>,
>(
    x: Rows<B, S, DIM, T>,
    linear1: &Linear<DIM, HIDDEN, f32, Dev>,
    linear2: &Linear<HIDDEN, DIM, f32, Dev>,
) -> Result<Rows<B, S, DIM, T>, DevError> {
    let shape = *x.shape();
    let hidden = activate::<A, _, _>(linear(x, linear1, (shape.0, shape.1, Const::<HIDDEN>))?)?;
    linear(dropout::<DROPOUT, _, _>(hidden)?, linear2, shape)
}

impl<
    B: Dim,
    S: Dim,
    const ROW: usize,
    const DIM: usize,
    const HEADS: usize,
    const HIDDEN: usize,
    const CAUSAL: bool,
    const NORM_FIRST: bool,
    A: Activation,
    const DROPOUT: usize,
    T: Tape<f32, Dev>,
> Module<Rows<B, S, ROW, T>> for TransformerBlock<DIM, HEADS, HIDDEN, CAUSAL, NORM_FIRST, A, DROPOUT>
{
    type Output = Rows<B, S, DIM, T>;
    type Error = DevError;

    fn try_forward(&self, x: Rows<B, S, ROW, T>) -> Result<Self::Output, DevError> {
        let x = rows_of::<BlockRows, DIM, ROW, _, _, _>(x)?;
        without_mask(self.run(x, &AttentionMask::none()))
    }
}

impl<
    B: Dim,
    S: Dim,
    const ROW: usize,
    const DIM: usize,
    const HEADS: usize,
    const HIDDEN: usize,
    const CAUSAL: bool,
    const NORM_FIRST: bool,
    A: Activation,
    const DROPOUT: usize,
    T: Tape<f32, Dev>,
> Module<(Rows<B, S, ROW, T>, &AttentionMask)>
    for TransformerBlock<DIM, HEADS, HIDDEN, CAUSAL, NORM_FIRST, A, DROPOUT>
{
    type Output = Rows<B, S, DIM, T>;
    type Error = AttentionError;

    fn try_forward(&self, (x, mask): (Rows<B, S, ROW, T>, &AttentionMask)) -> Result<Self::Output, AttentionError> {
        self.run(rows_of::<BlockRows, DIM, ROW, _, _, _>(x)?, mask)
    }
}
