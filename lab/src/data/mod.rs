//! From files to batches: read a frame, split it with a seed, turn columns into tensors of a width that
//! the compiler knows.

mod arrays;
mod augment;
mod batches;
#[cfg(test)]
mod damaged;
#[cfg(test)]
mod data_sets;
mod dataset;
mod error;
mod evaluate;
mod examples;
mod file;
mod labels;
mod layout;
mod matrix;
mod mixup;
mod pictures;
pub mod preprocessing;
mod read;
mod samples;
mod split;
mod stream;
pub mod text;

pub use arrays::{Array, read_idx, read_npy, read_npz};
pub use augment::Augment;
pub use batches::{Batches, InMemory, Streamed};
pub use dataset::Dataset;
pub use error::DataError;
pub use evaluate::Evaluation;
pub use examples::Supervised;
pub use file::{data_file, read_text};
pub use labels::{Classes, class_names};
pub use layout::{Flat, Indices, Layout, OneHot, Pictures, TargetLayout};
pub use matrix::{Matrix, tensor_from};
pub use mixup::mixup;
pub use pictures::read_image;
pub use preprocessing::{
    Fill, Imputer, LabelEncoder, OneHotEncoder, OrdinalEncoder, Outliers, Scaler, Unknown, clip_outliers, drop_outliers,
};
pub use read::{read_csv, read_csv_named, read_frame, read_json, read_parquet};
pub use samples::Samples;
pub use split::{k_fold, split, split_by, time_split};
pub use stream::{Chunks, Stream, csv_to_parquet, scan};
pub use text::{BytePairs, Characters, Sampler, TokenBatches, Tokenizer, Windows};
