//! The cells that a run has recorded, and which of them are to be run again.

use std::collections::BTreeSet;

use tracker::{Cell, RunRecord, Store};

/// What a run has recorded of its session.
pub(super) struct History {
    cells: Vec<Cell>,
    /// The cells in which the run went on, from 0.
    of_run: std::ops::RangeInclusive<usize>,
    lacks: Vec<String>,
}

/// Why there is nothing to run.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoHistory {
    #[error("it has no cells: it was recorded by a program and not by a notebook")]
    NoCells,
    #[error("it is still running: end it first")]
    Running,
    #[error(transparent)]
    Store(#[from] tracker::Error),
}

impl History {
    pub(super) fn of(store: &Store, run: &RunRecord) -> Result<Self, NoHistory> {
        if run.status == tracker::Status::Running {
            return Err(NoHistory::Running);
        }
        let cells = store.cells(run)?;
        if cells.is_empty() {
            return Err(NoHistory::NoCells);
        }
        let begins = cells.iter().rposition(|cell| starts_a_run(&cell.source)).unwrap_or(0);
        let last = cells.len() - 1;
        Ok(Self { cells, of_run: begins..=last, lacks: Vec::new() })
    }

    /// How many cells there are.
    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    pub(super) fn cell(&self, cell: usize) -> &Cell {
        &self.cells[cell]
    }

    /// What the record does not say, a sentence for each.
    pub(super) fn lacks(&self) -> &[String] {
        &self.lacks
    }

    /// The cells to run, in order: those that the run depends on, or all until its end.
    pub(super) fn cells(&self, whole: bool) -> BTreeSet<usize> {
        if whole {
            return (0..=*self.of_run.end()).collect();
        }
        let sources: Vec<&str> = self.cells.iter().map(|cell| cell.source.as_str()).collect();
        kernel::slice(&sources, self.of_run.clone())
    }
}

/// Whether it looks as if a run began in a cell.
fn starts_a_run(source: &str) -> bool {
    ["Run::start", "Run::builder", "Run::resume", "Builder::"].iter().any(|word| source.contains(word))
}
