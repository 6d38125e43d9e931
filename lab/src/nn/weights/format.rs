//! The safetensors format: the length of a header, a header in JSON, the numbers
//! (<https://huggingface.co/docs/safetensors>).

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Stored;

/// Bytes before the header: its length, little-endian.
const LENGTH: usize = 8;

/// A tensor, as the header describes it.
#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

/// Under this name a note of ours stands in the header.
const NOTE: &str = "assay";

/// Reads a file's tensors, in the order of their numbers, and our note. An error says what is wrong.
pub(super) fn parse(bytes: &[u8]) -> Result<(Vec<Stored>, Option<String>), String> {
    let (length, rest) = bytes.split_first_chunk::<LENGTH>().ok_or("it is shorter than 8 bytes")?;
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let (header, numbers) = rest
        .split_at_checked(length)
        .ok_or_else(|| format!("its header should be {length} bytes long, but {} are left", rest.len()))?;
    let header: Map<String, Value> =
        serde_json::from_slice(header).map_err(|error| format!("its header is not JSON: {error}"))?;
    let note = header.get("__metadata__").and_then(|metadata| metadata.get(NOTE)?.as_str()).map(str::to_owned);
    let mut entries = Vec::new();
    for (name, value) in header {
        if name != "__metadata__" {
            let entry: Entry = serde_json::from_value(value).map_err(|error| format!("tensor {name}: {error}"))?;
            entries.push((name, entry));
        }
    }
    entries.sort_by_key(|(_, entry)| entry.data_offsets);
    let tensors = entries.into_iter().filter_map(|(name, entry)| tensor(name, entry, numbers).transpose());
    Ok((tensors.collect::<Result<_, _>>()?, note))
}

/// One tensor; none if it is not of floating-point numbers.
fn tensor(name: String, entry: Entry, numbers: &[u8]) -> Result<Option<Stored>, String> {
    let Entry { dtype, shape, data_offsets: [start, end] } = entry;
    let bytes = numbers.get(start..end).ok_or_else(|| {
        format!("tensor {name} should be bytes {start} to {end} of the numbers, but there are {}", numbers.len())
    })?;
    let len = shape.iter().try_fold(1usize, |len, size| len.checked_mul(*size));
    let (size, values) = match dtype.as_str() {
        "F32" => (4, each(bytes, f32::from_le_bytes)),
        #[allow(clippy::cast_possible_truncation)] // weights are f32 here
        "F64" => (8, each(bytes, |bytes| f64::from_le_bytes(bytes) as f32)),
        "F16" => (2, each(bytes, |bytes| half(u16::from_le_bytes(bytes)))),
        "BF16" => (2, each(bytes, |bytes| f32::from_bits(u32::from(u16::from_le_bytes(bytes)) << 16))),
        _ => return Ok(None),
    };
    if len.and_then(|len| len.checked_mul(size)) != Some(bytes.len()) {
        return Err(format!("tensor {name} of shape {shape:?} and type {dtype} can't be {} bytes long", bytes.len()));
    }
    Ok(Some(Stored { name, shape, values }))
}

fn each<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks::<N>().0.iter().map(|bytes| number(*bytes)).collect()
}

/// IEEE 754 binary16: a sign, five bits of exponent, ten of fraction.
fn half(bits: u16) -> f32 {
    let (sign, exponent, fraction) = (u32::from(bits >> 15), u32::from(bits >> 10 & 31), u32::from(bits & 1023));
    let magnitude = match exponent {
        0 => f32::from(bits & 1023) * 2f32.powi(-24),
        31 => f32::from_bits(0x7f80_0000 | fraction << 13),
        _ => f32::from_bits((exponent + 112) << 23 | fraction << 13),
    };
    if sign == 1 { -magnitude } else { magnitude }
}

/// Writes a file beside, on the disk before it takes its place.
pub(super) fn write(path: &Path, tensors: &[&Stored], note: Option<&str>) -> io::Result<()> {
    let name =
        path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "this is not a file name"))?;
    let beside = path.with_file_name(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
    let written = write_all(&beside, tensors, note).and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        // What is left of it is of no use; the error that matters is the first one.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

fn write_all(path: &Path, tensors: &[&Stored], note: Option<&str>) -> io::Result<()> {
    let mut header = Map::new();
    // What Hugging Face's libraries want to see.
    let mut metadata = json!({ "format": "pt" });
    if let Some(note) = note {
        metadata[NOTE] = note.into();
    }
    header.insert("__metadata__".to_owned(), metadata);
    let mut start = 0;
    for Stored { name, shape, values } in tensors {
        let end = start + size_of_val(values.as_slice());
        header.insert(name.clone(), json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, end] }));
        start = end;
    }
    let mut header = serde_json::to_vec(&header)?;
    // Numbers start at a multiple of eight bytes, as the format asks.
    header.resize(header.len().next_multiple_of(LENGTH), b' ');
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(&header)?;
    for value in tensors.iter().flat_map(|tensor| &tensor.values) {
        file.write_all(&value.to_le_bytes())?;
    }
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves() {
        // Bits and values by numpy 2.4.6: np.array(v, np.float16).view(np.uint16).
        for (bits, value) in
            [(0, 0.0), (15360, 1.0), (49408, -2.5), (1, 5.960_464_5e-8), (1023, 6.097_555e-5), (31743, 65504.0)]
        {
            assert_eq!(half(bits), value, "{bits}");
        }
        assert!(half(31744) == f32::INFINITY && half(32256).is_nan() && half(32768).is_sign_negative());
    }
}
