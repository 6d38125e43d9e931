//! `assay report`: runs as one HTML file.

use anyhow::ensure;
use std::path::PathBuf;

use crate::table::{self, Database};

/// Write runs into one HTML file that needs nothing else: what differs, curves, plots
#[derive(clap::Args)]
#[command(after_help = "\
Example:
  assay report 3f2a b81c --output seeds.html")]
pub(crate) struct Args {
    /// Runs: the beginning of a uid, a name or a number
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<String>,

    /// The file to write; one that exists is not overwritten
    #[arg(long, short, value_name = "FILE", default_value = "report.html")]
    output: PathBuf,

    #[command(flatten)]
    database: Database,
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let store = args.database.open()?;
    let runs = args.runs.iter().map(|run| store.run(run)).collect::<tracker::Result<Vec<_>>>()?;
    let path = args.output;
    ensure!(!path.exists(), "{} exists already: name another --output", path.display());
    let page = tracker::report::page(&store, runs)?;
    std::fs::write(&path, page).map_err(|error| table::unwritten(&path, &error))?;
    table::print(&format!("wrote {}\n", path.display()))
}
