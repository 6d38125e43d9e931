//! What every cell sees: dfdx, Polars and lab, with each ambiguous name decided here.
//!
//! A glob import goes before std's own prelude in a cell, so whatever Polars or dfdx calls by a name of
//! std's is given back to std below; `prelude/conflicts` in the tests keeps the list complete. What is
//! left out stays reachable by its path: `lab::polars::prelude::...`, `lab::dfdx::...`.

pub use dfdx::prelude::*;
pub use polars::prelude::*;

// std's meaning for the names that a plain Rust cell uses.
pub use std::option::Option;
pub use std::result::Result;
pub use std::string::String;
pub use std::sync::Arc;
pub use std::vec::Vec;

// Names that both dfdx and Polars have.
pub use dfdx::shapes::Axis;

// lab's own, which go before names from both.
pub use crate::data::{
    Batches, Classes, DataError, Dataset, Evaluation, Matrix, class_names, read_csv,
    read_csv_named, read_frame, read_json, read_parquet, split, split_by, tensor_from,
};
pub use crate::device::{Dev, device, device_seeded};
pub use crate::display::{
    DisplayHandle, MimeBundle, Show, Table, clear_output, display, html, markdown, svg,
};
pub use crate::metric::{
    Average, ClassificationReport, ConfusionMatrix, MetricError, accuracy, classification_report,
    confusion_matrix, f1, precision, recall,
};
pub use crate::nn::{Summary, summary};
pub use crate::plot::{Figure, LineChart, LiveChart, image_grid, line_chart};
pub use crate::tracker::{self, Run};
pub use crate::train::{Adam, Epoch, Epochs, Mean, TrainError, epochs};
pub use crate::{dfdx, polars, serde_json};
pub use serde::{self, Deserialize, Serialize};
