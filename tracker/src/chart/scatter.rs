//! One thing that runs have against another.

use super::dimension::{Dimension, Scale};
use super::{Chart, Picture, counted, full_name, names, some};
use crate::draw::canvas::{Anchor, Canvas, Type, fit, width_of};
use crate::draw::frame::{Frame, Labels, SUBTITLE, subtitle};
use crate::draw::palette;
use crate::{Error, Result, RunRecord, Store, compare};

const SIZE: (f64, f64) = (620.0, 360.0);
/// With more runs than this, none is named on the picture.
const NAMED: usize = 24;
const NAME: Type = Type { size: 10.5, color: palette::QUIET, bold: false };
/// The widest name.
const WIDEST: f64 = 130.0;

/// Any parameter, metric or tag against any other; see [`scatter`].
#[derive(Debug, Clone, PartialEq)]
pub struct Scatter {
    x: String,
    y: String,
    log_x: bool,
    log_y: bool,
}

/// A dot for each run, at what it has of one thing across and of another upward: a metric (`loss`, which is its last
/// value, or `loss.min`, `loss.max`, `loss.best`), a parameter (`optimizer.lr`), a tag (`tag.team`), `duration`,
/// `started`, `group`, `name` or `status`. What is not a number has a place for each value. The name of a run is said
/// where a pointer rests on its dot.
pub fn scatter(x: impl Into<String>, y: impl Into<String>) -> Scatter {
    Scatter { x: x.into(), y: y.into(), log_x: false, log_y: false }
}

impl Scatter {
    /// Makes the axis across logarithmic; runs at or below zero are then left out.
    pub fn log_x(mut self) -> Self {
        self.log_x = true;
        self
    }

    /// Makes the axis upward logarithmic; runs at or below zero are then left out.
    pub fn log_y(mut self) -> Self {
        self.log_y = true;
        self
    }
}

impl Chart for Scatter {
    fn draw(&self, _: &Store, runs: &[RunRecord]) -> Result<Picture> {
        some(runs)?;
        let scale = |log| if log { Scale::Log } else { Scale::Linear };
        let x = Dimension::new(&self.x, runs, scale(self.log_x))?;
        let y = Dimension::new(&self.y, runs, scale(self.log_y))?;
        let dots = dots(&x, &y, runs);
        if dots.is_empty() {
            let why = format!("no run has both {} and {}", x.label, y.label);
            return Err(Error::NothingToDraw { why });
        }
        let labels = Labels { title: format!("{} over {}", y.name, x.name), x: x.label.clone(), y: y.label.clone() };
        let notes = notes(&x, &y, runs.len() - dots.len());
        let text = format!("{}: {}", labels.title, counted(dots.len(), "run"));
        Ok(Picture::new(SIZE, text, |canvas, area| {
            let above = if notes.is_empty() { 0.0 } else { SUBTITLE };
            let frame = Frame::new(area, &labels, (x.axis, y.axis), above, 0.0);
            frame.draw(canvas, area, &labels);
            subtitle(canvas, area, &notes);
            draw_dots(canvas, &frame, &dots);
        }))
    }
}

/// A run and where it is.
struct Dot {
    at: (f64, f64),
    name: String,
    title: String,
}

fn dots(x: &Dimension, y: &Dimension, runs: &[RunRecord]) -> Vec<Dot> {
    let differing = compare::differing_params(runs);
    let dot = |(index, name): (usize, String)| {
        let at = (x.places[index]?, y.places[index]?);
        let run = &runs[index];
        let values = format!("{} = {}, {} = {}", x.name, x.text(run), y.name, y.text(run));
        Some(Dot { at, name, title: format!("{}\n{values}", full_name(run, &differing)) })
    };
    names(runs).into_iter().enumerate().filter_map(dot).collect()
}

fn notes(x: &Dimension, y: &Dimension, left_out: usize) -> String {
    if left_out == 0 {
        return String::new();
    }
    let lacking = [x, y].into_iter().filter(|dimension| dimension.missing() > 0);
    let lacking: Vec<&str> = lacking.map(|dimension| dimension.label.as_str()).collect();
    format!("{} without {} left out", counted(left_out, "run"), lacking.join(" or "))
}

fn draw_dots(canvas: &mut Canvas, frame: &Frame, dots: &[Dot]) {
    let (few, radius) = (dots.len() <= NAMED, if dots.len() <= 200 { 4.0 } else { 2.5 });
    let places: Vec<(f64, f64)> = dots.iter().filter_map(|dot| frame.place(dot.at)).collect();
    let mut taken: Vec<[f64; 4]> = places.iter().map(|&(x, y)| [x - 4.0, x + 4.0, y - 4.0, y + 4.0]).collect();
    for dot in dots {
        let Some((x, y)) = frame.place(dot.at) else {
            continue;
        };
        canvas.titled(&dot.title, |canvas| canvas.rings(std::iter::once((x, y)), radius, palette::series(0)));
        if few {
            write_name(canvas, frame, &mut taken, (x, y), &dot.name);
        }
    }
}

/// Writes a name right or left of its dot, if it covers nothing there.
fn write_name(canvas: &mut Canvas, frame: &Frame, taken: &mut Vec<[f64; 4]>, (x, y): (f64, f64), name: &str) {
    let name = fit(name, NAME.size, WIDEST);
    let width = width_of(&name, NAME.size);
    for (from, anchor) in [(x + 7.0, Anchor::Start), (x - 7.0 - width, Anchor::End)] {
        let place = [from - 3.0, from + width + 3.0, y - 6.0, y + 6.0];
        let [left, right, top, bottom] = place;
        let inside = left >= frame.left && right <= frame.right + 10.0;
        let free = taken.iter().all(|t| right <= t[0] || left >= t[1] || bottom <= t[2] || top >= t[3]);
        if inside && free {
            let at = if anchor == Anchor::Start { (from, y) } else { (from + width, y) };
            canvas.text(&name, at, anchor, NAME);
            taken.push(place);
            return;
        }
    }
}
