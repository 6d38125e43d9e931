//! Repeated runs: which runs are repeats of one another, and their mean with its confidence band.

use std::collections::HashMap;

use super::dimension::Key;
use super::read::middles;
use crate::significance::{Sample, student_t};
use crate::{Result, RunRecord, compare, format};

/// The probability with which a band holds the true mean.
pub(super) const LEVEL: f64 = 0.95;

/// A mean over more places than this would not be seen as such.
const PLACES: usize = 1200;

/// Some runs that are one line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) name: String,
    /// Their indices.
    pub(super) runs: Vec<usize>,
}

/// The mean of repeats at one place, and the band around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    pub x: f64,
    pub mean: f64,
    /// The ends of the interval that holds the true mean with a probability of 95 %, by Student's t; the mean where
    /// there is one value alone.
    pub low: f64,
    pub high: f64,
    /// Of how many curves.
    pub count: usize,
}

/// Groups runs whose parameters are the same but for seeds: what is called `seed`, or ends so. Of runs without a seed,
/// those of different names are kept apart.
pub(super) fn over_seeds(runs: &[RunRecord]) -> Vec<Group> {
    let (seeds, differing): (Vec<_>, Vec<_>) =
        compare::differing_params(runs).into_iter().partition(|path| is_seed(path));
    let one_name = runs.windows(2).all(|pair| pair[0].name == pair[1].name);
    let identity = |run: &RunRecord| {
        let seeded = seeds.iter().any(|path| run.param(path).is_some());
        let name = if seeded { "" } else { run.name.as_str() };
        let params: Vec<_> = run.params.iter().filter(|param| !is_seed(&param.path)).collect();
        format!("{name:?} {params:?}")
    };
    let short = short_names(&differing);
    let name = |run: &RunRecord| {
        let value = |(path, short): (&String, &String)| Some(format!("{short}={}", format::value(run.param(path)?)));
        let said = differing.iter().zip(&short).filter_map(value);
        let name = Some(run.name.clone()).filter(|_| !one_name || differing.is_empty());
        name.into_iter().chain(said).collect::<Vec<_>>().join(" ")
    };
    grouped(runs, identity, name)
}

/// Whether some runs differ only in a seed.
pub fn has_repeats(runs: &[RunRecord]) -> bool {
    over_seeds(runs).iter().any(|group| group.runs.len() > 1)
}

/// The parameters that differ, but for seeds.
pub fn tried(runs: &[RunRecord]) -> Vec<String> {
    compare::differing_params(runs).into_iter().filter(|path| !is_seed(path)).collect()
}

fn is_seed(path: &str) -> bool {
    path.rsplit('.').next().is_some_and(|end| end.to_lowercase().ends_with("seed"))
}

/// The last parts of paths, where that is enough to tell them apart.
fn short_names(paths: &[String]) -> Vec<String> {
    let last = |path: &str| path.rsplit('.').next().unwrap_or(path).to_owned();
    let alone = |path: &str| paths.iter().filter(|other| last(other) == last(path)).count() == 1;
    paths.iter().map(|path| if alone(path) { last(path) } else { path.clone() }).collect()
}

/// Groups runs that have the same under all of some keys.
pub(super) fn by_keys(runs: &[RunRecord], keys: &[String]) -> Result<Vec<Group>> {
    let parsed = keys.iter().map(|key| Key::find(key, runs)).collect::<Result<Vec<_>>>()?;
    let name = |run: &RunRecord| {
        let said = |(key, text): (&Key, &String)| format!("{text}={}", key.text(run).unwrap_or("none".to_owned()));
        parsed.iter().zip(keys).map(said).collect::<Vec<_>>().join(" ")
    };
    Ok(grouped(runs, name, name))
}

/// Groups in the order of their first runs.
fn grouped(
    runs: &[RunRecord],
    identity: impl Fn(&RunRecord) -> String,
    name: impl Fn(&RunRecord) -> String,
) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for (index, run) in runs.iter().enumerate() {
        let group = *known.entry(identity(run)).or_insert_with(|| {
            groups.push(Group { name: name(run), runs: Vec::new() });
            groups.len() - 1
        });
        groups[group].runs.push(index);
    }
    groups
}

/// The mean of curves, each sorted by x, at every x of any of them, and the band around it. Between its points a curve is
/// a straight line; before its first and after its last it has no value, and none next to one that is not finite.
/// Where there are more than 1,200 different x, 600 columns over all of them stand for the points.
pub fn band(curves: &[Vec<(f64, f64)>]) -> Vec<Band> {
    let mut places = places(curves);
    let columns: Vec<Vec<(f64, f64)>>;
    let mut curves = curves;
    if let (true, [first, .., last]) = (places.len() > PLACES, places.as_slice()) {
        columns = curves.iter().map(|curve| middles(curve, (*first, *last))).collect();
        curves = &columns;
        places = self::places(curves);
    }
    let mut walks: Vec<Walk> = curves.iter().map(|points| Walk { points, at: 0 }).collect();
    let mut quantiles: HashMap<usize, f64> = HashMap::new();
    let mut band = |x: f64| {
        let values: Vec<f64> = walks.iter_mut().filter_map(|walk| walk.value(x)).collect();
        let Sample { count, mean, deviation } = Sample::of(&values)?;
        let half = if count > 1 {
            let quantile = quantiles.entry(count).or_insert_with(|| student_t(LEVEL, (count - 1) as f64));
            *quantile * deviation / (count as f64).sqrt()
        } else {
            0.0
        };
        Some(Band { x, mean, low: mean - half, high: mean + half, count })
    };
    places.into_iter().filter_map(&mut band).collect()
}

fn places(curves: &[Vec<(f64, f64)>]) -> Vec<f64> {
    let mut places: Vec<f64> = curves.iter().flatten().map(|point| point.0).collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    places
}

/// A curve that is read from left to right.
struct Walk<'a> {
    points: &'a [(f64, f64)],
    /// The last point that was not to the right.
    at: usize,
}

impl Walk<'_> {
    /// Its value at an x that is no less than the one before.
    fn value(&mut self, x: f64) -> Option<f64> {
        while self.points.get(self.at + 1).is_some_and(|next| next.0 <= x) {
            self.at += 1;
        }
        let &(from, value) = self.points.get(self.at).filter(|point| point.0 <= x)?;
        if from == x {
            return Some(value).filter(|value| value.is_finite());
        }
        let &(to, next) = self.points.get(self.at + 1)?;
        let part = (x - from) / (to - from);
        Some(value * (1.0 - part) + next * part).filter(|value| value.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(points: &[(i32, f64)]) -> Vec<(f64, f64)> {
        points.iter().map(|(x, y)| (f64::from(*x), *y)).collect()
    }

    #[test]
    fn bands_of_runs_logged_at_different_steps_are_those_of_scipy() {
        let curves = [
            curve(&[(0, 1.0), (2, 0.6), (4, 0.4)]),
            curve(&[(0, 1.2), (1, 1.0), (3, 0.7), (4, 0.5)]),
            curve(&[(0, 0.9), (4, 0.1)]),
        ];
        // numpy.interp of each, then scipy 1.17.1, stats.t.interval(0.95, 2, loc=mean, scale=stats.sem(values)).
        let expected = [
            (1.0333333333333334, 0.6538750299736575, 1.4127916366930093),
            (0.8333333333333334, 0.45387502997365736, 1.2127916366930094),
            (0.65, 0.20216570524852012, 1.0978342947514799),
            (0.5, 0.0031724576499339574, 0.9968275423500661),
            (0.3333333333333333, -0.183781167920893, 0.8504478345875597),
        ];
        let found = band(&curves);
        assert_eq!(found.len(), expected.len());
        for ((x, found), (mean, low, high)) in (0..).zip(&found).zip(expected) {
            assert_eq!((found.x, found.count), (f64::from(x), 3));
            for (found, expected) in [(found.mean, mean), (found.low, low), (found.high, high)] {
                assert!((found - expected).abs() < 1e-12, "{x}: {found} {expected}");
            }
        }
    }

    #[test]
    fn a_curve_counts_only_where_it_has_values() {
        let curves = [curve(&[(0, 1.0), (1, f64::NAN), (2, 1.0)]), curve(&[(1, 3.0), (2, 5.0), (3, 7.0)]), Vec::new()];
        let found: Vec<_> = band(&curves).iter().map(|at| (at.x, at.mean, at.count)).collect();
        assert_eq!(found, [(0.0, 1.0, 1), (1.0, 3.0, 1), (2.0, 3.0, 2), (3.0, 7.0, 1)]);
    }

    #[test]
    fn many_places_become_columns() {
        let wave = |shift: f64| (0..50_000).map(|n| (f64::from(n) + shift, 5.0 + f64::from(n % 2))).collect::<Vec<_>>();
        let found = band(&[wave(0.0), wave(0.5)]);
        assert_eq!(found.len(), 600);
        assert!(found.iter().all(|at| at.mean == 5.5 && at.count == 2), "{:?}", found[0]);
    }
}
