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
}
