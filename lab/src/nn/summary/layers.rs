//! A model run layer by layer, to see what each gives. What a cell instantiates is one forward pass; all that is
//! written down about it is compiled here.

use dfdx::nn::modules::{
    Abs, AccurateGeLU, AddInto, AvgPoolGlobal, BatchNorm1D, BatchNorm2D, Bias2D, Cos, Embedding, Exp, FastGeLU,
    GeneralizedResidual, LayerNorm1D, LeakyReLU, Linear, Ln, LogSoftmax, MaxPoolGlobal, MinPoolGlobal, ReLU, Repeated,
    Residual, Sigmoid, Sin, Softmax, SplitInto, Sqrt, Square, Tanh, UnbiasedLinear, Upscale2D,
};
use dfdx::nn::prelu::{PReLU, PReLU1D};
use dfdx::nn::{Module, TensorCollection, builders::Reshape};
use dfdx::shapes::{ConstDim, ConstShape, Dtype, HasShape, Shape};
use dfdx::tensor::{Storage, Tensor, WithEmptyTape};
use dfdx::tensor_ops::{TryAdd, UpscaleMethod};

use super::{Summary, summary};
use crate::device::Dev;
use crate::nn;

/// What was seen of the layers so far.
#[derive(Debug, Default)]
pub struct Walk {
    path: Vec<String>,
    layers: Vec<Layer>,
}

/// A layer, as a row of a summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layer {
    /// Where it is, as in the names of its weights: `2.0`.
    pub(super) path: String,
    /// Its type.
    pub(super) name: String,
    /// The shape of what it gives.
    pub(super) output: String,
    pub(super) parameters: usize,
}

/// A module that [`summary_for`](crate::nn::summary_for) shows as one row. All layers of dfdx and lab are; for one of
/// your own, write `impl SummaryLayer for MyLayer {}`.
pub trait SummaryLayer {}

/// A model that can be run layer by layer on `X`: a tuple, `Residual`, `Repeated`, or a [`SummaryLayer`].
#[diagnostic::on_unimplemented(
    message = "`summary_for` can't run `{Self}` on `{X}`, layer by layer",
    label = "this model does not take this input, or it has a layer that is not a `SummaryLayer`",
    note = "a module of your own becomes a row with `impl SummaryLayer for MyLayer {{}}`"
)]
pub trait Layers<X> {
    type Output;
    type Error: std::fmt::Debug;

    /// Runs the model on an example.
    ///
    /// # Errors
    /// As the model's `try_forward`.
    fn run(&self, x: X, walk: &mut Walk) -> Result<Self::Output, Self::Error>;
}

/// What a layer gives, for a summary: a tensor, or a tuple of them.
pub trait Shown {
    fn shown(&self) -> String;
}

impl<S: Shape, E: dfdx::shapes::Unit, D: Storage<E>, T> Shown for Tensor<S, E, D, T> {
    fn shown(&self) -> String {
        sizes(self.shape().concrete().as_ref())
    }
}

impl<A: Shown, B: Shown> Shown for (A, B) {
    fn shown(&self) -> String {
        format!("{}, {}", self.0.shown(), self.1.shown())
    }
}

impl<A: Shown, B: Shown, C: Shown> Shown for (A, B, C) {
    fn shown(&self) -> String {
        format!("{}, {}, {}", self.0.shown(), self.1.shown(), self.2.shown())
    }
}

pub(super) fn sizes(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ")
}

impl Walk {
    pub(super) fn into_layers(self) -> Vec<Layer> {
        self.layers
    }

    fn enter(&mut self, index: usize) {
        self.path.push(index.to_string());
    }

    fn leave(&mut self) {
        self.path.pop();
    }

    fn add(&mut self, module: &str, output: String, weights: &Summary) {
        let (path, name) = (self.path.join("."), short(module));
        self.layers.push(Layer { path, name, output, parameters: weights.parameters() });
    }
}

impl<X, M> Layers<X> for M
where
    M: Module<X> + TensorCollection<f32, Dev> + SummaryLayer,
    M::Output: Shown,
{
    type Output = M::Output;
    type Error = M::Error;

    fn run(&self, x: X, walk: &mut Walk) -> Result<M::Output, M::Error> {
        let y = self.try_forward(x)?;
        walk.add(std::any::type_name::<M>(), y.shown(), &summary(self));
        Ok(y)
    }
}

/// The layers of a tuple, one after the other.
macro_rules! tuple {
    ($first:ident $last:ident $($name:ident $before:ident)*; $($index:tt)*) => {
        impl<X, $first: Layers<X>, $($name: Layers<$before::Output, Error = $first::Error>),*> Layers<X>
            for ($first, $($name,)*)
        {
            type Output = $last::Output;
            type Error = $first::Error;

            fn run(&self, x: X, walk: &mut Walk) -> Result<Self::Output, Self::Error> {
                $(
                    walk.enter($index);
                    let x = self.$index.run(x, walk)?;
                    walk.leave();
                )*
                Ok(x)
            }
        }
    };
}

tuple!(A A; 0);
tuple!(A B B A; 0 1);
tuple!(A C B A C B; 0 1 2);
tuple!(A D B A C B D C; 0 1 2 3);
tuple!(A E B A C B D C E D; 0 1 2 3 4);
tuple!(A F B A C B D C E D F E; 0 1 2 3 4 5);

impl<X, M: Layers<X, Output = X>, const N: usize> Layers<X> for Repeated<M, N> {
    type Output = X;
    type Error = M::Error;

    fn run(&self, mut x: X, walk: &mut Walk) -> Result<X, M::Error> {
        for (index, module) in self.modules.iter().enumerate() {
            walk.enter(index);
            x = module.run(x, walk)?;
            walk.leave();
        }
        Ok(x)
    }
}

impl<X, M> Layers<X> for Residual<M>
where
    X: WithEmptyTape + TryAdd<X> + Shown,
    M: Layers<X, Output = X, Error = X::Err>,
{
    type Output = X;
    type Error = X::Err;

    fn run(&self, x: X, walk: &mut Walk) -> Result<X, X::Err> {
        walk.enter(0);
        let y = self.0.run(x.with_empty_tape(), walk)?;
        walk.leave();
        let y = y.try_add(x)?;
        walk.add("Residual", y.shown(), &Summary::default());
        Ok(y)
    }
}

macro_rules! layers {
    ($([$($parameter:tt)*] $name:ty;)*) => { $(impl<$($parameter)*> SummaryLayer for $name {})* };
}

layers! {
    [] Abs;
    [] AccurateGeLU;
    [] Cos;
    [] Exp;
    [] FastGeLU;
    [] Ln;
    [] LogSoftmax;
    [] ReLU;
    [] Sigmoid;
    [] Sin;
    [] Softmax;
    [] Sqrt;
    [] Square;
    [] Tanh;
    [] AvgPoolGlobal;
    [] MaxPoolGlobal;
    [] MinPoolGlobal;
    [] PReLU<f32, Dev>;
    [] nn::LastStep;
    [] nn::ReLU;
    [] nn::AccurateGeLU;
    [] nn::FastGeLU;
    [] nn::Sigmoid;
    [] nn::Tanh;
    [const I: usize, const O: usize] nn::Linear<I, O>;
    [const V: usize, const N: usize] nn::Embedding<V, N>;
    [E: Dtype] LeakyReLU<E>;
    [C: ConstDim] PReLU1D<C, f32, Dev>;
    [const I: usize, const O: usize, E: Dtype, D: Storage<E>] Linear<I, O, E, D>;
    [const I: usize, const O: usize, E: Dtype, D: Storage<E>] UnbiasedLinear<I, O, E, D>;
    [const V: usize, const N: usize, E: Dtype, D: Storage<E>] Embedding<V, N, E, D>;
    [const C: usize, E: Dtype, D: Storage<E>] BatchNorm1D<C, E, D>;
    [const C: usize, E: Dtype, D: Storage<E>] BatchNorm2D<C, E, D>;
    [const N: usize, E: Dtype, D: Storage<E>] LayerNorm1D<N, E, D>;
    [const C: usize, E: Dtype, D: Storage<E>] Bias2D<C, E, D>;
    [const H: usize, const W: usize, M: UpscaleMethod] Upscale2D<H, W, M>;
    [S: ConstShape] Reshape<S>;
    [M] SplitInto<M>;
    [M] AddInto<M>;
    [F, R] GeneralizedResidual<F, R>;
    [const P: usize] nn::Dropout<P>;
    [const P: usize] nn::Dropout1D<P>;
    [const P: usize] nn::Dropout2D<P>;
    [const P: usize] nn::AlphaDropout<P>;
    [const S: usize] nn::Flatten<S>;
    [const I: usize, const O: usize, const K: usize, const L: usize, const S: usize, const P: usize] nn::Conv1D<I, O, K, L, S, P>;
    [const I: usize, const O: usize, const K: usize, const H: usize, const W: usize, const S: usize, const P: usize] nn::Conv2D<I, O, K, H, W, S, P>;
    [const K: usize, const L: usize, const S: usize, const P: usize] nn::MaxPool1D<K, L, S, P>;
    [const K: usize, const L: usize, const S: usize, const P: usize] nn::AvgPool1D<K, L, S, P>;
    [const K: usize, const H: usize, const W: usize, const S: usize, const P: usize] nn::MaxPool2D<K, H, W, S, P>;
    [const K: usize, const H: usize, const W: usize, const S: usize, const P: usize] nn::AvgPool2D<K, H, W, S, P>;
    [const N: usize] nn::LayerNorm<N>;
    [const L: usize, const N: usize] nn::LearnedPositions<L, N>;
    [const L: usize, const N: usize] nn::SinusoidalPositions<L, N>;
    [const N: usize, const H: usize, const C: bool, const P: usize] nn::MultiHeadAttention<N, H, C, P>;
    [const N: usize, const H: usize, const I: usize, const C: bool, const F: bool, A, const P: usize] nn::TransformerBlock<N, H, I, C, F, A, P>;
    [const N: usize, const H: usize, const I: usize, const F: bool, A, const P: usize] nn::TransformerDecoderBlock<N, H, I, F, A, P>;
    [const I: usize, const H: usize] nn::RNN<I, H>;
    [const I: usize, const H: usize] nn::GRU<I, H>;
    [const I: usize, const H: usize] nn::LSTM<I, H>;
}

/// A type as a person writes it: without the paths of modules, and without the type of number and the device, which
/// come last.
fn short(name: &str) -> String {
    let mut short = String::with_capacity(name.len());
    let mut word = 0;
    for letter in name.chars() {
        match letter {
            ':' => short.truncate(word),
            _ => short.push(letter),
        }
        if !(letter.is_alphanumeric() || letter == '_' || letter == ':') {
            word = short.len();
        }
    }
    short.replace(", f32, Cpu>", ">").replace(", f32, Cuda>", ">")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_as_they_are_written() {
        for (full, expected) in [
            ("lab::nn::flatten::Flatten<36>", "Flatten<36>"),
            ("dfdx::nn::linear::Linear<3, 4, f32, dfdx::tensor::cpu::device::Cpu>", "Linear<3, 4>"),
            ("a::B<true, dfdx::nn::activations::ReLU, 0, f32, dfdx::tensor::cpu::device::Cpu>", "B<true, ReLU, 0>"),
            ("ReLU", "ReLU"),
            ("a::b::Pair<(a::X, b::Y<2>)>", "Pair<(X, Y<2>)>"),
        ] {
            assert_eq!(short(full), expected);
        }
    }
}
