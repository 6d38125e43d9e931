//! What else a run can hold: images, histograms, tables, audio, folders. Each is an artifact with a kind of its own.

use serde_json::{Value, json};
use std::path::Path;

use super::{Run, Step, artifact};
use crate::{Error, Result};

impl Run {
    /// Attaches an image: the bytes of a PNG, JPEG, GIF, WebP or SVG file.
    ///
    /// # Errors
    /// [`Error::NotMedia`] when it is none of these, [`Error::TooLarge`].
    pub fn image(&self, name: &str, step: impl Step, bytes: impl Into<Vec<u8>>) -> Result<()> {
        let bytes = bytes.into();
        let Some(mime) = image_type(&bytes) else {
            return Err(Error::NotMedia { name: name.to_owned(), what: "a PNG, JPEG, GIF, WebP or SVG image" });
        };
        self.attach(name, "image", mime, Some(step.to_step()), bytes)
    }

    /// Attaches how often values fall into each of `bins` stretches of equal width from the least to the greatest,
    /// as JSON: `{"edges": [...], "counts": [...], "not_finite": n}`, with one edge more than counts.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn histogram(&self, name: &str, step: impl Step, values: &[f32], bins: usize) -> Result<()> {
        let json = histogram(values, bins.max(1)).to_string();
        self.attach(name, "histogram", "application/json", Some(step.to_step()), json.into_bytes())
    }

    /// Attaches a table, as JSON: `{"columns": [...], "rows": [[...], ...]}`. Any serde values can be its rows, such
    /// as tuples.
    ///
    /// # Errors
    /// [`Error::Config`] when a row has no JSON form, [`Error::TooLarge`].
    pub fn table(&self, name: &str, columns: &[&str], rows: &impl serde::Serialize) -> Result<()> {
        let failed = |source| Error::Config { run: self.name().to_owned(), source };
        let rows = serde_json::to_value(rows).map_err(failed)?;
        let json = json!({ "columns": columns, "rows": rows }).to_string();
        self.attach(name, "table", "application/json", None, json.into_bytes())
    }

    /// Attaches sound: samples from -1 to 1 of one channel, so many a second, as a WAV file of 16 bits.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn audio(&self, name: &str, step: impl Step, samples: &[f32], rate: u32) -> Result<()> {
        self.attach(name, "audio", "audio/wav", Some(step.to_step()), wav(samples, rate))
    }

    /// Attaches a copy of every file in a folder and the folders inside, each under its path from the folder's
    /// name on. Files that are equal are stored once. Links are not followed.
    ///
    /// # Errors
    /// [`Error::File`] when one cannot be read; those before it are attached. [`Error::TooLarge`].
    pub fn folder(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        self.walk(path, &name)
    }

    fn walk(&self, folder: &Path, name: &str) -> Result<()> {
        let failed = |source| Error::File { path: folder.to_owned(), source };
        let mut entries =
            std::fs::read_dir(folder).map_err(failed)?.collect::<std::io::Result<Vec<_>>>().map_err(failed)?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let (path, kind) = (entry.path(), entry.file_type().map_err(failed)?);
            let name = format!("{name}/{}", entry.file_name().to_string_lossy());
            if kind.is_dir() {
                self.walk(&path, &name)?;
            } else if kind.is_file() {
                let bytes = std::fs::read(&path).map_err(|source| Error::File { path: path.clone(), source })?;
                self.attach(&name, "file", artifact::mime_of(&path), None, bytes)?;
            }
        }
        Ok(())
    }
}

fn image_type(bytes: &[u8]) -> Option<&'static str> {
    let svg = || {
        let begin = String::from_utf8_lossy(&bytes[..bytes.len().min(1000)]).into_owned();
        let begin = begin.trim_start_matches('\u{feff}').trim_start().to_owned();
        begin.starts_with("<svg") || (begin.starts_with("<?xml") && begin.contains("<svg"))
    };
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => svg().then_some("image/svg+xml"),
    }
}

fn histogram(values: &[f32], bins: usize) -> Value {
    let finite = || values.iter().copied().filter(|value| value.is_finite()).map(f64::from);
    let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    let mut counts = vec![0_u64; bins];
    let count = finite().count();
    if count == 0 {
        return json!({ "edges": [], "counts": [], "not_finite": values.len() });
    }
    let width = (high - low) / bins as f64;
    for value in finite() {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to bins; NaN becomes 0")]
        let bin = ((value - low) / width) as usize;
        counts[bin.min(bins - 1)] += 1;
    }
    let edges: Vec<f64> = (0..=bins).map(|edge| if edge == bins { high } else { low + width * edge as f64 }).collect();
    json!({ "edges": edges, "counts": counts, "not_finite": values.len() - count })
}

/// A RIFF WAVE file: PCM, one channel, 16 bits.
fn wav(samples: &[f32], rate: u32) -> Vec<u8> {
    let size = u32::try_from(samples.len() * 2).unwrap_or(u32::MAX);
    let mut bytes = Vec::with_capacity(44 + samples.len() * 2);
    bytes.extend(b"RIFF");
    bytes.extend(size.saturating_add(36).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16_u32.to_le_bytes());
    bytes.extend([1_u16, 1].iter().flat_map(|field| field.to_le_bytes()));
    bytes.extend(rate.to_le_bytes());
    bytes.extend(rate.saturating_mul(2).to_le_bytes());
    bytes.extend([2_u16, 16].iter().flat_map(|field| field.to_le_bytes()));
    bytes.extend(b"data");
    bytes.extend(size.to_le_bytes());
    #[allow(clippy::cast_possible_truncation, reason = "clamped to the range; NaN becomes 0")]
    let sample = |sample: &f32| ((sample.clamp(-1.0, 1.0) * 32767.0).round() as i16).to_le_bytes();
    bytes.extend(samples.iter().flat_map(sample));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_every_value_once() {
        let histogram = |values: &[f32]| super::histogram(values, 2);
        assert_eq!(
            histogram(&[0.0, 1.0, 2.0, 4.0, f32::NAN, f32::INFINITY]),
            json!({"edges": [0.0, 2.0, 4.0], "counts": [2, 2], "not_finite": 2})
        );
        assert_eq!(histogram(&[3.0, 3.0])["counts"], json!([2, 0]));
        assert_eq!(histogram(&[f32::NAN]), json!({"edges": [], "counts": [], "not_finite": 1}));
    }

    #[test]
    fn sound_is_a_wav_file() {
        let bytes = wav(&[0.0, 1.0, -2.0, f32::NAN], 8000);
        assert_eq!(bytes.len(), 44 + 8);
        assert_eq!(&bytes[44..], [0, 0, 0xff, 0x7f, 0x01, 0x80, 0, 0]);
        assert_eq!(&bytes[24..28], 8000_u32.to_le_bytes());
    }
}
