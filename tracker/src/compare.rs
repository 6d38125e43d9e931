//! Runs side by side: what differs in their configuration, and which is best by each metric.

use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;

use crate::model::numbers;
use crate::record::USAGE;
use crate::{Metric, Param, RunRecord};

/// Whether less or more of a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    Lower,
    Higher,
    /// It says how a run went, not how good it is: a learning rate.
    Neither,
}

/// Parts of names of which less is better.
const LOWER: [&str; 11] = ["loss", "error", "err", "mae", "mse", "rmse", "mape", "perplexity", "ppl", "wer", "nll"];

/// Ends of names of which neither is better.
const NEITHER: [&str; 6] = ["lr", "learning_rate", "grad_norm", "epoch", "seconds", "bytes"];

impl Direction {
    /// Guesses from the words of a name: `val_loss` and `test/RMSE` are better low, `accuracy` high.
    pub fn of(name: &str) -> Self {
        if name.starts_with(USAGE) {
            return Self::Neither;
        }
        let words = name.split(|character: char| !character.is_alphanumeric());
        let lower = words
            .map(str::to_lowercase)
            .any(|word| LOWER.contains(&word.as_str()) || word.ends_with("loss") || word.ends_with("error"));
        let name = name.to_lowercase();
        let before = |end| name.strip_suffix(end).map(|rest| !rest.ends_with(char::is_alphanumeric));
        match (lower, NEITHER.iter().any(|end| before(*end) == Some(true))) {
            (true, _) => Self::Lower,
            (false, true) => Self::Neither,
            (false, false) => Self::Higher,
        }
    }

    /// An arrow in the direction of better.
    pub fn arrow(self) -> char {
        match self {
            Self::Lower => '↓',
            Self::Higher => '↑',
            Self::Neither => ' ',
        }
    }

    fn better(self, a: f64, b: f64) -> bool {
        match self {
            Self::Lower => a < b,
            Self::Higher => a > b,
            Self::Neither => false,
        }
    }

    /// The indices of the best values. None is the best when all that there are say the same.
    fn best_of(self, values: &[Option<f64>]) -> Vec<usize> {
        if self == Self::Neither {
            return Vec::new();
        }
        let known = || values.iter().flatten().copied().filter(|value| !value.is_nan());
        let Some(best) = known().reduce(|best, value| if self.better(value, best) { value } else { best }) else {
            return Vec::new();
        };
        if values.len() > 1 && values.iter().all(|value| *value == Some(best)) {
            return Vec::new();
        }
        (0..values.len()).filter(|index| values[*index] == Some(best)).collect()
    }
}

/// Some runs compared; every row has one entry per run, in the order of `runs`.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    pub runs: Vec<RunRecord>,
    pub params: Vec<ParamRow>,
    pub metrics: Vec<MetricRow>,
    /// As [`crate::Store::environment`], by dotted path, and where they differ each crate and its features. Only
    /// [`crate::Store::compare`] knows them.
    pub environment: Vec<ParamRow>,
}

/// A parameter in each run that has it.
#[derive(Debug, Clone, Serialize)]
pub struct ParamRow {
    pub path: String,
    pub values: Vec<Option<Value>>,
    pub differs: bool,
}

/// A metric in each run that has it.
#[derive(Debug, Clone, Serialize)]
pub struct MetricRow {
    /// As [`crate::Metric::key`].
    pub metric: String,
    pub direction: Direction,
    /// The value at the greatest step.
    #[serde(serialize_with = "row_of_numbers")]
    pub last: Vec<Option<f64>>,
    /// Indices of the runs whose last value is best.
    pub best_last: Vec<usize>,
    /// The best value at any step.
    #[serde(serialize_with = "row_of_numbers")]
    pub best: Vec<Option<f64>>,
    /// Indices of the runs whose best value is best.
    pub best_best: Vec<usize>,
}

impl Comparison {
    /// Compares runs; [`crate::Store::compare`] finds them by name.
    pub fn of(runs: Vec<RunRecord>) -> Self {
        let params = param_rows(&runs);
        let metrics = metric_keys(&runs).into_iter().map(|key| MetricRow::of(key, &runs)).collect();
        Self { runs, params, metrics, environment: Vec::new() }
    }

    /// The parameters that are not the same in all runs.
    pub fn differing(&self) -> impl Iterator<Item = &ParamRow> {
        self.params.iter().filter(|row| row.differs)
    }
}

impl MetricRow {
    fn of(metric: String, runs: &[RunRecord]) -> Self {
        let found: Vec<_> = runs.iter().map(|run| run.metric(&metric)).collect();
        let direction = found.iter().flatten().next().map_or(Direction::Higher, |metric| metric.direction());
        let last: Vec<_> = found.iter().map(|metric| metric.map(|metric| metric.last)).collect();
        let best: Vec<_> = found.iter().map(|metric| metric.and_then(|m| m.best()).map(|at| at.value)).collect();
        Self { best_last: direction.best_of(&last), best_best: direction.best_of(&best), metric, direction, last, best }
    }

    /// Whether some run was better at another step than at its last.
    pub fn best_is_not_last(&self) -> bool {
        self.last.iter().zip(&self.best).any(|(last, best)| best.is_some() && last != best)
    }
}

/// Every parameter of some runs, in the order in which they are met.
pub fn param_rows(runs: &[RunRecord]) -> Vec<ParamRow> {
    rows(&runs.iter().map(|run| run.params.as_slice()).collect::<Vec<_>>())
}

/// A row for each path of some lists.
pub(crate) fn rows(lists: &[&[Param]]) -> Vec<ParamRow> {
    let paths = in_order(lists.iter().flat_map(|list| list.iter().map(|param| param.path.clone())));
    let maps: Vec<HashMap<&str, &Value>> =
        lists.iter().map(|list| list.iter().map(|param| (param.path.as_str(), &param.value)).collect()).collect();
    let row = |path: String| {
        let values: Vec<_> = maps.iter().map(|map| map.get(path.as_str()).copied().cloned()).collect();
        let differs = values.windows(2).any(|pair| pair[0] != pair[1]);
        ParamRow { path, values, differs }
    };
    paths.into_iter().map(row).collect()
}

/// Every metric of some runs, in the order in which they are met, but for what the process used.
pub fn metric_keys(runs: &[RunRecord]) -> Vec<String> {
    let logged = |metric: &&Metric| !metric.name.starts_with(USAGE);
    in_order(runs.iter().flat_map(|run| run.metrics.iter().filter(logged).map(Metric::key)))
}

/// The paths of the parameters that are not the same in all runs.
pub fn differing_params(runs: &[RunRecord]) -> Vec<String> {
    param_rows(runs).into_iter().filter(|row| row.differs).map(|row| row.path).collect()
}

fn in_order(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    names.filter(|name| seen.insert(name.clone())).collect()
}

fn row_of_numbers<S: serde::Serializer>(values: &[Option<f64>], serializer: S) -> Result<S::Ok, S::Error> {
    numbers(values, serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn direction_is_guessed_from_words() {
        for name in ["loss", "val_loss", "test/RMSE", "cross-entropy-loss", "logloss", "Perplexity", "top1.err"] {
            assert_eq!(Direction::of(name), Direction::Lower, "{name}");
        }
        for name in ["accuracy", "f1", "throughput", "glosses", "hit_rate"] {
            assert_eq!(Direction::of(name), Direction::Higher, "{name}");
        }
        for name in ["lr", "learning_rate", "grad_norm", "train/epoch", "system.gpu_percent"] {
            assert_eq!(Direction::of(name), Direction::Neither, "{name}");
        }
        assert_eq!(Direction::of("error_rate"), Direction::Lower);
    }

    #[test]
    fn the_best_is_marked_unless_all_are_equal() {
        let lower = |values: &[f64]| Direction::Lower.best_of(&values.iter().copied().map(Some).collect::<Vec<_>>());
        assert_eq!(lower(&[0.2, 0.1, 0.1]), [1, 2]);
        assert_eq!(lower(&[0.1, 0.1]), [] as [usize; 0]);
        assert_eq!(lower(&[f64::NAN, 0.3]), [1]);
        assert_eq!(lower(&[f64::NAN, f64::NAN]), [] as [usize; 0]);
        assert_eq!(Direction::Higher.best_of(&[None, Some(0.3)]), [1]);
        assert_eq!(Direction::Neither.best_of(&[Some(0.1), Some(0.3)]), [] as [usize; 0]);
    }
}
