//! Convolution over sequences.

use dfdx::nn::{
    BuildOnDevice, Module, NonMutableModule,
    tensor_collection::{ModuleVisitor, TensorCollection, TensorOptions},
};
use dfdx::shapes::{Const, Dim, Dtype, HasShape, Rank1, Rank3};
use dfdx::tensor::{Storage, Tape, Tensor};
use dfdx::tensor_ops::Device;

use super::convolution::Convolution;
use super::window::Window;
use crate::device::{Dev, DevError};
use crate::nn::init;
use crate::nn::op::Inputs;
use crate::nn::shape::{ConvolutionChannels, Message, Takes, places};

/// `Conv1D<IN, OUT, KERNEL, LENGTH, STRIDE = 1, PADDING = 0>`: convolution along a sequence, from
/// `(batch, IN, length)` to `(batch, OUT, LENGTH)`. As `torch.nn.Conv1d`.
///
/// The output's length is stated, and the compiler refuses another one than
/// `(length + 2 PADDING - KERNEL) / STRIDE + 1`. Weights and biases start uniform in ±1/√(IN KERNEL).
///
/// ```
/// use lab::prelude::*;
///
/// let layer = device().build_module::<Conv1D<2, 4, 3, 10, 1, 1>, f32>();
/// let y = layer.forward(device().sample_normal::<Rank3<5, 2, 10>>());
/// assert_eq!(y.shape().concrete(), [5, 4, 10]);
/// ```
/// ```compile_fail
/// # use lab::prelude::*;
/// let wrong = device().build_module::<Conv1D<2, 4, 3, 10>, f32>(); // without padding it is 8
/// wrong.forward(device().sample_normal::<Rank3<5, 2, 10>>());
/// ```
#[derive(Debug, Clone)]
pub struct Conv1D<
    const IN: usize,
    const OUT: usize,
    const KERNEL: usize,
    const LENGTH: usize,
    const STRIDE: usize = 1,
    const PADDING: usize = 0,
    E: Dtype = f32,
    D: Storage<E> = Dev,
> {
    /// The kernels.
    pub weight: Tensor<Rank3<OUT, IN, KERNEL>, E, D>,
    /// Added to each kernel's output.
    pub bias: Tensor<Rank1<OUT>, E, D>,
}

impl<
    const IN: usize,
    const OUT: usize,
    const KERNEL: usize,
    const LENGTH: usize,
    const STRIDE: usize,
    const PADDING: usize,
> BuildOnDevice<Dev, f32> for Conv1D<IN, OUT, KERNEL, LENGTH, STRIDE, PADDING>
{
    type Built = Self;
}

impl<
    const IN: usize,
    const OUT: usize,
    const KERNEL: usize,
    const LENGTH: usize,
    const STRIDE: usize,
    const PADDING: usize,
> TensorCollection<f32, Dev> for Conv1D<IN, OUT, KERNEL, LENGTH, STRIDE, PADDING>
{
    type To<E: Dtype, D: Device<E>> = Conv1D<IN, OUT, KERNEL, LENGTH, STRIDE, PADDING, E, D>;

    fn iter_tensors<V: ModuleVisitor<Self, f32, Dev>>(
        visitor: &mut V,
    ) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
        visitor.visit_fields(
            (
                Self::tensor(
                    "weight",
                    |layer| &layer.weight,
                    |layer| &mut layer.weight,
                    TensorOptions::reset_with(|weight| init::reset_uniform(weight, IN * KERNEL)),
                ),
                Self::tensor(
                    "bias",
                    |layer| &layer.bias,
                    |layer| &mut layer.bias,
                    TensorOptions::reset_with(|bias| init::reset_uniform(bias, IN * KERNEL)),
                ),
            ),
            |(weight, bias)| Conv1D { weight, bias },
        )
    }
}

impl<
    const IN: usize,
    const OUT: usize,
    const KERNEL: usize,
    const LENGTH: usize,
    const STRIDE: usize,
    const PADDING: usize,
    E: Dtype,
    D: Storage<E>,
> NonMutableModule for Conv1D<IN, OUT, KERNEL, LENGTH, STRIDE, PADDING, E, D>
{
}

impl<
    B: Dim,
    const C: usize,
    const IN: usize,
    const OUT: usize,
    const KERNEL: usize,
    const LENGTH: usize,
    const STRIDE: usize,
    const PADDING: usize,
    const L: usize,
    T: Tape<f32, Dev>,
> Module<Tensor<(B, Const<C>, Const<L>), f32, Dev, T>> for Conv1D<IN, OUT, KERNEL, LENGTH, STRIDE, PADDING>
{
    type Output = Tensor<(B, Const<OUT>, Const<LENGTH>), f32, Dev, T>;
    type Error = DevError;

    fn try_forward(&self, x: Tensor<(B, Const<C>, Const<L>), f32, Dev, T>) -> Result<Self::Output, DevError> {
        let () = Takes::<ConvolutionChannels, IN, C>::CHECK;
        let () = Slides1D::<L, KERNEL, STRIDE, PADDING, LENGTH>::CHECK;
        let window = Slides1D::<L, KERNEL, STRIDE, PADDING, LENGTH>::window(IN);
        let shape = (x.shape().0, Const, Const);
        Inputs::of(x)?.and(&self.weight)?.and(&self.bias)?.apply(Convolution::new(window, OUT), shape)
    }
}

/// A window on a sequence of length `L`, at `PLACES` places.
pub(super) struct Slides1D<
    const L: usize,
    const KERNEL: usize,
    const STRIDE: usize,
    const PADDING: usize,
    const PLACES: usize,
>;

impl<const L: usize, const KERNEL: usize, const STRIDE: usize, const PADDING: usize, const PLACES: usize>
    Slides1D<L, KERNEL, STRIDE, PADDING, PLACES>
{
    const MESSAGE: &'static str = Message::new()
        .text("a kernel of ")
        .number(KERNEL)
        .text(" with stride ")
        .number(STRIDE)
        .text(" and padding ")
        .number(PADDING)
        .text(" on a length of ")
        .number(L)
        .text(" gives ")
        .number(places(L, KERNEL, STRIDE, PADDING))
        .text(", but the layer states ")
        .number(PLACES)
        .as_str();

    /// Fails to compile when the layer states another length than the window has places.
    pub(super) const CHECK: () =
        assert!(PLACES > 0 && places(L, KERNEL, STRIDE, PADDING) == PLACES, "{}", Self::MESSAGE);

    pub(super) fn window(channels: usize) -> Window {
        Window {
            channels,
            size: [1, L],
            kernel: [1, KERNEL],
            stride: [1, STRIDE],
            padding: [0, PADDING],
            places: [1, PLACES],
        }
    }
}
