//! Whether a run that was run again has led to the same: every series value by value, every artifact by its hash.

use serde::Serialize;
use std::collections::BTreeMap;

use crate::model::{Point, Series, number};
use crate::record::USAGE;
use crate::{Artifact, Result, RunRecord, Store};

/// What of two runs is equal. Measurements of the machine (`system.*`) are not compared.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    /// In the order of the first run's series; series that only the second has come last.
    pub series: Vec<SeriesVerdict>,
    /// In the order of the first run's artifacts.
    pub artifacts: Vec<ArtifactVerdict>,
}

/// One series of both runs.
#[derive(Debug, Clone, Serialize)]
pub struct SeriesVerdict {
    /// As [`crate::Metric::key`].
    pub key: String,
    /// How many values the first run has.
    pub values: usize,
    /// How many the second has.
    pub again: usize,
    /// How many of them are equal, place by place: step and bits of the value, any NaN being equal to any other.
    pub equal: usize,
    /// How many differ by the tolerance or less.
    pub close: usize,
    /// The first place at which they differ by more than nothing.
    pub first: Option<Difference>,
}

/// Where two series differ first.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Difference {
    /// The step in the first run, or in the second where the first has no more values.
    pub step: i64,
    #[serde(serialize_with = "optional")]
    pub value: Option<f64>,
    #[serde(serialize_with = "optional")]
    pub again: Option<f64>,
    /// How many floating-point numbers lie between the two: of f32 where both are such numbers. `None` where one is
    /// missing, no number, or at another step.
    pub ulps: Option<u64>,
}

/// One artifact of both runs, by name and by how often the name came before.
#[derive(Debug, Clone, Serialize)]
pub struct ArtifactVerdict {
    pub name: String,
    pub step: Option<i64>,
    /// Whether the second run has it, with the same bytes.
    pub equal: bool,
    pub is_there: bool,
}

impl Verdict {
    /// Compares `run` with `again`, a run of `other`; a difference of at most `tolerance` is close.
    ///
    /// # Errors
    /// As [`Store::series`].
    pub fn of(store: &Store, run: &RunRecord, other: &Store, again: &RunRecord, tolerance: f64) -> Result<Self> {
        let compared = |series: &Series| !series.metric.name.starts_with(USAGE);
        let keyed = |all: Vec<Series>| {
            let all = all.into_iter().filter(compared);
            all.map(|series| (series.metric.key(), series.values)).collect::<Vec<(String, Vec<Point>)>>()
        };
        let first = keyed(store.series(run)?);
        let mut second: BTreeMap<String, Vec<Point>> = keyed(other.series(again)?).into_iter().collect();
        let mut series = Vec::new();
        for (key, values) in first {
            let again = second.remove(&key).unwrap_or_default();
            series.push(SeriesVerdict::of(key, &values, &again, tolerance));
        }
        series.extend(second.into_iter().map(|(key, again)| SeriesVerdict::of(key, &[], &again, tolerance)));
        Ok(Self { series, artifacts: artifacts(&store.artifacts(run)?, &other.artifacts(again)?) })
    }

    /// How many values were compared, and how many of them are equal.
    pub fn values(&self) -> (usize, usize) {
        let all = self.series.iter().map(|it| it.values.max(it.again)).sum();
        (all, self.series.iter().map(|it| it.equal).sum())
    }

    /// Whether all values and artifacts are equal.
    pub fn is_equal(&self) -> bool {
        let (all, equal) = self.values();
        all == equal && self.artifacts.iter().all(|it| it.equal)
    }

    /// Whether all values are equal or close; artifacts are not looked at, as they show values with all their digits.
    pub fn is_close(&self) -> bool {
        self.series.iter().all(|it| it.equal + it.close == it.values.max(it.again))
    }
}

impl SeriesVerdict {
    fn of(key: String, values: &[Point], again: &[Point], tolerance: f64) -> Self {
        let mut verdict = Self { key, values: values.len(), again: again.len(), equal: 0, close: 0, first: None };
        for place in 0..values.len().max(again.len()) {
            let pair = (values.get(place), again.get(place));
            match pair {
                (Some(value), Some(again)) if value.step == again.step && are_equal(value.value, again.value) => {
                    verdict.equal += 1;
                    continue;
                }
                (Some(value), Some(again))
                    if value.step == again.step && (value.value - again.value).abs() <= tolerance =>
                {
                    verdict.close += 1;
                }
                _ => {}
            }
            verdict.first = verdict.first.or_else(|| difference(pair));
        }
        verdict
    }
}

fn are_equal(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
}

fn difference(pair: (Option<&Point>, Option<&Point>)) -> Option<Difference> {
    let step = pair.0.or(pair.1)?.step;
    let ulps = match pair {
        (Some(value), Some(again)) if value.step == again.step => ulps(value.value, again.value),
        _ => None,
    };
    Some(Difference { step, value: pair.0.map(|it| it.value), again: pair.1.map(|it| it.value), ulps })
}

/// How many numbers lie from one to the other.
fn ulps(a: f64, b: f64) -> Option<u64> {
    if a.is_nan() || b.is_nan() {
        return None;
    }
    let narrow = |value: f64| Some(value as f32).filter(|it| f64::from(*it).to_bits() == value.to_bits());
    Some(match (narrow(a), narrow(b)) {
        (Some(a), Some(b)) => u64::from(place32(a).abs_diff(place32(b))),
        _ => place64(a).abs_diff(place64(b)),
    })
}

/// The place of a number among all numbers in their order; both zeros are next to each other.
fn place32(value: f32) -> i32 {
    let bits = value.to_bits() as i32;
    if bits < 0 { !(bits & i32::MAX) } else { bits }
}

fn place64(value: f64) -> i64 {
    let bits = value.to_bits() as i64;
    if bits < 0 { !(bits & i64::MAX) } else { bits }
}

fn artifacts(first: &[Artifact], second: &[Artifact]) -> Vec<ArtifactVerdict> {
    let mut others: BTreeMap<&str, Vec<&Artifact>> = BTreeMap::new();
    for artifact in second.iter().rev() {
        others.entry(&artifact.name).or_default().push(artifact);
    }
    let verdict = |artifact: &Artifact| {
        let other = others.get_mut(artifact.name.as_str()).and_then(Vec::pop);
        ArtifactVerdict {
            name: artifact.name.clone(),
            step: artifact.step,
            equal: other.is_some_and(|other| other.hash == artifact.hash && other.step == artifact.step),
            is_there: other.is_some(),
        }
    };
    first.iter().map(verdict).collect()
}

fn optional<S: serde::Serializer>(value: &Option<f64>, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    match value {
        Some(value) => number(value, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[(i64, f64)]) -> Vec<Point> {
        values.iter().map(|&(step, value)| Point { step, time_ms: 0, value }).collect()
    }

    #[test]
    fn values_are_equal_by_their_bits_and_the_first_difference_is_told() {
        let nan = f64::from_bits(f64::NAN.to_bits() | 1);
        let first = points(&[(0, 1.0), (1, f64::NAN), (2, 0.0), (3, f64::from(0.1_f32)), (4, 5.0)]);
        let next = f64::from(f32::from_bits(0.1_f32.to_bits() + 3));
        let second = points(&[(0, 1.0), (1, nan), (2, -0.0), (3, next)]);
        let verdict = SeriesVerdict::of("loss".to_owned(), &first, &second, 0.0);
        assert_eq!((verdict.values, verdict.again, verdict.equal), (5, 4, 2));
        let at = verdict.first.expect("a difference");
        assert_eq!((at.step, at.ulps), (2, Some(1)));
        let close = SeriesVerdict::of("loss".to_owned(), &first, &second, 1e-6);
        assert_eq!(close.close, 2);
        let three = SeriesVerdict::of("loss".to_owned(), &first[3..4], &second[3..], 0.0);
        assert_eq!(three.first.and_then(|it| it.ulps), Some(3));
        let missing = SeriesVerdict::of("loss".to_owned(), &first[4..], &[], 0.0);
        assert!(missing.first.is_some_and(|it| it.step == 4 && it.again.is_none() && it.ulps.is_none()));
    }

    #[test]
    fn numbers_are_counted_across_zero() {
        assert_eq!(ulps(f64::from_bits(1), -f64::from_bits(1)), Some(1 + 1 + 1));
        assert_eq!(ulps(1.0, 1.0 + f64::EPSILON), Some(1));
        assert_eq!(ulps(f64::INFINITY, f64::NAN), None);
    }
}
