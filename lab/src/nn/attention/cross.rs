//! The decoder block of an encoder-decoder: it sees the past of its own sequence and all of another.

use dfdx::nn::{
    BuildOnDevice, Module, NonMutableModule,
    tensor_collection::{ModuleVisitor, TensorCollection},
};
use dfdx::shapes::{Dim, Dtype};
use dfdx::tensor::{NoneTape, Storage, Tape};
use dfdx::tensor_ops::Device;

use super::block::{feed_forward, residual};
use super::heads::{MultiHeadAttention, Rows};
use super::mask::{AttentionError, AttentionMask};
use crate::device::Dev;
use crate::nn::dense::{Activation, LayerNorm, Linear, ReLU};

/// `TransformerDecoderBlock<DIM, HEADS, HIDDEN, NORM_FIRST = false, ACTIVATION = ReLU, DROPOUT = 0>`: causal
/// self-attention, attention to a memory, two linear layers, with dropout where
/// [`TransformerBlock`](crate::nn::TransformerBlock) has it. As `torch.nn.TransformerDecoderLayer` with a causal
/// `tgt_mask`, `dropout=DROPOUT / 100` and `batch_first=True`.
///
/// `forward((x, memory))` or `forward((x, memory, &mask))`, where the mask is the memory's. With a tape, take
/// it off the memory and go on with it: `let (memory, tape) = encoder.forward(source).split_tape();` and then
/// `decoder.forward((target.put_tape(tape), memory))`.
#[derive(Debug, Clone)]
pub struct TransformerDecoderBlock<
    const DIM: usize,
    const HEADS: usize,
    const HIDDEN: usize,
    const NORM_FIRST: bool = false,
    A = ReLU,
    const DROPOUT: usize = 0,
    E: Dtype = f32,
    D: Storage<E> = Dev,
> {
    pub self_attn: MultiHeadAttention<DIM, HEADS, true, DROPOUT, E, D>,
    pub multihead_attn: MultiHeadAttention<DIM, HEADS, false, DROPOUT, E, D>,
    pub linear1: Linear<DIM, HIDDEN, E, D>,
    pub linear2: Linear<HIDDEN, DIM, E, D>,
    pub norm1: LayerNorm<DIM, E, D>,
    pub norm2: LayerNorm<DIM, E, D>,
    pub norm3: LayerNorm<DIM, E, D>,
    /// Between the linear layers.
    pub activation: A,
}

impl<const DIM: usize, const HEADS: usize, const HIDDEN: usize, const NORM_FIRST: bool, A, const DROPOUT: usize>
    BuildOnDevice<Dev, f32> for TransformerDecoderBlock<DIM, HEADS, HIDDEN, NORM_FIRST, A, DROPOUT>
where
    A: Activation,
{
    type Built = Self;
}

impl<
    const DIM: usize,
    const HEADS: usize,
    const HIDDEN: usize,
    const NORM_FIRST: bool,
    A,
    const DROPOUT: usize,
    E: Dtype,
    D: Storage<E>,
> NonMutableModule for TransformerDecoderBlock<DIM, HEADS, HIDDEN, NORM_FIRST, A, DROPOUT, E, D>
{
}

impl<const DIM: usize, const HEADS: usize, const HIDDEN: usize, const NORM_FIRST: bool, A, const DROPOUT: usize>
    TensorCollection<f32, Dev> for TransformerDecoderBlock<DIM, HEADS, HIDDEN, NORM_FIRST, A, DROPOUT>
where
    A: Activation,
{
    type To<E: Dtype, D: Device<E>> = TransformerDecoderBlock<DIM, HEADS, HIDDEN, NORM_FIRST, A, DROPOUT, E, D>;

    fn iter_tensors<V: ModuleVisitor<Self, f32, Dev>>(
        visitor: &mut V,
    ) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
        visitor.visit_fields(
            (
                Self::module("self_attn", |s| &s.self_attn, |s| &mut s.self_attn),
                Self::module("multihead_attn", |s| &s.multihead_attn, |s| &mut s.multihead_attn),
                Self::module("linear1", |s| &s.linear1, |s| &mut s.linear1),
                Self::module("linear2", |s| &s.linear2, |s| &mut s.linear2),
                // Nested, because dfdx visits six fields at most; names don't show it.
                (
                    Self::module("norm1", |s| &s.norm1, |s| &mut s.norm1),
                    Self::module("norm2", |s| &s.norm2, |s| &mut s.norm2),
                    Self::module("norm3", |s| &s.norm3, |s| &mut s.norm3),
                ),
            ),
            |(self_attn, multihead_attn, linear1, linear2, (norm1, norm2, norm3))| TransformerDecoderBlock {
                self_attn,
                multihead_attn,
                linear1,
                linear2,
                norm1,
                norm2,
                norm3,
                activation: A::default(),
            },
        )
    }
}

impl<const DIM: usize, const HEADS: usize, const HIDDEN: usize, const NORM_FIRST: bool, A, const DROPOUT: usize>
    TransformerDecoderBlock<DIM, HEADS, HIDDEN, NORM_FIRST, A, DROPOUT>
where
    A: Activation,
{
    fn run<B: Dim, S: Dim, M: Dim, T: Tape<f32, Dev>>(
        &self,
        x: Rows<B, S, DIM, T>,
        memory: &Rows<B, M, DIM, NoneTape>,
        mask: &AttentionMask,
    ) -> Result<Rows<B, S, DIM, T>, AttentionError> {
        let past = AttentionMask::none();
        let x =
            residual::<NORM_FIRST, DROPOUT, DIM, _, _, _>(x, &self.norm1, |x| self.self_attn.attend_self(x, &past))?;
        let x = residual::<NORM_FIRST, DROPOUT, DIM, _, _, _>(x, &self.norm2, |x| {
            self.multihead_attn.attend(x, memory, mask)
        })?;
        residual::<NORM_FIRST, DROPOUT, DIM, _, _, _>(x, &self.norm3, |x| {
            Ok(feed_forward::<A, DROPOUT, DIM, HIDDEN, _, _, _>(x, &self.linear1, &self.linear2)?)
        })
    }
}

impl<
    B: Dim,
    S: Dim,
    M: Dim,
    const DIM: usize,
    const HEADS: usize,
    const HIDDEN: usize,
    const NORM_FIRST: bool,
    A: Activation,
    const DROPOUT: usize,
    T: Tape<f32, Dev>,
> Module<(Rows<B, S, DIM, T>, Rows<B, M, DIM, NoneTape>)>
    for TransformerDecoderBlock<DIM, HEADS, HIDDEN, NORM_FIRST, A, DROPOUT>
{
    type Output = Rows<B, S, DIM, T>;
    type Error = AttentionError;

    fn try_forward(
        &self,
        (x, memory): (Rows<B, S, DIM, T>, Rows<B, M, DIM, NoneTape>),
    ) -> Result<Self::Output, AttentionError> {
        self.run(x, &memory, &AttentionMask::none())
    }
}

impl<
    B: Dim,
    S: Dim,
    M: Dim,
    const DIM: usize,
    const HEADS: usize,
    const HIDDEN: usize,
    const NORM_FIRST: bool,
    A: Activation,
    const DROPOUT: usize,
    T: Tape<f32, Dev>,
> Module<(Rows<B, S, DIM, T>, Rows<B, M, DIM, NoneTape>, &AttentionMask)>
    for TransformerDecoderBlock<DIM, HEADS, HIDDEN, NORM_FIRST, A, DROPOUT>
{
    type Output = Rows<B, S, DIM, T>;
    type Error = AttentionError;

    fn try_forward(
        &self,
        (x, memory, mask): (Rows<B, S, DIM, T>, Rows<B, M, DIM, NoneTape>, &AttentionMask),
    ) -> Result<Self::Output, AttentionError> {
        self.run(x, &memory, mask)
    }
}
