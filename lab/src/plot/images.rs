//! Rows of a matrix or pictures of a tensor, side by side.

use dfdx::shapes::{HasShape, Shape};
use dfdx::tensor::Tensor;

use super::canvas::{Anchor, Area, Canvas, Type, count, fit};
use super::chart::Draw;
use super::frame::{HEADER, TICK, title};
use super::palette::Color;
use super::pixels::pixels;
use super::save::PlotError;
use crate::data::Matrix;
use crate::device::Dev;

/// The side of one picture, in logical pixels: of small ones, and of those with more pixels than that.
const SIDES: (f64, f64) = (72.0, 116.0);
const GAP: f64 = 12.0;
/// For the text below a picture.
const CAPTION: f64 = 18.0;
/// The width of a row, at most.
const WIDTH: f64 = 860.0;
/// A picture needs no more pixels than this on a side: its place has as many on a fine screen.
const PIXELS: usize = 232;

/// Pictures side by side with a line of text below each.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageGrid {
    title: String,
    pictures: Vec<Picture>,
    captions: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
struct Picture {
    width: usize,
    colors: Vec<Color>,
}

/// Draws the first rows of `images` as pictures `width` pixels wide, dark where values are high, each
/// with its caption; as many as there are captions.
pub fn image_grid<S: AsRef<str>>(images: &Matrix, width: usize, captions: &[S]) -> ImageGrid {
    let captions: Vec<String> = captions.iter().map(|caption| caption.as_ref().to_owned()).collect();
    let (width, height) = (width.max(1), images.width().div_ceil(width.max(1)));
    ImageGrid::grey(images.values(), images.width(), (width, height), captions)
}

/// Draws the pictures of a tensor `[pictures, channels, height, width]`, or the one of
/// `[channels, height, width]`, each with its caption; as many as there are captions. One channel is drawn dark
/// where values are high; three are red, green and blue, from 0 to 1 (or to 255, if values are above 1). Values
/// below zero, as after standardising, are drawn from the least to the greatest.
///
/// # Errors
/// When the tensor has other dimensions, or not one or three channels.
pub fn tensor_grid<S: Shape, T, N: AsRef<str>>(
    images: &Tensor<S, f32, Dev, T>,
    captions: &[N],
) -> Result<ImageGrid, PlotError> {
    let captions = captions.iter().map(|caption| caption.as_ref().to_owned()).collect();
    ImageGrid::of(images.shape().concrete().as_ref(), &images.as_vec(), captions)
}

impl ImageGrid {
    /// Writes a title above the pictures.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    fn of(shape: &[usize], values: &[f32], captions: Vec<String>) -> Result<Self, PlotError> {
        match *shape {
            [1, height, width] | [_, 1, height, width] => {
                Ok(Self::grey(values, height * width, (width, height), captions))
            }
            [3, height, width] | [_, 3, height, width] => Ok(Self::colored(values, (width, height), captions)),
            _ => {
                let what =
                    "pictures are [count, channels, height, width] or [channels, height, width] with 1 or 3 channels";
                Err(PlotError::Shape { what: format!("{what}, not {shape:?}") })
            }
        }
    }

    fn grey(values: &[f32], size: usize, (width, height): (usize, usize), captions: Vec<String>) -> Self {
        let (low, high) = ends(values);
        let (low, high) = (low.min(0.0), if high > 0.0 { high } else { 1.0 });
        let pictures = values.chunks_exact(size.max(1)).take(captions.len()).map(|picture| {
            let mut colors: Vec<Color> = picture.iter().map(|&value| ink((value - low) / (high - low))).collect();
            colors.resize(width * height, ink(0.0));
            Picture::new(width, colors)
        });
        Self { title: String::new(), pictures: pictures.collect(), captions }
    }

    fn colored(values: &[f32], (width, height): (usize, usize), captions: Vec<String>) -> Self {
        let (low, high) = match ends(values) {
            (low, high) if low < 0.0 => (low, high),
            (_, high) if high <= 1.0 => (0.0, 1.0),
            (_, high) if high <= 255.0 => (0.0, 255.0),
            (_, high) => (0.0, high),
        };
        let byte = |value: f32| byte(f64::from((value - low) / (high - low)));
        let plane = width * height;
        let pictures = values.chunks_exact((3 * plane).max(1)).take(captions.len()).map(|picture| {
            let pixel = |index: usize| [0, 1, 2].map(|channel| byte(picture[channel * plane + index]));
            let colors = (0..plane).map(pixel).map(|[red, green, blue]| Color(red, green, blue));
            Picture::new(width, colors.collect())
        });
        Self { title: String::new(), pictures: pictures.collect(), captions }
    }

    fn side(&self) -> f64 {
        let most = self.pictures.iter().map(|picture| picture.width.max(picture.height())).max().unwrap_or(0);
        if count(most) > SIDES.0 { SIDES.1 } else { SIDES.0 }
    }

    fn across(&self) -> usize {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a few
        let most = (WIDTH / (self.side() + GAP)) as usize;
        self.pictures.len().clamp(1, most)
    }

    fn header(&self) -> f64 {
        if self.title.is_empty() { GAP } else { HEADER - 8.0 }
    }
}

impl Draw for ImageGrid {
    fn size(&self, _: bool) -> (f64, f64) {
        let (side, across) = (self.side(), self.across());
        let rows = self.pictures.len().div_ceil(across);
        let width = count(across) * (side + GAP) + GAP;
        let least = if self.title.is_empty() { 0.0 } else { 240.0 };
        (width.max(least), self.header() + count(rows) * (side + GAP + CAPTION))
    }

    fn draw(&self, canvas: &mut Canvas, area: Area) {
        title(canvas, area, &self.title);
        let (side, across) = (self.side(), self.across());
        let look = Type { size: 12.0, ..TICK };
        for (index, (picture, caption)) in self.pictures.iter().zip(&self.captions).enumerate() {
            let left = area.left + GAP + count(index % across) * (side + GAP);
            let top = area.top + self.header() + count(index / across) * (side + GAP + CAPTION);
            canvas.fill((left, top), (left + side, top + side), GROUND);
            picture.draw(canvas, (left, top), side);
            let text = fit(caption, look.size, side + GAP - 4.0);
            canvas.text(&text, (left + side / 2.0, top + side + 11.0), Anchor::Middle, look);
        }
    }

    fn text(&self) -> String {
        let shown = self.pictures.len();
        let title = if self.title.is_empty() { String::new() } else { format!("{}: ", self.title) };
        let noun = if shown == 1 { "picture" } else { "pictures" };
        format!("{title}{shown} {noun}: {}", self.captions[..shown].join(", "))
    }
}

impl Picture {
    /// A picture with as many pixels as can be seen.
    fn new(width: usize, colors: Vec<Color>) -> Self {
        let height = colors.len().checked_div(width).unwrap_or(0);
        let every = width.max(height).div_ceil(PIXELS).max(1);
        if every == 1 {
            return Self { width, colors };
        }
        let (wide, high) = (width.div_ceil(every), height.div_ceil(every));
        let mean = |index: usize| {
            let (left, top) = (index % wide * every, index / wide * every);
            let rows = top..(top + every).min(height);
            mixed(rows.flat_map(|row| &colors[row * width + left..row * width + (left + every).min(width)]))
        };
        Self { width: wide, colors: (0..wide * high).map(mean).collect() }
    }

    fn height(&self) -> usize {
        self.colors.len().checked_div(self.width).unwrap_or(0)
    }

    /// Draws the picture in the middle of a square.
    fn draw(&self, canvas: &mut Canvas, (left, top): (f64, f64), side: f64) {
        let scale = side / count(self.width.max(self.height()).max(1));
        let (width, height) = (count(self.width) * scale, count(self.height()) * scale);
        let area = Area { left: left + (side - width) / 2.0, top: top + (side - height) / 2.0, width, height };
        pixels(canvas, area, self.width, &self.colors);
    }
}

/// What is behind a picture, and where a grey one is lowest.
const GROUND: Color = Color(240, 241, 244);

/// From the ground to deep blue grey; NaN is the ground.
fn ink(share: f32) -> Color {
    let share = if share.is_nan() { 0.0 } else { f64::from(share).clamp(0.0, 1.0) };
    let part = |from: f64, to: f64| byte((from + (to - from) * share) / 255.0);
    Color(part(240.0, 23.0), part(241.0, 42.0), part(244.0, 70.0))
}

/// The least and the greatest of the values that are finite.
fn ends(values: &[f32]) -> (f32, f32) {
    let finite = values.iter().copied().filter(|value| value.is_finite());
    finite.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
}

fn mixed<'a>(colors: impl Iterator<Item = &'a Color>) -> Color {
    let (mut sums, mut number) = ([0.0; 3], 0.0);
    for color in colors {
        number += 255.0;
        for (sum, part) in sums.iter_mut().zip([color.0, color.1, color.2]) {
            *sum += f64::from(part);
        }
    }
    let [red, green, blue] = sums.map(|sum| byte(sum / number));
    Color(red, green, blue)
}

/// A share from 0 to 1 as a byte; NaN is 0.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 0 and 255
fn byte(share: f64) -> u8 {
    (share.clamp(0.0, 1.0) * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use dfdx::tensor::TensorFrom;

    use super::*;

    fn captions(number: usize) -> Vec<String> {
        (0..number).map(|index| format!("<{index}>")).collect()
    }

    #[test]
    fn channels_become_colours() {
        let values = [1.0, 0.0, 0.0, 1.0, 0.2, 0.2];
        let grid = ImageGrid::of(&[1, 3, 1, 2], &values, captions(3)).expect("a picture");
        assert_eq!(grid.pictures, [Picture { width: 2, colors: vec![Color(255, 0, 51), Color(0, 255, 51)] }]);
        assert_eq!(grid.text(), "1 picture: <0>");
        let tensor = crate::device::device().tensor([[[1.0_f32, 0.0]], [[0.0, 1.0]], [[0.2, 0.2]]]);
        assert_eq!(tensor_grid(&tensor, &captions(1)).expect("a picture").pictures, grid.pictures);
        assert!(!grid.title("<b>").svg().contains("<b>"));
        let bytes = ImageGrid::of(&[3, 1, 1], &[255.0, 0.0, 51.0], captions(1)).expect("a picture");
        assert_eq!(bytes.pictures[0].colors, [Color(255, 0, 51)]);
        let error = ImageGrid::of(&[2, 5, 5], &[0.0; 50], captions(1)).expect_err("two channels").to_string();
        assert!(error.contains("1 or 3 channels, not [2, 5, 5]"), "{error}");
    }

    #[test]
    fn grey_pictures_are_dark_where_values_are_high() {
        let grid = ImageGrid::of(&[2, 1, 1, 2], &[0.0, 4.0, f32::NAN, 2.0], captions(2)).expect("two pictures");
        assert_eq!(grid.pictures[0].colors, [GROUND, Color(23, 42, 70)]);
        assert_eq!(grid.pictures[1].colors[0], GROUND);
    }

    #[test]
    fn large_pictures_have_the_pixels_that_can_be_seen() {
        let picture = Picture::new(1000, vec![Color(9, 9, 9); 1000 * 500]);
        assert_eq!((picture.width, picture.height(), picture.colors[77]), (200, 100, Color(9, 9, 9)));
    }
}
