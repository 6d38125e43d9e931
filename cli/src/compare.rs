//! `assay compare`: runs side by side.

mod groups;

use anyhow::Context;
use comfy_table::Table;
use tracker::{Comparison, Store, format};

use crate::table::{self, Database};

/// How wide a small chart is.
const WIDTH: usize = 16;

/// Compare runs: what differs in their configuration, and who is best by each metric
#[derive(clap::Args)]
#[command(after_help = "\
Examples, two runs by the beginning of their uids, and repeated runs of two groups:
  assay compare 3f2a b81c --baseline 3f2a
  assay compare --groups adam sgd

Of groups, the last value of each metric is shown as mean ± standard deviation (runs), and p of Welch's
t-test against the first group: how likely so great a difference is by chance alone.

★ marks the best of a row; ↑ and ↓ say whether more or less is better, as guessed from the
metric's name (less of a loss, error, mae, rmse or perplexity, more of the rest).")]
pub(crate) struct Args {
    /// Runs: the beginning of a uid, a name or a number
    #[arg(required = true, num_args = 2.., value_name = "RUN")]
    runs: Vec<String>,

    /// Say how far each run is from this one
    #[arg(long, value_name = "RUN", conflicts_with_all = ["json", "groups"])]
    baseline: Option<String>,

    /// Compare groups of repeated runs: the names given are those of groups
    #[arg(long, conflicts_with_all = ["json", "all"])]
    groups: bool,

    /// Show the parameters that are the same in all runs, too
    #[arg(long)]
    all: bool,

    /// Print JSON: the runs with all their fields, and every row of the comparison
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    database: Database,
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let store = args.database.open()?;
    if args.groups {
        return table::print(&groups::render(&store, &args.runs)?);
    }
    let comparison = store.compare(&args.runs)?;
    if args.json {
        return table::print_json(&comparison);
    }
    let baseline = match args.baseline {
        Some(wanted) => {
            let uid = store.run(&wanted)?.uid;
            let place = comparison.runs.iter().position(|run| run.uid == uid);
            Some(place.with_context(|| format!("the baseline {uid} is not among the runs that are compared"))?)
        }
        None => None,
    };
    table::print(&render(&store, &comparison, args.all, baseline)?)
}

/// Prints the comparison of runs, each named by uid, name or number.
pub(crate) fn print_comparison(store: &Store, runs: &[impl AsRef<str>]) -> anyhow::Result<()> {
    table::print(&render(store, &store.compare(runs)?, false, None)?)
}

fn render(store: &Store, comparison: &Comparison, all: bool, baseline: Option<usize>) -> anyhow::Result<String> {
    let runs = &comparison.runs;
    let titles = runs.iter().map(|run| format!("{} {}", run.name, run.uid));
    let mut table = table::new(std::iter::once(String::new()).chain(titles));
    row(&mut table, "status", runs.iter().map(|run| run.status.to_string()));
    row(&mut table, "duration", runs.iter().map(|run| format::duration(run.duration_ms)));
    for param in comparison.params.iter().filter(|row| all || row.differs) {
        let values = param.values.iter().map(|value| value.as_ref().map(format::value));
        row(&mut table, &param.path, values.map(Option::unwrap_or_default));
    }
    for metric in &comparison.metrics {
        let arrow = metric.direction.arrow();
        let label = format!("{} {arrow}", metric.metric);
        values(&mut table, &label, &metric.last, &metric.best_last, baseline);
        if metric.best_is_not_last() {
            let label = format!("{}, best {arrow}", metric.metric);
            values(&mut table, &label, &metric.best, &metric.best_best, baseline);
        }
        let curves = curves(store, comparison, &metric.metric)?;
        if curves.iter().any(|curve| !curve.is_empty()) {
            row(&mut table, "", curves.into_iter());
        }
    }
    let mut text = table::lines(&table);
    for data in tracker::data::data_rows(runs).iter().filter(|data| !data.differs.is_empty()) {
        text.push_str(&format!(
            "data {} differs: {}\n",
            format::plain(&data.name),
            format::plain(&data.differs.join(", "))
        ));
    }
    let same = comparison.params.len() - comparison.differing().count();
    if same > 0 && !all {
        let noun = if same == 1 { "parameter is" } else { "parameters are" };
        text.push_str(&format!("{same} {noun} the same in all.\n"));
    }
    Ok(text)
}

/// A small chart for each run that has more than one point.
fn curves(store: &Store, comparison: &Comparison, metric: &str) -> anyhow::Result<Vec<String>> {
    let curve = |run: &tracker::RunRecord| match run.metric(metric) {
        Some(found) if found.points > 1 => {
            let points = store.curve(run, metric, 4 * WIDTH)?;
            Ok(format::sparkline(&points.iter().map(|point| point.value).collect::<Vec<_>>(), WIDTH))
        }
        _ => Ok(String::new()),
    };
    comparison.runs.iter().map(curve).collect()
}

fn row(table: &mut Table, label: &str, texts: impl Iterator<Item = String>) {
    table.add_row(std::iter::once(table::left(label)).chain(texts.map(table::right)));
}

/// A row of numbers with the best of them marked, and how far they are from the baseline.
fn values(table: &mut Table, label: &str, values: &[Option<f64>], best: &[usize], baseline: Option<usize>) {
    let base = baseline.and_then(|baseline| values[baseline]);
    let text = |index: usize, value: f64| match base {
        Some(base) if baseline != Some(index) => {
            let sign = if value >= base { "+" } else { "" };
            format!("{} ({sign}{})", format::number(value), format::number(value - base))
        }
        _ => format::number(value),
    };
    let cells = values.iter().enumerate().map(|(index, value)| {
        table::marked(value.map(|value| text(index, value)).unwrap_or_default(), best.contains(&index))
    });
    table.add_row(std::iter::once(table::left(label)).chain(cells));
}
