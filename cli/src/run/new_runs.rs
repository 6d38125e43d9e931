//! The runs that a notebook adds to the tracker.

use std::collections::BTreeSet;
use std::path::Path;

use tracker::{Query, Store};

/// The runs that were there before.
pub(super) struct NewRuns {
    earlier: BTreeSet<String>,
}

impl NewRuns {
    /// Notes what is in the database now. One that is not there yet is not made.
    pub(super) fn before(database: &Path) -> anyhow::Result<Self> {
        Ok(Self { earlier: uids(database)?.into_iter().collect() })
    }

    /// Prints a comparison of the runs that are new, if there are any.
    pub(super) fn compare(&self, database: &Path) -> anyhow::Result<()> {
        let mut new: Vec<String> = uids(database)?.into_iter().filter(|uid| !self.earlier.contains(uid)).collect();
        // The newest come first from the database; they are read in the order in which they were made.
        new.reverse();
        if new.is_empty() {
            return Ok(());
        }
        print_comparison(database, &new)
    }
}

/// Prints the runs side by side and what can be done next.
fn print_comparison(database: &Path, new: &[String]) -> anyhow::Result<()> {
    let store = Store::open(database)?;
    crate::compare::print_comparison(&store, new)?;
    let db = match std::env::current_dir().map(|folder| folder.join("assay.db") == database) {
        Ok(true) => String::new(),
        _ => format!(" --db {}", database.display()),
    };
    let first = new.first().map(String::as_str).unwrap_or_default();
    super::display::print_line(&format!(
        "\nNext:\n  assay runs{db}            every run, with what differs\n  assay show {first}{db}   one run: configuration, curves, plots, code\n  assay install          use the kernel in JupyterLab or VS Code"
    ))?;
    Ok(())
}

fn uids(database: &Path) -> anyhow::Result<Vec<String>> {
    if !database.exists() {
        return Ok(Vec::new());
    }
    let runs = Store::open(database)?.runs(&Query::default())?;
    Ok(runs.into_iter().map(|run| run.uid).collect())
}
