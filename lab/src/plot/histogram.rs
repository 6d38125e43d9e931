//! How values are distributed.

use super::axis::{Axis, LARGEST, range, short_label};
use super::canvas::{Area, Canvas, Stroke, count};
use super::chart::Draw;
use super::frame::{Frame, HEADER, Labels, note};
use super::legend::{Entry, rows, rows_height};
use super::numbers::Numbers;
use super::palette;

/// Fewer bins than this hide the shape, more show noise.
const BINS: (usize, usize) = (5, 80);

/// Counts of values in equally wide bins, the same for all series.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    pub(super) labels: Labels,
    bins: Option<usize>,
    shares: bool,
    series: Vec<Series>,
}

#[derive(Debug, Clone, PartialEq)]
struct Series {
    name: String,
    /// Those that can be drawn, in ascending order.
    values: Vec<f64>,
    left_out: usize,
}

/// A histogram without values yet.
pub fn histogram(title: impl Into<String>) -> Histogram {
    let labels = Labels { y: "count".to_owned(), ..Labels::titled(title) };
    Histogram { labels, bins: None, shares: false, series: Vec::new() }
}

impl Histogram {
    /// Adds values. Those that are NaN or infinite are left out, and their number is written on the chart.
    pub fn values(mut self, name: impl Into<String>, values: impl Into<Numbers>) -> Self {
        let Numbers(mut values) = values.into();
        let all = values.len();
        values.retain(|value| value.abs() < LARGEST);
        values.sort_by(f64::total_cmp);
        let left_out = all - values.len();
        self.series.push(Series { name: name.into(), values, left_out });
        self
    }

    /// Sets the number of bins. Without it, they are as wide as Freedman and Diaconis (1981) say: twice the
    /// interquartile range over the cube root of the count; whole numbers have bins around them.
    pub fn bins(mut self, bins: usize) -> Self {
        self.bins = Some(bins.clamp(1, 1000));
        self
    }

    /// Shows shares of each series instead of counts, so that series of different sizes can be compared.
    pub fn shares(mut self) -> Self {
        self.shares = true;
        self.labels.y = "share".to_owned();
        self
    }

    fn heights(&self, series: &Series, bins: &Bins) -> Vec<f64> {
        let total = if self.shares { count(series.values.len().max(1)) } else { 1.0 };
        bins.counts(&series.values).into_iter().map(|number| count(number) / total).collect()
    }

    fn left_out(&self) -> Option<String> {
        let number: usize = self.series.iter().map(|series| series.left_out).sum();
        (number > 0).then(|| format!("{number} not finite, left out"))
    }
}

impl Draw for Histogram {
    fn size(&self, alone: bool) -> (f64, f64) {
        let width = if alone { 560.0 } else { 410.0 };
        (width, 270.0 + rows_height(&self.entries(), width - 40.0))
    }

    fn draw(&self, canvas: &mut Canvas, area: Area) {
        let entries = self.entries();
        let bins = Bins::over(&self.series, self.bins);
        let heights: Vec<Vec<f64>> = self.series.iter().map(|series| self.heights(series, &bins)).collect();
        let y = Axis::linear(heights.iter().flatten().copied().chain([0.0]));
        let above = rows_height(&entries, area.width - 40.0);
        let frame = Frame::new(area, &self.labels, (Axis::exactly(bins.low, bins.high), y), above, 0.0);
        frame.draw(canvas, area, &self.labels);
        for (index, heights) in heights.iter().enumerate() {
            bars(canvas, &frame, &bins, heights, index, self.series.len());
        }
        rows(canvas, &entries, (area.left + 18.0, area.top + HEADER), area.width - 40.0);
        if let Some(text) = self.left_out() {
            note(canvas, frame.right, frame.top, &text);
        }
    }

    fn text(&self) -> String {
        let lines: Vec<String> = self.series.iter().map(Series::text).collect();
        format!("{}: {}", self.labels.title, lines.join("; "))
    }
}

impl Histogram {
    fn entries(&self) -> Vec<Entry> {
        self.series.iter().enumerate().map(|(index, series)| Entry::of(index, &series.name)).collect()
    }
}

/// Draws the outline of the bars and what is below it.
fn bars(canvas: &mut Canvas, frame: &Frame, bins: &Bins, heights: &[f64], index: usize, of: usize) {
    let corner = |edge: usize, height: f64| frame.place((bins.edge(edge), height));
    let steps = heights.iter().enumerate().flat_map(|(bin, &height)| [corner(bin, height), corner(bin + 1, height)]);
    let ends = [corner(0, 0.0), corner(heights.len(), 0.0)];
    let outline: Vec<_> = ends[..1].iter().copied().chain(steps).chain([ends[1]]).flatten().collect();
    let color = palette::series(index);
    canvas.surface(&outline, color, if of > 1 { 0.32 } else { 0.72 });
    if of == 1 && heights.len() <= 60 {
        for edge in 1..heights.len() {
            let low = heights[edge - 1].min(heights[edge]);
            let ends: Vec<_> = [corner(edge, 0.0), corner(edge, low)].into_iter().flatten().collect();
            canvas.line(&ends, Stroke::new(palette::PANEL, 1.0));
        }
    }
    canvas.line(&outline, Stroke::new(color, 1.5));
}

impl Series {
    fn text(&self) -> String {
        let Some((low, high)) = self.values.first().zip(self.values.last()) else {
            return format!("{} no values, {} not finite", self.name, self.left_out);
        };
        let number = count(self.values.len());
        // Divided first, so that the sum of large values is finite.
        let mean: f64 = self.values.iter().map(|value| value / number).sum();
        let median = self.quantile(0.5);
        let more = if self.left_out > 0 { format!(", {} not finite", self.left_out) } else { String::new() };
        let [low, high, mean, median] = [*low, *high, mean, median].map(short_label);
        format!("{} {number} values from {low} to {high}, mean {mean}, median {median}{more}", self.name)
    }

    /// Linear between the two values around it; the values are sorted.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a place in the list
    fn quantile(&self, share: f64) -> f64 {
        let at = share * count(self.values.len().saturating_sub(1));
        let (below, above) = (at.floor() as usize, at.ceil() as usize);
        match (self.values.get(below), self.values.get(above)) {
            (Some(low), Some(high)) => low + (high - low) * at.fract(),
            _ => f64::NAN,
        }
    }

    /// The bin width of Freedman and Diaconis; zero if half of the values are equal.
    fn width(&self) -> f64 {
        2.0 * (self.quantile(0.75) - self.quantile(0.25)) / count(self.values.len()).cbrt()
    }
}

/// Equally wide bins.
#[derive(Debug, PartialEq)]
struct Bins {
    low: f64,
    high: f64,
    number: usize,
}

impl Bins {
    fn over(series: &[Series], number: Option<usize>) -> Self {
        let ends = series.iter().flat_map(|series| [series.values.first(), series.values.last()]);
        let (low, high) = range(ends.flatten().copied()).unwrap_or((0.0, 1.0));
        let whole = series.iter().flat_map(|series| &series.values).all(|value| value.fract() == 0.0);
        if number.is_none() && whole && high - low < count(BINS.1) && high.abs().max(low.abs()) < 1e15 {
            return Self { low: low - 0.5, high: high + 0.5, number: to_whole(high - low) + 1 };
        }
        // A spread below the precision of the values is none.
        let (low, high) = if high - low > 1e-12 * high.abs().max(low.abs()) {
            (low, high)
        } else {
            let around = if low == 0.0 { 0.5 } else { 0.5 * low.abs() };
            (low - around, high + around)
        };
        let number = number.unwrap_or_else(|| suggested(series, high - low));
        Self { low, high, number }
    }

    fn edge(&self, index: usize) -> f64 {
        self.low + (self.high - self.low) * (count(index) / count(self.number))
    }

    fn counts(&self, values: &[f64]) -> Vec<usize> {
        let mut counts = vec![0; self.number];
        for value in values {
            let bin = to_whole((value - self.low) / (self.high - self.low) * count(self.number));
            counts[bin.min(self.number - 1)] += 1;
        }
        counts
    }
}

/// How many bins suit the series whose own bins are the narrowest.
fn suggested(series: &[Series], length: f64) -> usize {
    let most = series.iter().map(|series| series.values.len()).max().unwrap_or(0);
    let widths = series.iter().map(Series::width).filter(|&width| width > 0.0);
    let width = widths.fold(f64::INFINITY, f64::min);
    // Sturges' rule, where half of the values are equal.
    let number = if width.is_finite() { (length / width).ceil() } else { count(most.max(1)).log2().ceil() + 1.0 };
    to_whole(number.min(1e6)).clamp(BINS.0, BINS.1)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a number of bins, below 2^20
fn to_whole(value: f64) -> usize {
    value as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bins(values: &[f64]) -> Bins {
        Bins::over(&histogram("").values("", values).series, None)
    }

    #[test]
    fn bins_suit_the_values() {
        let spread: Vec<f64> = (0..1000).map(|index| f64::from(index) / 999.0).collect();
        // numpy 2.4.6: len(np.histogram_bin_edges(np.linspace(0, 1, 1000), bins="fd")) - 1
        assert_eq!(bins(&spread).number, 10);
        assert_eq!(bins(&[0.0, 1.0, 1.0, 4.0]), Bins { low: -0.5, high: 4.5, number: 5 });
        assert_eq!(bins(&[0.5, 0.5, 0.5]), Bins { low: 0.25, high: 0.75, number: 5 });
        let heavy: Vec<f64> = spread.iter().map(|value| (20.0 * value).exp()).collect();
        assert_eq!(bins(&heavy).number, BINS.1);
    }

    #[test]
    fn every_value_is_in_one_bin() {
        let values: Vec<f64> = (0..1000).map(|index| (f64::from(index) * 0.7).sin()).collect();
        let chart = histogram("").values("", &values);
        for number in [1, 7, 80] {
            let bins = Bins::over(&chart.series, Some(number));
            assert_eq!(bins.counts(&values).iter().sum::<usize>(), 1000);
        }
        // numpy 2.4.6: np.histogram([1, 2, 2.5, 4], bins=3)
        let bins = Bins { low: 1.0, high: 4.0, number: 3 };
        assert_eq!(bins.counts(&[1.0, 2.0, 2.5, 4.0]), [1, 2, 1]);
    }

    #[test]
    fn what_is_left_out_is_said() {
        let chart = histogram("x").values("a", &[1.0, f64::NAN, f64::INFINITY, 3.0]);
        assert!(chart.svg().contains("2 not finite, left out"));
        assert!(chart.text().contains("a 2 values from 1 to 3"), "{}", chart.text());
    }
}
