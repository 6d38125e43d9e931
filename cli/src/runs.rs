//! `assay runs`: a table of the recorded runs.

use clap::ValueEnum;
use comfy_table::Table;
use tracker::compare::{MetricRow, differing_params};
use tracker::{Comparison, Metric, Query, RunRecord, Status, format};

use crate::table::{self, Database};

/// More columns than this would not fit any terminal.
const MOST_COLUMNS: usize = 8;

/// List the recorded runs, the newest first
#[derive(clap::Args)]
#[command(after_help = "\
Examples, the five runs with the best accuracy, and a query:
  assay runs --sort -accuracy --limit 5
  assay runs --where 'status = finished and (metric.accuracy.max > 0.9 or tag.team = \"vision\")
                      order by metric.loss limit 20'

A query compares by = != < <= > >= in (...) like, joined by and, or, not and brackets; a key alone asks
whether a run has it. Keys: metric.NAME, with .last (the default), .min, .max, .best, .step or .points;
param.PATH; tag.KEY; and uid, name, status, started, ended, duration (seconds), group, parent, notebook,
host, commit, dirty, note, error, deleted. A name with blanks is quoted: metric.\"val loss\".min.

The table shows the parameters that differ between the runs, and of each metric the last value,
with the best one in brackets where it was another. ★ marks the best run; ↑ and ↓ say whether more
or less is better, as guessed from the metric's name.")]
pub(crate) struct Args {
    /// Sort by a metric (loss, loss.min), a parameter (optimizer.lr), a tag, started, duration, name,
    /// status or group; a - before it sorts downward
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    sort: Option<String>,

    /// Sort downward
    #[arg(long, requires = "sort")]
    desc: bool,

    /// Show no more than this many
    #[arg(long, value_name = "N")]
    limit: Option<usize>,

    /// Show only the runs that a query finds, in its order
    #[arg(long = "where", value_name = "QUERY")]
    filter: Option<String>,

    /// Show only runs of this status
    #[arg(long, value_enum)]
    status: Option<Wanted>,

    /// Show only runs of this name
    #[arg(long)]
    name: Option<String>,

    /// Print JSON: every field of every run
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    database: Database,
}

#[derive(Clone, Copy, ValueEnum)]
enum Wanted {
    Running,
    Finished,
    Failed,
    Stopped,
    Crashed,
}

impl From<Wanted> for Status {
    fn from(wanted: Wanted) -> Self {
        match wanted {
            Wanted::Running => Self::Running,
            Wanted::Finished => Self::Finished,
            Wanted::Failed => Self::Failed,
            Wanted::Stopped => Self::Stopped,
            Wanted::Crashed => Self::Crashed,
        }
    }
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let minus = args.sort.as_ref().is_some_and(|key| key.starts_with('-'));
    let query = Query {
        filter: args.filter,
        sort: args.sort.map(|key| key.strip_prefix('-').map(str::to_owned).unwrap_or(key)),
        descending: args.desc || minus,
        limit: args.limit,
        status: args.status.map(Status::from),
        name: args.name,
    };
    let store = args.database.open()?;
    let runs = store.runs(&query)?;
    if args.json {
        return table::print_json(&runs);
    }
    if runs.is_empty() {
        return table::print("No runs.\n");
    }
    table::print(&overview(runs))
}

/// The table, and a line about what it leaves out to fit the terminal.
fn overview(runs: Vec<RunRecord>) -> String {
    let mut params = differing_params(&runs);
    let Comparison { runs, mut metrics, .. } = Comparison::of(runs);
    let all = params.len() + metrics.len();
    params.truncate(MOST_COLUMNS);
    metrics.truncate(MOST_COLUMNS);
    let mut started = true;
    let mut table = table_of(&runs, started, &params, &metrics);
    while !table::fits(&mut table) && (started || params.len() + metrics.len() > 2) {
        if started {
            started = false;
        } else if params.len() >= metrics.len() {
            params.pop();
        } else {
            metrics.pop();
        }
        table = table_of(&runs, started, &params, &metrics);
    }
    let mut text = table::lines(&table);
    let left_out = all - params.len() - metrics.len() + usize::from(!started);
    if left_out > 0 {
        let noun = if left_out == 1 { "column" } else { "columns" };
        text.push_str(&format!("{left_out} more {noun}: see `assay runs --json` or `assay show RUN`.\n"));
    }
    text
}

fn table_of(runs: &[RunRecord], started: bool, params: &[String], metrics: &[MetricRow]) -> Table {
    let fixed = ["run", "name", "status", "duration", "started"];
    let fixed = fixed.iter().take(if started { 5 } else { 4 }).map(|heading| (*heading).to_owned());
    let arrows = metrics.iter().map(|row| format!("{} {}", row.metric, row.direction.arrow()));
    let mut table = table::new(fixed.chain(params.iter().cloned()).chain(arrows));
    for (index, run) in runs.iter().enumerate() {
        let mut row = vec![
            table::left(&run.uid),
            table::left(&run.name),
            table::left(run.status.as_str()),
            table::right(format::duration(run.duration_ms)),
        ];
        if started {
            row.push(table::left(format::moment(run.started_ms)));
        }
        let values = params.iter().map(|path| run.param(path).map(format::value));
        row.extend(values.map(|value| table::right(value.unwrap_or_default())));
        row.extend(metrics.iter().map(|metric| cell(metric, run, index)));
        table.add_row(row);
    }
    table
}

fn cell(row: &MetricRow, run: &RunRecord, index: usize) -> comfy_table::Cell {
    let text = run.metric(&row.metric).map(last_and_best).unwrap_or_default();
    table::marked(text, row.best_last.contains(&index))
}

fn last_and_best(metric: &Metric) -> String {
    let last = format::number(metric.last);
    match metric.best() {
        Some(best) if best.value != metric.last => {
            format!("{last} ({})", format::number(best.value))
        }
        _ => last,
    }
}
