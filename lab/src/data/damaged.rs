//! Tests of bad input: each is one error that names what and where.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use polars::df;
use polars::prelude::{DataFrame, ParquetWriter};

use super::*;

fn place(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("lab-damaged-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder.join(name)
}

fn gzipped(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).expect("in memory");
    encoder.finish().expect("in memory")
}

fn parquet() -> Vec<u8> {
    let mut content = Vec::new();
    let mut frame = df!("a" => (0..500).collect::<Vec<i32>>()).expect("a frame");
    ParquetWriter::new(&mut content).finish(&mut frame).expect("in memory");
    content
}

fn npy() -> Vec<u8> {
    let mut header = "{'descr': '<f4', 'fortran_order': False, 'shape': (50,), }".to_owned();
    while !(10 + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let length = u16::try_from(header.len()).expect("short").to_le_bytes();
    [b"\x93NUMPY\x01\x00", length.as_slice(), header.as_bytes(), &[0; 200]].concat()
}

fn npz() -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("x.npy", zip::write::SimpleFileOptions::default()).expect("in memory");
    archive.write_all(&npy()).expect("in memory");
    archive.finish().expect("in memory").into_inner()
}

fn idx() -> Vec<u8> {
    [[0, 0, 8, 1, 0, 0, 0, 100].as_slice(), &[7; 100]].concat()
}

fn png() -> Vec<u8> {
    let mut content = Cursor::new(Vec::new());
    let pixels = (0..32 * 32 * 3_u32).map(|at| (at * at % 251) as u8).collect();
    let picture = image::RgbImage::from_raw(32, 32, pixels).expect("enough bytes");
    picture.write_to(&mut content, image::ImageFormat::Png).expect("in memory");
    content.into_inner()
}

/// A file of each format, and how it is read.
type Case = (&'static str, Vec<u8>, fn(&Path) -> Option<DataError>);

fn files() -> Vec<Case> {
    // An odd number of them: one that is cut between two lines is whole.
    let lines = b"{\"a\": 1, \"b\": \"some text\"}\n".repeat(21);
    let array = [b"[".as_slice(), &lines[..lines.len() - 1], b"]"].concat();
    let array = String::from_utf8(array).expect("text").replace("\n", ",").into_bytes();
    vec![
        ("t.csv.gz", gzipped(&b"a,b\n1,2\n".repeat(1_000)), |path| read_frame(path).err()),
        ("t.parquet", parquet(), |path| read_frame(path).err()),
        ("scanned.parquet", parquet(), |path| scan(path).err()),
        ("t.json", array, |path| read_frame(path).err()),
        ("t.jsonl", lines, |path| read_frame(path).err()),
        ("t.npy", npy(), |path| read_npy(path).err()),
        ("t.npz", npz(), |path| read_npz(path).err()),
        ("t-idx1-ubyte", idx(), |path| read_idx(path).err()),
        ("t-idx1-ubyte.gz", gzipped(&idx()), |path| read_idx(path).err()),
        ("t.png", png(), |path| read_image(path, [3, 8, 8]).err()),
        ("t.txt.gz", gzipped(&b"some text ".repeat(1_000)), |path| read_text(path).err()),
    ]
}

#[test]
fn a_file_that_is_cut_short_is_one_error_that_names_it() {
    let mut wrong = Vec::new();
    for (name, content, read) in files() {
        let path = place(name);
        std::fs::write(&path, &content).expect("a file");
        assert!(read(&path).is_none(), "{name} is whole: {:?}", read(&path));
        // At its end, in its middle, in its header, and nothing at all.
        for left in [content.len() - 5, content.len() / 2, 6, 0] {
            std::fs::write(&path, &content[..left]).expect("a file");
            match read(&path) {
                Some(DataError::Read { path: named, reason, .. }) if named == path && reason.len() < 300 => {}
                other => wrong.push(format!("{name}, {left} of {} bytes: {other:?}", content.len())),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_frame_that_does_not_fit_is_one_error_that_names_column_and_row() {
    let frame = df!(
        "n" => [1.0, 2.0, 3.0], "s" => ["a", "b", "c"], "hole" => [Some(1), None, Some(3)], "y" => [0, 1, 5],
        "nan" => [1.0, 2.0, f64::INFINITY], "negative" => [0, -1, 1], "float" => [0.0, 1.0, 1.0],
    )
    .expect("a frame");
    let empty = frame.head(Some(0));
    let data = |frame: &DataFrame, x: &str, y: &str| Dataset::<1, 2>::new(frame, &[x], y).err();
    let samples = |frame: &DataFrame, x: &str, y: &str| Samples::<1>::new(frame, &[x], y).err();
    let cases = [
        (data(&empty, "n", "y"), "the frame has no rows"),
        (samples(&empty, "n", "n"), "the frame has no rows"),
        (Scaler::standard(&empty, &["n"]).err(), "column \"n\" has no values to fit on"),
        (Imputer::fit(&empty, &["n"], &Fill::Mean).err(), "column \"n\" has no values to fit on"),
        (split(&empty, 0.5, 1).err(), "0 rows can't be split"),
        (data(&empty, "z", "y"), "there is no column \"z\""),
        (data(&frame, "s", "y"), "column \"s\" is str"),
        (samples(&frame, "n", "s"), "column \"s\" is str"),
        (Scaler::min_max(&frame, &["s"]).err(), "column \"s\" is str"),
        (data(&frame, "hole", "y"), "column \"hole\" has 1 missing values, the first in row 1"),
        (samples(&frame, "n", "hole"), "column \"hole\" has 1 missing values, the first in row 1"),
        (samples(&frame, "n", "nan"), "column \"nan\" has a value that is not finite in row 2"),
        (data(&frame, "n", "y"), "column \"y\": label 5 in row 2 is not one of the 2 classes"),
        (data(&frame, "n", "negative"), "column \"negative\": label -1 in row 1 is not one of the 2 classes"),
        (data(&frame, "n", "s"), "column \"s\" has 3 different labels (a, b, c), but the code says 2 classes"),
        (data(&frame, "n", "hole"), "column \"hole\" has 1 missing values, the first in row 1"),
    ];
    for (error, expected) in cases {
        let said = error.map(|error| error.to_string());
        assert!(said.as_ref().is_some_and(|said| said.contains(expected)), "{expected}: {said:?}");
    }
    assert_eq!(Dataset::<1, 2>::new(&frame, &["n"], "float").expect("two values").labels(), [0, 1, 1]);
}
