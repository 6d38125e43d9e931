//! What came out of each epoch.

use serde::{Deserialize, Serialize};

use crate::display::{MimeBundle, Show, Table};

/// One epoch, after its validation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// Counted from 1.
    pub epoch: usize,
    /// How many steps were made since the training began.
    pub step: u64,
    /// The mean of the losses of its batches, penalties included; NaN if it had none.
    #[serde(with = "any_number")]
    pub train_loss: f64,
    /// What the validation gave.
    #[serde(with = "any_numbers")]
    pub metrics: Vec<(String, f64)>,
    /// The learning rate of its last step.
    pub learning_rate: f64,
    /// Whether it is the best so far, by the metric that is watched.
    pub best: bool,
    /// Seconds it took, validation included; not those of what was done before an interrupt.
    pub seconds: f64,
}

impl EpochReport {
    /// The value of a metric of the validation.
    pub fn metric(&self, name: &str) -> Option<f64> {
        self.metrics.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }
}

/// All epochs so far, the first first. It shows itself as a table, the best epoch marked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The epochs.
    pub epochs: Vec<EpochReport>,
}

impl History {
    /// The epoch that was the best when it came, and was not beaten.
    pub fn best(&self) -> Option<&EpochReport> {
        self.epochs.iter().rfind(|epoch| epoch.best)
    }

    /// The last epoch.
    pub fn last(&self) -> Option<&EpochReport> {
        self.epochs.last()
    }

    fn table(&self) -> Table {
        let names: Vec<&str> =
            self.last().iter().flat_map(|epoch| &epoch.metrics).map(|(name, _)| name.as_str()).collect();
        let mut header = vec!["epoch".to_owned(), "step".to_owned(), "train loss".to_owned()];
        header.extend(names.iter().map(|name| format!("val {name}")));
        header.extend(["learning rate".to_owned(), "seconds".to_owned(), String::new()]);
        let mut table = Table::new(&header);
        let best = self.best().map(|best| best.epoch);
        for epoch in &self.epochs {
            let mut row = vec![epoch.epoch.to_string(), epoch.step.to_string(), number(epoch.train_loss)];
            row.extend(names.iter().map(|name| epoch.metric(name).map_or_else(String::new, number)));
            let mark = if best == Some(epoch.epoch) { "best" } else { "" };
            row.extend([number(epoch.learning_rate), format!("{:.1}", epoch.seconds), mark.to_owned()]);
            table.row(&row);
        }
        table
    }
}

fn number(value: f64) -> String {
    ::tracker::format::number(value)
}

impl Show for History {
    fn show(&self) -> MimeBundle {
        self.table().show()
    }
}

/// A number in JSON, which has no NaN and no infinities: those are text.
mod any_number {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    pub(super) enum Any {
        Number(f64),
        Text(String),
    }

    impl From<f64> for Any {
        fn from(value: f64) -> Self {
            if value.is_finite() { Self::Number(value) } else { Self::Text(value.to_string()) }
        }
    }

    impl Any {
        pub(super) fn value<E: serde::de::Error>(self) -> Result<f64, E> {
            match self {
                Self::Number(value) => Ok(value),
                Self::Text(text) => text.parse().map_err(E::custom),
            }
        }
    }

    pub(super) fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        Any::from(*value).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        Any::deserialize(from)?.value()
    }
}

/// Named numbers, as [`any_number`].
mod any_numbers {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::any_number::Any;

    pub(super) fn serialize<S: Serializer>(values: &[(String, f64)], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(values.iter().map(|(name, value)| (name, Any::from(*value))))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<(String, f64)>, D::Error> {
        let values = Vec::<(String, Any)>::deserialize(from)?;
        values.into_iter().map(|(name, value)| Ok((name, value.value()?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_table_and_comes_back_from_json() {
        let epoch = |epoch: usize, loss: f64, best| EpochReport {
            epoch,
            step: 10 * epoch as u64,
            train_loss: 0.1 + 0.2,
            metrics: vec![("loss".to_owned(), loss), ("accuracy".to_owned(), f64::INFINITY)],
            learning_rate: 1e-3,
            best,
            seconds: 1.0,
        };
        let history = History { epochs: vec![epoch(1, 0.5, true), epoch(2, 0.25, true), epoch(3, f64::NAN, false)] };
        let json = serde_json::to_string(&history).expect("JSON");
        let back: History = serde_json::from_str(&json).expect("a history");
        assert_eq!(back.epochs[..2], history.epochs[..2]);
        assert!(back.epochs[2].metrics[0].1.is_nan());
        let shown = history.show();
        let lines: Vec<&str> = shown.plain().expect("text").lines().collect();
        assert!(lines[0].contains("train loss") && lines[0].contains("val accuracy"), "{lines:?}");
        assert!(lines.iter().any(|line| line.contains("0.25") && line.contains("best")), "{lines:?}");
        assert_eq!(lines.iter().filter(|line| line.contains("best")).count(), 1);
    }
}
