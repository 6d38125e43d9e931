//! One chart of lines: frame, grid, lines, and their names at their ends.

use plotters::style::RGBColor;

use super::axis::{Axis, value_label};
use super::canvas::{Anchor, Canvas, Type, count, width_of};
use super::line::{LineChart, Series};
use super::palette;

const TICK: Type = Type { size: 11.0, color: palette::QUIET, bold: false };
const TITLE: Type = Type { size: 14.0, color: palette::INK, bold: true };
const NAME: f64 = 11.5;
/// The least space between the names of two lines.
const APART: f64 = 15.0;
/// Lines with at most this many points show each of them.
const DOTS: usize = 40;

/// Where the data is drawn, in logical pixels.
struct Frame {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    x: Axis,
    y: Axis,
}

impl Frame {
    fn place(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        let (x, y) = (self.x.part(x)?, self.y.part(y)?);
        Some((self.left + x * (self.right - self.left), self.bottom - y * (self.bottom - self.top)))
    }
}

/// Draws a chart into the part of the canvas that starts at `from` and is `width` wide.
pub(super) fn draw(canvas: &Canvas<'_>, chart: &LineChart, from: f64, width: f64, height: f64) {
    let frame = frame(chart, from, width, height);
    grid(canvas, &frame);
    canvas.text(&chart.title, (from + 18.0, 22.0), Anchor::Start, TITLE);
    if !chart.x_label.is_empty() {
        canvas.text(&chart.x_label, ((frame.left + frame.right) / 2.0, height - 13.0), Anchor::Middle, TICK);
    }
    if !chart.y_label.is_empty() {
        canvas.upward(&chart.y_label, (from + 15.0, (frame.top + frame.bottom) / 2.0), Anchor::Middle, TICK);
    }
    for (index, series) in chart.series.iter().enumerate() {
        line(canvas, &frame, series, palette::series(index));
    }
    names(canvas, &frame, chart);
}

fn frame(chart: &LineChart, from: f64, width: f64, height: f64) -> Frame {
    let points = || chart.series.iter().flat_map(|series| series.points.iter().copied());
    let x = Axis::steps(points().map(|(x, _)| x));
    let values = points().map(|(_, y)| y);
    let y = if chart.log_y { Axis::log(values) } else { Axis::linear(values) };
    let ticks = y.ticks.iter().map(|(_, label)| width_of(label, TICK.size)).fold(0.0, f64::max);
    let label = if chart.y_label.is_empty() { 0.0 } else { 16.0 };
    let names = chart.series.iter().map(|series| width_of(&end(series), NAME)).fold(0.0, f64::max);
    let below = if chart.x_label.is_empty() { 30.0 } else { 46.0 };
    Frame {
        left: from + 20.0 + label + ticks,
        right: from + width - 22.0 - names.min(width * 0.4),
        top: 46.0,
        bottom: height - below,
        x,
        y,
    }
}

fn grid(canvas: &Canvas<'_>, frame: &Frame) {
    for (tick, label) in &frame.y.ticks {
        let Some(part) = frame.y.part(*tick) else {
            continue;
        };
        let y = frame.bottom - part * (frame.bottom - frame.top);
        let color = if part.abs() < 1e-9 { palette::BASE } else { palette::GRID };
        canvas.line(&[(frame.left, y), (frame.right, y)], color, 1.0);
        canvas.text(label, (frame.left - 7.0, y), Anchor::End, TICK);
    }
    for (tick, label) in &frame.x.ticks {
        let Some(part) = frame.x.part(*tick) else {
            continue;
        };
        let x = frame.left + part * (frame.right - frame.left);
        canvas.line(&[(x, frame.bottom), (x, frame.bottom + 4.0)], palette::BASE, 1.0);
        canvas.text(label, (x, frame.bottom + 15.0), Anchor::Middle, TICK);
    }
}

/// Draws the stretches between points that have no place, and the last point.
fn line(canvas: &Canvas<'_>, frame: &Frame, series: &Series, color: RGBColor) {
    let places: Vec<_> = series.points.iter().map(|&point| frame.place(point)).collect();
    for stretch in places.split(Option::is_none) {
        let stretch: Vec<_> = stretch.iter().copied().flatten().collect();
        if stretch.len() > 1 {
            canvas.line(&stretch, color, 2.0);
        }
        if stretch.len() == 1 || places.len() <= DOTS {
            stretch.iter().for_each(|&place| canvas.dot(place, 2.25, color));
        }
    }
    if let Some(&last) = places.iter().flatten().next_back() {
        canvas.dot(last, 3.25, color);
    }
}

/// Writes each line's name and last value beside its end, moved apart where they would overlap.
fn names(canvas: &Canvas<'_>, frame: &Frame, chart: &LineChart) {
    let mut names: Vec<(f64, f64, usize)> = Vec::new();
    for (index, series) in chart.series.iter().enumerate() {
        if let Some((_, y)) = series.points.iter().rev().find_map(|&point| frame.place(point)) {
            names.push((y, y, index));
        }
    }
    names.sort_by(|a, b| a.0.total_cmp(&b.0));
    apart(&mut names, frame.top, frame.bottom);
    for &(y, at, index) in &names {
        let color = palette::series(index);
        if (y - at).abs() > 4.0 {
            canvas.faint(&[(frame.right + 3.0, at), (frame.right + 9.0, y)], color, 1.0);
        }
        let look = Type { size: NAME, color, bold: false };
        canvas.text(&end(&chart.series[index]), (frame.right + 11.0, y), Anchor::Start, look);
    }
}

/// Moves what is sorted from top to bottom at least [`APART`] apart, within the frame if there is room.
fn apart(names: &mut [(f64, f64, usize)], top: f64, bottom: f64) {
    let mut least = top;
    for name in names.iter_mut() {
        name.0 = name.0.max(least);
        least = name.0 + APART;
    }
    let mut most = bottom.max(top + APART * count(names.len().saturating_sub(1)));
    for name in names.iter_mut().rev() {
        name.0 = name.0.min(most);
        most = name.0 - APART;
    }
}

/// What is written at the end of a line.
fn end(series: &Series) -> String {
    let value = series.points.iter().rev().map(|&(_, y)| y).find(|y| y.is_finite());
    let value = value.map(value_label).unwrap_or_default();
    format!("{} {value}", series.name).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_meet_are_moved_apart() {
        let mut names = [(50.0, 50.0, 0), (51.0, 51.0, 1), (199.0, 199.0, 2), (200.0, 200.0, 3)];
        apart(&mut names, 46.0, 200.0);
        let places = names.map(|name| name.0);
        assert_eq!(places, [50.0, 65.0, 185.0, 200.0]);
    }
}
