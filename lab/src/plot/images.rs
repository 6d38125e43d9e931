//! A few rows of a matrix as small grey pictures.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::data::Matrix;
use crate::display::{MimeBundle, Show, escape};

/// Shades of grey; more make the picture larger and not better.
const SHADES: u8 = 24;
/// The side of one picture, in logical pixels.
const SIDE: usize = 72;
const GAP: usize = 12;
const ACROSS: usize = 10;

/// Pictures side by side with a line of text below each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageGrid {
    svg: String,
    text: String,
}

/// Draws the first rows of `images` as pictures `width` pixels wide, dark where values are high, each
/// with its caption; as many as there are captions.
pub fn image_grid<S: AsRef<str>>(images: &Matrix, width: usize, captions: &[S]) -> ImageGrid {
    let captions: Vec<&str> = captions.iter().map(AsRef::as_ref).collect();
    draw(images, width, &captions)
}

fn draw(images: &Matrix, width: usize, captions: &[&str]) -> ImageGrid {
    let shown = captions.len().min(images.rows());
    let columns = shown.clamp(1, ACROSS);
    let (wide, high) = (columns * (SIDE + GAP) + GAP, shown.div_ceil(columns) * (SIDE + GAP + 18) + GAP);
    let most = images.values().iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide}\" height=\"{high}\" viewBox=\"0 0 {wide} {high}\" \
         role=\"img\" style=\"max-width:100%;height:auto\" font-family=\"system-ui, Segoe UI, Helvetica, Arial, \
         sans-serif\" font-size=\"12\"><rect width=\"{wide}\" height=\"{high}\" rx=\"8\" fill=\"#FCFCFD\"/>"
    );
    for (index, caption) in captions.iter().take(shown).enumerate() {
        let (x, y) = (GAP + index % columns * (SIDE + GAP), GAP + index / columns * (SIDE + GAP + 18));
        let row = images.row(index);
        let height = row.len().div_ceil(width.max(1)).max(1);
        let scale = decimal(SIDE) / decimal(width.max(height).max(1));
        let _ = write!(
            svg,
            "<g transform=\"translate({x} {y})\"><rect width=\"{SIDE}\" height=\"{SIDE}\" fill=\"#F0F1F4\"/>\
             <g transform=\"scale({scale})\" shape-rendering=\"crispEdges\">{}</g><text x=\"{}\" y=\"{}\" \
             text-anchor=\"middle\" fill=\"#686E78\">{}</text></g>",
            shades(row, width.max(1), most),
            SIDE / 2,
            SIDE + 15,
            escape(caption)
        );
    }
    svg.push_str("</svg>");
    ImageGrid { svg, text: format!("{shown} pictures: {}", captions[..shown].join(", ")) }
}

/// One path for each shade, over all pixels that have it.
fn shades(pixels: &[f32], width: usize, most: f32) -> String {
    let mut paths: BTreeMap<u8, String> = BTreeMap::new();
    for (index, &pixel) in pixels.iter().enumerate() {
        // Between 0 and the number of shades; NaN becomes 0.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let shade = (pixel / most * f32::from(SHADES)).round().clamp(0.0, f32::from(SHADES)) as u8;
        if shade > 0 {
            let _ = write!(paths.entry(shade).or_default(), "M{} {}h1v1h-1z", index % width, index / width);
        }
    }
    let mut out = String::new();
    for (shade, path) in paths {
        let part = f64::from(shade) / f64::from(SHADES);
        let _ = write!(out, "<path d=\"{path}\" fill=\"#172A46\" fill-opacity=\"{part:.2}\"/>");
    }
    out
}

#[allow(clippy::cast_precision_loss)] // sizes of small pictures
fn decimal(size: usize) -> f64 {
    size as f64
}

impl ImageGrid {
    /// The picture as an SVG document.
    pub fn svg(&self) -> &str {
        &self.svg
    }
}

impl Show for ImageGrid {
    fn show(&self) -> MimeBundle {
        MimeBundle::new().with_text(&self.text).with_svg(&self.svg)
    }
}
