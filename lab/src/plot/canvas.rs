//! A drawing in logical pixels on plotters' SVG backend.

use plotters::coord::Shift;
use plotters::prelude::{
    BLACK, Circle, DrawingArea, FontStyle, FontTransform, IntoDrawingArea, PathElement, RGBColor, Rectangle,
    SVGBackend, Text,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, IntoTextStyle, ShapeStyle};

/// plotters rounds to whole pixels; with this many to one of ours, lines stay smooth.
const SCALE: f64 = 4.0;
/// plotters takes a font size to be the line height, and divides by this.
const LINE_HEIGHT: f64 = 1.24;
const FONT: &str = "system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif";

/// Where a text stands from its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// Draws one picture.
pub(super) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

/// How a text looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Type {
    pub(super) size: f64,
    pub(super) color: RGBColor,
    pub(super) bold: bool,
}

/// Draws a picture of this size in logical pixels.
pub(super) fn picture(width: f64, height: f64, name: &str, draw: impl FnOnce(&Canvas<'_>)) -> String {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (pixels(width), pixels(height))).into_drawing_area();
        let canvas = Canvas { area };
        draw(&canvas);
        // Drawing into a string can't fail.
        let _ = canvas.area.present();
    }
    framed(&svg, width, height, name)
}

impl Canvas<'_> {
    pub(super) fn line(&self, points: &[(f64, f64)], color: RGBColor, width: f64) {
        self.path(points, color.stroke_width(pixels(width)));
    }

    /// A line with some of the ground shining through.
    pub(super) fn faint(&self, points: &[(f64, f64)], color: RGBColor, width: f64) {
        self.path(points, color.mix(0.45).stroke_width(pixels(width)));
    }

    pub(super) fn dot(&self, at: (f64, f64), radius: f64, color: RGBColor) {
        let _ = self.area.draw(&Circle::new(place(at), pixels(radius), color.filled()));
    }

    pub(super) fn fill(&self, from: (f64, f64), to: (f64, f64), color: RGBColor) {
        let _ = self.area.draw(&Rectangle::new([place(from), place(to)], color.filled()));
    }

    /// Writes a text, its middle at the height of the point.
    pub(super) fn text(&self, text: &str, at: (f64, f64), anchor: Anchor, look: Type) {
        self.write(text, at, anchor, look, FontTransform::None);
    }

    /// Writes a text from bottom to top.
    pub(super) fn upward(&self, text: &str, at: (f64, f64), anchor: Anchor, look: Type) {
        self.write(text, at, anchor, look, FontTransform::Rotate270);
    }

    fn path(&self, points: &[(f64, f64)], style: ShapeStyle) {
        let points: Vec<_> = points.iter().copied().map(place).collect();
        let _ = self.area.draw(&PathElement::new(points, style));
    }

    fn write(&self, text: &str, at: (f64, f64), anchor: Anchor, look: Type, turn: FontTransform) {
        let weight = if look.bold { FontStyle::Bold } else { FontStyle::Normal };
        let font = FontDesc::new(FontFamily::Name(FONT), look.size * SCALE * LINE_HEIGHT, weight).transform(turn);
        let across = match anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        let style = font.color(&BLACK).color(&look.color).pos(Pos::new(across, VPos::Center));
        let _ = self.area.draw(&Text::new(text.to_owned(), place(at), style.into_text_style(&self.area)));
    }
}

/// How wide a text will be, about: there is no font to measure it with.
#[allow(clippy::cast_precision_loss)] // texts are short
pub(super) fn width_of(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * 0.55
}

/// A whole number as a coordinate.
#[allow(clippy::cast_precision_loss)] // counts of things in a picture
pub(super) fn count(number: usize) -> f64 {
    number as f64
}

#[allow(clippy::cast_possible_truncation)] // pictures are some thousand pixels wide
fn place((x, y): (f64, f64)) -> (i32, i32) {
    ((x * SCALE).round() as i32, (y * SCALE).round() as i32)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // sizes are positive and small
fn pixels(size: f64) -> u32 {
    (size * SCALE).round() as u32
}

/// Gives the drawing its size on the page, its panel and its name for those who can't see it.
fn framed(svg: &str, width: f64, height: f64, name: &str) -> String {
    let body = svg.split_once(">\n").map_or(svg, |(_, body)| body);
    let (full_width, full_height) = (pixels(width), pixels(height));
    let name = crate::display::escape(name);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {full_width} {full_height}\" role=\"img\" aria-label=\"{name}\" \
         style=\"max-width:100%;height:auto\">\n<rect width=\"{full_width}\" height=\"{full_height}\" rx=\"{}\" \
         fill=\"#FCFCFD\"/>\n{body}",
        pixels(8.0)
    )
}
