//! Numbers left out at random while a model trains: Srivastava et al., *Dropout: A Simple Way to Prevent Neural
//! Networks from Overfitting*, 2014. What is kept is scaled by 1 / (1 - p), so that nothing changes afterwards.

mod drop;
#[cfg(feature = "gpu")]
mod gpu;

use dfdx::nn::{Module, NonMutableModule, ZeroSizedModule};
use dfdx::shapes::{Dim, HasShape, Shape};
use dfdx::tensor::{Tape, Tensor};

use self::drop::{DropOut, Rule};
use super::op::Inputs;
use super::shape::Message;
use crate::device::{Dev, DevError};

pub(crate) use self::drop::factors;

macro_rules! dropout {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct $name<const PERCENT: usize = 50>;

        impl<const PERCENT: usize> ZeroSizedModule for $name<PERCENT> {}

        impl<const PERCENT: usize> NonMutableModule for $name<PERCENT> {}
    };
}

dropout! {
    /// `Dropout<PERCENT = 50>`: sets each number to 0 with this probability and scales the others up, when the input
    /// has a tape (`model.forward(x.trace(gradients))`, `forward_mut`); without one (`model.forward(x)`) it changes
    /// nothing. For inputs of any shape. As `torch.nn.Dropout`.
    ///
    /// What it draws follows [`seed_random`](crate::device::seed_random).
    ///
    /// ```
    /// use lab::prelude::*;
    ///
    /// let model = device_seeded(1).build_module::<(Linear<4, 8>, ReLU, Dropout<20>, Linear<8, 2>), f32>();
    /// let x: Tensor<Rank2<3, 4>, f32, Dev> = device().sample_normal();
    /// assert_eq!(model.forward(x.clone()).array(), model.forward(x).array());
    /// ```
    /// ```compile_fail
    /// # use lab::prelude::*;
    /// Dropout::<100>.forward(device().zeros::<Rank1<4>>()); // nothing would be left
    /// ```
    Dropout
}

dropout! {
    /// `Dropout1D<PERCENT = 50>`: [`Dropout`] of whole channels of `(batch, channels, length)`. As
    /// `torch.nn.Dropout1d`.
    Dropout1D
}

dropout! {
    /// `Dropout2D<PERCENT = 50>`: [`Dropout`] of whole channels of `(batch, channels, height, width)`, whose
    /// neighbouring numbers say much the same (Tompson et al., *Efficient Object Localization Using Convolutional
    /// Networks*, 2015). As `torch.nn.Dropout2d`.
    Dropout2D
}

dropout! {
    /// `AlphaDropout<PERCENT = 50>`: dropout for networks with SELU. What is dropped becomes SELU's lower limit, and
    /// all is scaled and shifted so that mean 0 and variance 1 stay (Klambauer et al., *Self-Normalizing Neural
    /// Networks*, 2017). As `torch.nn.AlphaDropout`.
    AlphaDropout
}

impl<S: Shape, const PERCENT: usize, T: Tape<f32, Dev>> Module<Tensor<S, f32, Dev, T>> for Dropout<PERCENT> {
    type Output = Tensor<S, f32, Dev, T>;
    type Error = DevError;

    fn try_forward(&self, x: Tensor<S, f32, Dev, T>) -> Result<Self::Output, DevError> {
        let () = Possible::<PERCENT>::CHECK;
        drop_out(x, Rule::zero(PERCENT), 1)
    }
}

impl<S: Shape, const PERCENT: usize, T: Tape<f32, Dev>> Module<Tensor<S, f32, Dev, T>> for AlphaDropout<PERCENT> {
    type Output = Tensor<S, f32, Dev, T>;
    type Error = DevError;

    fn try_forward(&self, x: Tensor<S, f32, Dev, T>) -> Result<Self::Output, DevError> {
        let () = Possible::<PERCENT>::CHECK;
        drop_out(x, Rule::alpha(PERCENT), 1)
    }
}

impl<B: Dim, C: Dim, L: Dim, const PERCENT: usize, T: Tape<f32, Dev>> Module<Tensor<(B, C, L), f32, Dev, T>>
    for Dropout1D<PERCENT>
{
    type Output = Tensor<(B, C, L), f32, Dev, T>;
    type Error = DevError;

    fn try_forward(&self, x: Tensor<(B, C, L), f32, Dev, T>) -> Result<Self::Output, DevError> {
        let () = Possible::<PERCENT>::CHECK;
        let channel = x.shape().2.size();
        drop_out(x, Rule::zero(PERCENT), channel)
    }
}

impl<B: Dim, C: Dim, H: Dim, W: Dim, const PERCENT: usize, T: Tape<f32, Dev>> Module<Tensor<(B, C, H, W), f32, Dev, T>>
    for Dropout2D<PERCENT>
{
    type Output = Tensor<(B, C, H, W), f32, Dev, T>;
    type Error = DevError;

    fn try_forward(&self, x: Tensor<(B, C, H, W), f32, Dev, T>) -> Result<Self::Output, DevError> {
        let () = Possible::<PERCENT>::CHECK;
        let channel = x.shape().2.size() * x.shape().3.size();
        drop_out(x, Rule::zero(PERCENT), channel)
    }
}

/// Dropout inside a layer that states a percentage; 0 costs nothing.
pub(crate) fn dropout<const PERCENT: usize, S: Shape, T: Tape<f32, Dev>>(
    x: Tensor<S, f32, Dev, T>,
) -> Result<Tensor<S, f32, Dev, T>, DevError> {
    Dropout::<PERCENT>.try_forward(x)
}

fn drop_out<S: Shape, T: Tape<f32, Dev>>(
    x: Tensor<S, f32, Dev, T>,
    rule: Rule,
    group: usize,
) -> Result<Tensor<S, f32, Dev, T>, DevError> {
    if !T::OWNS_TAPE || rule.percent == 0 {
        return Ok(x);
    }
    let shape = *x.shape();
    Inputs::of(x)?.apply(DropOut::new(rule, group), shape)
}

/// A percentage that leaves something.
pub(crate) struct Possible<const PERCENT: usize>;

impl<const PERCENT: usize> Possible<PERCENT> {
    const MESSAGE: &'static str =
        Message::new().text("dropout of ").number(PERCENT).text(" % leaves nothing; it must be below 100").as_str();

    pub(crate) const CHECK: () = assert!(PERCENT < 100, "{}", Self::MESSAGE);
}

#[cfg(test)]
mod tests;
