//! A metric of several runs: curves over each other, or the mean of repeats with its band.

use std::borrow::Cow;

use super::read::{By, Curve};
use super::repeats::{self, Band, Group};
use super::smooth::{checked_weight, smoothed};
use super::{Chart, Picture, counted, full_name, names, some};
use crate::draw::axis::{Axis, range, value_label};
use crate::draw::frame::{Labels, SUBTITLE, subtitle};
use crate::draw::lines::{Line, Lines};
use crate::{Error, Result, RunRecord, Store, compare};

const SIZE: (f64, f64) = (640.0, 330.0);

/// Curves of one metric; see [`curves`] and [`bands`].
#[derive(Debug, Clone, PartialEq)]
pub struct Curves {
    metric: String,
    weight: f64,
    log_x: bool,
    log_y: bool,
    by: By,
    repeats: Repeats,
}

/// Which runs are one line.
#[derive(Debug, Clone, PartialEq)]
enum Repeats {
    Apart,
    OverSeeds,
    ByKeys(Vec<String>),
}

/// The curves of a metric over each other, named as [`crate::Metric::key`].
pub fn curves(metric: impl Into<String>) -> Curves {
    Curves { metric: metric.into(), weight: 0.0, log_x: false, log_y: false, by: By::Step, repeats: Repeats::Apart }
}

/// The mean of a metric over repeated runs with its 95 % band by Student's t: runs that differ only in a seed are one
/// line. See [`band`](super::band) for runs that were logged at different steps. Of a series so long that it is read as
/// its extremes, the middles of 600 columns stand for it.
pub fn bands(metric: impl Into<String>) -> Curves {
    Curves { repeats: Repeats::OverSeeds, ..curves(metric) }
}

impl Curves {
    /// Smooths each curve by an exponential moving average, as [`smoothed`] says; the curve as it was stays behind
    /// it, faint. Of a series so long that it is read as its extremes, the middles of 600 columns are smoothed. Repeats are
    /// smoothed before their mean is taken.
    pub fn smooth(mut self, weight: f64) -> Self {
        self.weight = weight;
        self
    }

    /// Makes the axis across logarithmic; what is at or below zero is then left out.
    pub fn log_x(mut self) -> Self {
        self.log_x = true;
        self
    }

    /// Makes the axis upward logarithmic; what is at or below zero is then left out.
    pub fn log_y(mut self) -> Self {
        self.log_y = true;
        self
    }

    /// Over steps or time.
    pub fn by(mut self, by: By) -> Self {
        self.by = by;
        self
    }

    /// Makes runs one line that have the same under this key, and the same under those of earlier calls: a parameter
    /// (`optimizer.lr`), a tag (`tag.team`), `group` or `name`.
    pub fn group_by(mut self, key: impl Into<String>) -> Self {
        match &mut self.repeats {
            Repeats::ByKeys(keys) => keys.push(key.into()),
            other => *other = Repeats::ByKeys(vec![key.into()]),
        }
        self
    }

    /// The lines of runs that have the metric, and what must be said about them.
    fn lines(&self, store: &Store, runs: &[RunRecord]) -> Result<Vec<Line<'static>>> {
        let read = |run: &RunRecord| match run.metric(&self.metric) {
            Some(_) => Curve::read(store, run, &self.metric, self.by).map(Some),
            None => Ok(None),
        };
        let read = runs.iter().map(read).collect::<Result<Vec<_>>>()?;
        if read.iter().all(Option::is_none) {
            return Err(Error::NoMetric { wanted: self.metric.clone(), known: compare::metric_keys(runs) });
        }
        Ok(match &self.repeats {
            Repeats::Apart => self.apart(runs, read),
            Repeats::OverSeeds => self.together(repeats::over_seeds(runs), &read),
            Repeats::ByKeys(keys) => self.together(repeats::by_keys(runs, keys)?, &read),
        })
    }

    fn apart(&self, runs: &[RunRecord], read: Vec<Option<Curve>>) -> Vec<Line<'static>> {
        let differing = compare::differing_params(runs);
        let line = |(series, (curve, name)): (usize, (Option<Curve>, String))| {
            let curve = curve?;
            let (points, rough) = match self.averaged(&curve) {
                Some(points) => (points, curve.points),
                None => (curve.points, Vec::new()),
            };
            let title = Some(full_name(&runs[series], &differing));
            let (points, rough) = (Cow::Owned(points), Cow::Owned(rough));
            Some(Line { name: name.into(), title, series, points, rough, ..Line::default() })
        };
        read.into_iter().zip(names(runs)).enumerate().filter_map(line).collect()
    }

    /// The curve after smoothing; none if it is not smoothed.
    fn averaged(&self, curve: &Curve) -> Option<Vec<(f64, f64)>> {
        (self.weight > 0.0).then(|| smoothed(&curve.level(), self.weight))
    }

    fn together(&self, groups: Vec<Group>, read: &[Option<Curve>]) -> Vec<Line<'static>> {
        let line = |(series, group): (usize, Group)| {
            let curves = group.runs.iter().filter_map(|run| read[*run].as_ref());
            let curves: Vec<_> = curves.map(|curve| self.averaged(curve).unwrap_or_else(|| curve.level())).collect();
            let band = repeats::band(&curves);
            let note = format!("({})", repeated(curves.len(), &band));
            let title = Some(format!("{} {note}", group.name));
            let points = band.iter().map(|at| (at.x, at.mean)).collect();
            // One curve alone has no band.
            let band = band.iter().filter(|_| curves.len() > 1).map(|at| (at.x, at.low, at.high)).collect();
            let (points, band) = (Cow::Owned(points), Cow::Owned(band));
            (!curves.is_empty()).then(|| Line {
                name: group.name.into(),
                note,
                title,
                series,
                points,
                rough: Cow::default(),
                band,
            })
        };
        groups.into_iter().enumerate().filter_map(line).collect()
    }

    /// The axes: over all values, and over bands as far as they do not hide how the values go.
    fn axes(&self, lines: &[Line<'_>]) -> (Axis, Axis) {
        let points = || lines.iter().flat_map(|line| line.points.iter().chain(line.rough.iter()).copied());
        let fits = |&(x, y): &(f64, f64)| y.is_finite() && (!self.log_x || x > 0.0) && (!self.log_y || y > 0.0);
        let across = points().filter(fits).map(|(x, _)| x);
        let (low, high) = range(points().filter(fits).map(|(_, y)| y)).unwrap_or((0.0, 1.0));
        let edges = lines.iter().flat_map(|line| line.band.iter().flat_map(|(_, low, high)| [*low, *high]));
        let (least, most) = (low - (high - low), high + (high - low));
        let upward = edges.filter(|edge| edge.is_finite()).map(|edge| edge.clamp(least, most)).chain([low, high]);
        let x = match self.by {
            _ if self.log_x => Axis::log(across),
            By::Step => Axis::steps(across),
            By::Time => over(across, Axis::exactly),
            By::Wall => Axis::moments(across),
        };
        (x, if self.log_y { Axis::log(upward) } else { Axis::linear(upward) })
    }

    /// What is written below the title.
    fn notes(&self, runs: &[RunRecord], lines: &[Line<'_>]) -> String {
        let mut notes = Vec::new();
        if self.repeats != Repeats::Apart {
            notes.push("mean and 95 % band (Student's t)".to_owned());
        }
        if self.weight > 0.0 {
            notes.push(format!("smoothed by {}", self.weight));
        }
        let without = runs.iter().filter(|run| run.metric(&self.metric).is_none()).count();
        if without > 0 {
            let (runs, verb) = (counted(without, "run"), if without == 1 { "has" } else { "have" });
            notes.push(format!("{runs} {verb} no {}", self.metric));
        }
        let shown = |line: &Line<'_>| if line.rough.is_empty() { line.points.to_vec() } else { line.rough.to_vec() };
        let points: Vec<(f64, f64)> = lines.iter().flat_map(shown).collect();
        let below = points.iter().filter(|(x, y)| (self.log_x && *x <= 0.0) || (self.log_y && *y <= 0.0)).count();
        if below > 0 {
            notes.push(format!("{} not above zero, left out", counted(below, "point")));
        }
        notes.join(" · ")
    }

    fn text(&self, lines: &[Line<'_>]) -> String {
        let last = |line: &Line<'_>| line.points.iter().rev().map(|point| point.1).find(|value| value.is_finite());
        let end = |line: &Line<'_>| {
            [&line.name, line.note.as_str(), &last(line).map(value_label).unwrap_or_default()].join(" ")
        };
        format!("{}: {}", self.metric, lines.iter().map(end).collect::<Vec<_>>().join(", ").replace("  ", " "))
    }
}

impl Chart for Curves {
    fn draw(&self, store: &Store, runs: &[RunRecord]) -> Result<Picture> {
        some(runs)?;
        checked_weight(self.weight)?;
        let mut lines = self.lines(store, runs)?;
        let unit = in_unit(&mut lines, self.by);
        let (axes, notes) = (self.axes(&lines), self.notes(runs, &lines));
        for line in &mut lines {
            let (low, high) = axes.1.ends();
            line.band.to_mut().iter_mut().for_each(|at| (at.1, at.2) = (at.1.clamp(low, high), at.2.clamp(low, high)));
        }
        let drawn =
            |line: &Line<'_>| line.points.iter().any(|&(x, y)| axes.0.part(x).is_some() && axes.1.part(y).is_some());
        if !lines.iter().any(drawn) {
            let what = if self.log_x || self.log_y { "finite value above zero" } else { "finite value" };
            return Err(Error::NothingToDraw { why: format!("{} has no {what} in these runs", self.metric) });
        }
        let labels = Labels { title: self.metric.clone(), x: unit, y: String::new() };
        let chart = Lines { labels: &labels, axes, lines };
        Ok(Picture::new(SIZE, self.text(&chart.lines), |canvas, area| {
            let above = if notes.is_empty() { 0.0 } else { SUBTITLE };
            chart.draw(canvas, area, above);
            subtitle(canvas, area, &notes);
        }))
    }
}

/// An axis over exactly some values, or around one alone.
fn over(values: impl Iterator<Item = f64>, axis: fn(f64, f64) -> Axis) -> Axis {
    let (low, high) = range(values).unwrap_or((0.0, 1.0));
    if high > low { axis(low, high) } else { axis(low - 0.5, high + 0.5) }
}

/// Turns seconds into the unit that suits the longest line; returns the name of the axis.
fn in_unit(lines: &mut [Line<'_>], by: By) -> String {
    let longest =
        |lines: &[Line<'_>]| lines.iter().flat_map(|line| line.points.last()).map(|at| at.0).fold(0.0, f64::max);
    match by {
        By::Step => "step".to_owned(),
        By::Wall => "time".to_owned(),
        By::Time => {
            let (unit, seconds) = match longest(lines) {
                0.0..300.0 => ("s", 1.0),
                300.0..18_000.0 => ("min", 60.0),
                18_000.0..432_000.0 => ("h", 3600.0),
                _ => ("days", 86_400.0),
            };
            for line in lines {
                line.points.to_mut().iter_mut().chain(line.rough.to_mut()).for_each(|point| point.0 /= seconds);
                line.band.to_mut().iter_mut().for_each(|at| at.0 /= seconds);
            }
            format!("time since the start ({unit})")
        }
    }
}

/// How many repeats a mean is of; from how many where it is not always the same.
fn repeated(curves: usize, band: &[Band]) -> String {
    let least = band.iter().map(|at| at.count).min().unwrap_or(curves);
    let most = band.iter().map(|at| at.count).max().unwrap_or(curves);
    if least == most { format!("n = {most}") } else { format!("n = {least} to {most}") }
}
