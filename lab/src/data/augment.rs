//! Pictures changed at random, so that a model sees each a little different in every epoch.

use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::DataError;

/// What may happen to a picture. Each change is drawn anew for each picture; nothing happens until a range is
/// set. Pictures are `channels × height × width` numbers in row-major order, and keep their size: what comes in from
/// outside is 0.
///
/// ```
/// # use lab::data::Augment;
/// let augment = Augment::default().shift(2.0).rotate(10.0).scale(0.1);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Augment {
    shift: f32,
    rotate: f32,
    scale: f32,
    flip: f64,
    brightness: f32,
    contrast: f32,
    noise: f32,
}

impl Augment {
    /// Moves by up to this many pixels each way: as padding and then cropping at random does.
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
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut source = vec![0.0; height * width];
        for picture in pixels.chunks_exact_mut(size) {
            let view = self.view(&mut random);
            for channel in picture.chunks_exact_mut(height * width) {
                source.copy_from_slice(channel);
                view.render(&source, channel, height, width);
            }
            self.tone(picture, &mut random);
        }
        Ok(())
    }

    fn view(&self, random: &mut dyn RngCore) -> View {
        let angle = between(random, self.rotate).to_radians();
        let scale = 1.0 / (1.0 + between(random, self.scale));
        let mirror = if random.gen_bool(self.flip) { -1.0 } else { 1.0 };
        View {
            matrix: [
                [mirror * scale * angle.cos(), mirror * scale * angle.sin()],
                [-scale * angle.sin(), scale * angle.cos()],
            ],
            shift: [between(random, self.shift), between(random, self.shift)],
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

/// A standard normal number (Box and Muller, 1958).
fn normal(random: &mut dyn RngCore) -> f32 {
    let (radius, angle): (f32, f32) = (random.gen_range(f32::MIN_POSITIVE..1.0), random.gen_range(0.0..1.0));
    (-2.0 * radius.ln()).sqrt() * (std::f32::consts::TAU * angle).cos()
}

/// Mixes each row of a batch with another one, and their targets alike: `λ a + (1 - λ) b`, with λ drawn from
/// Beta(alpha, alpha) for the batch (Zhang et al., *mixup*, 2018). `x` holds rows of `width` numbers, `y` rows of
/// `classes`; 0.2 is a usual alpha.
///
/// # Errors
/// When the two do not have the same number of whole rows.
pub fn mixup(
    x: &mut [f32],
    width: usize,
    y: &mut [f32],
    classes: usize,
    alpha: f32,
    seed: u64,
) -> Result<(), DataError> {
    let rows = x.len() / width.max(1);
    if x.len() != rows * width || y.len() != rows * classes || rows == 0 {
        let what = format!("{} numbers in rows of {width} and {} in rows of {classes} don't pair", x.len(), y.len());
        return Err(DataError::Shape { what });
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let share = beta(&mut random, alpha.max(f32::MIN_POSITIVE));
    let mut partners: Vec<usize> = (0..rows).collect();
    rand::seq::SliceRandom::shuffle(partners.as_mut_slice(), &mut random);
    for (values, width) in [(x, width), (y, classes)] {
        let before = values.to_vec();
        for (row, partner) in values.chunks_exact_mut(width).zip(&partners) {
            let other = &before[partner * width..(partner + 1) * width];
            row.iter_mut().zip(other).for_each(|(value, other)| *value = share * *value + (1.0 - share) * other);
        }
    }
    Ok(())
}

/// A number from Beta(a, a): of two from Gamma(a), the share of the first.
fn beta(random: &mut dyn RngCore, a: f32) -> f32 {
    let (first, second) = (gamma(random, a), gamma(random, a));
    if first + second > 0.0 { first / (first + second) } else { 0.5 }
}

/// A number from Gamma(a, 1) (Marsaglia and Tsang, 2000; below 1 by their note in section 6).
fn gamma(random: &mut dyn RngCore, a: f32) -> f32 {
    if a < 1.0 {
        let uniform: f32 = random.gen_range(f32::MIN_POSITIVE..1.0);
        return gamma(random, a + 1.0) * uniform.powf(1.0 / a);
    }
    let d = a - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = normal(random);
        let v = (1.0 + c * x).powi(3);
        let uniform: f32 = random.gen_range(f32::MIN_POSITIVE..1.0);
        if v > 0.0 && uniform.ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d * v;
        }
    }
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
        assert!(mixup(&mut [0.0; 3], 1, &mut [0.0; 4], 2, 0.2, 1).is_err());
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
    fn a_shift_stays_in_its_range_and_loses_nothing_inside() {
        for seed in 0..50 {
            let pixels = changed(&Augment::default().shift(1.0), seed);
            assert!((pixels.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            assert!(pixels.chunks(5).all(|row| row[3] == 0.0 && row[4] == 0.0), "{pixels:?}");
        }
    }

    #[test]
    fn mixup_mixes_targets_as_features() {
        let (mut x, mut y) = (vec![0.0, 1.0, 2.0, 3.0], vec![1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0]);
        mixup(&mut x, 1, &mut y, 2, 1.0, 3).expect("four rows");
        // Rows 0 and 1 are of the first class, so the second target is the share of rows 2 and 3.
        assert!(y.chunks(2).all(|row| (row[0] + row[1] - 1.0).abs() < 1e-6), "{y:?}");
        assert!((x.iter().sum::<f32>() - 6.0).abs() < 1e-5, "{x:?}");
    }

    #[test]
    fn beta_has_the_right_mean_and_spread() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for a in [0.2_f32, 1.0, 4.0] {
            let drawn: Vec<f32> = (0..20_000).map(|_| beta(&mut random, a)).collect();
            let mean = drawn.iter().sum::<f32>() / 20_000.0;
            let variance = drawn.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / 20_000.0;
            assert!((mean - 0.5).abs() < 0.01, "{a}: {mean}");
            assert!((variance - 1.0 / (4.0 * (2.0 * a + 1.0))).abs() < 0.005, "{a}: {variance}");
        }
    }
}
