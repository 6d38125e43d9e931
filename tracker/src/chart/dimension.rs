//! One thing that runs have, as an axis: a parameter, a metric, a tag or what is known of each run.

use std::cmp::Ordering;

use crate::draw::axis::{Axis, range};
use crate::query::{Rank, RunKey, known_keys};
use crate::{Error, Result, RunRecord, format};

/// An axis is logarithmic by itself when its greatest value is this many times the least.
const WIDE: f64 = 30.0;

/// A number or a text that each run may have.
pub(super) struct Key(RunKey);

impl Key {
    /// As `assay runs --sort` knows it: `loss`, `loss.min`, `optimizer.lr`, `tag.team`, `duration`, `group`.
    pub(super) fn find(text: &str, runs: &[RunRecord]) -> Result<Self> {
        let unknown = || Error::NoKey { wanted: text.to_owned(), known: known_keys(runs) };
        RunKey::find(text, runs).map(Self).ok_or_else(unknown)
    }

    /// The value for people.
    pub(super) fn text(&self, run: &RunRecord) -> Option<String> {
        Some(match (&self.0, self.0.of(run)?) {
            (RunKey::Started, _) => format::moment(run.started_ms),
            (RunKey::Duration, _) => format::duration(run.duration_ms),
            (_, Rank::Number(number)) => format::number(number),
            (_, Rank::Text(text)) => format::plain(&text),
        })
    }
}

/// Whether an axis is logarithmic.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    Linear,
    Log,
    /// Logarithmic if its values are far apart.
    Fitting,
}

/// An axis and where runs are on it.
pub(super) struct Dimension {
    key: Key,
    /// What it is called.
    pub(super) name: String,
    /// What is written on it: the name, with the unit and whether it is logarithmic.
    pub(super) label: String,
    pub(super) axis: Axis,
    /// The place of each run as the axis counts; none if it has none.
    pub(super) places: Vec<Option<f64>>,
    /// Whether its values are names.
    pub(super) named: bool,
}

impl Dimension {
    pub(super) fn new(text: &str, runs: &[RunRecord], scale: Scale) -> Result<Self> {
        let key = Key::find(text, runs)?;
        let name = bare(text).to_owned();
        let ranks: Vec<Option<Rank>> = runs.iter().map(|run| key.0.of(run)).collect();
        let numbers: Option<Vec<Option<f64>>> = ranks.iter().map(number).collect();
        let Some(mut places) = numbers else {
            return Ok(Self::of_names(key, name, runs, &ranks));
        };
        let mut label = name.clone();
        if let RunKey::Duration = key.0 {
            places.iter_mut().flatten().for_each(|place| *place /= 1000.0);
            label.push_str(" (s)");
        }
        let log = match scale {
            Scale::Linear => false,
            Scale::Log => true,
            Scale::Fitting => range(places.iter().copied().flatten())
                .is_some_and(|(low, high)| low > 0.0 && high / low >= WIDE && !matches!(key.0, RunKey::Started)),
        };
        places.iter_mut().for_each(|place| *place = place.filter(|place| place.is_finite() && (!log || *place > 0.0)));
        let values = || places.iter().copied().flatten();
        let axis = match key.0 {
            RunKey::Started => Axis::moments(values()),
            _ if log => Axis::log_around(values()),
            _ => Axis::around(values()),
        };
        if log {
            label.push_str(" (log)");
        }
        // Beyond the greatest numbers, an axis has no place for a value.
        places.iter_mut().for_each(|place| *place = place.filter(|place| axis.part(*place).is_some()));
        Ok(Self { key, name, label, axis, places, named: false })
    }

    /// Numbers come before texts, each in their order.
    fn of_names(key: Key, name: String, runs: &[RunRecord], ranks: &[Option<Rank>]) -> Self {
        let order = |a: &Rank, b: &Rank| a.partial_cmp(b).unwrap_or(Ordering::Equal);
        let mut known: Vec<(&Rank, &RunRecord)> =
            ranks.iter().zip(runs).filter_map(|(rank, run)| Some((rank.as_ref()?, run))).collect();
        known.sort_by(|a, b| order(a.0, b.0));
        known.dedup_by(|a, b| a.0 == b.0);
        let place =
            |rank: &Rank| known.binary_search_by(|(other, _)| order(other, rank)).ok().map(|place| place as f64);
        let places = ranks.iter().map(|rank| rank.as_ref().and_then(place)).collect();
        let names: Vec<String> = known.iter().map(|(_, run)| key.text(run).unwrap_or_default()).collect();
        Self { key, label: name.clone(), name, axis: Axis::named(&names), places, named: true }
    }

    /// The value of a run for people.
    pub(super) fn text(&self, run: &RunRecord) -> String {
        self.key.text(run).unwrap_or_else(|| "none".to_owned())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.iter().all(Option::is_none)
    }

    /// How many runs have no place on it.
    pub(super) fn missing(&self) -> usize {
        self.places.iter().filter(|place| place.is_none()).count()
    }

    /// How far along the axis a run is, from 0 to 1.
    pub(super) fn part(&self, run: usize) -> Option<f64> {
        self.axis.part(self.places.get(run).copied().flatten()?)
    }
}

/// A name without what settles its kind.
pub(super) fn bare(text: &str) -> &str {
    ["metric.", "param.", "tag."].into_iter().find_map(|kind| text.strip_prefix(kind)).unwrap_or(text)
}

/// A value as a number; none if it is a text. What a run does not have is neither.
#[allow(clippy::option_option)]
fn number(rank: &Option<Rank>) -> Option<Option<f64>> {
    match rank {
        None => Some(None),
        Some(Rank::Number(number)) => Some(Some(*number)),
        Some(Rank::Text(_)) => None,
    }
}
