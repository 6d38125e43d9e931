//! `assay report`: runs as one HTML file.

use anyhow::ensure;
use std::path::PathBuf;

use crate::selected::Selected;
use crate::table::{self, Database};

/// Write runs into one HTML file that needs nothing else: what differs, curves, plots
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  assay report 3f2a b81c --output seeds.html
  assay report --where 'group = sweep' --smooth 0.9 --output sweep.html")]
pub(crate) struct Args {
    #[command(flatten)]
    selected: Selected,

    /// Smooth curves by an exponential moving average of this weight: from 0, which leaves them as they were logged,
    /// to below 1
    #[arg(long, value_name = "WEIGHT", default_value_t = 0.0)]
    smooth: f64,

    /// The file to write; one that exists is not overwritten
    #[arg(long, short, value_name = "FILE", default_value = "report.html")]
    output: PathBuf,

    #[command(flatten)]
    database: Database,
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let store = args.database.open()?;
    let runs = args.selected.read(&store)?;
    let path = args.output;
    ensure!(!path.exists(), "{} exists already: name another --output", path.display());
    let page = tracker::report::page(&store, runs, args.smooth)?;
    std::fs::write(&path, page).map_err(|error| table::unwritten(&path, &error))?;
    table::print(&format!("wrote {}\n", path.display()))
}
