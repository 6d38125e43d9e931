//! Groups of repeated runs side by side.

use anyhow::ensure;
use tracker::compare::{Direction, metric_keys};
use tracker::significance::Sample;
use tracker::{RunRecord, Store, format};

use crate::table;

/// The table of some groups: of each metric its mean and spread over the runs, and how sure a difference is.
pub(super) fn render(store: &Store, names: &[String]) -> anyhow::Result<String> {
    let mut groups = Vec::with_capacity(names.len());
    for name in names {
        let runs = store.find(&format!("group = \"{}\"", name.replace('"', "\"\"")))?;
        ensure!(!runs.is_empty(), "no run is in a group {name:?}; see `assay runs --where group`");
        groups.push(runs);
    }
    let all: Vec<RunRecord> = groups.iter().flatten().cloned().collect();
    let first = names.first().map(String::as_str).unwrap_or_default();
    let tests = names.iter().skip(1).map(|name| format!("p, {name} against {first}"));
    let mut table = table::new([String::new()].into_iter().chain(names.iter().cloned()).chain(tests));
    for key in metric_keys(&all) {
        let values = |runs: &Vec<RunRecord>| -> Vec<f64> {
            runs.iter().filter_map(|run| run.metric(&key)).map(|metric| metric.last).collect()
        };
        let samples: Vec<Option<Sample>> = groups.iter().map(|runs| Sample::of(&values(runs))).collect();
        let mut row = vec![table::left(format!("{key} {}", Direction::of(&key).arrow()))];
        row.extend(samples.iter().map(|sample| table::right(sample.map(mean).unwrap_or_default())));
        row.extend(samples.iter().skip(1).map(|sample| table::right(p(samples[0], *sample))));
        table.add_row(row);
    }
    Ok(table::lines(&table))
}

fn mean(sample: Sample) -> String {
    let (mean, deviation) = (format::number(sample.mean), format::number(sample.deviation));
    format!("{mean} ± {deviation} ({})", sample.count)
}

/// Nothing where too few runs were repeated to say.
fn p(first: Option<Sample>, other: Option<Sample>) -> String {
    let welch = first.zip(other).and_then(|(first, other)| first.welch(&other));
    welch.map(|welch| format::number(welch.p)).unwrap_or_default()
}
