//! Models with every layer, from 24 numbers to 6.

use dfdx::prelude::*;

use super::training::{CLASSES, INPUT, Taped, Training};
use crate::nn::{
    AccurateGeLU, AlphaDropout, AvgPool1D, AvgPool2D, CausalTransformerBlock, Conv1D, Conv2D, Dropout, FastGeLU,
    Flatten, GRU, LSTM, LastStep, LayerNorm, LearnedPositions, Linear, MaxPool1D, MaxPool2D, MultiHeadAttention, RNN,
    ReLU, Sigmoid, SinusoidalPositions, Tanh, TransformerEncoderBlock,
};

type Last<const WIDTH: usize> = Linear<WIDTH, CLASSES>;

macro_rules! models {
    ($($name:literal, $model:ty, $shape:tt, |$built:ident, $x:ident| $forward:expr;)*) => {
        /// A name, and what trains the model.
        pub(super) const MODELS: &[(&str, fn(&Training) -> u64)] = &[$(
            ($name, |training| training.train::<$model>(|$built, x: Taped<INPUT>| {
                let $x = shaped!(x, $shape);
                $forward
            }))
        ),*];
    };
}

macro_rules! shaped {
    ($x:ident, (rows)) => {
        $x
    };
    ($x:ident, ($($size:literal),+)) => {{
        let batch = $x.shape().0;
        $x.reshape_like(&(batch, $(Const::<$size>),+))
    }};
}

models! {
    "linear", Last<INPUT>, (rows), |model, x| model.forward(x);
    "ReLU, 300 wide", (Linear<INPUT, 300>, ReLU, Last<300>), (rows), |model, x| model.forward(x);
    "ReLU, 1100 wide", (Linear<INPUT, 1100>, ReLU, Last<1100>), (rows), |model, x| model.forward(x);
    "Tanh and Sigmoid", (Linear<INPUT, 64>, Tanh, Linear<64, 64>, Sigmoid, Last<64>), (rows),
        |model, x| model.forward(x);
    "AccurateGeLU and LayerNorm", (Linear<INPUT, 48>, AccurateGeLU, LayerNorm<48>, Last<48>), (rows),
        |model, x| model.forward(x);
    "FastGeLU and Dropout", (Linear<INPUT, 120>, FastGeLU, Dropout<30>, Last<120>), (rows),
        |model, x| model.forward_mut(x);
    "AlphaDropout", (Linear<INPUT, 1>, AlphaDropout<20>, Linear<1, 33>, Tanh, Last<33>), (rows),
        |model, x| model.forward_mut(x);
    "BatchNorm1D", (Linear<INPUT, 40>, BatchNorm1D<40>, ReLU, Last<40>), (rows), |model, x| model.forward_mut(x);
    "dfdx's functions", (Linear<INPUT, 40>, Last<40>), (rows), |model, x| {
        let y = model.0.forward(x).softmax::<Axis<1>>().exp().ln();
        model.1.forward(y.sin().tanh().accurate_gelu())
    };
    "Conv2D, MaxPool2D", (Conv2D<1, 6, 3, 4, 6, 1, 1>, ReLU, MaxPool2D<2, 2, 3>, Flatten<36>, Last<36>), (1, 4, 6),
        |model, x| model.forward(x);
    "Conv2D with a stride, AvgPool2D", (Conv2D<2, 9, 3, 2, 2, 2, 1>, Tanh, AvgPool2D<2, 1, 1>, Flatten<9>, Last<9>),
        (2, 3, 4), |model, x| model.forward(x);
    "Conv1D, MaxPool1D", (Conv1D<2, 7, 3, 12, 1, 1>, ReLU, MaxPool1D<3, 4>, Flatten<28>, Last<28>), (2, 12),
        |model, x| model.forward(x);
    "Conv1D with a stride, AvgPool1D", (Conv1D<3, 5, 3, 4, 2, 1>, Sigmoid, AvgPool1D<2, 2>, Flatten<10>, Last<10>),
        (3, 8), |model, x| model.forward(x);
    "RNN", (RNN<4, 17>, LastStep, Last<17>), (6, 4), |model, x| model.forward(x);
    "GRU", (GRU<4, 17>, LastStep, Last<17>), (6, 4), |model, x| model.forward(x);
    "LSTM", (LSTM<4, 17>, LastStep, Last<17>), (6, 4), |model, x| model.forward(x);
    "LSTM of one step", (LSTM<24, 33>, LastStep, Last<33>), (1, 24), |model, x| model.forward(x);
    "attention", (LearnedPositions<3, 8>, MultiHeadAttention<8, 2>, Flatten<24>, Last<24>), (3, 8),
        |model, x| model.forward(x);
    "an encoder", (SinusoidalPositions<3, 8>, TransformerEncoderBlock<8, 4, 50, false, AccurateGeLU>, Flatten<24>, Last<24>),
        (3, 8), |model, x| model.forward(x);
    "a decoder with dropout", (CausalTransformerBlock<4, 2, 30, true, FastGeLU, 20>, LastStep, Last<4>), (6, 4),
        |model, x| model.forward_mut(x);
}
