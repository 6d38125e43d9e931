//! What a run is once it is recorded: plain data, ready for serde.

use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

pub use crate::capture::Git;
use crate::compare::Direction;
use crate::data::Fingerprint;
pub use crate::status::Status;

/// One run with its configuration and the summary of its metrics.
#[derive(Debug, Clone, Serialize)]
pub struct RunRecord {
    pub id: i64,
    /// Eight hex characters, unique in the file.
    pub uid: String,
    pub name: String,
    /// The run that this one is a part of.
    pub parent: Option<i64>,
    /// The group of runs that it belongs to.
    pub group: Option<String>,
    pub status: Status,
    /// Milliseconds since 1970 UTC, as every `_ms` moment here.
    pub started_ms: i64,
    pub ended_ms: Option<i64>,
    /// From start to end, or to now while it is running.
    pub duration_ms: i64,
    pub host: String,
    pub pid: i64,
    pub git: Option<Git>,
    pub toolchain: Option<String>,
    pub environment: Option<String>,
    pub lock_hash: Option<String>,
    pub notebook: Option<String>,
    pub note: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// The configuration as it was given.
    pub config: serde_json::Value,
    /// The leaves of `config`, in its order.
    pub params: Vec<Param>,
    /// In the order of the first point.
    pub metrics: Vec<Metric>,
    pub tags: BTreeMap<String, String>,
    /// What data it used, under the names that it gave.
    pub data: BTreeMap<String, Fingerprint>,
}

impl RunRecord {
    /// The parameter at a dotted path.
    pub fn param(&self, path: &str) -> Option<&serde_json::Value> {
        let param = self.params.iter().find(|param| param.path == path)?;
        Some(&param.value)
    }

    /// The metric with a [`Metric::key`].
    pub fn metric(&self, key: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.key() == key)
    }
}

/// One leaf of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Param {
    /// Dotted, as in `optimizer.lr`.
    pub path: String,
    pub value: serde_json::Value,
}

/// The summary of one series of values.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metric {
    pub name: String,
    /// What sets this series apart from others of its name, such as `subset=test`.
    pub context: BTreeMap<String, String>,
    pub points: i64,
    pub last_step: i64,
    /// The value at the greatest step.
    #[serde(serialize_with = "number")]
    pub last: f64,
    /// Over the values that are numbers; absent when none is.
    pub min: Option<At>,
    pub max: Option<At>,
}

impl Metric {
    /// The name, with the context when there is one: `loss`, `loss{subset=test}`.
    pub fn key(&self) -> String {
        key(&self.name, &self.context)
    }

    /// Whether less or more is better, guessed from the name.
    pub fn direction(&self) -> Direction {
        Direction::of(&self.name)
    }

    /// The best value so far in the metric's direction, if it has one.
    pub fn best(&self) -> Option<At> {
        match self.direction() {
            Direction::Lower => self.min,
            Direction::Higher => self.max,
            Direction::Neither => None,
        }
    }
}

/// As [`Metric::key`].
pub(crate) fn key(name: &str, context: &BTreeMap<String, String>) -> String {
    key_of(name, &pairs(context))
}

/// The same of a context that is written as [`pairs`].
pub(crate) fn key_of(name: &str, pairs: &str) -> String {
    if pairs.is_empty() { name.to_owned() } else { format!("{name}{{{pairs}}}") }
}

/// A context as text: `subset=test,fold=2`.
fn pairs(context: &BTreeMap<String, String>) -> String {
    let pairs = context.iter().map(|(key, value)| format!("{key}={value}"));
    pairs.collect::<Vec<_>>().join(",")
}

/// [`pairs`] of a context as it is stored.
pub(crate) fn pairs_of(json: &str) -> serde_json::Result<String> {
    if json == "{}" { Ok(String::new()) } else { serde_json::from_str(json).map(|context| pairs(&context)) }
}

/// A value and the step it was logged at.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct At {
    #[serde(serialize_with = "number")]
    pub value: f64,
    pub step: i64,
}

/// All points of one metric, in the order of logging.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Series {
    #[serde(flatten)]
    pub metric: Metric,
    pub values: Vec<Point>,
}

/// One logged value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    pub step: i64,
    pub time_ms: i64,
    #[serde(serialize_with = "number")]
    pub value: f64,
}

/// Something a run holds beside its metrics; the bytes come from [`crate::Store::bytes`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Artifact {
    pub name: String,
    /// `plot`, `text`, `file` or `bytes`.
    pub kind: String,
    pub mime: String,
    pub step: Option<i64>,
    pub time_ms: i64,
    /// sha256 of the bytes.
    pub hash: String,
    /// In bytes.
    pub size: i64,
}

/// A run that repeats another one, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replay {
    /// Its uid.
    pub run: String,
    pub started_ms: i64,
    /// Whether all values and artifacts are equal.
    pub equal: bool,
    /// How many values were compared.
    pub values: i64,
    pub equal_values: i64,
}

/// JSON has no NaN and no infinities, and `null` would lose which it was: they are written as words.
pub(crate) fn number<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    match nonfinite(*value) {
        Some(word) => serializer.serialize_str(word),
        None => serializer.serialize_f64(*value),
    }
}

/// The same for a row of values that may be absent.
pub(crate) fn numbers<S: Serializer>(values: &[Option<f64>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(|value| match value {
        None => serde_json::Value::Null,
        Some(value) => nonfinite(*value).map_or_else(|| (*value).into(), Into::into),
    }))
}

/// The word for a value that JSON has no number for.
pub fn nonfinite(value: f64) -> Option<&'static str> {
    if value.is_nan() {
        Some("NaN")
    } else if value.is_infinite() {
        Some(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        None
    }
}
