//! `assay compare`: runs side by side.

use comfy_table::Table;
use tracker::{Comparison, Store, format};

use crate::table::{self, Database};

/// Compare runs: what differs in their configuration, and who is best by each metric
#[derive(clap::Args)]
#[command(after_help = "\
Example, two runs by the beginning of their uids:
  assay compare 3f2a b81c

★ marks the best of a row; ↑ and ↓ say whether more or less is better, as guessed from the
metric's name (less of a loss, error, mae, rmse or perplexity, more of the rest).")]
pub(crate) struct Args {
    /// Runs: the beginning of a uid, a name or a number
    #[arg(required = true, num_args = 2.., value_name = "RUN")]
    runs: Vec<String>,

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
    if args.json {
        table::print_json(&store.compare(&args.runs)?)
    } else if args.all {
        table::print(&render(&store.compare(&args.runs)?, true))
    } else {
        print_comparison(&store, &args.runs)
    }
}

/// Prints the comparison of runs, each named by uid, name or number.
pub(crate) fn print_comparison(store: &Store, runs: &[impl AsRef<str>]) -> anyhow::Result<()> {
    table::print(&render(&store.compare(runs)?, false))
}

fn render(comparison: &Comparison, all: bool) -> String {
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
        values(&mut table, &label, &metric.last, &metric.best_last);
        if metric.best_is_not_last() {
            let label = format!("{}, best {arrow}", metric.metric);
            values(&mut table, &label, &metric.best, &metric.best_best);
        }
    }
    let mut text = table::lines(&table);
    let same = comparison.params.len() - comparison.differing().count();
    if same > 0 && !all {
        let noun = if same == 1 { "parameter is" } else { "parameters are" };
        text.push_str(&format!("{same} {noun} the same in all.\n"));
    }
    text
}

fn row(table: &mut Table, label: &str, texts: impl Iterator<Item = String>) {
    table.add_row(std::iter::once(table::left(label)).chain(texts.map(table::right)));
}

/// A row of numbers with the best of them marked.
fn values(table: &mut Table, label: &str, values: &[Option<f64>], best: &[usize]) {
    let cells = values
        .iter()
        .enumerate()
        .map(|(index, value)| table::marked(value.map(format::number).unwrap_or_default(), best.contains(&index)));
    table.add_row(std::iter::once(table::left(label)).chain(cells));
}
