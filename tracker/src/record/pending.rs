//! What the writer has been told and not stored yet, and what it knows of each series.

use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};

use super::Message;
use crate::capture::now_ms;
use crate::model::At;

/// A value on its way to the writer.
pub(crate) struct NewPoint {
    name: String,
    context: Vec<(String, String)>,
    step: i64,
    time_ms: i64,
    value: f64,
}

impl NewPoint {
    pub(super) fn now(name: &str, step: i64, value: f64, context: &[(&str, &str)]) -> Self {
        let context = context.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Self { name: name.to_owned(), context: context.collect(), step, time_ms: now_ms(), value }
    }
}

/// An artifact on its way to the writer.
pub(crate) struct NewArtifact {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) mime: String,
    pub(crate) step: Option<i64>,
    pub(crate) time_ms: i64,
    /// Empty until the writer has computed it.
    pub(crate) hash: String,
    pub(crate) bytes: Vec<u8>,
}

impl NewArtifact {
    pub(super) fn now(name: &str, kind: &str, mime: &str, step: Option<i64>, bytes: Vec<u8>) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            mime: mime.to_owned(),
            step,
            time_ms: now_ms(),
            hash: String::new(),
            bytes,
        }
    }
}

/// A series as it will be after the next batch.
pub(crate) struct SeriesState {
    pub(crate) name: String,
    /// JSON with its keys sorted, as the schema wants it.
    pub(crate) context: String,
    pub(crate) points: i64,
    pub(crate) last: At,
    pub(crate) min: Option<At>,
    pub(crate) max: Option<At>,
    /// It has points that are not stored.
    pub(crate) dirty: bool,
}

/// A point with its place in its series.
pub(crate) struct PendingPoint {
    /// Index into [`Pending::series`].
    pub(crate) series: usize,
    pub(crate) seq: i64,
    pub(crate) step: i64,
    pub(crate) time_ms: i64,
    pub(crate) value: f64,
}

#[derive(Default)]
pub(crate) struct Pending {
    pub(crate) series: Vec<SeriesState>,
    index: HashMap<(String, Vec<(String, String)>), usize>,
    pub(crate) points: Vec<PendingPoint>,
    pub(crate) artifacts: Vec<NewArtifact>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) note: Option<String>,
}

impl Pending {
    /// Takes in a message with data; gives back one that asks for an answer.
    pub(super) fn take(&mut self, message: Message) -> Option<Message> {
        match message {
            Message::Point(point) => self.point(point),
            Message::Points(points) => points.into_iter().for_each(|point| self.point(point)),
            Message::Artifact(mut artifact) => {
                artifact.hash = format!("{:x}", Sha256::digest(&artifact.bytes));
                self.artifacts.push(artifact);
            }
            Message::Tag(key, value) => {
                self.tags.insert(key, value);
            }
            Message::Note(text) => self.note = Some(text),
            ask @ (Message::Flush(_) | Message::End(..)) => return Some(ask),
        }
        None
    }

    /// How many things wait to be stored.
    pub(super) fn len(&self) -> usize {
        self.points.len() + self.artifacts.len() + self.tags.len() + usize::from(self.note.is_some())
    }

    /// Forgets what a batch has stored.
    pub(super) fn stored(&mut self) {
        self.series.iter_mut().for_each(|series| series.dirty = false);
        self.points.clear();
        self.artifacts.clear();
        self.tags.clear();
        self.note = None;
    }

    fn point(&mut self, point: NewPoint) {
        let at = At { value: point.value, step: point.step };
        let key = (point.name, point.context);
        let index = match self.index.get(&key) {
            Some(index) => *index,
            None => self.new_series(key, at),
        };
        let series = &mut self.series[index];
        let seq = series.points;
        series.add(at);
        self.points.push(PendingPoint {
            series: index,
            seq,
            step: point.step,
            time_ms: point.time_ms,
            value: point.value,
        });
    }

    fn new_series(&mut self, key: (String, Vec<(String, String)>), first: At) -> usize {
        let sorted: BTreeMap<&str, &str> = key.1.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let pairs = sorted.into_iter().map(|(key, value)| (key.to_owned(), value.into()));
        let context = serde_json::Value::Object(pairs.collect()).to_string();
        // The same pairs in another order are the same series.
        let same = self.series.iter().position(|series| series.name == key.0 && series.context == context);
        let index = same.unwrap_or_else(|| {
            self.series.push(SeriesState::new(key.0.clone(), context, first));
            self.series.len() - 1
        });
        self.index.insert(key, index);
        index
    }
}

impl SeriesState {
    fn new(name: String, context: String, first: At) -> Self {
        Self { name, context, points: 0, last: first, min: None, max: None, dirty: true }
    }

    fn add(&mut self, at: At) {
        self.points += 1;
        self.dirty = true;
        if at.step >= self.last.step {
            self.last = at;
        }
        if at.value.is_nan() {
            return;
        }
        if self.min.is_none_or(|min| at.value < min.value) {
            self.min = Some(at);
        }
        if self.max.is_none_or(|max| at.value > max.value) {
            self.max = Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(pending: &mut Pending, step: i64, value: f64, context: &[(&str, &str)]) {
        assert!(pending.take(Message::Point(NewPoint::now("loss", step, value, context))).is_none());
    }

    #[test]
    fn a_summary_follows_the_greatest_step_and_passes_over_nan() {
        let mut pending = Pending::default();
        for (step, value) in [(2, 0.5), (0, 0.9), (1, f64::NAN), (2, 0.4)] {
            log(&mut pending, step, value, &[]);
        }
        let series = &pending.series[0];
        assert_eq!((series.points, series.last), (4, At { value: 0.4, step: 2 }));
        assert_eq!((series.min, series.max), (Some(At { value: 0.4, step: 2 }), Some(At { value: 0.9, step: 0 })));
    }

    #[test]
    fn contexts_set_series_apart_whatever_their_order() {
        let mut pending = Pending::default();
        log(&mut pending, 0, 1.0, &[("a", "1"), ("b", "2")]);
        log(&mut pending, 1, 2.0, &[("b", "2"), ("a", "1")]);
        log(&mut pending, 0, 3.0, &[("a", "2")]);
        let contexts: Vec<_> = pending.series.iter().map(|series| (series.context.as_str(), series.points)).collect();
        assert_eq!(contexts, [(r#"{"a":"1","b":"2"}"#, 2), (r#"{"a":"2"}"#, 1)]);
    }

    #[test]
    fn sequence_numbers_go_on_after_a_batch() {
        let mut pending = Pending::default();
        log(&mut pending, 0, 1.0, &[]);
        pending.stored();
        assert_eq!(pending.len(), 0);
        log(&mut pending, 0, 1.0, &[]);
        assert_eq!(pending.points[0].seq, 1);
    }
}
