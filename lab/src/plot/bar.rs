//! A value for each of several names: class counts, feature importance.

use super::axis::{Axis, LARGEST, range, short_label};
use super::canvas::{Anchor, Area, Canvas, Stroke, Type, count, fit, width_of};
use super::chart::Draw;
use super::frame::{HEADER, Labels, TICK, title};
use super::palette;

/// More bars than this are not drawn; how many there are is said.
const MOST: usize = 40;
const LINE: f64 = 22.0;
const NAME: f64 = 11.5;
/// The widest that names may be.
const NAMES: f64 = 190.0;

/// Bars from left to right, one below the other.
#[derive(Debug, Clone, PartialEq)]
pub struct BarChart {
    pub(super) labels: Labels,
    sorted: bool,
    bars: Vec<(String, f64)>,
}

/// A chart without bars yet.
pub fn bar_chart(title: impl Into<String>) -> BarChart {
    BarChart { labels: Labels::titled(title), sorted: false, bars: Vec::new() }
}

impl BarChart {
    /// Adds a bar.
    pub fn bar(mut self, name: impl Into<String>, value: f64) -> Self {
        self.bars.push((name.into(), value));
        self
    }

    /// Adds a bar for each name, as far as there are values.
    pub fn bars<S: AsRef<str>>(mut self, names: &[S], values: &[f64]) -> Self {
        let names = names.iter().map(|name| name.as_ref().to_owned());
        self.bars.extend(names.zip(values.iter().copied()));
        self
    }

    /// Puts the longest bar first. Of more than 40, the longest 40 are then drawn, else the first 40.
    pub fn sorted(mut self) -> Self {
        self.sorted = true;
        self
    }

    /// The bars that are drawn.
    fn shown(&self) -> Vec<&(String, f64)> {
        let mut bars: Vec<_> = self.bars.iter().collect();
        if self.sorted {
            // What is not finite comes last.
            let key = |value: f64| if value.abs() < LARGEST { value } else { f64::NEG_INFINITY };
            bars.sort_by(|a, b| key(b.1).total_cmp(&key(a.1)));
        }
        bars.truncate(MOST);
        bars
    }

    fn more(&self) -> Option<String> {
        (self.bars.len() > MOST).then(|| format!("and {} more", self.bars.len() - MOST))
    }
}

impl Draw for BarChart {
    fn size(&self, alone: bool) -> (f64, f64) {
        let lines = count(self.shown().len().max(1) + usize::from(self.more().is_some()));
        let label = if self.labels.x.is_empty() { 0.0 } else { 24.0 };
        (if alone { 560.0 } else { 410.0 }, HEADER + lines * LINE + 16.0 + label)
    }

    fn draw(&self, canvas: &mut Canvas, area: Area) {
        title(canvas, area, &self.labels.title);
        let shown = self.shown();
        let row = Row::new(area, &shown, !self.labels.y.is_empty());
        let top = area.top + HEADER;
        for (index, (name, value)) in shown.iter().enumerate() {
            row.draw(canvas, top + LINE * (count(index) + 0.5) - 4.0, name, *value);
        }
        let bottom = top + LINE * count(shown.len()) - 4.0;
        canvas.line(&[(row.place(0.0), top - 4.0), (row.place(0.0), bottom)], Stroke::new(palette::BASE, 1.0));
        if let Some(more) = self.more() {
            canvas.text(&more, (row.names, bottom + LINE / 2.0), Anchor::End, TICK);
        }
        if !self.labels.x.is_empty() {
            let end = bottom + LINE * count(usize::from(self.more().is_some())) + 13.0;
            canvas.text(&self.labels.x, ((row.left + row.right) / 2.0, end), Anchor::Middle, TICK);
        }
        if !self.labels.y.is_empty() {
            canvas.upward(&self.labels.y, (area.left + 15.0, (top + bottom) / 2.0), Anchor::Middle, TICK);
        }
    }

    fn text(&self) -> String {
        let bars = self.shown().into_iter().map(|(name, value)| format!("{name} {value}"));
        format!("{}: {}", self.labels.title, bars.chain(self.more()).collect::<Vec<_>>().join(", "))
    }
}

/// Where bars are from left to right.
struct Row {
    left: f64,
    right: f64,
    /// Where names end.
    names: f64,
    axis: Axis,
}

impl Row {
    fn new(area: Area, bars: &[&(String, f64)], named: bool) -> Self {
        let names = bars.iter().map(|(name, _)| width_of(name, NAME)).fold(0.0, f64::max).min(NAMES);
        let (low, high) = range(bars.iter().map(|bar| bar.1).chain([0.0])).unwrap_or((0.0, 1.0));
        let axis = Axis::exactly(low, if high > low { high } else { low + 1.0 });
        // The values stand beyond the ends of the bars.
        let values = |negative: bool| {
            let side = bars.iter().filter(|bar| (bar.1 < 0.0) == negative);
            side.map(|bar| width_of(&written(bar.1), NAME)).fold(0.0, f64::max)
        };
        let label = if named { 16.0 } else { 0.0 };
        let below_zero = if low < 0.0 { values(true) + 6.0 } else { 0.0 };
        let names = area.left + 18.0 + label + names;
        Self { left: names + 8.0 + below_zero, right: area.left + area.width - 24.0 - values(false), names, axis }
    }

    fn place(&self, value: f64) -> f64 {
        self.left + self.axis.part(value).unwrap_or(0.0) * (self.right - self.left)
    }

    fn draw(&self, canvas: &mut Canvas, y: f64, name: &str, value: f64) {
        let look = Type { size: NAME, color: palette::INK, bold: false };
        canvas.text(&fit(name, NAME, NAMES), (self.names, y), Anchor::End, look);
        let zero = self.place(0.0);
        let end = if value.abs() < LARGEST { self.place(value) } else { zero };
        let color = palette::series(usize::from(value < 0.0));
        canvas.fill((zero, y - 8.0), (end, y + 8.0), color);
        let look = Type { color: palette::QUIET, ..look };
        let (at, anchor) = if value < 0.0 { (end - 6.0, Anchor::End) } else { (end + 6.0, Anchor::Start) };
        canvas.text(&written(value), (at, y), anchor, look);
    }
}

fn written(value: f64) -> String {
    if value.is_finite() { short_label(value) } else { "not finite".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bars_come_first() {
        let names: Vec<String> = (0..1000).map(|index| format!("class {index}")).collect();
        let values: Vec<f64> = (0..1000).map(f64::from).collect();
        let chart = bar_chart("classes").bars(&names, &values).bar("odd", f64::NAN).sorted();
        assert!(chart.text().starts_with("classes: class 999 999, class 998 998, "), "{}", chart.text());
        assert!(chart.text().ends_with("class 960 960, and 961 more"), "{}", chart.text());
        assert!(chart.svg().contains(">and 961 more</text>"));
        let signs = bar_chart("").bar("a", -1.0).bar("b", 2.0).bar("c", f64::NAN).sorted();
        assert_eq!(signs.text(), ": b 2, a -1, c NaN");
        assert!(signs.svg().contains(">not finite</text>"));
    }
}
