//! The hot path: a metric's name becomes a number, the time is taken, and the point goes into a queue.
//!
//! Nothing here is shared with the thread that stores but the queue, and that takes no lock. Threads that log to
//! the same run share a lock for reading; it is taken for writing once for each metric.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{PoisonError, RwLock};

use super::artifact::NewArtifact;
use crate::capture::now_ms;
use crate::data::Fingerprint;
use crate::model::Point;

/// What the storing thread finds in the queue of a run.
pub(crate) enum Message {
    /// The number is that of a `Series` that came before.
    Point(u32, Point),
    Series(Box<Named>),
    Artifact(Box<NewArtifact>),
    Tag(Box<(String, String)>),
    Note(Box<str>),
    Data(Box<(String, Fingerprint)>),
    /// Someone waits until all that came before it is stored.
    Mark,
}

/// A metric in a context, in the order in which the pairs were given.
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) context: Vec<(String, String)>,
}

/// The sending end of a run's queue.
pub(crate) struct Queue {
    /// From [`key`] to the position of the series' message among those of its kind.
    known: RwLock<HashMap<Box<str>, u32>>,
    sender: Sender<Message>,
}

impl Queue {
    pub(super) fn new() -> (Self, Receiver<Message>) {
        let (sender, receiver) = channel();
        (Self { known: RwLock::default(), sender }, receiver)
    }

    /// Sends one value of a metric.
    pub(super) fn log(&self, name: &str, step: i64, value: f64, context: &[(&str, &str)]) {
        let series = if context.is_empty() && !name.starts_with('\0') {
            self.series(name, || Named { name: name.to_owned(), context: Vec::new() })
        } else {
            let pairs = || context.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            self.series(&key(name, context), || Named { name: name.to_owned(), context: pairs() })
        };
        self.send(Message::Point(series, Point { step, time_ms: now_ms(), value }));
    }

    /// A storing thread that is gone is told by `flush` and `finish`; logging itself cannot fail.
    pub(super) fn send(&self, message: Message) {
        let _ = self.sender.send(message);
    }

    fn series(&self, key: &str, named: impl FnOnce() -> Named) -> u32 {
        if let Some(series) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(key) {
            return *series;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(series) = known.get(key) {
            return *series;
        }
        let series = u32::try_from(known.len()).unwrap_or(u32::MAX);
        known.insert(key.into(), series);
        // Under the lock, so that no other thread sends a point of it first.
        self.send(Message::Series(Box::new(named())));
        series
    }
}

/// No two names with contexts have the same key: every part is preceded by its length.
fn key(name: &str, context: &[(&str, &str)]) -> String {
    let mut key = String::with_capacity(64);
    for part in std::iter::once(&name).chain(context.iter().flat_map(|(key, value)| [key, value])) {
        let _ = write!(key, "\0{}:{part}", part.len());
    }
    key
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_named_once_and_before_its_first_point() {
        let (queue, messages) = Queue::new();
        queue.log("loss", 0, 1.0, &[]);
        queue.log("loss", 1, 1.0, &[]);
        queue.log("loss", 2, 1.0, &[("subset", "test")]);
        queue.log("\0", 3, 1.0, &[]);
        let seen = messages.try_iter().map(|message| match message {
            Message::Point(series, point) => format!("{series}@{}", point.step),
            Message::Series(named) => format!("{:?}{:?}", named.name, named.context),
            _ => String::new(),
        });
        let seen = seen.collect::<Vec<_>>().join(" ");
        assert_eq!(seen, r#""loss"[] 0@0 0@1 "loss"[("subset", "test")] 1@2 "\0"[] 2@3"#);
    }

    #[test]
    fn keys_tell_all_names_and_contexts_apart() {
        let cases: [(&str, &[(&str, &str)]); 5] = [
            ("a", &[("b", "c")]),
            ("a\u{0}1:b", &[("", "c")]),
            ("a", &[("bc", "")]),
            ("ab", &[("c", "")]),
            ("\0", &[]),
        ];
        let keys: std::collections::HashSet<_> = cases.iter().map(|(name, context)| key(name, context)).collect();
        assert_eq!(keys.len(), cases.len());
    }

    #[test]
    fn a_message_is_no_larger_than_a_point_needs() {
        assert!(size_of::<Message>() <= 32);
    }
}
