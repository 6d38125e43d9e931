//! Files to frames, by what the name says: CSV (also gzipped), Parquet, JSON, one JSON object per line.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use polars::prelude::{CsvReadOptions, DataFrame, JsonFormat, JsonReader, ParquetReader, PolarsError, SerReader};

use super::DataError;

/// How many rows are looked at to find the type of a CSV column.
pub(super) const INFER_ROWS: usize = 10_000;

/// Reads a table into a frame. The end of the name says the format: `.csv`, `.csv.gz`, `.parquet`,
/// `.json` (an array of objects), `.jsonl` or `.ndjson`.
///
/// # Errors
/// Names the file and the working folder when it can't be opened, and what is wrong with it when it
/// can't be read.
pub fn read_frame(path: impl AsRef<Path>) -> Result<DataFrame, DataError> {
    by_name(path.as_ref())
}

/// Reads a CSV file with a header; a gzipped one is unpacked.
///
/// # Errors
/// As [`read_frame`].
pub fn read_csv(path: impl AsRef<Path>) -> Result<DataFrame, DataError> {
    csv(path.as_ref())
}

/// Reads a CSV file whose first line is data already, and gives its columns these names.
///
/// # Errors
/// As [`read_frame`], and when there are not as many columns as names.
pub fn read_csv_named<S: AsRef<str>>(path: impl AsRef<Path>, names: &[S]) -> Result<DataFrame, DataError> {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    named(path.as_ref(), &names)
}

/// Reads a Parquet file.
///
/// # Errors
/// As [`read_frame`].
pub fn read_parquet(path: impl AsRef<Path>) -> Result<DataFrame, DataError> {
    parquet(path.as_ref())
}

/// Reads JSON: an array of objects, or one object per line when the name ends in `.jsonl` or `.ndjson`.
///
/// # Errors
/// As [`read_frame`].
pub fn read_json(path: impl AsRef<Path>) -> Result<DataFrame, DataError> {
    json(path.as_ref())
}

fn by_name(path: &Path) -> Result<DataFrame, DataError> {
    let name = path.to_string_lossy().to_lowercase();
    match name.strip_suffix(".gz").unwrap_or(&name).rsplit('.').next() {
        Some("csv") => csv(path),
        Some("parquet") if !name.ends_with(".gz") => parquet(path),
        Some("json" | "jsonl" | "ndjson") => json(path),
        _ => Err(DataError::UnknownFormat { path: path.to_owned() }),
    }
}

fn csv(path: &Path) -> Result<DataFrame, DataError> {
    parse(path, true)
}

fn named(path: &Path, names: &[&str]) -> Result<DataFrame, DataError> {
    let mut frame = parse(path, false)?;
    if frame.width() != names.len() {
        let reason = format!("it has {} columns, but {} names were given", frame.width(), names.len());
        return Err(DataError::Read { path: path.to_owned(), format: "CSV", reason });
    }
    frame.set_column_names(names)?;
    Ok(frame)
}

fn parse(path: &Path, header: bool) -> Result<DataFrame, DataError> {
    let bytes = Cursor::new(bytes(path)?);
    let options = CsvReadOptions::default().with_has_header(header).with_infer_schema_length(Some(INFER_ROWS));
    let reader = options.into_reader_with_file_handle(bytes);
    reader.finish().map_err(|error| unreadable(path, "CSV", &error))
}

fn parquet(path: &Path) -> Result<DataFrame, DataError> {
    ParquetReader::new(open(path)?).finish().map_err(|error| unreadable(path, "Parquet", &error))
}

fn json(path: &Path) -> Result<DataFrame, DataError> {
    let name = path.to_string_lossy().to_lowercase();
    let lines = [".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz"].iter().any(|end| name.ends_with(end));
    let format = if lines { JsonFormat::JsonLines } else { JsonFormat::Json };
    let reader = JsonReader::new(Cursor::new(bytes(path)?)).with_json_format(format);
    reader.finish().map_err(|error| unreadable(path, "JSON", &error))
}

/// The content of a file, unpacked when it starts as gzip does, whatever it is called.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, DataError> {
    let mut content = Vec::new();
    open(path)?.read_to_end(&mut content).map_err(|source| not_open(path, source))?;
    let damaged = |reason: String| DataError::Read { path: path.to_owned(), format: "gzip", reason };
    if content.is_empty() && path.extension().is_some_and(|end| end.eq_ignore_ascii_case("gz")) {
        return Err(damaged("the file is empty".to_owned()));
    }
    if !content.starts_with(&[0x1f, 0x8b]) {
        return Ok(content);
    }
    let mut unpacked = Vec::new();
    let read = MultiGzDecoder::new(content.as_slice()).read_to_end(&mut unpacked);
    read.map_err(|error| damaged(format!("{error}; the file is damaged or cut short")))?;
    Ok(unpacked)
}

pub(super) fn open(path: &Path) -> Result<File, DataError> {
    File::open(path).map_err(|source| not_open(path, source))
}

fn not_open(path: &Path, source: std::io::Error) -> DataError {
    let folder = std::env::current_dir().unwrap_or_default();
    DataError::Open { path: path.to_owned(), folder, source }
}

pub(super) fn unreadable(path: &Path, format: &'static str, error: &PolarsError) -> DataError {
    DataError::Read { path: path.to_owned(), format, reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::PathBuf;

    use super::*;

    fn file(name: &str, content: &[u8]) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("lab-read-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join(name);
        std::fs::write(&path, content).expect("a file");
        path
    }

    fn gzipped(content: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(content).expect("in memory");
        encoder.finish().expect("in memory")
    }

    #[test]
    fn csv_plain_and_gzipped() {
        let text = b"a,b\n1,x\n2,y\n";
        for path in [file("t.csv", text), file("t.csv.gz", &gzipped(text))] {
            assert_eq!(read_frame(path).expect("a frame").shape(), (2, 2));
        }
    }

    #[test]
    fn csv_without_a_header_gets_names() {
        let frame = read_csv_named(file("n.csv", b"1,2\n3,4\n"), &["a", "b"]).expect("a frame");
        assert_eq!(frame.shape(), (2, 2));
        assert!(frame.column("b").is_ok());
        let error = read_csv_named(file("m.csv", b"1,2\n"), &["a"]).expect_err("one name").to_string();
        assert!(error.contains("2 columns, but 1 names"), "{error}");
    }

    #[test]
    fn json_array_and_lines() {
        assert_eq!(read_frame(file("t.json", b"[{\"a\":1},{\"a\":2}]")).expect("a frame").shape(), (2, 1));
        assert_eq!(read_frame(file("t.jsonl", b"{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n")).expect("a frame").shape(), (3, 1));
    }

    #[test]
    fn errors_name_the_file_and_the_folder() {
        let missing = read_frame("nowhere/t.csv").expect_err("no such file").to_string();
        let here = std::env::current_dir().expect("a folder").display().to_string();
        assert!(missing.contains("nowhere/t.csv") && missing.contains(&here), "{missing}");
        let kind = read_frame("t.xlsx").expect_err("an unknown format").to_string();
        assert!(kind.contains("t.xlsx") && kind.contains(".parquet"), "{kind}");
        let mut short = gzipped(&b"a,b\n1,2\n".repeat(1000));
        short.truncate(30);
        let cut = read_frame(file("cut.csv.gz", &short)).expect_err("cut short").to_string();
        assert!(cut.contains("cut.csv.gz") && cut.contains("cut short"), "{cut}");
        let damaged = read_frame(file("t.parquet", b"PAR1 no")).expect_err("damaged").to_string();
        assert!(damaged.contains("t.parquet") && damaged.contains("Parquet"), "{damaged}");
    }
}
