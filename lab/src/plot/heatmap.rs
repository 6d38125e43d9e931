//! A matrix as colours, and the correlations of a frame's columns.

use super::axis::{Axis, range, short_label};
use super::canvas::{Anchor, Area, Canvas, count, fit, width_of};
use super::cells::{Cell, Cells, Names, block};
use super::chart::Draw;
use super::frame::{HEADER, Labels, TICK, title};
use super::numbers::Numbers;
use super::palette::{self, Color};
use super::pixels::pixels;
use super::save::PlotError;

/// The side of the largest matrix, in logical pixels.
const SIDE: f64 = 420.0;

/// A matrix as coloured cells, with a bar that says which colour is which value.
#[derive(Debug, Clone, PartialEq)]
pub struct Heatmap {
    pub(super) labels: Labels,
    rows: Names,
    columns: Names,
    values: Vec<f64>,
    diverging: bool,
    ends: Option<(f64, f64)>,
}

/// Draws `values`, row after row. `rows` and `columns` are their names, or how many there are. Values that are
/// NaN are grey. Of more than 200 rows or columns, the means of blocks are drawn.
///
/// # Errors
/// When there are not as many values as cells.
pub fn heatmap(
    title: impl Into<String>,
    rows: impl Into<Names>,
    columns: impl Into<Names>,
    values: impl Into<Numbers>,
) -> Result<Heatmap, PlotError> {
    Heatmap::new(title.into(), rows.into(), columns.into(), values.into().0)
}

impl Heatmap {
    pub(super) fn new(title: String, rows: Names, columns: Names, values: Vec<f64>) -> Result<Self, PlotError> {
        if values.len() != rows.len() * columns.len() {
            let what =
                format!("{} rows and {} columns need {} values", rows.len(), columns.len(), rows.len() * columns.len());
            return Err(PlotError::Shape { what: format!("{what}, but there are {}", values.len()) });
        }
        let labels = Labels::titled(title);
        Ok(Self { labels, rows, columns, values, diverging: false, ends: None })
    }

    /// Colours values below zero blue and above it orange, both equally strong; zero is white.
    pub fn diverging(mut self) -> Self {
        self.diverging = true;
        self
    }

    /// Sets which values have the colours at the ends; what is beyond them looks like them. Ends that are not
    /// finite or not in order are passed over.
    pub fn range(mut self, low: f64, high: f64) -> Self {
        self.ends = (low < high && low.is_finite() && high.is_finite()).then_some((low, high));
        self
    }

    /// The values at a place: one, or the mean of a block of them, without those that are NaN.
    fn merged(&self, (high, wide): (usize, usize)) -> Vec<f64> {
        if (high, wide) == (1, 1) {
            return self.values.clone();
        }
        let (across, down) = (self.columns.len().div_ceil(wide), self.rows.len().div_ceil(high));
        let mut sums = vec![(0.0, 0.0); across * down];
        for (index, &value) in self.values.iter().enumerate().filter(|(_, value)| value.is_finite()) {
            let (row, column) = (index / self.columns.len(), index % self.columns.len());
            let (sum, number) = &mut sums[row / high * across + column / wide];
            (*sum, *number) = (*sum + value, *number + 1.0);
        }
        sums.into_iter().map(|(sum, number)| sum / number).collect()
    }

    fn drawn(&self) -> (Cells, Scale) {
        let blocks = (block(self.rows.len()), block(self.columns.len()));
        let values = self.merged(blocks);
        let scale = Scale::over(&values, self.diverging, self.ends);
        let single = blocks == (1, 1);
        let decimals = decimals(&values);
        let cells = values.iter().map(|&value| Cell {
            color: scale.color(value),
            text: if single { written(value, decimals) } else { String::new() },
            bold: false,
        });
        (Cells::new(&self.rows, &self.columns, blocks, cells.collect(), SIDE), scale)
    }

    fn note(&self) -> Option<String> {
        let (high, wide) = (block(self.rows.len()), block(self.columns.len()));
        (high * wide > 1).then(|| format!("each cell is the mean of {high} × {wide} values"))
    }

    /// From the left edge to the cells, and from the cells to the bottom.
    fn margins(&self, cells: &Cells) -> (f64, f64) {
        let label = |label: &str| if label.is_empty() { 0.0 } else { 16.0 };
        (18.0 + label(&self.labels.y) + cells.left(), cells.below() + label(&self.labels.x) + 10.0)
    }
}

impl Draw for Heatmap {
    fn size(&self, _: bool) -> (f64, f64) {
        let (cells, scale) = self.drawn();
        let ((width, height), (left, below)) = (cells.size(), self.margins(&cells));
        let note = if self.note().is_some() { 16.0 } else { 0.0 };
        ((left + width + scale.width() + 18.0).max(240.0), HEADER + height.max(60.0) + below + note)
    }

    fn draw(&self, canvas: &mut Canvas, area: Area) {
        title(canvas, area, &self.labels.title);
        let (cells, scale) = self.drawn();
        let ((width, height), (margin, below)) = (cells.size(), self.margins(&cells));
        let (left, top) = (area.left + margin, area.top + HEADER);
        cells.draw(canvas, (left, top));
        cells.name_rows(canvas, (left, top));
        cells.name_columns(canvas, (left, top + height));
        scale.draw(canvas, (left + width + 16.0, top), height);
        let middle = (left + width / 2.0, top + height / 2.0);
        if !self.labels.x.is_empty() {
            let text = fit(&self.labels.x, TICK.size, width.max(120.0));
            canvas.text(&text, (middle.0, top + height + below - 14.0), Anchor::Middle, TICK);
        }
        if !self.labels.y.is_empty() {
            let text = fit(&self.labels.y, TICK.size, height.max(120.0));
            canvas.upward(&text, (area.left + 16.0, middle.1), Anchor::Middle, TICK);
        }
        if let Some(note) = self.note() {
            canvas.text(&note, (left, top + height.max(60.0) + below + 2.0), Anchor::Start, TICK);
        }
    }

    fn text(&self) -> String {
        let (rows, columns) = (self.rows.len(), self.columns.len());
        let missing = self.values.iter().filter(|value| !value.is_finite()).count();
        let more = if missing > 0 { format!(", {missing} not finite") } else { String::new() };
        let range = range(self.values.iter().copied());
        let range = range.map_or("no values".to_owned(), |(low, high)| {
            format!("values from {} to {}", short_label(low), short_label(high))
        });
        format!("{}: {rows} rows × {columns} columns, {range}{more}", self.labels.title)
    }
}

/// Which colour a value has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    diverging: bool,
}

impl Scale {
    /// From the least to the greatest value, or between the ends that are given.
    pub(super) fn over(values: &[f64], diverging: bool, ends: Option<(f64, f64)>) -> Self {
        let (low, high) = ends.or_else(|| range(values.iter().copied())).unwrap_or((0.0, 1.0));
        let (low, high) = match (diverging && ends.is_none(), low.abs().max(high.abs())) {
            (true, most) => (-most, most),
            (false, _) => (low, high),
        };
        // Values that are all equal are in the middle.
        let around = if high - low > 1e-12 * high.abs().max(low.abs()) { 0.0 } else { 0.5 * low.abs().max(1.0) };
        Self { low: low - around, high: high + around, diverging }
    }

    pub(super) fn color(&self, value: f64) -> Color {
        if value.is_nan() {
            return palette::NONE;
        }
        let share = (value.clamp(self.low, self.high) - self.low) / (self.high - self.low);
        if self.diverging { palette::diverging(share) } else { palette::blues(share) }
    }

    fn ticks(&self) -> Vec<(f64, String)> {
        let axis = Axis::exactly(self.low, self.high);
        let every = axis.ticks.len().div_ceil(6).max(1);
        axis.ticks.into_iter().step_by(every).collect()
    }

    /// How wide the bar and its labels are, with the space before.
    pub(super) fn width(&self) -> f64 {
        28.0 + 6.0 + self.ticks().iter().map(|(_, label)| width_of(label, TICK.size)).fold(0.0, f64::max)
    }

    /// Draws the bar of colours, high values at the top.
    pub(super) fn draw(&self, canvas: &mut Canvas, (left, top): (f64, f64), height: f64) {
        let height = height.clamp(60.0, 180.0);
        let steps = 64;
        let value = |step: usize| self.high - (self.high - self.low) * (count(step) + 0.5) / count(steps);
        let colors: Vec<Color> = (0..steps).map(|step| self.color(value(step))).collect();
        pixels(canvas, Area { left, top, width: 12.0, height }, 1, &colors);
        for (tick, label) in self.ticks() {
            let y = top + height * (1.0 - (tick - self.low) / (self.high - self.low));
            canvas.text(&label, (left + 18.0, y), Anchor::Start, TICK);
        }
    }
}

/// How many decimals tell values of this size apart; none for whole numbers.
fn decimals(values: &[f64]) -> usize {
    let finite = || values.iter().filter(|value| value.is_finite());
    let most = finite().map(|value| value.abs()).fold(0.0, f64::max);
    match most {
        _ if finite().all(|value| value.fract() == 0.0) => 0,
        most if most >= 100.0 => 0,
        most if most >= 10.0 => 1,
        _ => 2,
    }
}

fn written(value: f64, decimals: usize) -> String {
    match value.abs() {
        size if !size.is_finite() => String::new(),
        size if size >= 1e5 || (size > 0.0 && size < 5e-3) && decimals > 0 => format!("{value:.0e}"),
        // Adding 0 makes -0 a 0.
        _ => format!("{:.decimals$}", value + 0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_colours() {
        let scale = Scale::over(&[-1.0, f64::NAN, 3.0], true, None);
        assert_eq!(scale.color(0.0), palette::diverging(0.5));
        assert_eq!(scale.color(f64::NAN), palette::NONE);
        assert_eq!(scale.color(f64::INFINITY), palette::diverging(1.0));
        assert_eq!(Scale::over(&[2.0, 4.0], false, None).color(3.0), palette::blues(0.5));
        assert_eq!(Scale::over(&[2.0, 2.0], false, None).color(2.0), palette::blues(0.5));
    }

    #[test]
    fn large_matrices_are_merged() {
        let values: Vec<f64> = (0..400 * 300).map(|index| f64::from(index % 300)).collect();
        let chart = heatmap("large", 400, 300, &values).expect("a heat map");
        let merged = chart.merged((2, 2));
        assert_eq!((merged.len(), merged[0], merged[1]), (200 * 150, 0.5, 2.5));
        assert!(chart.svg().contains("each cell is the mean of 2 × 2 values"));
        assert!(chart.svg().len() < 200_000, "{}", chart.svg().len());
    }

    #[test]
    fn the_number_of_values_is_checked() {
        let error = heatmap("", &["a", "b"], 3, &[1.0; 5]).expect_err("five values").to_string();
        assert_eq!(error, "2 rows and 3 columns need 6 values, but there are 5");
    }

    #[test]
    fn values_are_written_in_cells() {
        let svg = heatmap("", 1, &["a", "b", "c"], &[0.25, -0.5, f64::NAN]).expect("a heat map").svg();
        assert!(svg.contains(">0.25</text>") && svg.contains(">-0.50</text>") && !svg.contains("NaN"), "{svg}");
    }
}
