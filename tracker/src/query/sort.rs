//! Runs in the order of a metric, a parameter or anything else that they have.

use serde_json::Value;
use std::cmp::Ordering;

use crate::model::Metric;
use crate::{Error, Result, RunRecord, compare};

/// Sorts runs that come newest first.
pub(super) fn sorted(runs: Vec<RunRecord>, by: &str, descending: bool) -> Result<Vec<RunRecord>> {
    if runs.is_empty() {
        return Ok(runs);
    }
    let unknown = || Error::UnknownSortKey { key: by.to_owned(), known: known(&runs) };
    let key = Key::find(by, &runs).ok_or_else(unknown)?;
    let mut keyed: Vec<_> = runs.into_iter().map(|run| (key.of(&run), run)).collect();
    keyed.sort_by(|(a, _), (b, _)| order(a, b, descending));
    Ok(keyed.into_iter().map(|(_, run)| run).collect())
}

/// Something that runs have one value of: they are sorted by it, or drawn over it.
pub(crate) enum Key {
    Started,
    Duration,
    Name,
    Status,
    Group,
    Metric(String, End),
    Param(String),
    Tag(String),
}

/// Which value of a metric.
#[derive(Clone, Copy)]
pub(crate) enum End {
    Last,
    Min,
    Max,
    Best,
}

/// A run's value under a key.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(crate) enum Rank {
    Number(f64),
    Text(String),
}

impl Key {
    /// What a text means to these runs, if anything.
    pub(crate) fn find(text: &str, runs: &[RunRecord]) -> Option<Self> {
        let (kind, rest) = match text.split_once('.') {
            Some((kind @ ("metric" | "param" | "tag"), rest)) => (Some(kind), rest),
            _ => (None, text),
        };
        let key = match kind {
            Some("metric") => Self::metric(rest, runs),
            Some("param") => Self::param(rest, runs),
            Some(_) => Self::tag(rest, runs),
            None => None,
        };
        key.or_else(|| Self::builtin(text))
            .or_else(|| Self::metric(text, runs))
            .or_else(|| Self::param(text, runs))
            .or_else(|| Self::tag(text, runs))
    }

    fn builtin(text: &str) -> Option<Self> {
        Some(match text {
            "started" => Self::Started,
            "duration" => Self::Duration,
            "name" => Self::Name,
            "status" => Self::Status,
            "group" => Self::Group,
            _ => return None,
        })
    }

    fn metric(text: &str, runs: &[RunRecord]) -> Option<Self> {
        let exists = |key: &str| runs.iter().any(|run| run.metric(key).is_some());
        if exists(text) {
            return Some(Self::Metric(text.to_owned(), End::Last));
        }
        let (key, end) = text.rsplit_once('.')?;
        let end = match end {
            "last" => End::Last,
            "min" => End::Min,
            "max" => End::Max,
            "best" => End::Best,
            _ => return None,
        };
        exists(key).then(|| Self::Metric(key.to_owned(), end))
    }

    fn param(text: &str, runs: &[RunRecord]) -> Option<Self> {
        runs.iter().any(|run| run.param(text).is_some()).then(|| Self::Param(text.to_owned()))
    }

    fn tag(text: &str, runs: &[RunRecord]) -> Option<Self> {
        runs.iter().any(|run| run.tags.contains_key(text)).then(|| Self::Tag(text.to_owned()))
    }

    /// A run's value; none if it has none.
    pub(crate) fn of(&self, run: &RunRecord) -> Option<Rank> {
        Some(match self {
            Self::Started => Rank::Number(run.started_ms as f64),
            Self::Duration => Rank::Number(run.duration_ms as f64),
            Self::Name => Rank::Text(run.name.clone()),
            Self::Status => Rank::Text(run.status.as_str().to_owned()),
            Self::Group => Rank::Text(run.group.clone()?),
            Self::Metric(key, end) => Rank::Number(end.of(run.metric(key)?)?),
            Self::Param(path) => match run.param(path)? {
                Value::Null => return None,
                Value::Number(number) => Rank::Number(number.as_f64()?),
                Value::String(text) => Rank::Text(text.clone()),
                other => Rank::Text(other.to_string()),
            },
            Self::Tag(key) => Rank::Text(run.tags.get(key)?.clone()),
        })
    }
}

impl End {
    fn of(self, metric: &Metric) -> Option<f64> {
        match self {
            Self::Last => Some(metric.last),
            Self::Min => metric.min.map(|at| at.value),
            Self::Max => metric.max.map(|at| at.value),
            Self::Best => metric.best().map(|at| at.value),
        }
    }
}

/// What is missing comes last, and NaN just before it, whatever the direction.
fn order(a: &Option<Rank>, b: &Option<Rank>, descending: bool) -> Ordering {
    let class = |rank: &Option<Rank>| match rank {
        Some(Rank::Number(number)) if number.is_nan() => 1,
        Some(_) => 0,
        None => 2,
    };
    let by_value = || {
        let order = a.partial_cmp(b).unwrap_or(Ordering::Equal);
        if descending { order.reverse() } else { order }
    };
    class(a).cmp(&class(b)).then_with(by_value)
}

/// What there is to sort by, metrics first.
pub(crate) fn known(runs: &[RunRecord]) -> Vec<String> {
    let mut known = compare::metric_keys(runs);
    known.extend(compare::param_rows(runs).into_iter().map(|row| row.path));
    known.extend(["started", "duration", "name", "status", "group"].map(str::to_owned));
    known
}
