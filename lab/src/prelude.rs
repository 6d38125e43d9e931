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
    Array, Augment, Batches, BytePairs, Characters, Chunks, Classes, DataError, Dataset, Evaluation, Fill, Imputer,
    LabelEncoder, Matrix, OneHotEncoder, OrdinalEncoder, Outliers, Pictures, Sampler, Samples, Scaler, Stream,
    TokenBatches, Tokenizer, Unknown, Windows, class_names, clip_outliers, csv_to_parquet, data_file, drop_outliers,
    k_fold, mixup, read_csv, read_csv_named, read_frame, read_idx, read_image, read_json, read_npy, read_npz,
    read_parquet, read_text, scan, split, split_by, tensor_from, time_split,
};
pub use crate::device::{
    Dev, Precision, device, device_memory, device_name, device_seeded, matmul_precision, seed_random,
    set_matmul_precision,
};
pub use crate::display::{DisplayHandle, MimeBundle, Show, Table, clear_output, display, html, markdown, svg};
pub use crate::host::input;
pub use crate::loss::{
    BceWithLogits, CrossEntropy, Loss, LossError, Reduction, bce_with_logits_loss, contrastive_loss, cross_entropy,
    focal_loss, huber_loss, kl_div_loss, kl_div_with_logits_loss, mae_loss, mse_loss, nt_xent_loss, sigmoid_focal_loss,
};
pub use crate::metric::{
    Average, Bleu, ClassificationReport, ConfusionMatrix, MetricError, PrecisionRecallCurve, RocCurve, accuracy,
    average_precision, average_precision_one_vs_rest, bleu, classification_report, confusion_matrix, f1, log_loss,
    mean_absolute_error, mean_squared_error, perplexity, precision, precision_recall_curve, r2_score, recall, roc_auc,
    roc_auc_one_vs_rest, roc_curve, root_mean_squared_error, top_k_accuracy,
};
pub use crate::nn::{
    AccurateGeLU, AlphaDropout, AttentionError, AttentionMask, AvgPool1D, AvgPool2D, CausalTransformerBlock, Conv1D,
    Conv2D, Dropout, Dropout1D, Dropout2D, Embedding, FastGeLU, Flatten, Frozen, GRU, LSTM, LastStep, LayerNorm,
    LearnedPositions, Linear, LoadReport, MaxPool1D, MaxPool2D, MultiHeadAttention, RNN, ReLU, RecurrentState, Sigmoid,
    SinusoidalPositions, Summary, SummaryLayer, Tanh, TransformerDecoderBlock, TransformerEncoderBlock, Weights,
    WeightsError, init, load_partial, load_weights, save_weights, scaled_dot_product_attention, summary, summary_for,
};
pub use crate::plot::{
    Chart, Figure, Heatmap, Histogram, LineChart, LiveChart, PlotError, attention_map, bar_chart, correlation, heatmap,
    histogram, image_grid, line_chart, pr_chart, roc_chart, scatter, tensor_grid,
};
pub use crate::tracker::{self, LogData as _, Run};
pub use crate::train::{
    Adam, AdamW, EarlyStopping, Ema, Epoch, EpochReport, Epochs, Flow, History, Mean, Metrics, Mode, Optimizer,
    RMSprop, ReduceOnPlateau, Schedule, Sgd, TrainError, Trainer, TrainerEpoch, TrainerError, clip_grad_norm,
    clip_grad_value, epochs, grad_norm, l1_penalty, l2_penalty, scale_gradients,
};
// `Optimizer` is lab's; the methods of dfdx's trait of that name stay in scope for its own optimizers.
pub use crate::{dfdx, polars, serde_json};
pub use dfdx::optim::Optimizer as _;
pub use serde::{self, Deserialize, Serialize};
