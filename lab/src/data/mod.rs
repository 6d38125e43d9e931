//! From files to batches: read a frame, split it with a seed, turn columns into tensors of a width that
//! the compiler knows.

mod batches;
mod dataset;
mod error;
mod evaluate;
mod labels;
mod matrix;
mod read;
mod split;

pub use batches::Batches;
pub use dataset::Dataset;
pub use error::DataError;
pub use evaluate::Evaluation;
pub use labels::{Classes, class_names};
pub use matrix::{Matrix, tensor_from};
pub use read::{read_csv, read_csv_named, read_frame, read_json, read_parquet};
pub use split::{split, split_by};
