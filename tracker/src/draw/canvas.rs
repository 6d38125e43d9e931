//! A drawing in logical pixels, written as SVG.

use std::fmt::{self, Write as _};

use super::palette::{Color, PANEL};
use crate::html::escape;

const FONT: &str = "system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif";

/// Where a text stands from its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text looks.
#[derive(Debug, Clone, Copy)]
pub struct Type {
    pub size: f64,
    pub color: Color,
    pub bold: bool,
}

/// How a line looks.
#[derive(Debug, Clone, Copy)]
pub struct Stroke {
    pub color: Color,
    pub width: f64,
    pub opacity: f64,
    pub dashed: bool,
}

impl Stroke {
    pub fn new(color: Color, width: f64) -> Self {
        Self { color, width, opacity: 1.0, dashed: false }
    }

    /// The line with the ground shining through.
    pub fn opacity(self, opacity: f64) -> Self {
        Self { opacity, ..self }
    }

    pub fn dashed(self, dashed: bool) -> Self {
        Self { dashed, ..self }
    }
}

/// A part of a picture, in logical pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

/// Draws one picture. What is drawn later covers what was drawn before.
pub struct Canvas {
    svg: String,
}

/// Draws a picture of this size in logical pixels, with a name for those who can't see it.
pub fn picture(width: f64, height: f64, name: &str, draw: impl FnOnce(&mut Canvas)) -> String {
    let (wide, high) = (Number(width), Number(height));
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide}\" height=\"{high}\" viewBox=\"0 0 {wide} {high}\" \
         role=\"img\" aria-label=\"{}\" style=\"max-width:100%;height:auto\" font-family=\"{FONT}\">\n\
         <rect width=\"{wide}\" height=\"{high}\" rx=\"8\" fill=\"{PANEL}\"/>\n",
        clean(name)
    );
    let mut canvas = Canvas { svg };
    draw(&mut canvas);
    canvas.svg.push_str("</svg>\n");
    canvas.svg
}

impl Canvas {
    /// A line through points.
    pub fn line(&mut self, points: &[(f64, f64)], stroke: Stroke) {
        let dash = if stroke.dashed { " stroke-dasharray=\"5 3.5\"" } else { "" };
        self.put(format_args!(
            "<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"{}\"{}{dash} stroke-linejoin=\"round\" points=\"{}\"/>\n",
            stroke.color,
            Number(stroke.width),
            Opacity("stroke-opacity", stroke.opacity),
            Points(points)
        ));
    }

    /// A surface within a line through points.
    pub fn surface(&mut self, points: &[(f64, f64)], color: Color, opacity: f64) {
        let opacity = Opacity("fill-opacity", opacity);
        self.put(format_args!("<polygon fill=\"{color}\"{opacity} points=\"{}\"/>\n", Points(points)));
    }

    pub fn dot(&mut self, (x, y): (f64, f64), radius: f64, color: Color) {
        let (x, y, radius) = (Number(x), Number(y), Number(radius));
        self.put(format_args!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"{color}\"/>\n"));
    }

    /// Dots with a rim, so that each can be told from those behind it.
    pub fn rings(&mut self, places: impl Iterator<Item = (f64, f64)>, radius: f64, color: Color) {
        let radius = Number(radius);
        self.put(format_args!("<g fill=\"{color}\" fill-opacity=\"0.8\" stroke=\"{PANEL}\" stroke-width=\"0.75\">\n"));
        for (x, y) in places {
            self.put(format_args!("<circle cx=\"{}\" cy=\"{}\" r=\"{radius}\"/>\n", Number(x), Number(y)));
        }
        self.svg.push_str("</g>\n");
    }

    /// Round spots of one size and colour. Those that overlap do not add up.
    pub fn spots(&mut self, places: &[(f64, f64)], size: f64, color: Color, opacity: f64) {
        self.put(format_args!(
            "<path fill=\"none\" stroke=\"{color}\" stroke-width=\"{}\"{} stroke-linecap=\"round\" d=\"",
            Number(size),
            Opacity("stroke-opacity", opacity)
        ));
        for &(x, y) in places {
            self.put(format_args!("M{} {}h0", Number(x), Number(y)));
        }
        self.svg.push_str("\"/>\n");
    }

    pub fn fill(&mut self, from: (f64, f64), to: (f64, f64), color: Color) {
        let (left, top) = (from.0.min(to.0), from.1.min(to.1));
        let (width, height) = (Number((to.0 - from.0).abs()), Number((to.1 - from.1).abs()));
        let (x, y) = (Number(left), Number(top));
        self.put(format_args!("<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{color}\"/>\n"));
    }

    /// Fills an area with a picture given as a URL, such as one of `data:`; its pixels keep their sharp edges.
    pub fn image(&mut self, area: Area, url: &str) {
        let (x, y, url) = (Number(area.left), Number(area.top), clean(url));
        let (width, height) = (Number(area.width), Number(area.height));
        self.put(format_args!(
            "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" preserveAspectRatio=\"none\" \
             style=\"image-rendering:pixelated\" href=\"{url}\"/>\n"
        ));
    }

    /// Draws something that says what it is, in one or more lines, where a pointer rests on it.
    pub fn titled(&mut self, title: &str, draw: impl FnOnce(&mut Self)) {
        let title: Vec<String> = title.lines().map(clean).collect();
        self.put(format_args!("<g><title>{}</title>\n", title.join("\n")));
        draw(self);
        self.svg.push_str("</g>\n");
    }

    /// Writes a text, its middle at the height of the point.
    pub fn text(&mut self, text: &str, (x, y): (f64, f64), anchor: Anchor, look: Type) {
        self.write(text, format_args!("x=\"{}\" y=\"{}\"", Number(x), Number(y)), anchor, look);
    }

    /// Writes a text that stays readable over lines.
    pub fn text_over(&mut self, text: &str, place: (f64, f64), anchor: Anchor, look: Type) {
        self.put(format_args!(
            "<g stroke=\"{PANEL}\" stroke-width=\"4.5\" stroke-linejoin=\"round\" paint-order=\"stroke\">\n"
        ));
        self.text(text, place, anchor, look);
        self.svg.push_str("</g>\n");
    }

    /// Writes a text from bottom to top.
    pub fn upward(&mut self, text: &str, (x, y): (f64, f64), anchor: Anchor, look: Type) {
        self.write(
            text,
            format_args!("transform=\"translate({} {}) rotate(-90)\"", Number(x), Number(y)),
            anchor,
            look,
        );
    }

    fn write(&mut self, text: &str, place: fmt::Arguments<'_>, anchor: Anchor, look: Type) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let weight = if look.bold { " font-weight=\"600\"" } else { "" };
        let (size, color, text) = (Number(look.size), look.color, clean(text));
        self.put(format_args!(
            "<text {place} dy=\".35em\"{anchor}{weight} font-size=\"{size}\" fill=\"{color}\">{text}</text>\n"
        ));
    }

    fn put(&mut self, part: fmt::Arguments<'_>) {
        // Writing into a string can't fail.
        let _ = self.svg.write_fmt(part);
    }
}

/// How wide a text will be, about: there is no font to measure it with, so this is for a wide one.
pub fn width_of(text: &str, size: f64) -> f64 {
    let width = |c: char| match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '|' | '\'' | '!' | 'I' | ' ' => 0.32,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '-' | '/' => 0.41,
        '=' | '+' | '<' | '>' | '~' => 0.84,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' => 0.95,
        c if c.is_ascii_uppercase() => 0.68,
        c if u32::from(c) < 0x2E80 => 0.63,
        // Chinese, Japanese, Korean, pictures.
        _ => 1.0,
    };
    text.chars().map(width).sum::<f64>() * size
}

/// A text no wider than `most`: of a longer one, the start and, half as much, the end, which often tells names apart.
pub fn fit(text: &str, size: f64, most: f64) -> String {
    if width_of(text, size) <= most {
        return text.to_owned();
    }
    let room = most - width_of("…", size);
    let start: String = within(text.chars(), size, room * 2.0 / 3.0).collect();
    let end: Vec<char> = within(text.chars().rev(), size, room / 3.0).collect();
    format!("{}…{}", start.trim_end(), end.iter().rev().collect::<String>().trim_start())
}

/// The first characters that are together no wider than `most`.
fn within(text: impl Iterator<Item = char>, size: f64, most: f64) -> impl Iterator<Item = char> {
    let mut width = 0.0;
    text.take_while(move |c| {
        width += width_of(c.encode_utf8(&mut [0; 4]), size);
        width <= most
    })
}

/// A whole number as a coordinate.
#[allow(clippy::cast_precision_loss)] // counts of things in a picture
pub fn count(number: usize) -> f64 {
    number as f64
}

/// A text as XML has it: escaped, and without the characters that XML forbids.
fn clean(text: &str) -> String {
    let forbidden = |c: char| c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}');
    escape(&text.chars().map(|c| if forbidden(c) { ' ' } else { c }).collect::<String>())
}

/// A coordinate to a hundredth of a pixel.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Adding 0 makes -0 a 0.
        write!(f, "{}", (self.0 * 100.0).round() / 100.0 + 0.0)
    }
}

struct Points<'a>(&'a [(f64, f64)]);

impl fmt::Display for Points<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, &(x, y)) in self.0.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{},{}", Number(x), Number(y))?;
        }
        Ok(())
    }
}

/// An attribute that is left out when it is 1.
struct Opacity(&'static str, f64);

impl fmt::Display for Opacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.1 < 1.0 { write!(f, " {}=\"{}\"", self.0, Number(self.1)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_keep_both_ends() {
        let name = "a class with a rather long name 17";
        assert_eq!(fit(name, 10.0, 500.0), name);
        let cut = fit(name, 10.0, 100.0);
        assert!(cut.starts_with("a class") && cut.ends_with("17") && width_of(&cut, 10.0) <= 100.0, "{cut}");
        assert_eq!(fit(name, 10.0, 0.0), "…");
    }
}
