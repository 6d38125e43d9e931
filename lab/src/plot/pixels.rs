//! Pictures of pixels within a chart.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::{ImageFormat, RgbImage};

use super::canvas::{Area, Canvas};
use super::palette::Color;

/// Fills an area with a picture of pixels, row after row, `columns` in a row; they keep their sharp edges.
pub(super) fn pixels(canvas: &mut Canvas, area: Area, columns: usize, colors: &[Color]) {
    if let Some(data) = png(columns, colors) {
        canvas.image(area, &format!("data:image/png;base64,{}", STANDARD.encode(data)));
    }
}

/// Pixels as a PNG file; none if there are none.
fn png(columns: usize, colors: &[Color]) -> Option<Vec<u8>> {
    let rows = colors.len().checked_div(columns)?;
    let bytes: Vec<u8> = colors.iter().flat_map(|color| [color.0, color.1, color.2]).collect();
    let picture = RgbImage::from_raw(u32::try_from(columns).ok()?, u32::try_from(rows).ok()?, bytes)?;
    let mut out = Cursor::new(Vec::new());
    picture.write_to(&mut out, ImageFormat::Png).ok()?;
    Some(out.into_inner())
}
