//! What can be wrong with data, said with the place where it is wrong.

use std::path::PathBuf;

use polars::prelude::PolarsError;

/// Data that could not be read or turned into tensors.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The file is not there or can't be opened.
    #[error("can't open {path}: {source} (the working folder is {folder})", path = .path.display(), folder = .folder.display())]
    Open { path: PathBuf, folder: PathBuf, source: std::io::Error },

    /// The file was opened, but it is not what its name says, or it is damaged.
    #[error("can't read {path} as {format}: {reason}", path = .path.display())]
    Read { path: PathBuf, format: &'static str, reason: String },

    /// A data set that does not come along is not in the folder of data sets.
    #[error("can't find {name}: {problem}; ASSAY_DATA must name the folder that holds it{origin}")]
    DataFile { name: String, problem: String, origin: String },

    /// The name of the file does not say what is in it.
    #[error("{path}: files of this kind can't be read; known are .csv, .csv.gz, .parquet, .json, .jsonl and .ndjson", path = .path.display())]
    UnknownFormat { path: PathBuf },

    /// Files of this kind can only be read whole.
    #[error("{path}: only .parquet, .csv, .jsonl and .ndjson can be read in pieces; read_frame reads other tables", path = .path.display())]
    NotScanned { path: PathBuf },

    /// The file could not be written.
    #[error("can't write {path}: {source}", path = .path.display())]
    Write { path: PathBuf, source: std::io::Error },

    /// The frame has no such column.
    #[error("there is no column {column:?}; the frame has {known}")]
    NoColumn { column: String, known: String },

    /// The frame is empty, or a split or batch would be.
    #[error("{what}")]
    TooFewRows { what: String },

    /// The number of columns is not the width that the code asks for.
    #[error("{got} columns were given, but the width in the code is {expected}")]
    Width { expected: usize, got: usize },

    /// The number of target columns is not the one that the code asks for.
    #[error("{got} target columns were given, but the code says {expected}")]
    TargetWidth { expected: usize, got: usize },

    /// The column is not a number.
    #[error("column {column:?} is {dtype}, and can't become f32: turn it into numbers or leave it out")]
    NotNumeric { column: String, dtype: String },

    /// Values are missing.
    #[error("column {column:?} has {count} missing values, the first in row {row}: fill them or drop these rows")]
    Missing { column: String, count: usize, row: usize },

    /// A value is NaN or infinite.
    #[error("column {column:?} has a value that is not finite in row {row}: {value}")]
    NotFinite { column: String, row: usize, value: f32 },

    /// A label is not one of the classes.
    #[error("column {column:?}: label {label} in row {row} is not one of the {classes} classes")]
    Label { column: String, label: String, row: usize, classes: usize },

    /// The labels are text, and not as many different ones as there should be classes.
    #[error("column {column:?} has {got} different labels ({known}), but the code says {expected} classes")]
    Classes { column: String, expected: usize, got: usize, known: String },

    /// A text has something, or a number stands for something, that the tokenizer does not know.
    #[error("{what} is not one of the {vocabulary} tokens")]
    Token { what: String, vocabulary: usize },

    /// The tokenizer could not be trained or used.
    #[error("the tokenizer failed: {reason}")]
    Tokenizer { reason: String },

    /// Numbers that do not have the shape that is said.
    #[error("{what}")]
    Shape { what: String },

    /// A share that does not divide anything.
    #[error("the share of test rows must be between 0 and 1, and is {share}")]
    Share { share: f64 },

    /// The model could not be run, or its output is no class.
    #[error("the model failed on rows {first} to {last}: {reason}")]
    Model { first: usize, last: usize, reason: String },

    /// A chunk of a larger table could not be read or used; rows in `source` count from the first of the chunk.
    #[error("in the chunk of rows {first} to {last}: {source}")]
    Chunk { first: usize, last: usize, source: Box<DataError> },

    /// What makes batches on another core could not start, or it panicked.
    #[error("the thread that makes batches ahead failed: {reason}")]
    Ahead { reason: String },

    /// Polars refused.
    #[error(transparent)]
    Polars {
        #[from]
        source: PolarsError,
    },
}
