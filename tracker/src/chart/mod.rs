//! Charts of a comparison: curves over each other, bands over repeats, parallel coordinates and scatter, as SVG.
//!
//! ```no_run
//! use tracker::Chart;
//!
//! let store = tracker::Store::open_default()?;
//! let runs = store.find("status = finished order by started")?;
//! let picture = tracker::chart::curves("loss").smooth(0.9).log_y().draw(&store, &runs)?;
//! std::fs::write("loss.svg", picture.svg)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//! The command line, reports and cells draw through the same [`Chart::draw`], so their pictures are the same bytes.

mod curves;
mod dimension;
mod parallel;
mod read;
mod repeats;
mod scatter;
mod smooth;

use std::collections::HashMap;

use crate::draw::canvas::{Area, Canvas, picture};
use crate::{Error, Result, RunRecord, Store, compare};

pub use curves::{Curves, bands, curves};
pub use parallel::{Parallel, parallel};
pub use read::By;
pub use repeats::{Band, band, has_repeats, tried};
pub use scatter::{Scatter, scatter};
pub use smooth::{checked_weight, smoothed};

/// A picture of runs.
pub trait Chart {
    /// Draws some runs, in their order, which gives them their colours.
    ///
    /// # Errors
    /// When the runs have nothing of that name or nothing that can be drawn, with what they have; when points
    /// can't be read.
    fn draw(&self, store: &Store, runs: &[RunRecord]) -> Result<Picture>;
}

/// A chart as it was drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The SVG document. What runs contain is escaped.
    pub svg: String,
    /// What it says, in words.
    pub text: String,
}

impl Picture {
    fn new((width, height): (f64, f64), text: String, draw: impl FnOnce(&mut Canvas, Area)) -> Self {
        let area = Area { left: 0.0, top: 0.0, width, height };
        Self { svg: picture(width, height, &text, |canvas| draw(canvas, area)), text }
    }
}

/// Refuses to draw no run at all.
fn some(runs: &[RunRecord]) -> Result<()> {
    if runs.is_empty() { Err(Error::NothingToDraw { why: "no run was found".to_owned() }) } else { Ok(()) }
}

/// The metric that a comparison is about when none is named: the first of which less or more is better; of several
/// such, the one that most runs have.
pub fn main_metric(runs: &[RunRecord]) -> Option<String> {
    let holders = |key: &String| runs.iter().filter(|run| run.metric(key).is_some()).count();
    let judged = |key: &String| compare::Direction::of(key) != compare::Direction::Neither;
    // `max_by_key` gives the last of equals.
    compare::metric_keys(runs).into_iter().rev().max_by_key(|key| (judged(key), holders(key)))
}

/// The names of runs, with their uids where others have the same name.
fn names(runs: &[RunRecord]) -> Vec<String> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    runs.iter().for_each(|run| *counts.entry(&run.name).or_default() += 1);
    let alone = |run: &RunRecord| counts.get(run.name.as_str()) == Some(&1);
    runs.iter().map(|run| if alone(run) { run.name.clone() } else { format!("{} {}", run.name, run.uid) }).collect()
}

/// A run with what sets it apart, for where there is room.
fn full_name(run: &RunRecord, differing: &[String]) -> String {
    let said = differing.iter().filter_map(|path| Some(format!("{path}={}", crate::format::value(run.param(path)?))));
    let said: Vec<String> = said.collect();
    let colon = if said.is_empty() { "" } else { ": " };
    format!("{} {}{colon}{}", run.name, run.uid, said.join(", "))
}

/// A number of things in words.
fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
