//! Every layer, forward and backward. No size is that of whole blocks of a kernel; many rows are summed in strips.

use dfdx::prelude::*;

use super::Case;
use super::values::{Named, Rows, of_model};
use crate::device::{Dev, device, device_seeded};
use crate::nn::check::numbers;
use crate::nn::{
    AccurateGeLU, AlphaDropout, AttentionMask, AvgPool1D, AvgPool2D, CausalTransformerBlock, Conv1D, Conv2D, Dropout,
    Dropout1D, Dropout2D, Embedding, FastGeLU, Flatten, GRU, LSTM, LastStep, LayerNorm, LearnedPositions, Linear,
    MaxPool1D, MaxPool2D, MultiHeadAttention, RNN, ReLU, Sigmoid, SinusoidalPositions, Tanh, TransformerDecoderBlock,
    TransformerEncoderBlock,
};

type Taped<S> = Tensor<S, f32, Dev, OwnedTape<f32, Dev>>;

/// A tensor of numbers between -2 and 2.
pub(super) fn tensor<S: Shape>(shape: S, seed: u32) -> Tensor<S, f32, Dev> {
    let numbers = numbers(shape.num_elements(), seed).into_iter().map(|number| 2.0 * number);
    device().tensor_from_vec(numbers.collect(), shape)
}

/// Runs a model: its output, and the gradients of the weights and the input for a loss that weighs each output.
fn run<M, X, Y>(forward: impl FnOnce(&mut M::Built, Taped<X>) -> Taped<Y>) -> Rows
where
    M: BuildOnDevice<Dev, f32>,
    X: ConstShape,
    Y: Shape,
{
    let x = tensor(X::default(), 1);
    let (mut rows, gradients) = weights::<M, Y>(|model| forward(model, x.leaky_trace()));
    rows.gradients.insert("the input".to_owned(), gradients.get(&x).as_vec());
    rows
}

/// The same without the gradient of the input.
fn weights<M, Y>(forward: impl FnOnce(&mut M::Built) -> Taped<Y>) -> (Rows, Gradients<f32, Dev>)
where
    M: BuildOnDevice<Dev, f32>,
    Y: Shape,
{
    let mut model = device_seeded(1).build_module::<M, f32>();
    let y = forward(&mut model);
    let flat = (y.shape().num_elements(),);
    let values = output(&y);
    let gradients = (y.reshape_like(&flat) * tensor(flat, 2)).sum::<Rank0, _>().backward();
    (Rows { values, gradients: of_model(&model, Some(&gradients)) }, gradients)
}

fn output<Y: Shape, T>(y: &Tensor<Y, f32, Dev, T>) -> Named {
    Named::from([("the output".to_owned(), y.as_vec())])
}

/// Without a tape, as models are evaluated.
fn evaluated<M, X, Y>() -> Rows
where
    M: BuildOnDevice<Dev, f32>,
    X: ConstShape,
    Y: Shape,
    M::Built: Module<Tensor<X, f32, Dev>, Output = Tensor<Y, f32, Dev>>,
{
    let model = device_seeded(1).build_module::<M, f32>();
    Rows { values: output(&model.forward(tensor(X::default(), 1))), gradients: Named::new() }
}

/// Tokens have no gradient, their vectors have.
fn looked_up() -> Rows {
    let tokens: Vec<usize> = (0..33).map(|i| i * 7919 % 50).collect();
    let tokens: Tensor<Rank2<3, 11>, usize, Dev> = device().tensor_from_vec(tokens, (Const, Const));
    weights::<Embedding<50, 37>, _>(|model| model.forward(tokens.leaky_trace())).0
}

macro_rules! layers {
    ($($name:literal, $model:ty, $x:ty, $kinked:ident, |$layer:ident, $input:ident| $forward:expr;)*) => {
        vec![$(Case {
            name: $name,
            kinked: kinked!($kinked),
            run: || run::<$model, $x, _>(|$layer, $input| $forward),
        }),*]
    };
}

/// As a model is evaluated: what dropout draws while one trains is another thing on each device.
macro_rules! evaluated {
    ($($name:literal, $model:ty, $x:ty;)*) => {
        [$(Case { name: $name, kinked: false, run: || evaluated::<$model, $x, _>() }),*]
    };
}

macro_rules! kinked {
    (smooth) => {
        false
    };
    (kinked) => {
        true
    };
}

type Row = Rank2<5, 301>;
type Words = Rank3<3, 11, 36>;
type Signal = Rank3<4, 3, 19>;
type Picture = Rank4<4, 3, 11, 13>;

/// Some of the words of another length see nothing of the padding.
fn padded(keys: usize) -> AttentionMask {
    AttentionMask::none().with_lengths(&[keys, keys - 1, 2], keys)
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = layers! {
        "Linear", Linear<45, 67>, Rank3<3, 11, 45>, smooth, |layer, x| layer.forward(x);
        "Linear, many rows", Linear<45, 67>, Rank2<300, 45>, smooth, |layer, x| layer.forward(x);
        "ReLU", ReLU, Row, smooth, |layer, x| layer.forward(x);
        "AccurateGeLU", AccurateGeLU, Row, smooth, |layer, x| layer.forward(x);
        "FastGeLU", FastGeLU, Row, smooth, |layer, x| layer.forward(x);
        "Sigmoid", Sigmoid, Row, smooth, |layer, x| layer.forward(x);
        "Tanh", Tanh, Row, smooth, |layer, x| layer.forward(x);
        "LayerNorm", LayerNorm<301>, Row, smooth, |layer, x| layer.forward(x);
        "LayerNorm, many rows", LayerNorm<37>, Rank2<300, 37>, smooth, |layer, x| layer.forward(x);
        "BatchNorm1D", BatchNorm1D<5>, Rank3<4, 5, 19>, smooth, |layer, x| layer.forward_mut(x);
        "BatchNorm2D", BatchNorm2D<3>, Picture, smooth, |layer, x| layer.forward_mut(x);
        "LearnedPositions", LearnedPositions<12, 36>, Words, smooth, |layer, x| layer.forward(x);
        "SinusoidalPositions", SinusoidalPositions<12, 36>, Words, smooth, |layer, x| layer.forward(x);
        "MultiHeadAttention", MultiHeadAttention<36, 4>, Words, smooth, |layer, x| layer.forward(x);
        "MultiHeadAttention, causal and padded", MultiHeadAttention<36, 4, true>, Words, smooth, |layer, x| {
            layer.forward((x, &padded(11)))
        };
        "MultiHeadAttention to a memory", MultiHeadAttention<36, 4>, Words, smooth, |layer, x| {
            layer.forward((x, tensor(<Rank3<3, 7, 36>>::default(), 3), &padded(7)))
        };
        "TransformerEncoderBlock", TransformerEncoderBlock<36, 4, 50, false, AccurateGeLU>, Words, smooth,
            |layer, x| layer.forward((x, &padded(11)));
        "CausalTransformerBlock", CausalTransformerBlock<36, 4, 50, true, FastGeLU>, Words, smooth,
            |layer, x| layer.forward(x);
        "CausalTransformerBlock with ReLU", CausalTransformerBlock<36, 4, 50>, Words, kinked,
            |layer, x| layer.forward(x);
        "TransformerDecoderBlock", TransformerDecoderBlock<36, 4, 50, true, AccurateGeLU>, Words, smooth, |layer, x| {
            layer.forward((x, tensor(<Rank3<3, 7, 36>>::default(), 3), &padded(7)))
        };
        "Conv1D", Conv1D<3, 5, 3, 10, 2, 1>, Signal, smooth, |layer, x| layer.forward(x);
        "Conv2D", Conv2D<3, 5, 3, 9, 11>, Picture, smooth, |layer, x| layer.forward(x);
        "Conv2D, padded, with a stride", Conv2D<3, 5, 3, 6, 7, 2, 1>, Picture, smooth, |layer, x| layer.forward(x);
        "MaxPool1D", MaxPool1D<3, 6>, Signal, smooth, |layer, x| layer.forward(x);
        "AvgPool1D", AvgPool1D<3, 9, 2>, Signal, smooth, |layer, x| layer.forward(x);
        "MaxPool2D", MaxPool2D<3, 6, 7, 2, 1>, Picture, smooth, |layer, x| layer.forward(x);
        "AvgPool2D", AvgPool2D<3, 6, 7, 2, 1>, Picture, smooth, |layer, x| layer.forward(x);
        "RNN", RNN<13, 17>, Rank3<4, 6, 13>, smooth, |layer, x| layer.forward(x);
        "GRU", GRU<13, 17>, Rank3<4, 6, 13>, smooth, |layer, x| layer.forward(x);
        "LSTM", LSTM<13, 17>, Rank3<4, 6, 13>, smooth, |layer, x| layer.forward(x);
        "LSTM, its last step", (LSTM<13, 17>, LastStep, Linear<17, 3>), Rank3<4, 6, 13>, smooth,
            |layer, x| layer.forward(x);
        "a perceptron", (Linear<301, 67>, ReLU, Linear<67, 10>), Row, kinked, |layer, x| layer.forward(x);
        "a convolutional network", (Conv2D<3, 5, 3, 9, 11>, ReLU, MaxPool2D<3, 3, 3>, Flatten<45>, Linear<45, 10>),
            Picture, kinked, |layer, x| layer.forward(x);
    };
    cases.push(Case { name: "Embedding", kinked: false, run: looked_up });
    cases.extend(evaluated! {
        "Dropout", (Linear<301, 40>, Dropout<30>), Row;
        "Dropout1D", Dropout1D<30>, Signal;
        "Dropout2D", Dropout2D<30>, Picture;
        "AlphaDropout", AlphaDropout<30>, Row;
        "CausalTransformerBlock with dropout", CausalTransformerBlock<36, 4, 50, true, FastGeLU, 20>, Words;
        "BatchNorm1D, evaluated", BatchNorm1D<5>, Rank3<4, 5, 19>;
        "BatchNorm2D, evaluated", BatchNorm2D<3>, Picture;
    });
    cases
}
