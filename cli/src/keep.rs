//! `assay delete`, `undelete`, `gc`, `vacuum`, `backup` and `merge`: keeping house.

use std::path::PathBuf;
use tracker::format;

use crate::table::{self, Database};

/// Delete runs: they are not shown any more, until undeleted, or removed for good by `assay gc`
#[derive(clap::Args)]
#[command(after_help = "\
Example, everything that crashed:
  assay delete $(assay sql \"select run from runs where status = 'crashed'\" --format csv | tail -n +2)")]
pub(crate) struct Delete {
    /// Runs: the beginning of a uid, a name or a number
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<String>,

    #[command(flatten)]
    database: Database,
}

/// Take deleted runs back
#[derive(clap::Args)]
#[command(after_help = "Example:\n  assay undelete 3f2a\n\nDeleted runs are listed by `assay runs --where deleted`.")]
pub(crate) struct Undelete {
    /// Runs: the beginning of a uid, a name or a number
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<String>,

    #[command(flatten)]
    database: Database,
}

/// Remove deleted runs for good, and plots and files that no run holds any more
#[derive(clap::Args)]
#[command(after_help = "Example, and the room given back to the disk:\n  assay gc && assay vacuum")]
pub(crate) struct Gc {
    #[command(flatten)]
    database: Database,
}

/// Give free room back to the disk, and pack what older versions stored
#[derive(clap::Args)]
#[command(after_help = "Example:\n  assay vacuum --db experiments.db")]
pub(crate) struct Vacuum {
    #[command(flatten)]
    database: Database,
}

/// Write everything into one new file, also while runs are recorded
#[derive(clap::Args)]
#[command(after_help = "Example:\n  assay backup runs-2026-11-24.db")]
pub(crate) struct Backup {
    /// The file to write; one that exists is not overwritten
    #[arg(value_name = "FILE")]
    to: PathBuf,

    #[command(flatten)]
    database: Database,
}

/// Take in the runs of another file that are not here yet; the other file stays as it is
#[derive(clap::Args)]
#[command(after_help = "Example, runs from another machine:\n  assay merge from-the-server.db")]
pub(crate) struct Merge {
    /// The other file
    #[arg(value_name = "FILE")]
    from: PathBuf,

    #[command(flatten)]
    database: Database,
}

/// Deletes runs, all or none.
pub(crate) fn delete(args: Delete) -> anyhow::Result<()> {
    let store = args.database.open()?;
    let runs = args.runs.iter().map(|run| store.run(run)).collect::<tracker::Result<Vec<_>>>()?;
    for run in runs {
        store.delete(&run)?;
        table::print(&format!("deleted {} ({})\n", run.uid, format::plain(&run.name)))?;
    }
    Ok(())
}

/// Takes runs back.
pub(crate) fn undelete(args: Undelete) -> anyhow::Result<()> {
    let store = args.database.open()?;
    for run in &args.runs {
        let run = store.undelete(run)?;
        table::print(&format!("took back {} ({})\n", run.uid, format::plain(&run.name)))?;
    }
    Ok(())
}

/// Removes what is deleted.
pub(crate) fn gc(args: Gc) -> anyhow::Result<()> {
    let removed = args.database.open()?.gc()?;
    let size = format::size(i64::try_from(removed.bytes).unwrap_or(i64::MAX));
    table::print(&format!("removed {} runs and {} artifacts ({size})\n", removed.runs, removed.artifacts))
}

/// Packs the file.
pub(crate) fn vacuum(args: Vacuum) -> anyhow::Result<()> {
    let store = args.database.open()?;
    let size = || std::fs::metadata(store.path()).map_or(0, |file| i64::try_from(file.len()).unwrap_or(i64::MAX));
    let before = size();
    store.vacuum()?;
    table::print(&format!(
        "{}: {} before, {} now\n",
        store.path().display(),
        format::size(before),
        format::size(size())
    ))
}

/// Writes a copy.
pub(crate) fn backup(args: Backup) -> anyhow::Result<()> {
    args.database.open()?.backup(&args.to)?;
    table::print(&format!("wrote {}\n", args.to.display()))
}

/// Takes runs in.
pub(crate) fn merge(args: Merge) -> anyhow::Result<()> {
    let merged = args.database.open()?.merge(&args.from)?;
    table::print(&format!("took in {} runs; {} were here already\n", merged.runs, merged.known))
}
