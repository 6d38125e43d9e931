//! Files that are read piece by piece.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use polars::prelude::{
    Engine, FileWriteFormat, LazyCsvReader, LazyFileListReader, LazyFrame, LazyJsonLineReader, ParquetWriteOptions,
    PlRefPath, PolarsError, PolarsResult, ScanArgsParquet, SinkDestination, SinkTarget, UnifiedSinkArgs,
};

use crate::data::DataError;
use crate::data::read::{INFER_ROWS, open, unreadable};

/// Rows of a row group, the piece in which Parquet is read.
const ROW_GROUP: usize = 1 << 16;

/// Opens a table without reading it: `.parquet`, `.csv`, or one JSON object per line (`.jsonl`, `.ndjson`). What is
/// done with the frame is done when it is collected, or chunk by chunk ([`Stream`](super::Stream)).
///
/// Parquet is best: a part of its rows and columns can be read alone. A CSV file has to be read from its start for
/// each part; see [`csv_to_parquet`].
///
/// # Errors
/// Names the file and the working folder when it can't be opened, and what is wrong with it when its columns
/// can't be told.
pub fn scan(path: impl AsRef<Path>) -> Result<LazyFrame, DataError> {
    lazy(path.as_ref())
}

/// Writes the table of a CSV file with a header to a Parquet file, piece by piece: memory does not grow with the
/// file.
///
/// # Errors
/// As [`scan`], and when a value is not of its column's type or the new file can't be written; then there is none.
pub fn csv_to_parquet(csv: impl AsRef<Path>, parquet: impl AsRef<Path>) -> Result<(), DataError> {
    convert(csv.as_ref(), parquet.as_ref())
}

fn lazy(path: &Path) -> Result<LazyFrame, DataError> {
    let name = path.to_string_lossy().to_lowercase();
    let (format, read): (_, fn(PlRefPath) -> PolarsResult<LazyFrame>) = match name.rsplit('.').next() {
        Some("parquet") => ("Parquet", parquet),
        Some("csv") => ("CSV", csv),
        Some("jsonl" | "ndjson") => ("JSON", json_lines),
        _ => return Err(DataError::NotScanned { path: path.to_owned() }),
    };
    open(path)?;
    let failed = |error: PolarsError| unreadable(path, format, &error);
    let mut frame = PlRefPath::try_from_path(path).and_then(read).map_err(failed)?;
    frame.collect_schema().map_err(failed)?;
    Ok(frame)
}

fn parquet(path: PlRefPath) -> PolarsResult<LazyFrame> {
    LazyFrame::scan_parquet(path, ScanArgsParquet { glob: false, ..Default::default() })
}

fn csv(path: PlRefPath) -> PolarsResult<LazyFrame> {
    LazyCsvReader::new(path).with_glob(false).with_infer_schema_length(Some(INFER_ROWS)).finish()
}

fn json_lines(path: PlRefPath) -> PolarsResult<LazyFrame> {
    LazyJsonLineReader::new(path).finish()
}

fn convert(csv: &Path, parquet: &Path) -> Result<(), DataError> {
    let frame = lazy(csv)?;
    // Beside the file and renamed when it is whole, so that a file of this name is never a part of one.
    let part = PathBuf::from(format!("{}.part", parquet.display()));
    let result = sink(frame, &part).map_err(|error| unreadable(csv, "CSV", &error));
    let moved = result.and_then(|()| {
        std::fs::rename(&part, parquet).map_err(|source| DataError::Write { path: parquet.to_owned(), source })
    });
    if moved.is_err() && part.exists() {
        std::fs::remove_file(&part).map_err(|source| DataError::Write { path: part.clone(), source })?;
    }
    moved
}

fn sink(frame: LazyFrame, path: &Path) -> PolarsResult<()> {
    let target = SinkTarget::Path(PlRefPath::try_from_path(path)?);
    let options = ParquetWriteOptions { row_group_size: Some(ROW_GROUP), ..Default::default() };
    let format = FileWriteFormat::Parquet(Arc::new(options));
    let sink = frame.sink(SinkDestination::File { target }, format, UnifiedSinkArgs::default())?;
    sink.collect_with_engine(Engine::Streaming)?;
    Ok(())
}
