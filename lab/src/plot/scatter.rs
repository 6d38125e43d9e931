//! Points of two numbers each.

use std::collections::HashMap;

use super::axis::{Axis, LARGEST};
use super::canvas::{Area, Canvas, Stroke};
use super::chart::Draw;
use super::frame::{Frame, HEADER, Labels, note};
use super::legend::{Entry, rows, rows_height};
use super::palette::{self, Color};

/// Points of all series up to this are drawn larger, and each as it is.
const FEW: usize = 600;
/// What share of the ground a spot hides, by how many points are in it: one, two or three, four and more, ten and more.
const LEVELS: [(usize, f64); 4] = [(1, 0.35), (2, 0.55), (4, 0.75), (10, 1.0)];

/// Points, such as predicted against true values.
#[derive(Debug, Clone, PartialEq)]
pub struct ScatterChart {
    pub(super) labels: Labels,
    log_x: bool,
    log_y: bool,
    diagonal: bool,
    series: Vec<(String, Vec<(f64, f64)>)>,
}

/// A chart without points yet.
pub fn scatter(title: impl Into<String>) -> ScatterChart {
    let labels = Labels::titled(title);
    ScatterChart { labels, log_x: false, log_y: false, diagonal: false, series: Vec::new() }
}

impl ScatterChart {
    /// Adds points (x, y). Those that are not finite are left out, and their number is written on the chart.
    ///
    /// Over 600 points in all, those in the same pixel (above 5000: in the same four) are drawn as one spot, the
    /// darker the more there are: from 1, 2, 4 and 10. So a picture of any number of points stays small.
    pub fn points(mut self, name: impl Into<String>, points: &[(f64, f64)]) -> Self {
        self.series.push((name.into(), points.to_vec()));
        self
    }

    /// Adds the line y = x, and makes both axes the same: for predicted against true values.
    pub fn diagonal(mut self) -> Self {
        self.diagonal = true;
        self
    }

    /// Makes the axis across logarithmic; points at or below zero are then left out.
    pub fn log_x(mut self) -> Self {
        self.log_x = true;
        self
    }

    /// Makes the axis upward logarithmic; points at or below zero are then left out.
    pub fn log_y(mut self) -> Self {
        self.log_y = true;
        self
    }

    fn axes(&self) -> (Axis, Axis) {
        let points = || self.series.iter().flat_map(|(_, points)| points).filter(|point| self.fits(point));
        let (across, upward) = (points().map(|point| point.0), points().map(|point| point.1));
        let both: Vec<f64> = if self.diagonal { across.clone().chain(upward.clone()).collect() } else { Vec::new() };
        let ends = both.iter().copied();
        (axis(across.chain(ends.clone()), self.log_x), axis(upward.chain(ends), self.log_y))
    }

    /// Whether a point has a place.
    fn fits(&self, &(x, y): &(f64, f64)) -> bool {
        let fits = |value: f64, log: bool| value.abs() < LARGEST && (!log || value > 0.0);
        fits(x, self.log_x) && fits(y, self.log_y)
    }

    fn left_out(&self) -> Option<String> {
        let number = self.series.iter().flat_map(|(_, points)| points).filter(|point| !self.fits(point)).count();
        let why = if self.log_x || self.log_y { "not finite or not above zero" } else { "not finite" };
        (number > 0).then(|| format!("{number} {why}, left out"))
    }

    fn entries(&self) -> Vec<Entry> {
        self.series.iter().enumerate().map(|(index, (name, _))| Entry::of(index, name)).collect()
    }
}

impl Draw for ScatterChart {
    fn size(&self, alone: bool) -> (f64, f64) {
        let (width, height) = match (self.diagonal, alone) {
            (true, _) => (360.0, 360.0),
            (false, true) => (560.0, 330.0),
            (false, false) => (410.0, 300.0),
        };
        (width, height + rows_height(&self.entries(), width - 40.0))
    }

    fn draw(&self, canvas: &mut Canvas, area: Area) {
        let entries = self.entries();
        let above = rows_height(&entries, area.width - 40.0);
        let frame = Frame::new(area, &self.labels, self.axes(), above, 0.0);
        let frame = if self.diagonal { frame.square() } else { frame };
        frame.draw(canvas, area, &self.labels);
        let (low, high) = frame.x.ends();
        if let (true, Some(from), Some(to)) = (self.diagonal, frame.place((low, low)), frame.place((high, high))) {
            canvas.line(&[from, to], Stroke::new(palette::QUIET, 1.25).opacity(0.7).dashed(true));
        }
        let all: usize = self.series.iter().map(|(_, points)| points.len()).sum();
        for (index, (_, points)) in self.series.iter().enumerate() {
            let places = points.iter().filter(|point| self.fits(point)).filter_map(|&point| frame.place(point));
            draw_points(canvas, places, all, palette::series(index));
        }
        rows(canvas, &entries, (area.left + 18.0, area.top + HEADER), area.width - 40.0);
        if let Some(text) = self.left_out() {
            note(canvas, frame.right, frame.top, &text);
        }
    }

    fn text(&self) -> String {
        let counts = self.series.iter().map(|(name, points)| format!("{name} {} points", points.len()));
        let parts: Vec<String> = counts.chain(self.left_out()).map(|part| part.trim().to_owned()).collect();
        format!("{}: {}", self.labels.title, parts.join(", "))
    }
}

fn axis(values: impl Iterator<Item = f64> + Clone, log: bool) -> Axis {
    if log { Axis::log(values) } else { Axis::around(values) }
}

/// Draws few points as they are, and many as spots on a grid.
fn draw_points(canvas: &mut Canvas, places: impl Iterator<Item = (f64, f64)>, all: usize, color: Color) {
    if all <= FEW {
        return canvas.rings(places, 3.1, color);
    }
    let step = if all <= 5000 { 1.0 } else { 2.0 };
    let spots = on_grid(places, step);
    for (index, &(from, opacity)) in LEVELS.iter().enumerate() {
        let below = LEVELS.get(index + 1).map_or(usize::MAX, |next| next.0);
        let level: Vec<_> = spots.iter().filter(|spot| (from..below).contains(&spot.1)).map(|spot| spot.0).collect();
        if !level.is_empty() {
            canvas.spots(&level, 2.5 + step / 2.0, color, opacity);
        }
    }
}

/// The squares of a grid that have points, and how many.
#[allow(clippy::cast_possible_truncation)] // pictures are some thousand pixels wide
fn on_grid(places: impl Iterator<Item = (f64, f64)>, step: f64) -> Vec<((f64, f64), usize)> {
    let mut counts: HashMap<(i32, i32), usize> = HashMap::new();
    for (x, y) in places {
        *counts.entry(((x / step).round() as i32, (y / step).round() as i32)).or_default() += 1;
    }
    let mut spots: Vec<_> = counts.into_iter().collect();
    spots.sort_unstable();
    spots.into_iter().map(|((x, y), count)| ((f64::from(x) * step, f64::from(y) * step), count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_points_stay_small() {
        let wave = |index: u32| (f64::from(index) * 0.618_034).fract() * 10.0;
        let points: Vec<_> = (0..200_000).map(|index| (wave(index), wave(index * 7) + wave(index * 13))).collect();
        let chart = scatter("many").points("a", &points);
        assert!(chart.svg().len() < 400_000, "{}", chart.svg().len());
        assert_eq!(chart.text(), "many: a 200000 points");
    }

    #[test]
    fn spots_count_their_points() {
        let spots = on_grid([(1.1, 1.0), (0.9, 1.2), (5.0, 5.0)].into_iter(), 1.0);
        assert_eq!(spots, [((1.0, 1.0), 2), ((5.0, 5.0), 1)]);
    }

    #[test]
    fn the_diagonal_makes_both_axes_the_same() {
        let (x, y) = scatter("").diagonal().points("", &[(0.0, 90.0), (10.0, 100.0)]).axes();
        assert_eq!(x, y);
    }
}
