//! Lines over steps: losses, accuracies, rates.

use super::figure::Figure;
use crate::display::{MimeBundle, Show};

/// A chart of one or more lines, each named at its end.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LineChart {
    pub(super) title: String,
    pub(super) x_label: String,
    pub(super) y_label: String,
    pub(super) log_y: bool,
    pub(super) series: Vec<Series>,
}

/// One line.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

/// A chart without lines yet.
pub fn line_chart(title: impl Into<String>) -> LineChart {
    LineChart { title: title.into(), ..LineChart::default() }
}

impl LineChart {
    /// Names the axis across.
    pub fn x_label(mut self, label: impl Into<String>) -> Self {
        self.x_label = label.into();
        self
    }

    /// Names the axis upward.
    pub fn y_label(mut self, label: impl Into<String>) -> Self {
        self.y_label = label.into();
        self
    }

    /// Makes the axis upward logarithmic; values at or below zero are then left out.
    pub fn log_y(mut self) -> Self {
        self.log_y = true;
        self
    }

    /// Adds a line through points (x, y). Points that are not finite leave a gap.
    pub fn line(mut self, name: impl Into<String>, points: &[(f64, f64)]) -> Self {
        self.series.push(Series { name: name.into(), points: points.to_vec() });
        self
    }

    /// Adds a line through values at 1, 2, 3 and so on.
    pub fn values(self, name: impl Into<String>, values: &[f64]) -> Self {
        let points: Vec<_> = (1u32..).map(f64::from).zip(values.iter().copied()).collect();
        self.line(name, &points)
    }

    /// Adds a point to a line, which is made if there is none of this name.
    pub fn push(&mut self, name: &str, x: f64, y: f64) {
        let index = self.series.iter().position(|series| series.name == name).unwrap_or_else(|| {
            self.series.push(Series { name: name.to_owned(), points: Vec::new() });
            self.series.len() - 1
        });
        self.series[index].points.push((x, y));
    }

    /// The picture as an SVG document.
    pub fn svg(&self) -> String {
        Figure::new(vec![self.clone()]).svg()
    }

    pub(super) fn text(&self) -> String {
        let ends = self.series.iter().filter_map(|series| Some((&series.name, series.points.last()?)));
        let ends: Vec<_> = ends.map(|(name, (x, y))| format!("{name} {y} at {x}")).collect();
        format!("{}: {}", self.title, ends.join(", "))
    }
}

impl Show for LineChart {
    fn show(&self) -> MimeBundle {
        MimeBundle::new().with_text(self.text()).with_svg(self.svg())
    }
}
