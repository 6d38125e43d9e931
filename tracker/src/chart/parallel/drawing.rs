//! Draws parallel coordinates.

use crate::RunRecord;
use crate::chart::dimension::Dimension;
use crate::chart::{Picture, counted, full_name, names};
use crate::compare::Direction;
use crate::draw::axis::value_label;
use crate::draw::canvas::{Anchor, Area, Canvas, Stroke, Type, count, fit};
use crate::draw::frame::{SUBTITLE, TICK, subtitle, title};
use crate::draw::lines::{End, write_ends};
use crate::draw::palette::{self, Color};

const HEIGHT: f64 = 380.0;
/// Between two axes.
const APART: f64 = 126.0;
/// From the edges of the picture to the axes: their names are above, the names of runs to the right.
const LEFT: f64 = 84.0;
const RIGHT: f64 = 200.0;
/// The same where no run is named.
const UNNAMED: f64 = 56.0;
const TOP: f64 = 68.0;
const BOTTOM: f64 = 24.0;
/// From the end of an axis down to the runs that have no place on it.
const NONE: f64 = 22.0;
/// With more runs than this, none is named on the picture.
const NAMED: usize = 18;
/// Parts of the axis of the metric, each of its own colour.
const SHADES: usize = 48;

const LABEL: Type = Type { size: 12.0, color: palette::INK, bold: true };

/// What is drawn.
pub(super) struct Drawing<'a> {
    pub(super) runs: &'a [RunRecord],
    pub(super) axes: Vec<Dimension>,
    pub(super) metric: Dimension,
    pub(super) direction: Direction,
    /// How many parameters there is no room for.
    pub(super) more: usize,
}

/// Where the axes are.
struct View {
    left: f64,
    top: f64,
    bottom: f64,
}

impl View {
    fn x(&self, index: usize) -> f64 {
        self.left + APART * count(index)
    }

    fn y(&self, part: f64) -> f64 {
        self.bottom - part * (self.bottom - self.top)
    }

    /// Where a run is on an axis, or below it.
    fn place(&self, index: usize, dimension: &Dimension, run: usize) -> (f64, f64) {
        (self.x(index), dimension.part(run).map_or(self.bottom + NONE, |part| self.y(part)))
    }
}

impl Drawing<'_> {
    pub(super) fn picture(&self) -> Picture {
        let notes = self.notes();
        let above = if notes.is_empty() { 0.0 } else { SUBTITLE };
        let named = self.runs.len() <= NAMED;
        let right = if named { RIGHT } else { UNNAMED };
        let size = (LEFT + count(self.axes.len()) * APART + right, HEIGHT + above);
        let heading = format!("{} by {}", self.metric.name, self.names());
        Picture::new(size, format!("{heading}: {}", counted(self.runs.len(), "run")), |canvas, area| {
            title(canvas, area, &heading);
            subtitle(canvas, area, &notes);
            let view = View {
                left: area.left + LEFT,
                top: area.top + TOP + above,
                bottom: area.top + area.height - BOTTOM - NONE,
            };
            let order = self.worst_first();
            order.iter().for_each(|run| self.draw_run(canvas, &view, *run));
            self.dimensions().enumerate().for_each(|(index, dimension)| draw_axis(canvas, &view, index, dimension));
            self.draw_shades(canvas, &view);
            if named {
                self.write_names(canvas, &view, area, &order);
            }
        })
    }

    fn dimensions(&self) -> impl Iterator<Item = &Dimension> {
        self.axes.iter().chain([&self.metric])
    }

    fn names(&self) -> String {
        self.axes.iter().map(|dimension| dimension.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// What is not seen by itself: which runs lack what, what is left out.
    fn notes(&self) -> String {
        let lacking = self.dimensions().filter(|dimension| dimension.missing() > 0);
        let lacking: Vec<&str> = lacking.map(|dimension| dimension.name.as_str()).collect();
        let mut notes = Vec::new();
        if !lacking.is_empty() {
            notes.push(format!("below an axis: runs without {}", lacking.join(", ")));
        }
        if self.more > 0 {
            notes.push(format!("{} more differ", counted(self.more, "parameter")));
        }
        notes.join(" · ")
    }

    /// How good a run is, from 0 to 1, by its place on the axis of the metric.
    fn share(&self, part: f64) -> f64 {
        if self.direction == Direction::Lower { 1.0 - part } else { part }
    }

    fn color(&self, run: usize) -> Color {
        match self.metric.part(run) {
            None => palette::BASE,
            Some(_) if self.metric.named => palette::series(self.category(run)),
            Some(part) => palette::graded(self.share(part)),
        }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // the number of a name
    fn category(&self, run: usize) -> usize {
        self.metric.places[run].unwrap_or(0.0) as usize
    }

    /// The runs in the order in which they are drawn: the best one covers the others.
    fn worst_first(&self) -> Vec<usize> {
        let share = |run: usize| self.metric.part(run).map_or(-1.0, |part| self.share(part));
        let mut order: Vec<usize> = (0..self.runs.len()).collect();
        order.sort_by(|a, b| share(*a).total_cmp(&share(*b)));
        order
    }

    fn draw_run(&self, canvas: &mut Canvas, view: &View, run: usize) {
        let values =
            self.dimensions().map(|dimension| format!("{} = {}", dimension.name, dimension.text(&self.runs[run])));
        let said = format!("{}\n{}", full_name(&self.runs[run], &[]), values.collect::<Vec<_>>().join("\n"));
        let places: Vec<_> =
            self.dimensions().enumerate().map(|(index, dimension)| view.place(index, dimension, run)).collect();
        let (width, opacity) = match self.runs.len() {
            0..=20 => (2.0, 0.9),
            21..=100 => (1.5, 0.65),
            _ => (1.0, 0.4),
        };
        canvas.titled(&said, |canvas| canvas.line(&places, Stroke::new(self.color(run), width).opacity(opacity)));
    }

    /// Colours the axis of the metric, which so says what the colours of the lines mean.
    fn draw_shades(&self, canvas: &mut Canvas, view: &View) {
        if self.metric.named {
            return;
        }
        let x = view.x(self.axes.len());
        for shade in 0..SHADES {
            let (low, high) = (count(shade) / count(SHADES), count(shade + 1) / count(SHADES));
            let color = palette::graded(self.share((low + high) / 2.0));
            // Over the edge of the one before, or the ground shines through.
            canvas.fill((x - 3.0, view.y(low) + 0.5 * f64::from(shade > 0)), (x + 3.0, view.y(high)), color);
        }
    }

    /// The names of the runs and their metric, the best ones if there is not room for all.
    fn write_names(&self, canvas: &mut Canvas, view: &View, area: Area, order: &[usize]) {
        let names = names(self.runs);
        let end = |run: &usize| {
            let (_, y) = view.place(self.axes.len(), &self.metric, *run);
            let place = self.metric.places[*run];
            let value = place.filter(|_| !self.metric.named).map(value_label).unwrap_or_default();
            End { y, name: names[*run].clone(), value, color: palette::INK }
        };
        let ends: Vec<End> = order.iter().rev().map(end).collect();
        let left = view.x(self.axes.len()) + 4.0;
        let width = area.left + area.width - 8.0 - left;
        write_ends(canvas, Area { left, top: view.top, width, height: view.bottom + NONE - view.top }, &ends);
    }
}

/// An axis with its name above, its marks left of it, and below it the number of runs without a place on it.
fn draw_axis(canvas: &mut Canvas, view: &View, index: usize, dimension: &Dimension) {
    let x = view.x(index);
    canvas.line(&[(x, view.top), (x, view.bottom)], Stroke::new(palette::QUIET, 1.0));
    let label = fit(&dimension.label, LABEL.size * 1.06, APART - 12.0);
    canvas.titled(&dimension.label, |canvas| canvas.text(&label, (x, view.top - 16.0), Anchor::Middle, LABEL));
    for (tick, text) in &dimension.axis.ticks {
        if let Some(part) = dimension.axis.part(*tick) {
            let y = view.y(part);
            canvas.line(&[(x - 4.0, y), (x, y)], Stroke::new(palette::QUIET, 1.0));
            canvas.text_over(text, (x - 7.0, y), Anchor::End, TICK);
        }
    }
    let missing = dimension.missing();
    if missing > 0 {
        canvas.text_over(&format!("none: {missing}"), (x - 7.0, view.bottom + NONE), Anchor::End, TICK);
    }
}
