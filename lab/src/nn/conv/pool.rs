//! Pooling layers. They have no weights, so one type is what is written in a model and what is built.

use dfdx::nn::{Module, NonMutableModule, ZeroSizedModule};
use dfdx::shapes::{Const, Dim, HasShape};
use dfdx::tensor::{Tape, Tensor};

use super::conv1d::Slides1D;
use super::conv2d::Slides2D;
use super::pooling::Pooling;
use crate::device::{Dev, DevError};
use crate::nn::op::Inputs;

macro_rules! pool_2d {
    ($(#[$doc:meta])* $name:ident, $pooling:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct $name<
            const KERNEL: usize,
            const HEIGHT: usize,
            const WIDTH: usize,
            const STRIDE: usize = KERNEL,
            const PADDING: usize = 0,
        >;

        impl<const K: usize, const H: usize, const W: usize, const S: usize, const P: usize> ZeroSizedModule
            for $name<K, H, W, S, P>
        {
        }

        impl<const K: usize, const H: usize, const W: usize, const S: usize, const P: usize> NonMutableModule
            for $name<K, H, W, S, P>
        {
        }

        impl<
            B: Dim,
            const C: usize,
            const IN_H: usize,
            const IN_W: usize,
            const K: usize,
            const H: usize,
            const W: usize,
            const S: usize,
            const P: usize,
            T: Tape<f32, Dev>,
        > Module<Tensor<(B, Const<C>, Const<IN_H>, Const<IN_W>), f32, Dev, T>> for $name<K, H, W, S, P>
        {
            type Output = Tensor<(B, Const<C>, Const<H>, Const<W>), f32, Dev, T>;
            type Error = DevError;

            fn try_forward(
                &self,
                x: Tensor<(B, Const<C>, Const<IN_H>, Const<IN_W>), f32, Dev, T>,
            ) -> Result<Self::Output, DevError> {
                let () = Slides2D::<IN_H, IN_W, K, S, P, H, W>::CHECK;
                const { assert!(2 * P <= K, "the padding of a pool may be half its kernel at most") };
                let shape = (x.shape().0, Const, Const, Const);
                Inputs::of(x)?.apply($pooling(Slides2D::<IN_H, IN_W, K, S, P, H, W>::window(1)), shape)
            }
        }
    };
}

macro_rules! pool_1d {
    ($(#[$doc:meta])* $name:ident, $pooling:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct $name<
            const KERNEL: usize,
            const LENGTH: usize,
            const STRIDE: usize = KERNEL,
            const PADDING: usize = 0,
        >;

        impl<const K: usize, const L: usize, const S: usize, const P: usize> ZeroSizedModule for $name<K, L, S, P> {}

        impl<const K: usize, const L: usize, const S: usize, const P: usize> NonMutableModule for $name<K, L, S, P> {}

        impl<
            B: Dim,
            const C: usize,
            const IN: usize,
            const K: usize,
            const L: usize,
            const S: usize,
            const P: usize,
            T: Tape<f32, Dev>,
        > Module<Tensor<(B, Const<C>, Const<IN>), f32, Dev, T>> for $name<K, L, S, P>
        {
            type Output = Tensor<(B, Const<C>, Const<L>), f32, Dev, T>;
            type Error = DevError;

            fn try_forward(
                &self,
                x: Tensor<(B, Const<C>, Const<IN>), f32, Dev, T>,
            ) -> Result<Self::Output, DevError> {
                let () = Slides1D::<IN, K, S, P, L>::CHECK;
                const { assert!(2 * P <= K, "the padding of a pool may be half its kernel at most") };
                let shape = (x.shape().0, Const, Const);
                Inputs::of(x)?.apply($pooling(Slides1D::<IN, K, S, P, L>::window(1)), shape)
            }
        }
    };
}

pool_2d! {
    /// `MaxPool2D<KERNEL, HEIGHT, WIDTH, STRIDE = KERNEL, PADDING = 0>`: the largest number that a square window
    /// sees, from `(batch, channels, height, width)` to `(batch, channels, HEIGHT, WIDTH)`. As
    /// `torch.nn.MaxPool2d`; the compiler checks the stated size.
    MaxPool2D, Pooling::largest
}

pool_2d! {
    /// `AvgPool2D<KERNEL, HEIGHT, WIDTH, STRIDE = KERNEL, PADDING = 0>`: the mean of what a square window sees,
    /// from `(batch, channels, height, width)` to `(batch, channels, HEIGHT, WIDTH)`. As
    /// `torch.nn.AvgPool2d`, which counts the padding's zeros; the compiler checks the stated size.
    AvgPool2D, Pooling::mean
}

pool_1d! {
    /// `MaxPool1D<KERNEL, LENGTH, STRIDE = KERNEL, PADDING = 0>`: the largest number that a window sees, from
    /// `(batch, channels, length)` to `(batch, channels, LENGTH)`. As `torch.nn.MaxPool1d`.
    MaxPool1D, Pooling::largest
}

pool_1d! {
    /// `AvgPool1D<KERNEL, LENGTH, STRIDE = KERNEL, PADDING = 0>`: the mean of what a window sees, from
    /// `(batch, channels, length)` to `(batch, channels, LENGTH)`. As `torch.nn.AvgPool1d`.
    AvgPool1D, Pooling::mean
}
