//! Convolution over pictures.

use dfdx::nn::{
    BuildOnDevice, Module, NonMutableModule,
    tensor_collection::{ModuleVisitor, TensorCollection, TensorOptions},
};
use dfdx::shapes::{Const, Dim, Dtype, HasShape, Rank1, Rank4};
use dfdx::tensor::{Storage, Tape, Tensor};
use dfdx::tensor_ops::Device;

use super::convolution::Convolution;
use super::window::Window;
use crate::device::{Dev, DevError};
use crate::nn::init;
use crate::nn::op::Inputs;
use crate::nn::shape::{ConvolutionChannels, Message, Takes, places};

/// `Conv2D<IN, OUT, KERNEL, HEIGHT, WIDTH, STRIDE = 1, PADDING = 0>`: convolution with a square kernel, from
/// `(batch, IN, height, width)` to `(batch, OUT, HEIGHT, WIDTH)`. As `torch.nn.Conv2d`.
///
/// The output's size is stated, and the compiler refuses another one than
/// `(size + 2 PADDING - KERNEL) / STRIDE + 1`. Weights and biases start uniform in ±1/√(IN KERNEL²).
///
/// ```
/// use lab::prelude::*;
///
/// type Model = (Conv2D<1, 8, 3, 26, 26>, ReLU, MaxPool2D<2, 13, 13>, Flatten<1352>, Linear<1352, 10>);
/// let model = device().build_module::<Model, f32>();
/// let scores = model.forward(device().sample_normal::<Rank4<64, 1, 28, 28>>());
/// assert_eq!(scores.shape().concrete(), [64, 10]);
/// ```
/// ```compile_fail
/// # use lab::prelude::*;
/// let wrong = device().build_module::<Conv2D<1, 8, 3, 28, 28>, f32>(); // without padding it is 26 x 26
/// wrong.forward(device().sample_normal::<Rank4<64, 1, 28, 28>>());
/// ```
#[derive(Debug, Clone)]
pub struct Conv2D<
    const IN: usize,
    const OUT: usize,
    const KERNEL: usize,
    const HEIGHT: usize,
    const WIDTH: usize,
    const STRIDE: usize = 1,
    const PADDING: usize = 0,
    E: Dtype = f32,
    D: Storage<E> = Dev,
> {
    /// The kernels.
    pub weight: Tensor<Rank4<OUT, IN, KERNEL, KERNEL>, E, D>,
    /// Added to each kernel's output.
    pub bias: Tensor<Rank1<OUT>, E, D>,
}

impl<
    const IN: usize,
    const OUT: usize,
    const KERNEL: usize,
    const HEIGHT: usize,
    const WIDTH: usize,
    const STRIDE: usize,
    const PADDING: usize,
> BuildOnDevice<Dev, f32> for Conv2D<IN, OUT, KERNEL, HEIGHT, WIDTH, STRIDE, PADDING>
{
    type Built = Self;
}

impl<
    const IN: usize,
    const OUT: usize,
    const KERNEL: usize,
    const HEIGHT: usize,
    const WIDTH: usize,
    const STRIDE: usize,
    const PADDING: usize,
> TensorCollection<f32, Dev> for Conv2D<IN, OUT, KERNEL, HEIGHT, WIDTH, STRIDE, PADDING>
{
    type To<E: Dtype, D: Device<E>> = Conv2D<IN, OUT, KERNEL, HEIGHT, WIDTH, STRIDE, PADDING, E, D>;

    fn iter_tensors<V: ModuleVisitor<Self, f32, Dev>>(
        visitor: &mut V,
    ) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
        visitor.visit_fields(
            (
                Self::tensor(
                    "weight",
                    |layer| &layer.weight,
                    |layer| &mut layer.weight,
                    TensorOptions::reset_with(|weight| init::reset_uniform(weight, IN * KERNEL * KERNEL)),
                ),
                Self::tensor(
                    "bias",
                    |layer| &layer.bias,
                    |layer| &mut layer.bias,
                    TensorOptions::reset_with(|bias| init::reset_uniform(bias, IN * KERNEL * KERNEL)),
                ),
            ),
            |(weight, bias)| Conv2D { weight, bias },
        )
    }
}

impl<
    const IN: usize,
    const OUT: usize,
    const KERNEL: usize,
    const HEIGHT: usize,
    const WIDTH: usize,
    const STRIDE: usize,
    const PADDING: usize,
    E: Dtype,
    D: Storage<E>,
> NonMutableModule for Conv2D<IN, OUT, KERNEL, HEIGHT, WIDTH, STRIDE, PADDING, E, D>
{
}

impl<
    B: Dim,
    const C: usize,
    const IN: usize,
    const OUT: usize,
    const KERNEL: usize,
    const HEIGHT: usize,
    const WIDTH: usize,
    const STRIDE: usize,
    const PADDING: usize,
    const H: usize,
    const W: usize,
    T: Tape<f32, Dev>,
> Module<Tensor<(B, Const<C>, Const<H>, Const<W>), f32, Dev, T>>
    for Conv2D<IN, OUT, KERNEL, HEIGHT, WIDTH, STRIDE, PADDING>
{
    type Output = Tensor<(B, Const<OUT>, Const<HEIGHT>, Const<WIDTH>), f32, Dev, T>;
    type Error = DevError;

    fn try_forward(&self, x: Tensor<(B, Const<C>, Const<H>, Const<W>), f32, Dev, T>) -> Result<Self::Output, DevError> {
        let () = Takes::<ConvolutionChannels, IN, C>::CHECK;
        let () = Slides2D::<H, W, KERNEL, STRIDE, PADDING, HEIGHT, WIDTH>::CHECK;
        let window = Slides2D::<H, W, KERNEL, STRIDE, PADDING, HEIGHT, WIDTH>::window(IN);
        let shape = (x.shape().0, Const, Const, Const);
        Inputs::of(x)?.and(&self.weight)?.and(&self.bias)?.apply(Convolution::new(window, OUT), shape)
    }
}

/// A square window on a picture of `H x W`, at `DOWN x ACROSS` places.
pub(super) struct Slides2D<
    const H: usize,
    const W: usize,
    const KERNEL: usize,
    const STRIDE: usize,
    const PADDING: usize,
    const DOWN: usize,
    const ACROSS: usize,
>;

impl<
    const H: usize,
    const W: usize,
    const KERNEL: usize,
    const STRIDE: usize,
    const PADDING: usize,
    const DOWN: usize,
    const ACROSS: usize,
> Slides2D<H, W, KERNEL, STRIDE, PADDING, DOWN, ACROSS>
{
    const FITS: [usize; 2] = [places(H, KERNEL, STRIDE, PADDING), places(W, KERNEL, STRIDE, PADDING)];

    const MESSAGE: &'static str = Message::new()
        .text("a kernel of ")
        .number(KERNEL)
        .text(" with stride ")
        .number(STRIDE)
        .text(" and padding ")
        .number(PADDING)
        .text(" on ")
        .size([H, W])
        .text(" gives ")
        .size(Self::FITS)
        .text(", but the layer states ")
        .size([DOWN, ACROSS])
        .as_str();

    /// Fails to compile when the layer states another size than the window has places.
    pub(super) const CHECK: () =
        assert!(DOWN > 0 && ACROSS > 0 && Self::FITS[0] == DOWN && Self::FITS[1] == ACROSS, "{}", Self::MESSAGE);

    pub(super) fn window(channels: usize) -> Window {
        Window {
            channels,
            size: [H, W],
            kernel: [KERNEL; 2],
            stride: [STRIDE; 2],
            padding: [PADDING; 2],
            places: [DOWN, ACROSS],
        }
    }
}
