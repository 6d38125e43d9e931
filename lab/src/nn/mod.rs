//! What models need beyond dfdx's layers. Layers here are dfdx modules: they stand in tuples with dfdx's own,
//! train with any optimizer, appear in [`summary`]; what they compute is compiled once, here.

mod attention;
#[cfg(test)]
pub(crate) mod check;
mod conv;
mod dense;
mod dropout;
mod flatten;
pub mod init;
mod matrix;
mod names;
mod op;
mod parallel;
mod recurrent;
pub(crate) mod shape;
#[cfg(test)]
mod speed;
mod summary;
mod weights;

pub use attention::{
    AttentionError, AttentionMask, CausalTransformerBlock, LearnedPositions, MultiHeadAttention, SinusoidalPositions,
    TransformerBlock, TransformerDecoderBlock, TransformerEncoderBlock, scaled_dot_product_attention,
};
pub use conv::{AvgPool1D, AvgPool2D, Conv1D, Conv2D, MaxPool1D, MaxPool2D};
pub use dense::{AccurateGeLU, Activation, Embedding, FastGeLU, LayerNorm, Linear, ReLU, Sigmoid, Tanh};
pub use dropout::{AlphaDropout, Dropout, Dropout1D, Dropout2D};
pub use flatten::Flatten;
pub use op::{Inputs, Op};
pub use recurrent::{GRU, LSTM, LastStep, RNN, RecurrentState};
pub use summary::{Layers, Shown, Summary, SummaryLayer, summary, summary_for};
pub(crate) use weights::State;
pub use weights::{Frozen, LoadReport, Weights, WeightsError, WrongShape, load_partial, load_weights, save_weights};
