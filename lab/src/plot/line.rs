//! Lines over steps: losses, accuracies, rates.

use std::borrow::Cow;

use ::tracker::chart::smoothed;

use super::axis::Axis;
use super::canvas::{Area, Canvas};
use super::chart::Draw;
use super::frame::Labels;
use super::lines::{Line, Lines};

/// A chart of one or more lines, each named at its end.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LineChart {
    pub(super) labels: Labels,
    log_x: bool,
    log_y: bool,
    smoothing: f64,
    series: Vec<Series>,
}

/// One line.
#[derive(Debug, Clone, Default, PartialEq)]
struct Series {
    name: String,
    points: Vec<(f64, f64)>,
    /// Around the line: x, low, high.
    band: Vec<(f64, f64, f64)>,
}

/// A chart without lines yet.
pub fn line_chart(title: impl Into<String>) -> LineChart {
    LineChart { labels: Labels::titled(title), ..LineChart::default() }
}

impl LineChart {
    /// Makes the axis across logarithmic; points at or below zero are then left out.
    pub fn log_x(mut self) -> Self {
        self.log_x = true;
        self
    }

    /// Makes the axis upward logarithmic; values at or below zero are then left out.
    pub fn log_y(mut self) -> Self {
        self.log_y = true;
        self
    }

    /// Smooths each line by an exponential moving average; the line as it was stays behind it, faint. `weight`,
    /// from 0 to below 1, is that of what came before: 0.9 looks back about ten points. As in Adam (Kingma and
    /// Ba, 2015), the average is divided by 1 - weight^n, so that it does not start at zero.
    pub fn smooth(mut self, weight: f64) -> Self {
        self.smoothing = if weight.is_finite() { weight.clamp(0.0, 0.9999) } else { 0.0 };
        self
    }

    /// Adds a line through points (x, y). Points that are not finite leave a gap.
    pub fn line(mut self, name: impl Into<String>, points: &[(f64, f64)]) -> Self {
        self.series.push(Series { name: name.into(), points: points.to_vec(), band: Vec::new() });
        self
    }

    /// Adds a line through values at 1, 2, 3 and so on.
    pub fn values(self, name: impl Into<String>, values: &[f64]) -> Self {
        let points: Vec<_> = (1u32..).map(f64::from).zip(values.iter().copied()).collect();
        self.line(name, &points)
    }

    /// Adds a band (x, low, high) around the line of this name, such as a confidence interval.
    pub fn band(mut self, name: &str, band: &[(f64, f64, f64)]) -> Self {
        self.named(name).band = band.to_vec();
        self
    }

    /// Adds a point to a line, which is made if there is none of this name.
    pub fn push(&mut self, name: &str, x: f64, y: f64) {
        self.named(name).points.push((x, y));
    }

    /// The line of this name, which is made if there is none.
    fn named(&mut self, name: &str) -> &mut Series {
        let index = self.series.iter().position(|series| series.name == name).unwrap_or_else(|| {
            self.series.push(Series { name: name.to_owned(), ..Series::default() });
            self.series.len() - 1
        });
        &mut self.series[index]
    }

    /// The axes, long enough for all that is drawn.
    fn axes(&self) -> (Axis, Axis) {
        let points = || self.series.iter().flat_map(|series| series.points.iter().copied());
        let bands = || self.series.iter().flat_map(|series| series.band.iter().copied());
        let across = points().map(|(x, _)| x).chain(bands().map(|(x, ..)| x));
        let upward = points().map(|(_, y)| y).chain(bands().flat_map(|(_, low, high)| [low, high]));
        let x = if self.log_x { Axis::log(across) } else { Axis::steps(across) };
        (x, if self.log_y { Axis::log(upward) } else { Axis::linear(upward) })
    }

    fn drawn<'a>(&self, index: usize, series: &'a Series) -> Line<'a> {
        let whole = Cow::Borrowed(series.points.as_slice());
        let (points, rough) = if self.smoothing > 0.0 {
            (Cow::Owned(smoothed(&series.points, self.smoothing)), whole)
        } else {
            (whole, Cow::default())
        };
        let name = Cow::Borrowed(series.name.as_str());
        Line { name, series: index, points, rough, band: Cow::Borrowed(&series.band), ..Line::default() }
    }
}

impl Draw for LineChart {
    fn size(&self, alone: bool) -> (f64, f64) {
        (if alone { 560.0 } else { 410.0 }, 270.0)
    }

    fn draw(&self, canvas: &mut Canvas, area: Area) {
        let lines = self.series.iter().enumerate().map(|(index, series)| self.drawn(index, series)).collect();
        Lines { labels: &self.labels, axes: self.axes(), lines }.draw(canvas, area, 0.0);
    }

    fn text(&self) -> String {
        let ends = self.series.iter().filter_map(|series| Some((&series.name, series.points.last()?)));
        let ends: Vec<_> = ends.map(|(name, (x, y))| format!("{name} {y} at {x}")).collect();
        format!("{}: {}", self.labels.title, ends.join(", "))
    }
}
