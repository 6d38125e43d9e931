//! What a run has sent and is not stored yet.

use std::collections::{BTreeMap, HashMap};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use super::artifact::NewArtifact;
use super::queue::{Message, Named};
use super::series::{Plan, Series};
use super::usage::Sample;
use crate::capture::now_ms;
use crate::data::Fingerprint;
use crate::model::Point;

/// Of one run.
#[derive(Default)]
pub(crate) struct Pending {
    /// What each number of a series in the queue stands for.
    named: Vec<Place>,
    /// By name and context.
    index: HashMap<(String, String), usize>,
    pub(crate) series: Vec<Series>,
    pub(crate) artifacts: Vec<NewArtifact>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) note: Option<String>,
    pub(crate) data: BTreeMap<String, Fingerprint>,
    /// How many marks have come.
    marks: u64,
    /// Whether anything else has come since this was last asked.
    touched: bool,
}

/// What a batch has stored of one run.
pub(crate) struct Done {
    pub(crate) run: i64,
    /// Series by index, how its points were stored, and its id.
    pub(crate) plans: Vec<(usize, Plan, i64)>,
    pub(crate) found: bool,
}

/// A series has its place from its first point on.
enum Place {
    Named(Named),
    At(usize),
}

impl Pending {
    /// Of a run that begins, or goes on with these series.
    pub(crate) fn begun(series: Vec<Series>) -> Self {
        let key = |(at, series): (usize, &Series)| ((series.name.clone(), series.context.clone()), at);
        Self { index: series.iter().enumerate().map(key).collect(), series, touched: true, ..Self::default() }
    }

    /// Takes in what has come, for as long as `patience` or until what someone waits for has come: the `marks`-th mark.
    /// Without that end, threads that log without pause would keep everything from being stored.
    pub(super) fn drain(&mut self, messages: &Receiver<Message>, patience: Duration, marks: u64) {
        /// Messages between two looks at the clock: well below a millisecond.
        const STRIDE: usize = 1024;
        let began = Instant::now();
        loop {
            let mut taken = 0;
            for message in messages.try_iter().take(STRIDE) {
                self.take(message);
                taken += 1;
            }
            if taken < STRIDE || self.marks >= marks && began.elapsed() >= patience {
                return;
            }
        }
    }

    fn take(&mut self, message: Message) {
        self.touched |= !matches!(message, Message::Mark);
        match message {
            Message::Mark => self.marks += 1,
            Message::Point(series, point) => self.point(series as usize, point),
            Message::Series(named) => self.named.push(Place::Named(*named)),
            Message::Artifact(artifact) => self.artifacts.push(artifact.hashed()),
            Message::Tag(pair) => {
                let (key, value) = *pair;
                self.tags.insert(key, value);
            }
            Message::Data(pair) => {
                let (name, print) = *pair;
                self.data.insert(name, print);
            }
            Message::Note(text) => self.note = Some(text.into()),
        }
    }

    fn point(&mut self, number: usize, point: Point) {
        let at = match self.named.get(number) {
            Some(Place::At(at)) => *at,
            Some(Place::Named(named)) => {
                let at = place(&mut self.index, &mut self.series, named, point);
                self.named[number] = Place::At(at);
                at
            }
            // Its name comes before it in the queue.
            None => return,
        };
        self.series[at].add(point);
    }

    /// Adds a value that was measured beside the run.
    pub(super) fn sample(&mut self, sample: &Sample, second: u64) {
        let point = Point { step: i64::try_from(second).unwrap_or(i64::MAX), time_ms: now_ms(), value: sample.value };
        let context = sample.gpu.map(|number| ("gpu".to_owned(), number.to_string()));
        let named = Named { name: sample.name.to_owned(), context: context.into_iter().collect() };
        let at = place(&mut self.index, &mut self.series, &named, point);
        self.series[at].add(point);
    }

    /// Whether anything was recorded since this was last asked.
    pub(super) fn was_touched(&mut self) -> bool {
        std::mem::take(&mut self.touched)
    }

    /// How many things wait to be stored.
    pub(crate) fn len(&self) -> usize {
        let points: usize = self.series.iter().map(Series::fresh).sum();
        points + self.artifacts.len() + self.tags.len() + self.data.len() + usize::from(self.note.is_some())
    }

    /// Forgets what a batch has stored.
    pub(super) fn stored(&mut self, done: &Done) {
        for (index, plan, id) in &done.plans {
            self.series[*index].id = Some(*id);
            self.series[*index].stored(plan);
        }
        self.artifacts.clear();
        self.tags.clear();
        self.data.clear();
        self.note = None;
    }
}

/// The place of a series; the same pairs in another order are the same series.
fn place(index: &mut HashMap<(String, String), usize>, series: &mut Vec<Series>, named: &Named, first: Point) -> usize {
    let sorted: BTreeMap<&str, &str> =
        named.context.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let pairs = sorted.into_iter().map(|(key, value)| (key.to_owned(), value.into()));
    let context = serde_json::Value::Object(pairs.collect()).to_string();
    let next = series.len();
    let at = *index.entry((named.name.clone(), context.clone())).or_insert(next);
    if at == next {
        series.push(Series::new(named.name.clone(), context, first));
    }
    at
}

#[cfg(test)]
mod tests {
    use super::super::queue::Queue;
    use super::*;

    #[test]
    fn contexts_set_series_apart_whatever_their_order() {
        let (queue, messages) = Queue::new();
        queue.log("loss", 0, 1.0, &[("a", "1"), ("b", "2")]);
        queue.log("loss", 1, 2.0, &[("b", "2"), ("a", "1")]);
        queue.log("loss", 0, 3.0, &[("a", "2")]);
        let mut pending = Pending::default();
        pending.drain(&messages, Duration::ZERO, 0);
        let contexts: Vec<_> = pending.series.iter().map(|s| (s.context.as_str(), s.summary.points)).collect();
        assert_eq!(contexts, [(r#"{"a":"1","b":"2"}"#, 2), (r#"{"a":"2"}"#, 1)]);
        assert_eq!(pending.len(), 3);
    }
}
