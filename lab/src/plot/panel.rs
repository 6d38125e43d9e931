//! Draws a chart of lines: bands, lines, and their names at their ends.

use super::axis::value_label;
use super::canvas::{Anchor, Area, Canvas, Stroke, Type, count, fit, width_of};
use super::chart::Draw;
use super::frame::{Frame, TICK};
use super::line::{LineChart, Series};
use super::palette::{self, Color};
use super::thin::stretches;

const NAME: f64 = 11.5;
/// The least space between the names of two lines.
const APART: f64 = 15.0;
/// Lines with at most this many points show each of them.
const DOTS: usize = 40;
/// With more lines than this, they are thinner and show no points.
const FEW: usize = 7;

impl Draw for LineChart {
    fn size(&self, alone: bool) -> (f64, f64) {
        (if alone { 560.0 } else { 410.0 }, 270.0)
    }

    fn draw(&self, canvas: &mut Canvas, area: Area) {
        let lines: Vec<Line<'_>> =
            self.series.iter().enumerate().map(|(index, series)| Line::new(self, index, series)).collect();
        let names = lines.iter().map(|line| width_of(&line.end, NAME)).fold(0.0, f64::max);
        let frame = Frame::new(area, &self.labels, self.axes(), 0.0, names.min(area.width * 0.36));
        frame.draw(canvas, area, &self.labels);
        lines.iter().for_each(|line| line.band(canvas, &frame));
        lines.iter().for_each(|line| line.draw(canvas, &frame));
        write_names(canvas, &frame, &lines, area.left + area.width - 8.0);
    }

    fn text(&self) -> String {
        let ends = self.series.iter().filter_map(|series| Some((&series.name, series.points.last()?)));
        let ends: Vec<_> = ends.map(|(name, (x, y))| format!("{name} {y} at {x}")).collect();
        format!("{}: {}", self.labels.title, ends.join(", "))
    }
}

/// A line as it is drawn.
struct Line<'a> {
    series: &'a Series,
    smoothed: Option<Vec<(f64, f64)>>,
    color: Color,
    dashed: bool,
    /// Whether there are few lines.
    few: bool,
    /// What is written at its end.
    end: String,
}

impl<'a> Line<'a> {
    fn new(chart: &LineChart, index: usize, series: &'a Series) -> Self {
        let smoothed = chart.smoothed(series);
        let points = smoothed.as_ref().unwrap_or(&series.points);
        let value = points.iter().rev().map(|&(_, y)| y).find(|y| y.is_finite()).map(value_label).unwrap_or_default();
        let end = format!("{} {value}", series.name).trim().to_owned();
        Self {
            series,
            smoothed,
            color: palette::series(index),
            dashed: palette::dashed(index),
            few: chart.series.len() <= FEW,
            end,
        }
    }

    /// The points that the line goes through.
    fn points(&self) -> &[(f64, f64)] {
        self.smoothed.as_ref().unwrap_or(&self.series.points)
    }

    fn band(&self, canvas: &mut Canvas, frame: &Frame) {
        let band = &self.series.band;
        let lows = stretches(band.iter().map(|&(x, low, high)| frame.place((x, high)).and(frame.place((x, low)))));
        let highs = stretches(band.iter().map(|&(x, low, high)| frame.place((x, low)).and(frame.place((x, high)))));
        for (low, high) in lows.into_iter().zip(highs) {
            let around: Vec<_> = low.into_iter().chain(high.into_iter().rev()).collect();
            canvas.surface(&around, self.color, 0.16);
        }
    }

    fn draw(&self, canvas: &mut Canvas, frame: &Frame) {
        let stroke = Stroke::new(self.color, if self.few { 2.0 } else { 1.25 }).dashed(self.dashed);
        if self.smoothed.is_some() {
            let faint = Stroke::new(self.color, 1.0).opacity(0.3);
            for stretch in stretches(self.series.points.iter().map(|&point| frame.place(point))) {
                canvas.line(&stretch, faint);
            }
        }
        let points = self.points();
        let drawn = stretches(points.iter().map(|&point| frame.place(point)));
        for stretch in &drawn {
            if stretch.len() > 1 {
                canvas.line(stretch, stroke);
            }
            if stretch.len() == 1 || (points.len() <= DOTS && self.smoothed.is_none() && self.few) {
                stretch.iter().for_each(|&place| canvas.dot(place, 2.25, self.color));
            }
        }
        if let Some(&last) = drawn.last().and_then(|stretch| stretch.last()) {
            canvas.dot(last, 3.25, self.color);
        }
    }
}

/// Writes each line's name and last value beside its end, moved apart where they would overlap; as many as
/// there is room for.
fn write_names(canvas: &mut Canvas, frame: &Frame, lines: &[Line<'_>], right: f64) {
    let mut names: Vec<(f64, f64, usize)> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if let Some((_, y)) = line.points().iter().rev().find_map(|&point| frame.place(point)) {
            names.push((y, y, index));
        }
    }
    let room = room(frame.top, frame.bottom);
    if names.len() > room {
        let more = format!("and {} more", names.len() + 1 - room);
        names.truncate(room - 1);
        canvas.text(&more, (frame.right + 11.0, frame.bottom), Anchor::Start, TICK);
    }
    names.sort_by(|a, b| a.0.total_cmp(&b.0));
    apart(&mut names, frame.top, frame.bottom - if lines.len() > room { APART } else { 0.0 });
    for &(y, at, index) in &names {
        let line = &lines[index];
        if (y - at).abs() > 4.0 {
            canvas.line(&[(frame.right + 3.0, at), (frame.right + 9.0, y)], Stroke::new(line.color, 1.0).opacity(0.45));
        }
        let text = fit(&line.end, NAME, right - frame.right - 11.0);
        canvas.text(&text, (frame.right + 11.0, y), Anchor::Start, Type { size: NAME, color: line.color, bold: false });
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
