//! The runs that a verb is about.

use anyhow::ensure;
use tracker::{RunRecord, Store};

/// Runs by name, or by a query.
#[derive(clap::Args)]
pub(crate) struct Selected {
    /// Runs: the beginning of a uid, a name or a number
    #[arg(required_unless_present = "filter", value_name = "RUN")]
    runs: Vec<String>,

    /// The runs that a query finds, in its order; see `assay runs --help`
    #[arg(long = "where", id = "filter", value_name = "QUERY", conflicts_with = "runs")]
    filter: Option<String>,
}

impl Selected {
    /// The names as they were given.
    pub(crate) fn named(&self) -> &[String] {
        &self.runs
    }

    /// Reads them; at least one.
    pub(crate) fn read(&self, store: &Store) -> anyhow::Result<Vec<RunRecord>> {
        let Some(query) = &self.filter else {
            return Ok(self.runs.iter().map(|run| store.run(run)).collect::<tracker::Result<_>>()?);
        };
        let runs = store.find(query)?;
        ensure!(!runs.is_empty(), "no run fits {query:?}; `assay runs` lists them");
        Ok(runs)
    }
}
