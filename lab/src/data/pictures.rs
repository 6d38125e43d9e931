//! Pictures from files.

use std::path::Path;

use image::imageops::FilterType;

use super::{Array, DataError};

/// Reads a PNG or JPEG file as `[channels, height, width]` numbers from 0 to 1; one channel is grey, three are
/// red, green and blue. A picture of another size is brought to this one.
///
/// # Errors
/// Names the file when it is not there or is no picture, and the number of channels when it is not 1 or 3.
pub fn read_image(path: impl AsRef<Path>, [channels, height, width]: [u32; 3]) -> Result<Array, DataError> {
    read(path.as_ref(), channels, height, width)
}

impl Array {
    /// Pictures with this many pixels of 0 added on each side. Height and width are the last two axes; those
    /// before, of channels and of pictures, stay.
    ///
    /// # Errors
    /// When there are no two axes.
    pub fn pad(&self, pixels: usize) -> Result<Self, DataError> {
        let [height, width] = self.size()?;
        let mut padded = self.blank([height + 2 * pixels, width + 2 * pixels]);
        let line = width + 2 * pixels;
        let sources = self.values.chunks_exact((height * width).max(1));
        for (source, out) in sources.zip(padded.values.chunks_exact_mut((height + 2 * pixels) * line)) {
            for (row, pixels_of_row) in source.chunks_exact(width).enumerate() {
                let start = (row + pixels) * line + pixels;
                out[start..start + width].copy_from_slice(pixels_of_row);
            }
        }
        Ok(padded)
    }

    /// The middle of pictures, `height × width` pixels; what can't be cut evenly is cut more at the bottom and on the
    /// right.
    ///
    /// # Errors
    /// When there are no two axes, or a picture is smaller than that.
    pub fn center_crop(&self, [height, width]: [usize; 2]) -> Result<Self, DataError> {
        let [rows, columns] = self.size()?;
        if height == 0 || width == 0 || height > rows || width > columns {
            let what = format!("{height} x {width} pixels can't be cut out of pictures of {rows} x {columns}");
            return Err(DataError::Shape { what });
        }
        let mut cropped = self.blank([height, width]);
        let (top, left) = ((rows - height) / 2, (columns - width) / 2);
        let sources = self.values.chunks_exact(rows * columns);
        for (source, out) in sources.zip(cropped.values.chunks_exact_mut(height * width)) {
            for (row, pixels) in out.chunks_exact_mut(width).enumerate() {
                let start = (top + row) * columns + left;
                pixels.copy_from_slice(&source[start..start + width]);
            }
        }
        Ok(cropped)
    }

    fn size(&self) -> Result<[usize; 2], DataError> {
        self.shape.last_chunk().copied().ok_or_else(|| {
            let what = format!("an array of shape {:?} has no height and width", self.shape);
            DataError::Shape { what }
        })
    }

    /// As many pictures of another size, all 0.
    fn blank(&self, [height, width]: [usize; 2]) -> Self {
        let pictures = &self.shape[..self.shape.len() - 2];
        let values = vec![0.0; pictures.iter().product::<usize>() * height * width];
        Self { shape: [pictures, &[height, width]].concat(), values }
    }
}

fn read(path: &Path, channels: u32, height: u32, width: u32) -> Result<Array, DataError> {
    let damaged = |reason: String| DataError::Read { path: path.to_owned(), format: "a picture", reason };
    let bytes = super::read::bytes(path)?;
    let picture = image::load_from_memory(&bytes).map_err(|error| damaged(error.to_string()))?;
    let picture = picture.resize_exact(width, height, FilterType::Triangle);
    let bytes = match channels {
        1 => picture.into_luma8().into_raw(),
        3 => picture.into_rgb8().into_raw(),
        other => return Err(damaged(format!("{other} channels were asked for; 1 is grey, 3 are colours"))),
    };
    // From one pixel after the other to one channel after the other.
    let depth = channels as usize;
    let plane = |channel| bytes.iter().skip(channel).step_by(depth).map(|&value| f32::from(value) / 255.0);
    Ok(Array {
        shape: [channels, height, width].map(|size| size as usize).to_vec(),
        values: (0..depth).flat_map(plane).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_come_one_after_the_other() {
        let path = std::env::temp_dir().join(format!("lab-picture-{}.png", std::process::id()));
        image::RgbImage::from_raw(2, 1, vec![255, 0, 51, 0, 255, 51]).expect("six bytes").save(&path).expect("a file");
        let array = read_image(&path, [3, 1, 2]).expect("a picture");
        assert_eq!((array.shape, array.values), (vec![3, 1, 2], vec![1.0, 0.0, 0.0, 1.0, 0.2, 0.2]));
        assert_eq!(read_image(&path, [1, 2, 4]).expect("a grey one").values.len(), 8);
        assert!(read_image(&path, [2, 1, 1]).expect_err("two channels").to_string().contains("2 channels"));
        std::fs::write(&path, "text").expect("a file");
        assert!(read_image(&path, [1, 1, 1]).expect_err("text").to_string().contains("lab-picture"));
    }

    #[test]
    fn padded_and_cropped() {
        let array = Array { shape: vec![2, 2, 3], values: (1_u8..=12).map(f32::from).collect() };
        let padded = array.pad(1).expect("pictures");
        assert_eq!(padded.shape, [2, 4, 5]);
        assert_eq!(padded.values[5..10], [0.0, 1.0, 2.0, 3.0, 0.0]);
        assert_eq!(padded.values[30..35], [0.0, 10.0, 11.0, 12.0, 0.0]);
        assert_eq!(padded.values.iter().sum::<f32>(), 78.0);
        assert_eq!(padded.center_crop([2, 3]).expect("pictures"), array);
        let middle = array.center_crop([1, 2]).expect("pictures");
        assert_eq!((middle.shape, middle.values), (vec![2, 1, 2], vec![1.0, 2.0, 7.0, 8.0]));
        for (size, said) in [([3, 3], "3 x 3 pixels can't be cut out of pictures of 2 x 3"), ([0, 1], "0 x 1")] {
            let error = array.center_crop(size).expect_err("an impossible size").to_string();
            assert!(error.contains(said), "{error}");
        }
        let row = Array { shape: vec![3], values: vec![0.0; 3] };
        assert!(row.pad(1).expect_err("one axis").to_string().contains("shape [3] has no height and width"));
    }
}
