//! `assay top`: the leaderboard of a metric.

use clap::ValueEnum;
use tracker::compare::Direction;
use tracker::{Query, format};

use crate::table::{self, Database};

/// List the best runs by a metric
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  assay top accuracy
  assay top val_loss --limit 5 --where 'status = finished'

Whether less or more is better is guessed from the metric's name (less of a loss, error, mae, rmse or
perplexity, more of the rest), unless --better says it.")]
pub(crate) struct Args {
    /// The metric: loss, or loss{subset=test}
    #[arg(value_name = "METRIC")]
    metric: String,

    /// Which values are better
    #[arg(long, value_enum)]
    better: Option<Better>,

    /// Show no more than this many
    #[arg(long, value_name = "N", default_value_t = 10)]
    limit: usize,

    /// Only the runs that a query finds; see `assay runs --help`
    #[arg(long = "where", value_name = "QUERY")]
    filter: Option<String>,

    #[command(flatten)]
    database: Database,
}

#[derive(Clone, Copy, ValueEnum)]
enum Better {
    Lower,
    Higher,
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let store = args.database.open()?;
    let direction = match args.better {
        Some(Better::Lower) => Direction::Lower,
        Some(Better::Higher) => Direction::Higher,
        None => Direction::of(&args.metric),
    };
    let descending = direction != Direction::Lower;
    let end = if descending { "max" } else { "min" };
    let sort = Some(format!("metric.{}.{end}", args.metric));
    let runs =
        store.runs(&Query { filter: args.filter, sort, descending, limit: Some(args.limit), ..Query::default() })?;
    let heading = format!("{} {}", args.metric, direction.arrow());
    let mut table = table::new(["", "run", "name", "status", &heading, "at step", "last"]);
    for (place, run) in (1..).zip(&runs) {
        let Some(metric) = run.metric(&args.metric) else { continue };
        let best = if descending { metric.max } else { metric.min };
        table.add_row([
            table::right(place.to_string()),
            table::left(&run.uid),
            table::left(&run.name),
            table::left(run.status.as_str()),
            table::right(best.map(|at| format::number(at.value)).unwrap_or_default()),
            table::right(best.map(|at| at.step.to_string()).unwrap_or_default()),
            table::right(format::number(metric.last)),
        ]);
    }
    table::print(&table::lines(&table))
}
