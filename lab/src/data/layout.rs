//! In which shape the numbers of a batch reach the model, known to the compiler.

use dfdx::shapes::{Const, Rank2, Rank4};
use dfdx::tensor::{Tensor, TensorFromVec};

use crate::device::Dev;
use crate::nn::shape::Message;

/// Rows of `W` numbers: `B × W`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flat<const W: usize>;

/// Pictures: `B × CH × H × W`, row-major.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pictures<const CH: usize, const H: usize, const W: usize>;

/// Classes as rows with a one in the place of the class: `B × C`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OneHot<const C: usize>;

/// Classes as `B` numbers from 0, as `cross_entropy` takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Indices;

/// How `B` rows of features become what a model takes.
pub trait Layout<const B: usize> {
    /// What the model takes.
    type Output;

    /// Gives the numbers of `B` rows their shape.
    fn arrange(numbers: Vec<f32>, dev: &Dev) -> Self::Output;
}

/// How the targets of `B` rows become what a loss takes.
pub trait TargetLayout<const B: usize> {
    /// What the loss takes.
    type Output;

    /// Gives targets their shape: `numbers` are those of `B` rows, `classes` one for each row if there are
    /// classes.
    fn arrange(numbers: Vec<f32>, classes: Vec<usize>, dev: &Dev) -> Self::Output;
}

impl<const B: usize, const W: usize> Layout<B> for Flat<W> {
    type Output = Tensor<Rank2<B, W>, f32, Dev>;

    fn arrange(numbers: Vec<f32>, dev: &Dev) -> Self::Output {
        dev.tensor_from_vec(numbers, (Const, Const))
    }
}

impl<const B: usize, const CH: usize, const H: usize, const W: usize> Layout<B> for Pictures<CH, H, W> {
    type Output = Tensor<Rank4<B, CH, H, W>, f32, Dev>;

    fn arrange(numbers: Vec<f32>, dev: &Dev) -> Self::Output {
        dev.tensor_from_vec(numbers, (Const, Const, Const, Const))
    }
}

impl<const B: usize, const T: usize> TargetLayout<B> for Flat<T> {
    type Output = Tensor<Rank2<B, T>, f32, Dev>;

    fn arrange(numbers: Vec<f32>, _: Vec<usize>, dev: &Dev) -> Self::Output {
        dev.tensor_from_vec(numbers, (Const, Const))
    }
}

impl<const B: usize, const C: usize> TargetLayout<B> for OneHot<C> {
    type Output = Tensor<Rank2<B, C>, f32, Dev>;

    fn arrange(numbers: Vec<f32>, _: Vec<usize>, dev: &Dev) -> Self::Output {
        dev.tensor_from_vec(numbers, (Const, Const))
    }
}

impl<const B: usize> TargetLayout<B> for Indices {
    type Output = Vec<usize>;

    fn arrange(_: Vec<f32>, classes: Vec<usize>, _: &Dev) -> Self::Output {
        classes
    }
}

/// Whether rows of `WIDTH` numbers are pictures of this size.
pub(super) struct Fits<const CH: usize, const H: usize, const W: usize, const WIDTH: usize>;

impl<const CH: usize, const H: usize, const W: usize, const WIDTH: usize> Fits<CH, H, W, WIDTH> {
    const MESSAGE: &'static str = Message::new()
        .text("pictures of ")
        .number(CH)
        .text(" channels of ")
        .size([H, W])
        .text(" are ")
        .number(CH * H * W)
        .text(" numbers, but the rows have ")
        .number(WIDTH)
        .as_str();

    pub(super) const CHECK: () = assert!(CH * H * W == WIDTH, "{}", Self::MESSAGE);
}
