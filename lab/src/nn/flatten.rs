//! Pictures as rows of numbers, between convolutions and linear layers.

use dfdx::nn::{Module, NonMutableModule, ZeroSizedModule};
use dfdx::shapes::{Const, Dim, HasShape};
use dfdx::tensor::{Tape, Tensor};
use dfdx::tensor_ops::ReshapeTo;

use super::shape::Message;
use crate::device::{Dev, DevError};

/// `Flatten<SIZE>`: from `(batch, channels, height, width)` or `(batch, channels, length)` to
/// `(batch, SIZE)`. As `torch.nn.Flatten`; the compiler checks that `SIZE` is the product of the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flatten<const SIZE: usize>;

impl<const SIZE: usize> ZeroSizedModule for Flatten<SIZE> {}

impl<const SIZE: usize> NonMutableModule for Flatten<SIZE> {}

impl<B: Dim, const C: usize, const H: usize, const W: usize, const SIZE: usize, T: Tape<f32, Dev>>
    Module<Tensor<(B, Const<C>, Const<H>, Const<W>), f32, Dev, T>> for Flatten<SIZE>
{
    type Output = Tensor<(B, Const<SIZE>), f32, Dev, T>;
    type Error = DevError;

    fn try_forward(&self, x: Tensor<(B, Const<C>, Const<H>, Const<W>), f32, Dev, T>) -> Result<Self::Output, DevError> {
        let () = Fits::<C, H, W, SIZE>::CHECK;
        let shape = (x.shape().0, Const);
        x.try_reshape_like(&shape)
    }
}

impl<B: Dim, const C: usize, const L: usize, const SIZE: usize, T: Tape<f32, Dev>>
    Module<Tensor<(B, Const<C>, Const<L>), f32, Dev, T>> for Flatten<SIZE>
{
    type Output = Tensor<(B, Const<SIZE>), f32, Dev, T>;
    type Error = DevError;

    fn try_forward(&self, x: Tensor<(B, Const<C>, Const<L>), f32, Dev, T>) -> Result<Self::Output, DevError> {
        let () = Fits::<C, 1, L, SIZE>::CHECK;
        let shape = (x.shape().0, Const);
        x.try_reshape_like(&shape)
    }
}

struct Fits<const C: usize, const H: usize, const W: usize, const SIZE: usize>;

impl<const C: usize, const H: usize, const W: usize, const SIZE: usize> Fits<C, H, W, SIZE> {
    const MESSAGE: &'static str = Message::new()
        .number(C)
        .text(" channels of ")
        .size([H, W])
        .text(" are ")
        .number(C * H * W)
        .text(" numbers, but Flatten states ")
        .number(SIZE)
        .as_str();

    const CHECK: () = assert!(C * H * W == SIZE, "{}", Self::MESSAGE);
}
