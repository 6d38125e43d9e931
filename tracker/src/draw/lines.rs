//! Lines over two axes: bands, lines as they were behind lines made smooth, and names at their ends.

use std::borrow::Cow;

use super::axis::{Axis, value_label};
use super::canvas::{Anchor, Area, Canvas, Stroke, Type, count, fit, width_of};
use super::frame::{Frame, Labels, TICK};
use super::palette::{self, Color};
use super::thin::stretches;

const NAME: f64 = 11.5;
/// The least space between the names of two lines.
const APART: f64 = 15.0;
/// Lines with at most this many points show each of them.
const DOTS: usize = 40;
/// With more lines than this, they are thinner and show no points.
const FEW: usize = 7;
/// What part of the picture names may take.
const NAMES: f64 = 0.36;

/// A chart of lines.
pub struct Lines<'a> {
    /// What is written around it.
    pub labels: &'a Labels,
    /// The axes, across and upward.
    pub axes: (Axis, Axis),
    /// From the one drawn first, which others may cover.
    pub lines: Vec<Line<'a>>,
}

/// One line.
#[derive(Default)]
pub struct Line<'a> {
    /// Written at its end; cut where it is long.
    pub name: Cow<'a, str>,
    /// Written after the name.
    pub note: String,
    /// Said where a pointer rests on it.
    pub title: Option<String>,
    /// Its number, which gives it its colour.
    pub series: usize,
    /// What it goes through. What has no place leaves a gap.
    pub points: Cow<'a, [(f64, f64)]>,
    /// The line before it was smoothed.
    pub rough: Cow<'a, [(f64, f64)]>,
    /// Around it: x, low, high.
    pub band: Cow<'a, [(f64, f64, f64)]>,
}

impl Lines<'_> {
    /// Draws it, leaving room of a height of `above` below the title.
    pub fn draw(&self, canvas: &mut Canvas, area: Area, above: f64) {
        let names = self.lines.iter().map(|line| width_of(&line.end(), NAME)).fold(0.0, f64::max);
        let frame = Frame::new(area, self.labels, self.axes.clone(), above, names.min(area.width * NAMES));
        frame.draw(canvas, area, self.labels);
        self.lines.iter().for_each(|line| line.draw_band(canvas, &frame));
        let few = self.lines.len() <= FEW;
        for line in self.lines.iter().filter(|line| !line.rough.is_empty()) {
            line.titled(canvas, |canvas| line.draw_rough(canvas, &frame));
        }
        for line in &self.lines {
            line.titled(canvas, |canvas| line.draw(canvas, &frame, few));
        }
        let (left, top) = (frame.right, frame.top);
        let beside = Area { left, top, width: area.left + area.width - 8.0 - left, height: frame.bottom - top };
        write_ends(canvas, beside, &self.ends(&frame));
    }

    /// What is written where at the right of the frame.
    fn ends(&self, frame: &Frame) -> Vec<End> {
        let mut ends = Vec::new();
        for line in &self.lines {
            if let Some((_, y)) = line.points.iter().rev().find_map(|&point| frame.place(point)) {
                ends.push(End { y, name: line.name.to_string(), value: line.tail(), color: line.color() });
            }
        }
        ends
    }
}

impl Line<'_> {
    fn color(&self) -> Color {
        palette::series(self.series)
    }

    /// Its last value.
    fn value(&self) -> String {
        self.points.iter().rev().map(|&(_, y)| y).find(|y| y.is_finite()).map(value_label).unwrap_or_default()
    }

    /// What is written after its name.
    fn tail(&self) -> String {
        format!("{} {}", self.note, self.value()).trim().to_owned()
    }

    fn end(&self) -> String {
        format!("{} {}", self.name, self.tail()).trim().to_owned()
    }

    fn draw_band(&self, canvas: &mut Canvas, frame: &Frame) {
        let lows = self.band.iter().map(|&(x, low, high)| frame.place((x, high)).and(frame.place((x, low))));
        let highs = self.band.iter().map(|&(x, low, high)| frame.place((x, low)).and(frame.place((x, high))));
        for (low, high) in stretches(lows).into_iter().zip(stretches(highs)) {
            let around: Vec<_> = low.into_iter().chain(high.into_iter().rev()).collect();
            canvas.surface(&around, self.color(), 0.16);
        }
    }

    fn titled(&self, canvas: &mut Canvas, draw: impl FnOnce(&mut Canvas)) {
        match &self.title {
            Some(title) => canvas.titled(title, draw),
            None => draw(canvas),
        }
    }

    fn draw_rough(&self, canvas: &mut Canvas, frame: &Frame) {
        let faint = Stroke::new(self.color(), 1.0).opacity(0.3);
        for stretch in stretches(self.rough.iter().map(|&point| frame.place(point))) {
            canvas.line(&stretch, faint);
        }
    }

    fn draw(&self, canvas: &mut Canvas, frame: &Frame, few: bool) {
        let (color, dashed) = (self.color(), palette::dashed(self.series));
        let stroke = Stroke::new(color, if few { 2.0 } else { 1.25 }).dashed(dashed);
        let drawn = stretches(self.points.iter().map(|&point| frame.place(point)));
        for stretch in &drawn {
            if stretch.len() > 1 {
                canvas.line(stretch, stroke);
            }
            if stretch.len() == 1 || (self.points.len() <= DOTS && self.rough.is_empty() && few) {
                stretch.iter().for_each(|&place| canvas.dot(place, 2.25, color));
            }
        }
        if let Some(&last) = drawn.last().and_then(|stretch| stretch.last()) {
            canvas.dot(last, 3.25, color);
        }
    }
}

/// What is written at the end of a line.
pub struct End {
    /// Where the line ends.
    pub y: f64,
    pub name: String,
    /// Written after the name, and never cut.
    pub value: String,
    pub color: Color,
}

/// Writes what is at the ends of lines in the area beside them, moved apart where it would overlap; as much as there
/// is room for, the first ones first.
pub fn write_ends(canvas: &mut Canvas, area: Area, ends: &[End]) {
    let (left, bottom) = (area.left + 11.0, area.top + area.height);
    let room = room(area.top, bottom);
    let shown = if ends.len() > room { room - 1 } else { ends.len() };
    if shown < ends.len() {
        let more = format!("and {} more", ends.len() - shown);
        canvas.text(&more, (left, bottom), Anchor::Start, TICK);
    }
    let mut places: Vec<_> = ends.iter().take(shown).enumerate().map(|(index, end)| (end.y, end.y, index)).collect();
    places.sort_by(|a, b| a.0.total_cmp(&b.0));
    apart(&mut places, area.top, bottom - if shown < ends.len() { APART } else { 0.0 });
    for (y, at, index) in places {
        let End { name, value, color, .. } = &ends[index];
        if (y - at).abs() > 4.0 {
            let stroke = Stroke::new(*color, 1.0).opacity(0.45);
            canvas.line(&[(area.left + 3.0, at), (area.left + 9.0, y)], stroke);
        }
        let name = fit(name, NAME, area.width - 11.0 - width_of(&format!(" {value}"), NAME));
        let look = Type { size: NAME, color: *color, bold: false };
        canvas.text(format!("{name} {value}").trim(), (left, y), Anchor::Start, look);
    }
}

/// How many names have room between top and bottom; at least one.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a few
fn room(top: f64, bottom: f64) -> usize {
    ((bottom - top) / APART).max(0.0) as usize + 1
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
