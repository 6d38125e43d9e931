//! What charts over two axes have in common: title, axes, grid, and where a value is.

use super::axis::{Axis, LABEL};
use super::canvas::{Anchor, Area, Canvas, Stroke, Type, fit, width_of};
use super::palette;

pub const TICK: Type = Type { size: LABEL, color: palette::QUIET, bold: false };
pub const TITLE: Type = Type { size: 14.0, color: palette::INK, bold: true };
/// From the top to the data of a chart with a title.
pub const HEADER: f64 = 46.0;
/// From the left to the title.
const EDGE: f64 = 18.0;

/// What is written around a chart.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Labels {
    pub title: String,
    pub x: String,
    pub y: String,
}

impl Labels {
    pub fn titled(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }
}

/// Where the data is drawn, in logical pixels.
pub struct Frame {
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
    pub x: Axis,
    pub y: Axis,
}

impl Frame {
    /// Leaves room for the labels and ticks, for `above` below the title and for `beside` right of the data.
    pub fn new(area: Area, labels: &Labels, (x, y): (Axis, Axis), above: f64, beside: f64) -> Self {
        let ticks = y.ticks.iter().map(|(_, label)| width_of(label, TICK.size)).fold(0.0, f64::max);
        let label = if labels.y.is_empty() { 0.0 } else { 16.0 };
        let below = if labels.x.is_empty() { 30.0 } else { 46.0 };
        // Half of the last tick's label is right of the data.
        let last = x.ticks.last().map_or(0.0, |(_, label)| width_of(label, TICK.size) / 2.0);
        Self {
            left: area.left + 20.0 + label + ticks,
            right: area.left + area.width - 22.0 - beside.max(last - 14.0),
            top: area.top + HEADER + above,
            bottom: area.top + area.height - below,
            x,
            y,
        }
    }

    /// The frame with data as wide as it is high.
    pub fn square(mut self) -> Self {
        let side = (self.right - self.left).min(self.bottom - self.top);
        (self.right, self.bottom) = (self.left + side, self.top + side);
        self
    }

    /// Where a point is; none if it is not on both axes.
    pub fn place(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        let (x, y) = (self.x.part(x)?, self.y.part(y)?);
        Some((self.left + x * (self.right - self.left), self.bottom - y * (self.bottom - self.top)))
    }

    /// Draws what is behind the data.
    pub fn draw(&self, canvas: &mut Canvas, area: Area, labels: &Labels) {
        title(canvas, area, &labels.title);
        self.across(canvas);
        self.upward(canvas);
        let (middle, width) = ((self.left + self.right) / 2.0, self.right - self.left);
        if !labels.x.is_empty() {
            let text = fit(&labels.x, TICK.size, width + 40.0);
            canvas.text(&text, (middle, self.bottom + 33.0), Anchor::Middle, TICK);
        }
        if !labels.y.is_empty() {
            let text = fit(&labels.y, TICK.size, self.bottom - self.top + 40.0);
            canvas.upward(&text, (area.left + 15.0, (self.top + self.bottom) / 2.0), Anchor::Middle, TICK);
        }
    }

    /// Lines across at the ticks of the axis upward.
    fn across(&self, canvas: &mut Canvas) {
        for (tick, label) in &self.y.ticks {
            let Some(part) = self.y.part(*tick) else {
                continue;
            };
            let y = self.bottom - part * (self.bottom - self.top);
            if part > 1e-9 {
                canvas.line(&[(self.left, y), (self.right, y)], Stroke::new(palette::GRID, 1.0));
            }
            canvas.text(label, (self.left - 7.0, y), Anchor::End, TICK);
        }
        let ends = [(self.left, self.bottom), (self.right, self.bottom)];
        canvas.line(&ends, Stroke::new(palette::BASE, 1.0));
    }

    /// Marks at the ticks of the axis across; as many of them are named as have room.
    fn upward(&self, canvas: &mut Canvas) {
        let widest = self.x.ticks.iter().map(|(_, label)| width_of(label, TICK.size)).fold(0.0, f64::max);
        let mut free = f64::NEG_INFINITY;
        for (tick, label) in &self.x.ticks {
            let Some(part) = self.x.part(*tick) else {
                continue;
            };
            let x = self.left + part * (self.right - self.left);
            canvas.line(&[(x, self.bottom), (x, self.bottom + 4.0)], Stroke::new(palette::BASE, 1.0));
            if x - widest / 2.0 >= free {
                canvas.text(label, (x, self.bottom + 15.0), Anchor::Middle, TICK);
                free = x + widest / 2.0 + 8.0;
            }
        }
    }
}

/// Writes the title of a chart.
pub fn title(canvas: &mut Canvas, area: Area, title: &str) {
    if !title.is_empty() {
        let text = fit(title, TITLE.size * 1.06, area.width - 2.0 * EDGE);
        canvas.text(&text, (area.left + EDGE, area.top + 22.0), Anchor::Start, TITLE);
    }
}

/// How high a [`subtitle`] is.
pub const SUBTITLE: f64 = 16.0;

/// Writes what else must be said about a chart below its title.
pub fn subtitle(canvas: &mut Canvas, area: Area, text: &str) {
    let text = fit(text, TICK.size, area.width - 2.0 * EDGE);
    canvas.text(&text, (area.left + EDGE, area.top + 41.0), Anchor::Start, TICK);
}

/// Writes what else must be said about a chart at the right of its title, above the data.
pub fn note(canvas: &mut Canvas, right: f64, top: f64, text: &str) {
    canvas.text(text, (right, top - 11.0), Anchor::End, Type { size: 10.5, ..TICK });
}
