//! Lines over steps: losses, accuracies, rates.

use super::axis::Axis;
use super::frame::Labels;

/// A chart of one or more lines, each named at its end.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LineChart {
    pub(super) labels: Labels,
    log_x: bool,
    log_y: bool,
    smoothing: f64,
    pub(super) series: Vec<Series>,
}

/// One line.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
    /// Around the line: x, low, high.
    pub(super) band: Vec<(f64, f64, f64)>,
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
    pub(super) fn axes(&self) -> (Axis, Axis) {
        let points = || self.series.iter().flat_map(|series| series.points.iter().copied());
        let bands = || self.series.iter().flat_map(|series| series.band.iter().copied());
        let across = points().map(|(x, _)| x).chain(bands().map(|(x, ..)| x));
        let upward = points().map(|(_, y)| y).chain(bands().flat_map(|(_, low, high)| [low, high]));
        let x = if self.log_x { Axis::log(across) } else { Axis::steps(across) };
        (x, if self.log_y { Axis::log(upward) } else { Axis::linear(upward) })
    }

    /// The points of a line after smoothing; none if nothing is smoothed.
    pub(super) fn smoothed(&self, series: &Series) -> Option<Vec<(f64, f64)>> {
        (self.smoothing > 0.0).then(|| smoothed(&series.points, self.smoothing))
    }
}

/// The moving average; a value that is not finite stays as it is and is passed over.
fn smoothed(points: &[(f64, f64)], weight: f64) -> Vec<(f64, f64)> {
    let (mut sum, mut share) = (0.0, 0.0);
    let average = |&(x, y): &(f64, f64)| {
        if !y.is_finite() {
            return (x, y);
        }
        sum = weight * sum + (1.0 - weight) * y;
        share = weight * share + (1.0 - weight);
        (x, sum / share)
    };
    points.iter().map(average).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothing_is_an_average_without_a_start_from_zero() {
        // pandas 3.1.1: Series([4, 2, nan, 1]).ewm(alpha=0.5, adjust=True, ignore_na=True).mean()
        let points = [(1.0, 4.0), (2.0, 2.0), (3.0, f64::NAN), (4.0, 1.0)];
        let values: Vec<f64> = smoothed(&points, 0.5).iter().map(|point| point.1).collect();
        assert_eq!(values[0], 4.0);
        assert!((values[1] - 8.0 / 3.0).abs() < 1e-12 && values[2].is_nan(), "{values:?}");
        assert!((values[3] - 12.0 / 7.0).abs() < 1e-12, "{values:?}");
    }
}
