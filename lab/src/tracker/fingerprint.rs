//! A fingerprint of everything in a frame, so that a run can say what data it used.
//!
//! What is hashed, by XXH3 with 128 bits (which has a specification, so that the result is the same everywhere and in
//! every version), all numbers little-endian:
//! - a frame: for each column the length of its name as 8 bytes, its name, its hash;
//! - a column: the name of its type, a zero byte, the number of rows as 8 bytes, and the hash of each block of 65,536 rows;
//! - a block: the number of rows as 8 bytes; 0, or 1 and a bit for each row that has a value; then the values that there
//!   are, without gaps. A NaN is the same as any other; 0.0 and -0.0 differ. A text of up to 12 bytes is its length as 4
//!   bytes and the text with zeros up to 12; a longer one its length and the text. A list is its length as 8 bytes, and
//!   after all lengths the hash of all its items as a column; a struct the hash of each of its fields as a column.
//!
//! Blocks do not depend on the pieces in which Polars keeps a column, and are what threads share.

use polars::prelude::{
    BinaryChunked, BooleanChunked, CategoricalMapping, DataFrame, DataType, ExplodeOptions, ListNameSpaceImpl, Series,
};
use rayon::prelude::*;
use tracker::Fingerprint;
use tracker::data::ColumnFingerprint;
use xxhash_rust::xxh3::Xxh3;

use super::FrameError;

/// Rows of a block: what of a column fits a core's cache.
const BLOCK: usize = 1 << 16;

/// Texts of up to this many bytes take as many.
const SHORT: usize = 12;

/// Bytes that are put together before they are hashed.
const BUFFER: usize = 1 << 15;

/// The fingerprint of a frame: of all names, types, values and their order. It does not depend on the pieces in which
/// a column is kept, nor on the machine.
///
/// ```
/// use polars::prelude::*;
/// let frame = df!("price" => [1.5, 2.5], "town" => ["Ulm", "Rom"])?;
/// let print = lab::tracker::fingerprint(&frame)?;
/// assert_eq!(print.rows, 2);
/// assert_ne!(print.hash, lab::tracker::fingerprint(&frame.tail(Some(1)))?.hash);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`FrameError::NotHashed`] when a column has a type without a fixed form, such as objects.
pub fn fingerprint(frame: &DataFrame) -> Result<Fingerprint, FrameError> {
    let columns: Vec<Series> = frame.columns().iter().map(|column| column.as_materialized_series().clone()).collect();
    let blocks: Vec<(usize, usize)> = columns
        .iter()
        .enumerate()
        .flat_map(|(at, column)| (0..column.len()).step_by(BLOCK).map(move |from| (at, from)))
        .collect();
    let hashes: Result<Vec<u128>, FrameError> =
        blocks.par_iter().map(|(at, from)| block(&rows(&columns[*at], *from))).collect();
    let (mut hashes, mut whole, mut schema) = (hashes?.into_iter(), Xxh3::new(), Xxh3::new());
    let mut prints = Vec::with_capacity(columns.len());
    for column in &columns {
        let hash = column_hash(column, hashes.by_ref().take(column.len().div_ceil(BLOCK)));
        let dtype = column.dtype().to_string();
        for text in [column.name().as_str(), &dtype] {
            schema.update(&size(text.len()));
            schema.update(text.as_bytes());
        }
        whole.update(&size(column.name().len()));
        whole.update(column.name().as_bytes());
        whole.update(&hash.to_le_bytes());
        prints.push(ColumnFingerprint { name: column.name().to_string(), dtype, hash: hex(hash) });
    }
    let (hash, schema_hash) = (hex(whole.digest128()), hex(schema.digest128()));
    Ok(Fingerprint { rows: frame.height() as u64, hash, schema_hash, columns: prints })
}

fn column_hash(column: &Series, blocks: impl Iterator<Item = u128>) -> u128 {
    let mut hash = Xxh3::new();
    hash.update(column.dtype().to_string().as_bytes());
    hash.update(&[0]);
    hash.update(&size(column.len()));
    blocks.for_each(|block| hash.update(&block.to_le_bytes()));
    hash.digest128()
}

/// Of what is inside of lists and structs.
fn inner(column: &Series) -> Result<u128, FrameError> {
    let blocks = (0..column.len()).step_by(BLOCK).map(|from| block(&rows(column, from)));
    Ok(column_hash(column, blocks.collect::<Result<Vec<_>, _>>()?.into_iter()))
}

#[allow(clippy::cast_possible_wrap, reason = "it is below the number of rows")]
fn rows(column: &Series, from: usize) -> Series {
    column.slice(from as i64, BLOCK)
}

fn block(series: &Series) -> Result<u128, FrameError> {
    let mut hash = Xxh3::new();
    hash.update(&size(series.len()));
    if series.null_count() == 0 {
        hash.update(&[0]);
        values(series, &mut hash)?;
    } else {
        hash.update(&[1]);
        bits(&series.is_not_null(), &mut hash);
        values(&series.drop_nulls(), &mut hash)?;
    }
    Ok(hash.digest128())
}

/// Of a block without nulls.
fn values(series: &Series, hash: &mut Xxh3) -> Result<(), FrameError> {
    macro_rules! numbers {
        ($column:expr, $bytes:expr) => {
            $column?.downcast_iter().for_each(|array| numbers(array.values().as_slice(), $bytes, hash))
        };
    }
    match series.dtype() {
        DataType::Boolean => bits(series.bool()?, hash),
        DataType::Int8 => numbers!(series.i8(), i8::to_le_bytes),
        DataType::Int16 => numbers!(series.i16(), i16::to_le_bytes),
        DataType::Int32 => numbers!(series.i32(), i32::to_le_bytes),
        DataType::Int64 => numbers!(series.i64(), i64::to_le_bytes),
        DataType::UInt8 => numbers!(series.u8(), u8::to_le_bytes),
        DataType::UInt16 => numbers!(series.u16(), u16::to_le_bytes),
        DataType::UInt32 => numbers!(series.u32(), u32::to_le_bytes),
        DataType::UInt64 => numbers!(series.u64(), u64::to_le_bytes),
        DataType::Float32 => {
            numbers!(series.f32(), |value: f32| if value.is_nan() { f32::NAN } else { value }.to_le_bytes())
        }
        DataType::Float64 => {
            numbers!(series.f64(), |value: f64| if value.is_nan() { f64::NAN } else { value }.to_le_bytes())
        }
        DataType::Date | DataType::Datetime(..) | DataType::Duration(_) | DataType::Time => {
            values(&series.to_physical_repr(), hash)?;
        }
        DataType::String => texts(&series.str()?.as_binary(), hash),
        DataType::Binary => texts(series.binary()?, hash),
        DataType::Categorical(_, mapping) | DataType::Enum(_, mapping) => categories(series, mapping, hash)?,
        DataType::List(_) => lists(series, hash)?,
        DataType::Struct(_) => {
            for field in series.struct_()?.fields_as_series() {
                hash.update(&inner(&field)?.to_le_bytes());
            }
        }
        DataType::Null => {}
        other => return Err(FrameError::NotHashed { column: series.name().to_string(), dtype: other.to_string() }),
    }
    Ok(())
}

fn numbers<T: Copy, const WIDTH: usize>(values: &[T], bytes: impl Fn(T) -> [u8; WIDTH], hash: &mut Xxh3) {
    let mut buffer = [0; BUFFER];
    for values in values.chunks(BUFFER / WIDTH) {
        let (slots, _) = buffer.as_chunks_mut::<WIDTH>();
        slots.iter_mut().zip(values).for_each(|(slot, value)| *slot = bytes(*value));
        hash.update(&buffer[..values.len() * WIDTH]);
    }
}

fn texts(texts: &BinaryChunked, hash: &mut Xxh3) {
    for array in texts.downcast_iter() {
        if array.data_buffers().is_empty() {
            // Polars keeps short texts in just the form that is hashed.
            numbers(array.views().as_slice(), |view| view.as_u128().to_le_bytes(), hash);
        } else {
            each_text(array.values_iter(), hash);
        }
    }
}

/// Categories by the texts that they stand for: their numbers depend on what else was read.
fn categories(series: &Series, mapping: &CategoricalMapping, hash: &mut Xxh3) -> Result<(), FrameError> {
    let numbers = series.to_physical_repr().cast(&DataType::UInt32)?;
    let text = |number| mapping.cat_to_str(number).unwrap_or_default().as_bytes();
    each_text(numbers.u32()?.into_no_null_iter().map(text), hash);
    Ok(())
}

fn each_text<'a>(texts: impl Iterator<Item = &'a [u8]>, hash: &mut Xxh3) {
    let mut buffer = Vec::with_capacity(BUFFER + SHORT);
    for text in texts {
        let size = u32::try_from(text.len()).unwrap_or(u32::MAX);
        buffer.extend_from_slice(&size.to_le_bytes());
        buffer.extend_from_slice(text);
        buffer.extend_from_slice(&[0; SHORT][text.len().min(SHORT)..]);
        if buffer.len() >= BUFFER {
            hash.update(&buffer);
            buffer.clear();
        }
    }
    hash.update(&buffer);
}

fn lists(series: &Series, hash: &mut Xxh3) -> Result<(), FrameError> {
    for length in series.list()?.lst_lengths().into_no_null_iter() {
        hash.update(&u64::from(length).to_le_bytes());
    }
    let items = series.explode(ExplodeOptions { empty_as_null: false, keep_nulls: false })?;
    hash.update(&inner(&items)?.to_le_bytes());
    Ok(())
}

/// As words of 64 bits, the first row in the lowest bit.
fn bits(bits: &BooleanChunked, hash: &mut Xxh3) {
    let mut buffer = Vec::with_capacity(BLOCK / 8);
    for array in bits.rechunk().downcast_iter() {
        let mut words = array.values().fast_iter_u64();
        words.by_ref().for_each(|word| buffer.extend_from_slice(&word.to_le_bytes()));
        let (rest, count) = words.remainder();
        rest.iter().take(count.div_ceil(64)).for_each(|word| buffer.extend_from_slice(&word.to_le_bytes()));
    }
    hash.update(&buffer);
}

fn size(size: usize) -> [u8; 8] {
    (size as u64).to_le_bytes()
}

fn hex(hash: u128) -> String {
    format!("{hash:032x}")
}

#[cfg(test)]
#[path = "fingerprint/tests.rs"]
mod tests;
