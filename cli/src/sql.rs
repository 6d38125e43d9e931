//! `assay sql`: any question in SQL.

use clap::ValueEnum;
use tracker::{Rows, SqlCell, format};

use crate::export::csv_line;
use crate::table::{self, Database};

/// Ask the database in SQL; nothing that writes is run
#[derive(clap::Args)]
#[command(after_help = "\
Example, the best accuracy of each learning rate:
  assay sql \"select p.number as lr, max(m.max) from params p join metrics m using (run)
             where p.path = 'lr' and m.metric = 'accuracy' group by lr\"

The views to read from:
  runs       run, name, status, started_ms, ended_ms, parent, family, host, git_commit, git_dirty, notebook, note,
             error, config
  params     run, path, kind, value, number
  tags       run, key, value
  metrics    run, metric, context, points, last_step, last, min, min_step, max, max_step, last_word
  points     run, metric, context, seq, step, time_ms, value
  inputs     run, name, rows, hash, schema_hash, columns
  artifacts  run, name, kind, mime, step, time_ms, hash, size
A run is named by its uid, and times are milliseconds since 1970 UTC. NaN is NULL, since SQL has none; infinities
are numbers (9e999), printed as Infinity and -Infinity. last_word says NaN, Infinity or -Infinity of such a last value.")]
pub(crate) struct Args {
    /// One statement: SELECT, WITH, VALUES or EXPLAIN
    #[arg(value_name = "SQL")]
    sql: String,

    /// How the rows are printed
    #[arg(long, value_enum, default_value_t = Form::Table)]
    format: Form,

    #[command(flatten)]
    database: Database,
}

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    Table,
    Csv,
    Json,
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let rows = args.database.open()?.sql(&args.sql)?;
    match args.format {
        Form::Table => table::print(&text(&rows)),
        Form::Csv => {
            let lines = rows.rows.iter().map(|row| csv_line(row.iter().map(SqlCell::to_string)));
            table::print(&std::iter::once(csv_line(rows.columns.iter().cloned())).chain(lines).collect::<String>())
        }
        Form::Json => {
            let object = |row: &Vec<SqlCell>| {
                let pairs = rows.columns.iter().cloned().zip(row.iter().map(serde_json::to_value));
                pairs
                    .map(|(name, value)| Ok((name, value?)))
                    .collect::<Result<serde_json::Map<_, _>, serde_json::Error>>()
            };
            table::print_json(&rows.rows.iter().map(object).collect::<Result<Vec<_>, _>>()?)
        }
    }
}

fn text(rows: &Rows) -> String {
    if rows.rows.is_empty() {
        return "No rows.\n".to_owned();
    }
    let mut table = table::new(&rows.columns);
    for row in &rows.rows {
        table.add_row(row.iter().map(|cell| match cell {
            SqlCell::Integer(integer) => table::right(integer.to_string()),
            SqlCell::Real(real) => table::right(format::number(*real)),
            other => table::left(other.to_string()),
        }));
    }
    table::lines(&table)
}
