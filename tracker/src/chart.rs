//! Curves of several runs in one SVG, for a page.

use std::fmt::Write;

use crate::format;
use crate::html::escape;
use crate::model::Point;

/// Told apart also by those who see few colours (Okabe and Ito, 2008).
const COLOURS: [&str; 8] = ["#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#8c6d00", "#777777"];

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 280.0;
/// Left, right, top, bottom of the curves.
const FRAME: [f64; 4] = [64.0, 628.0, 12.0, 252.0];

/// The colour of run number `index` of a page.
pub(crate) fn colour(index: usize) -> &'static str {
    COLOURS[index % COLOURS.len()]
}

/// Draws curves over their steps; each comes with its name and the index of its colour. Values that are no finite
/// numbers leave gaps. Empty when there is nothing to draw.
pub(crate) fn overlay(curves: &[(String, usize, Vec<Point>)]) -> String {
    let drawn = || curves.iter().flat_map(|(_, _, points)| points).filter(|point| point.value.is_finite());
    let Some((steps, values)) =
        Span::of(drawn().map(|point| point.step as f64)).zip(Span::of(drawn().map(|p| p.value)))
    else {
        return String::new();
    };
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" xmlns=\"http://www.w3.org/2000/svg\">");
    axes(&mut svg, steps, values);
    let [left, right, top, bottom] = FRAME;
    for (name, colour, points) in curves {
        let place = |point: &Point| {
            let x = left + steps.part(point.step as f64) * (right - left);
            (x, bottom - values.part(point.value) * (bottom - top))
        };
        let colour = self::colour(*colour);
        let _ =
            write!(svg, "<g fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"><title>{}</title>", escape(name));
        for stretch in points.split(|point| !point.value.is_finite()) {
            match stretch {
                [] => {}
                [point] => {
                    let (x, y) = place(point);
                    let _ = write!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" fill=\"{colour}\"/>");
                }
                points => {
                    let places = points.iter().map(place).map(|(x, y)| format!("{x:.1},{y:.1}"));
                    let _ = write!(svg, "<polyline points=\"{}\"/>", places.collect::<Vec<_>>().join(" "));
                }
            }
        }
        svg.push_str("</g>");
    }
    svg.push_str("</svg>");
    svg
}

fn axes(svg: &mut String, steps: Span, values: Span) {
    let [left, right, top, bottom] = FRAME;
    svg.push_str("<g fill=\"currentColor\" font-size=\"11\" font-family=\"sans-serif\">");
    for n in 0..=4 {
        let part = f64::from(n) / 4.0;
        let (x, y) = (left + part * (right - left), bottom - part * (bottom - top));
        let (value, step) = (format::number(values.at(part)), format::number(steps.at(part).round()));
        let _ = write!(
            svg,
            "<line x1=\"{left}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"currentColor\" opacity=\"0.15\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{step}</text>",
            left - 6.0,
            y + 4.0,
            bottom + 18.0,
        );
    }
    svg.push_str("</g>");
}

/// From the least to the greatest of some numbers.
#[derive(Clone, Copy)]
struct Span {
    low: f64,
    high: f64,
}

impl Span {
    fn of(numbers: impl Iterator<Item = f64>) -> Option<Self> {
        let (low, high) = numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), n| (l.min(n), h.max(n)));
        if low > high {
            return None;
        }
        // One value alone is drawn in the middle.
        let margin = if low == high { (low.abs() * 0.5).max(0.5) } else { 0.0 };
        Some(Self { low: low - margin, high: high + margin })
    }

    /// Halves, since the difference of two huge numbers may be infinite.
    fn part(self, number: f64) -> f64 {
        (number / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0)
    }

    fn at(self, part: f64) -> f64 {
        self.low * (1.0 - part) + self.high * part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(name: &str, values: &[f64]) -> (String, usize, Vec<Point>) {
        let points = (0..).zip(values).map(|(step, value)| Point { step, time_ms: 0, value: *value });
        (name.to_owned(), 0, points.collect())
    }

    #[test]
    fn curves_fill_the_frame_and_leave_gaps() {
        let svg = overlay(&[curve("<a>", &[0.0, 1.0, f64::NAN, 0.5]), curve("b", &[f64::INFINITY])]);
        assert!(svg.contains("<polyline points=\"64.0,252.0 252.0,12.0\"/>"), "{svg}");
        assert!(svg.contains("<circle cx=\"628.0\" cy=\"132.0\""), "{svg}");
        assert!(svg.contains("<title>&lt;a&gt;</title>") && !svg.contains("<a>"), "{svg}");
        assert_eq!(overlay(&[curve("nothing", &[f64::NAN])]), "");
        for odd in [[7.0, 7.0], [f64::MIN, f64::MAX], [1e-320, 2e-320]] {
            let svg = overlay(&[curve("odd", &odd)]);
            assert!(svg.contains("<polyline") && !svg.contains("NaN") && !svg.contains("\"inf"), "{svg}");
        }
    }
}
