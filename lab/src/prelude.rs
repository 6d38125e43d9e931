//! What every cell sees: dfdx, Polars and lab, with each ambiguous name decided here.
//!
//! Neither dfdx 0.13 nor Polars 0.55 exports a name of std's own prelude, so `Result`, `Vec` or `Some`
//! are std's; `notebooks/` and the tests of the engine compile plain cells that would notice. A name of
//! the prelude gives way to whatever a cell defines or imports by name, as in `use std::time::Duration;`.
//! What is left out here stays reachable by its path: `lab::polars::prelude::...`, `lab::dfdx::...`.

pub use dfdx::prelude::*;
pub use polars::prelude::*;

// Names that both have; Polars' are methods of expressions and frames as well.
pub use dfdx::prelude::{abs, negate, slice};

// lab's own, which go before names from both.
pub use crate::data::{
    Batches, Classes, DataError, Dataset, Evaluation, Matrix, class_names, read_csv, read_csv_named, read_frame,
    read_json, read_parquet, split, split_by, tensor_from,
};
pub use crate::device::{Dev, device, device_seeded};
pub use crate::display::{DisplayHandle, MimeBundle, Show, Table, clear_output, display, html, markdown, svg};
pub use crate::host::input;
pub use crate::metric::{
    Average, ClassificationReport, ConfusionMatrix, MetricError, accuracy, classification_report, confusion_matrix, f1,
    precision, recall,
};
pub use crate::nn::{
    AttentionError, AttentionMask, AvgPool1D, AvgPool2D, CausalTransformerBlock, Conv1D, Conv2D, Flatten, Frozen, GRU,
    LSTM, LastStep, LayerNorm, LearnedPositions, LoadReport, MaxPool1D, MaxPool2D, MultiHeadAttention, RNN,
    RecurrentState, SinusoidalPositions, Summary, TransformerDecoderBlock, TransformerEncoderBlock, Weights,
    WeightsError, init, load_partial, load_weights, save_weights, scaled_dot_product_attention, summary,
};
pub use crate::plot::{Figure, LineChart, LiveChart, image_grid, line_chart};
pub use crate::tracker::{self, Run};
pub use crate::train::{Adam, Epoch, Epochs, Mean, TrainError, epochs};
pub use crate::{dfdx, polars, serde_json};
pub use serde::{self, Deserialize, Serialize};
