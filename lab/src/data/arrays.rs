//! Arrays from files: IDX, as MNIST comes in, and NumPy's NPY and NPZ.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::Path;

use npyz::{DType, NpyFile, Order, TypeChar};

use super::DataError;
use super::read::bytes;

/// Numbers with a shape, in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// Reads an IDX file, as MNIST's `train-images-idx3-ubyte.gz`; a gzipped one is unpacked. The format is
/// described at <http://yann.lecun.com/exdb/mnist/>: two zero bytes, the type, the number of dimensions, the
/// sizes and the values, all big-endian.
///
/// # Errors
/// Names the file, and what is wrong with it.
pub fn read_idx(path: impl AsRef<Path>) -> Result<Array, DataError> {
    let path = path.as_ref();
    idx(&bytes(path)?).map_err(|reason| damaged(path, "IDX", reason))
}

/// Reads an `.npy` file.
///
/// # Errors
/// As [`read_idx`]; also for types other than numbers.
pub fn read_npy(path: impl AsRef<Path>) -> Result<Array, DataError> {
    let path = path.as_ref();
    npy(&bytes(path)?).map_err(|reason| damaged(path, "NPY", reason))
}

/// Reads all arrays of an `.npz` file, by name.
///
/// # Errors
/// As [`read_npy`]; names the array too.
pub fn read_npz(path: impl AsRef<Path>) -> Result<BTreeMap<String, Array>, DataError> {
    let path = path.as_ref();
    npz(bytes(path)?).map_err(|reason| damaged(path, "NPZ", reason))
}

fn damaged(path: &Path, format: &'static str, reason: String) -> DataError {
    DataError::Read { path: path.to_owned(), format, reason }
}

fn idx(data: &[u8]) -> Result<Array, String> {
    let [0, 0, kind, dimensions, rest @ ..] = data else {
        return Err("it does not start with two zero bytes, a type and a number of dimensions".to_owned());
    };
    let (sizes, values) = rest.split_at_checked(4 * usize::from(*dimensions)).ok_or("its header is cut short")?;
    let shape: Vec<usize> = big_endian(sizes, |size| u32::from_be_bytes(size) as usize);
    let expected = shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size));
    let expected = expected.ok_or_else(|| format!("its sizes {shape:?} are beyond all memory"))?;
    let values: Vec<f32> = match kind {
        0x08 => values.iter().map(|&value| f32::from(value)).collect(),
        0x09 => values.iter().map(|&value| f32::from(i8::from_be_bytes([value]))).collect(),
        0x0b => big_endian(values, |value| f32::from(i16::from_be_bytes(value))),
        0x0c => big_endian(values, |value| i32::from_be_bytes(value) as f32),
        0x0d => big_endian(values, f32::from_be_bytes),
        0x0e => big_endian(values, |value| f64::from_be_bytes(value) as f32),
        other => return Err(format!("its type {other:#04x} is none of the format")),
    };
    if values.len() != expected {
        return Err(format!("its header says {expected} values ({shape:?}), and it has {}", values.len()));
    }
    Ok(Array { shape, values })
}

fn big_endian<const N: usize, T>(data: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
    data.as_chunks::<N>().0.iter().map(|chunk| read(*chunk)).collect()
}

fn npz(data: Vec<u8>) -> Result<BTreeMap<String, Array>, String> {
    let mut archive = zip::ZipArchive::new(Cursor::new(data)).map_err(|error| error.to_string())?;
    let mut arrays = BTreeMap::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).map_err(|error| error.to_string())?;
        let name = file.name().map_err(|error| error.to_string())?.into_owned();
        let Some(name) = npyz::npz::array_name_from_file_name(&name).map(str::to_owned) else { continue };
        let mut data = Vec::new();
        file.read_to_end(&mut data).map_err(|error| format!("array {name:?}: {error}"))?;
        arrays.insert(name.clone(), npy(&data).map_err(|error| format!("array {name:?}: {error}"))?);
    }
    Ok(arrays)
}

fn npy(data: &[u8]) -> Result<Array, String> {
    let file = NpyFile::new(data).map_err(|error| error.to_string())?;
    let shape: Vec<usize> = file.shape().iter().map(|&size| size as usize).collect();
    if file.order() == Order::Fortran && shape.len() > 1 {
        return Err("it is in Fortran order; save `numpy.ascontiguousarray(a)`".to_owned());
    }
    let DType::Plain(kind) = file.dtype() else { return Err("it is a structured array".to_owned()) };
    let values = match (kind.type_char(), kind.size_field()) {
        (TypeChar::Float, 4) => collect::<f32>(file, |value| value),
        (TypeChar::Float, 8) => collect::<f64>(file, |value| value as f32),
        (TypeChar::Uint, 1) => collect::<u8>(file, f32::from),
        (TypeChar::Uint, 2) => collect::<u16>(file, f32::from),
        (TypeChar::Uint, 4) => collect::<u32>(file, |value| value as f32),
        (TypeChar::Uint, 8) => collect::<u64>(file, |value| value as f32),
        (TypeChar::Int, 1) => collect::<i8>(file, f32::from),
        (TypeChar::Int, 2) => collect::<i16>(file, f32::from),
        (TypeChar::Int, 4) => collect::<i32>(file, |value| value as f32),
        (TypeChar::Int, 8) => collect::<i64>(file, |value| value as f32),
        (TypeChar::Bool, _) => collect::<bool>(file, f32::from),
        _ => Err(format!("values of type {kind} can't become f32")),
    }?;
    Ok(Array { shape, values })
}

fn collect<T: npyz::Deserialize>(file: NpyFile<&[u8]>, change: impl Fn(T) -> f32) -> Result<Vec<f32>, String> {
    let values = file.data::<T>().map_err(|error| error.to_string())?;
    values.map(|value| value.map(&change).map_err(|error| format!("{error}; it may be cut short"))).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::PathBuf;

    use super::*;

    fn file(name: &str, content: &[u8]) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("lab-arrays-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join(name);
        std::fs::write(&path, content).expect("a file");
        path
    }

    #[test]
    fn idx_of_bytes_and_of_floats() {
        let images = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 9, 8, 7, 255];
        let array = read_idx(file("images", &images)).expect("an array");
        assert_eq!((array.shape, array.values), (vec![2, 1, 2], vec![9.0, 8.0, 7.0, 255.0]));
        let mut floats = vec![0, 0, 0x0d, 1, 0, 0, 0, 1];
        floats.extend(1.5_f32.to_be_bytes());
        assert_eq!(read_idx(file("floats", &floats)).expect("an array").values, [1.5]);
        let cut = read_idx(file("cut", &images[..18])).expect_err("two values are missing").to_string();
        assert!(cut.contains("cut") && cut.contains("says 4 values") && cut.contains("has 2"), "{cut}");
        let text = read_idx(file("text", b"a,b\n")).expect_err("text").to_string();
        assert!(text.contains("two zero bytes"), "{text}");
    }

    /// An `.npy` file as NumPy writes it.
    fn numpy(kind: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
        while (10 + header.len() + 1) % 64 != 0 {
            header.push(' ');
        }
        header.push('\n');
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend(u16::try_from(header.len()).expect("short").to_le_bytes());
        file.extend(header.as_bytes());
        file.extend(data);
        file
    }

    #[test]
    fn npy_and_npz() {
        let array = numpy("<i2", "(2, 1)", &[1, 0, 255, 255]);
        let read = read_npy(file("a.npy", &array)).expect("an array");
        assert_eq!((read.shape, read.values), (vec![2, 1], vec![1.0, -1.0]));
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        archive.start_file("x.npy", zip::write::SimpleFileOptions::default()).expect("in memory");
        archive.write_all(&array).expect("in memory");
        let archive = archive.finish().expect("in memory").into_inner();
        let arrays = read_npz(file("a.npz", &archive)).expect("arrays");
        assert_eq!(arrays["x"].values, [1.0, -1.0]);
        let cut = read_npy(file("cut.npy", &array[..array.len() - 1])).expect_err("cut short").to_string();
        assert!(cut.contains("cut.npy"), "{cut}");
        let text = read_npy(file("t.npy", &numpy("<U4", "(1,)", &[0; 16]))).expect_err("text").to_string();
        assert!(text.contains("can't become f32"), "{text}");
    }
}
