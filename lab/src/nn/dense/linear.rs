//! Linear layers: dfdx's, whose addition of the bias is compiled in each cell, done by one op that is compiled here.

use dfdx::nn::{
    BuildOnDevice, Module, NonMutableModule,
    tensor_collection::{ModuleVisitor, TensorCollection, TensorOptions},
};
use dfdx::shapes::{Const, Dim, Dtype, HasShape, Rank1, Rank2, Shape};
use dfdx::tensor::{Storage, Tape, Tensor};
use dfdx::tensor_ops::Device;

use super::affine::Affine;
use crate::device::{Dev, DevError};
use crate::nn::init;
use crate::nn::op::Inputs;
use crate::nn::shape::Message;

/// `Linear<IN, OUT>`: x Wᵀ + b, from rows of `IN` numbers to rows of `OUT`: `(IN,)`, `(batch, IN)` or
/// `(batch, sequence, IN)`. As `torch.nn.Linear`; weights and biases start uniform in ±1/√IN.
///
/// The compiler refuses rows of another length:
///
/// ```compile_fail
/// # use lab::prelude::*;
/// let layer = device().build_module::<Linear<784, 10>, f32>();
/// layer.forward(device().zeros::<Rank2<64, 100>>());
/// ```
#[derive(Debug, Clone)]
pub struct Linear<const IN: usize, const OUT: usize, E: Dtype = f32, D: Storage<E> = Dev> {
    /// Multiplies: a row for each number that comes out.
    pub weight: Tensor<Rank2<OUT, IN>, E, D>,
    /// Is added.
    pub bias: Tensor<Rank1<OUT>, E, D>,
}

impl<const IN: usize, const OUT: usize> BuildOnDevice<Dev, f32> for Linear<IN, OUT> {
    type Built = Self;
}

impl<const IN: usize, const OUT: usize, E: Dtype, D: Storage<E>> NonMutableModule for Linear<IN, OUT, E, D> {}

impl<const IN: usize, const OUT: usize> TensorCollection<f32, Dev> for Linear<IN, OUT> {
    type To<E: Dtype, D: Device<E>> = Linear<IN, OUT, E, D>;

    fn iter_tensors<V: ModuleVisitor<Self, f32, Dev>>(
        visitor: &mut V,
    ) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
        let start = TensorOptions::reset_with(|weight| init::reset_uniform(weight, IN));
        let weight = Self::tensor("weight", |s| &s.weight, |s| &mut s.weight, start);
        let start = TensorOptions::reset_with(|bias| init::reset_uniform(bias, IN));
        let bias = Self::tensor("bias", |s| &s.bias, |s| &mut s.bias, start);
        visitor.visit_fields((weight, bias), |(weight, bias)| Linear { weight, bias })
    }
}

/// Applies a linear layer to each row of `IN` numbers; `shape` is that of the output, with rows of `OUT`.
pub(crate) fn linear<const IN: usize, const OUT: usize, S: Shape, Out: Shape, T: Tape<f32, Dev>>(
    x: Tensor<S, f32, Dev, T>,
    layer: &Linear<IN, OUT>,
    shape: Out,
) -> Result<Tensor<Out, f32, Dev, T>, DevError> {
    Inputs::of(x)?.and(&layer.weight)?.and(&layer.bias)?.apply(Affine::new(IN, OUT), shape)
}

impl<const IN: usize, const OUT: usize, const ROW: usize, T: Tape<f32, Dev>> Module<Tensor<Rank1<ROW>, f32, Dev, T>>
    for Linear<IN, OUT>
{
    type Output = Tensor<Rank1<OUT>, f32, Dev, T>;
    type Error = DevError;

    fn try_forward(&self, x: Tensor<Rank1<ROW>, f32, Dev, T>) -> Result<Self::Output, DevError> {
        let () = Takes::<IN, OUT, ROW>::CHECK;
        linear(x, self, (Const,))
    }
}

impl<B: Dim, const IN: usize, const OUT: usize, const ROW: usize, T: Tape<f32, Dev>>
    Module<Tensor<(B, Const<ROW>), f32, Dev, T>> for Linear<IN, OUT>
{
    type Output = Tensor<(B, Const<OUT>), f32, Dev, T>;
    type Error = DevError;

    fn try_forward(&self, x: Tensor<(B, Const<ROW>), f32, Dev, T>) -> Result<Self::Output, DevError> {
        let () = Takes::<IN, OUT, ROW>::CHECK;
        let shape = (x.shape().0, Const);
        linear(x, self, shape)
    }
}

impl<B: Dim, S: Dim, const IN: usize, const OUT: usize, const ROW: usize, T: Tape<f32, Dev>>
    Module<Tensor<(B, S, Const<ROW>), f32, Dev, T>> for Linear<IN, OUT>
{
    type Output = Tensor<(B, S, Const<OUT>), f32, Dev, T>;
    type Error = DevError;

    fn try_forward(&self, x: Tensor<(B, S, Const<ROW>), f32, Dev, T>) -> Result<Self::Output, DevError> {
        let () = Takes::<IN, OUT, ROW>::CHECK;
        let shape = (x.shape().0, x.shape().1, Const);
        linear(x, self, shape)
    }
}

/// Pictures, which a linear layer does not take. It is here for its message; using it never compiles.
impl<B: Dim, const IN: usize, const OUT: usize, const C: usize, const H: usize, const W: usize, T: Tape<f32, Dev>>
    Module<Tensor<(B, Const<C>, Const<H>, Const<W>), f32, Dev, T>> for Linear<IN, OUT>
{
    type Output = Tensor<(B, Const<OUT>), f32, Dev, T>;
    type Error = DevError;

    fn try_forward(&self, x: Tensor<(B, Const<C>, Const<H>, Const<W>), f32, Dev, T>) -> Result<Self::Output, DevError> {
        let () = Pictures::<IN, OUT, C, H, W>::REFUSED;
        let shape = (x.shape().0, Const);
        linear(x, self, shape)
    }
}

const fn named(input: usize, output: usize) -> Message {
    Message::new().text("Linear<").number(input).text(", ").number(output).text("> takes rows of ").number(input)
}

struct Takes<const IN: usize, const OUT: usize, const ROW: usize>;

impl<const IN: usize, const OUT: usize, const ROW: usize> Takes<IN, OUT, ROW> {
    const MESSAGE: &'static str = named(IN, OUT).text(" numbers, but gets rows of ").number(ROW).as_str();

    const CHECK: () = assert!(IN == ROW, "{}", Self::MESSAGE);
}

struct Pictures<const IN: usize, const OUT: usize, const C: usize, const H: usize, const W: usize>;

impl<const IN: usize, const OUT: usize, const C: usize, const H: usize, const W: usize> Pictures<IN, OUT, C, H, W> {
    const MESSAGE: &'static str = named(IN, OUT)
        .text(" numbers, but gets pictures of ")
        .number(C)
        .text(" channels of ")
        .size([H, W])
        .text(": put Flatten<")
        .number(C * H * W)
        .text("> before it")
        .as_str();

    // Of the parameters, so that it is evaluated only where this is used.
    const REFUSED: () = assert!(C * H * W * IN * OUT == usize::MAX, "{}", Self::MESSAGE);
}
