//! Pictures changed at random, so that a model sees each a little different in every epoch.

use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::DataError;
use crate::math::single::{cos, ln, sin};

/// What may happen to a picture. Each change is drawn anew for each picture; nothing happens until a range is
/// set. Pictures are `channels × height × width` numbers in row-major order, and keep their size: what comes in from
/// outside is 0. Where a picture is to have another size, there are [`Array::pad`](super::Array::pad) and
/// [`Array::center_crop`](super::Array::center_crop).
///
/// ```
/// # use lab::data::Augment;
/// let augment = Augment::default().crop(2).flip(0.5).rotate(10.0).scale(0.1);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Augment {
    crop: u16,
    shift: f32,
    rotate: f32,
    scale: f32,
    flip: f64,
    flip_vertical: f64,
    brightness: f32,
    contrast: f32,
    noise: f32,
}

impl Augment {
    /// Pads with this many pixels of 0 on each side and crops at a random place (torchvision's
    /// `RandomCrop(size, padding=pixels)`): moves by whole pixels, so that all others stay as they are.
    pub fn crop(mut self, pixels: u16) -> Self {
        self.crop = pixels;
        self
    }

    /// Moves by up to this many pixels each way, also by parts of one.
    pub fn shift(mut self, pixels: f32) -> Self {
        self.shift = pixels.abs();
        self
    }

    /// Turns by up to this many degrees each way.
    pub fn rotate(mut self, degrees: f32) -> Self {
        self.rotate = degrees.abs();
        self
    }

    /// Makes larger or smaller by up to this share: 0.1 is from 0.9 to 1.1 times the size.
    pub fn scale(mut self, share: f32) -> Self {
        self.scale = share.abs().min(0.9);
        self
    }

    /// Swaps left and right with this probability.
    pub fn flip(mut self, probability: f64) -> Self {
        self.flip = probability.clamp(0.0, 1.0);
        self
    }

    /// Swaps top and bottom with this probability.
    pub fn flip_vertical(mut self, probability: f64) -> Self {
        self.flip_vertical = probability.clamp(0.0, 1.0);
        self
    }

    /// Adds the same number to all pixels, up to this each way.
    pub fn brightness(mut self, most: f32) -> Self {
        self.brightness = most.abs();
        self
    }

    /// Stretches the distances to the mean by up to this share each way.
    pub fn contrast(mut self, share: f32) -> Self {
        self.contrast = share.abs();
        self
    }

    /// Adds normal noise of this standard deviation to each pixel.
    pub fn noise(mut self, deviation: f32) -> Self {
        self.noise = deviation.abs();
        self
    }

    /// Changes each picture in `pixels`, which holds whole pictures of this size one after the other. The same
    /// seed makes the same changes.
    ///
    /// # Errors
    /// When `pixels` holds a part of a picture.
    pub fn apply(&self, pixels: &mut [f32], [channels, height, width]: [usize; 3], seed: u64) -> Result<(), DataError> {
        let size = channels * height * width;
        if size == 0 || !pixels.len().is_multiple_of(size) {
            let what = format!("{} numbers are not pictures of {channels} x {height} x {width}", pixels.len());
            return Err(DataError::Shape { what });
        }
        self.change(pixels, [channels, height, width], seed);
        Ok(())
    }

    /// Changes whole pictures.
    pub(super) fn change(&self, pixels: &mut [f32], [channels, height, width]: [usize; 3], seed: u64) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut source = vec![0.0; height * width];
        for picture in pixels.chunks_exact_mut((channels * height * width).max(1)) {
            let view = self.view(&mut random);
            for channel in picture.chunks_exact_mut(height * width) {
                source.copy_from_slice(channel);
                view.render(&source, channel, height, width);
            }
            self.tone(picture, &mut random);
        }
    }

    fn view(&self, random: &mut dyn RngCore) -> View {
        let angle = between(random, self.rotate).to_radians();
        let (sin, cos) = (sin(angle), cos(angle));
        let scale = 1.0 / (1.0 + between(random, self.scale));
        let mirror = if random.gen_bool(self.flip) { -1.0 } else { 1.0 };
        let shift = [between(random, self.shift), between(random, self.shift)];
        // Drawn last and only if asked for, so that other changes stay the same for a seed.
        let upside = if self.flip_vertical > 0.0 && random.gen_bool(self.flip_vertical) { -1.0 } else { 1.0 };
        let crop = [whole(random, self.crop), whole(random, self.crop)];
        View {
            matrix: [[mirror * scale * cos, mirror * scale * sin], [upside * -scale * sin, upside * scale * cos]],
            shift: [shift[0] + crop[0], shift[1] + crop[1]],
        }
    }

    fn tone(&self, picture: &mut [f32], random: &mut dyn RngCore) {
        let (add, stretch) = (between(random, self.brightness), 1.0 + between(random, self.contrast));
        if add != 0.0 || stretch != 1.0 {
            #[allow(clippy::cast_precision_loss)] // pixels are far fewer than 2^24
            let mean = picture.iter().sum::<f32>() / picture.len() as f32;
            picture.iter_mut().for_each(|pixel| *pixel = (*pixel - mean) * stretch + mean + add);
        }
        if self.noise > 0.0 {
            picture.iter_mut().for_each(|pixel| *pixel += self.noise * normal(random));
        }
    }
}

/// Where in the source a pixel of the result comes from, around the middle.
struct View {
    matrix: [[f32; 2]; 2],
    shift: [f32; 2],
}

impl View {
    #[allow(clippy::cast_precision_loss)] // sizes of pictures
    fn render(&self, source: &[f32], out: &mut [f32], height: usize, width: usize) {
        let middle = [(width as f32 - 1.0) / 2.0, (height as f32 - 1.0) / 2.0];
        for (row, line) in out.chunks_exact_mut(width).enumerate() {
            for (column, pixel) in line.iter_mut().enumerate() {
                let (x, y) = (column as f32 - middle[0] - self.shift[0], row as f32 - middle[1] - self.shift[1]);
                let [across, down] = self.matrix.map(|[a, b]| a * x + b * y);
                *pixel = bilinear(source, height, width, across + middle[0], down + middle[1]);
            }
        }
    }
}

/// The value between pixels; 0 outside.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // whole numbers inside the picture
fn bilinear(source: &[f32], height: usize, width: usize, x: f32, y: f32) -> f32 {
    let at = |x: f32, y: f32| {
        if x < 0.0 || y < 0.0 {
            return 0.0;
        }
        let (column, row) = (x as usize, y as usize);
        if column < width && row < height { source[row * width + column] } else { 0.0 }
    };
    let (left, top) = (x.floor(), y.floor());
    let (right, down) = (x - left, y - top);
    // Pixels whose share is nothing are not read: a shift by whole pixels stays exact.
    let share = |share: f32, x: f32, y: f32| if share > 0.0 { share * at(x, y) } else { 0.0 };
    share((1.0 - right) * (1.0 - down), left, top)
        + share(right * (1.0 - down), left + 1.0, top)
        + share((1.0 - right) * down, left, top + 1.0)
        + share(right * down, left + 1.0, top + 1.0)
}

fn between(random: &mut dyn RngCore, most: f32) -> f32 {
    if most > 0.0 { random.gen_range(-most..=most) } else { 0.0 }
}

fn whole(random: &mut dyn RngCore, most: u16) -> f32 {
    let most = i32::from(most);
    // Below 2^16, which f32 holds exactly.
    #[allow(clippy::cast_precision_loss)]
    if most > 0 { random.gen_range(-most..=most) as f32 } else { 0.0 }
}

/// A standard normal number (Box and Muller, 1958).
pub(super) fn normal(random: &mut dyn RngCore) -> f32 {
    let (radius, angle): (f32, f32) = (random.gen_range(f32::MIN_POSITIVE..1.0), random.gen_range(0.0..1.0));
    (-2.0 * ln(radius)).sqrt() * cos(std::f32::consts::TAU * angle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Vec<f32> {
        let mut pixels = vec![0.0; 25];
        pixels[2 * 5 + 1] = 1.0;
        pixels
    }

    fn changed(augment: &Augment, seed: u64) -> Vec<f32> {
        let mut pixels = picture();
        augment.apply(&mut pixels, [1, 5, 5], seed).expect("one picture");
        pixels
    }

    #[test]
    fn nothing_is_the_default_and_the_seed_decides() {
        assert_eq!(changed(&Augment::default(), 1), picture());
        let augment = Augment::default().shift(1.5).rotate(20.0).scale(0.2).noise(0.1).brightness(0.1).contrast(0.1);
        assert_eq!(changed(&augment, 1), changed(&augment, 1));
        assert_ne!(changed(&augment, 1), changed(&augment, 2));
        let error = augment.apply(&mut [0.0; 7], [1, 2, 2], 1).expect_err("a part of a picture").to_string();
        assert!(error.contains("7 numbers") && error.contains("1 x 2 x 2"), "{error}");
    }

    #[test]
    fn flipped_and_turned() {
        let flipped = changed(&Augment::default().flip(1.0), 1);
        assert_eq!(flipped.iter().position(|&pixel| pixel == 1.0), Some(2 * 5 + 3));
        // Turned by a quarter, the pixel left of the middle is above or below it.
        let mut out = vec![0.0; 25];
        let quarter = View { matrix: [[0.0, 1.0], [-1.0, 0.0]], shift: [0.0, 0.0] };
        quarter.render(&picture(), &mut out, 5, 5);
        assert_eq!(out.iter().position(|&pixel| pixel == 1.0), Some(5 + 2));
        let moved = View { matrix: [[1.0, 0.0], [0.0, 1.0]], shift: [2.0, -1.0] };
        moved.render(&picture(), &mut out, 5, 5);
        assert_eq!(out.iter().position(|&pixel| pixel == 1.0), Some(5 + 3));
        assert_eq!(out.iter().sum::<f32>(), 1.0);
    }

    #[test]
    fn a_crop_moves_whole_pixels_and_a_vertical_flip_swaps_rows() {
        let mut places = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let pixels = changed(&Augment::default().crop(2), seed);
            // The pixel in row 2 and column 1 ends in column -1 to 3, and is gone in column -1.
            match pixels.iter().position(|&pixel| pixel != 0.0) {
                Some(at) => {
                    assert!(pixels[at] == 1.0 && pixels.iter().sum::<f32>() == 1.0 && at % 5 <= 3, "{pixels:?}");
                    places.insert(at);
                }
                None => assert!(pixels.iter().all(|&pixel| pixel == 0.0)),
            }
        }
        assert_eq!(places.len(), 4 * 5);
        let mut pixels: Vec<f32> = (0..6).map(|value: u8| value.into()).collect();
        Augment::default().flip_vertical(1.0).apply(&mut pixels, [1, 3, 2], 1).expect("a picture");
        assert_eq!(pixels, [4.0, 5.0, 2.0, 3.0, 0.0, 1.0]);
    }

    #[test]
    fn what_was_saved_before_a_change_was_known_can_be_read() {
        let saved = r#"{"shift":1.0,"rotate":0.0,"scale":0.0,"flip":0.5,"brightness":0.0,"contrast":0.0,"noise":0.0}"#;
        let read: Augment = serde_json::from_str(saved).expect("settings");
        assert_eq!(read, Augment::default().shift(1.0).flip(0.5));
    }

    #[test]
    fn a_shift_stays_in_its_range_and_loses_nothing_inside() {
        for seed in 0..50 {
            let pixels = changed(&Augment::default().shift(1.0), seed);
            assert!((pixels.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            assert!(pixels.chunks(5).all(|row| row[3] == 0.0 && row[4] == 0.0), "{pixels:?}");
        }
    }
}
