//! `assay compare`: runs side by side.

mod drawing;
mod groups;

use anyhow::{Context, ensure};
use comfy_table::Table;
use tracker::chart::smoothed;
use tracker::{Comparison, Store, format};

use crate::selected::Selected;
use crate::table::{self, Database};
use drawing::Drawing;

/// How wide a small chart is.
const WIDTH: usize = 16;

/// Compare runs: what differs in their configuration and environment, and who is best by each metric
#[derive(clap::Args)]
#[command(after_help = "\
Examples, two runs by the beginning of their uids, and repeated runs of two groups:
  assay compare 3f2a b81c --baseline 3f2a
  assay compare --groups adam sgd
Charts as SVG: curves over each other, means over seeds with 95 % bands, parameters and how well they did:
  assay compare 3f2a b81c --chart curves --metric loss --smooth 0.9 --log-y --out loss.svg
  assay compare --where 'group = sweep' --chart bands --group-by lr --by time --out bands.svg
  assay compare --where 'group = sweep' --chart parallel --metric accuracy.max --out sweep.svg
  assay compare --where 'group = sweep' --chart scatter --x lr --log-x --y loss.min --out lr.svg

Of groups, the last value of each metric is shown as mean ± standard deviation (runs), and p of Welch's
t-test against the first group: how likely so great a difference is by chance alone.

Where the runs were recorded in differing environments, there is a row for each part that differs: commit, compiler,
each crate, processor, GPUs and so on.

★ marks the best of a row; ↑ and ↓ say whether more or less is better, as guessed from the
metric's name (less of a loss, error, mae, rmse or perplexity, more of the rest).")]
pub(crate) struct Args {
    #[command(flatten)]
    selected: Selected,

    /// Say how far each run is from this one
    #[arg(long, value_name = "RUN", conflicts_with_all = ["json", "groups"])]
    baseline: Option<String>,

    /// Compare groups of repeated runs: the names given are those of groups
    #[arg(long, conflicts_with_all = ["json", "all", "filter"])]
    groups: bool,

    /// Show the parameters that are the same in all runs, too
    #[arg(long)]
    all: bool,

    /// Print JSON: the runs with all their fields, and every row of the comparison
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    drawing: Drawing,

    #[command(flatten)]
    database: Database,
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let store = args.database.open()?;
    if args.groups {
        return table::print(&groups::render(&store, args.selected.named())?);
    }
    let runs = args.selected.read(&store)?;
    if args.drawing.is_wanted() {
        return args.drawing.draw(&store, &runs);
    }
    ensure!(runs.len() > 1, "a comparison is of two runs or more: name another");
    let comparison = store.side_by_side(runs)?;
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
    let small = Small { weight: args.drawing.weight()?, log: args.drawing.log_y };
    table::print(&render(&store, &comparison, args.all, baseline, small)?)
}

/// How small charts are drawn.
#[derive(Clone, Copy, Default)]
struct Small {
    /// How much they are smoothed.
    weight: f64,
    log: bool,
}

/// Prints the comparison of runs, each named by uid, name or number.
pub(crate) fn print_comparison(store: &Store, runs: &[impl AsRef<str>]) -> anyhow::Result<()> {
    table::print(&render(store, &store.compare(runs)?, false, None, Small::default())?)
}

fn render(
    store: &Store,
    comparison: &Comparison,
    all: bool,
    baseline: Option<usize>,
    small: Small,
) -> anyhow::Result<String> {
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
        let curves = curves(store, comparison, &metric.metric, small)?;
        if curves.iter().any(|curve| !curve.is_empty()) {
            row(&mut table, "", curves.into_iter());
        }
    }
    for part in comparison.environment.iter().filter(|row| row.differs) {
        let values = part.values.iter().map(|value| value.as_ref().map(format::environment));
        row(&mut table, &format!("environment.{}", part.path), values.map(Option::unwrap_or_default));
    }
    let mut text = table::lines(&table);
    for data in tracker::data::differing(runs) {
        text.push_str(&format!("{data}\n"));
    }
    let same = comparison.params.len() - comparison.differing().count();
    if same > 0 && !all {
        let noun = if same == 1 { "parameter is" } else { "parameters are" };
        text.push_str(&format!("{same} {noun} the same in all.\n"));
    }
    Ok(text)
}

/// A small chart for each run that has more than one point.
fn curves(store: &Store, comparison: &Comparison, metric: &str, small: Small) -> anyhow::Result<Vec<String>> {
    let curve = |run: &tracker::RunRecord| match run.metric(metric) {
        Some(found) if found.points > 1 => {
            let points = store.curve(run, metric, 4 * WIDTH)?;
            let points: Vec<(f64, f64)> = points.iter().map(|point| (0.0, point.value)).collect();
            let scaled = |value: f64| if small.log { value.ln() } else { value };
            let values: Vec<f64> = smoothed(&points, small.weight).iter().map(|point| scaled(point.1)).collect();
            Ok(format::sparkline(&values, WIDTH))
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
