//! The types of a cell's new variables, asked for while the cell is compiled and run.

use std::collections::BTreeMap;

use tokio::task::JoinHandle;

use super::compile::{CompileError, Compiler};
use super::failure::Failure;
use super::generated::Generated;

/// A compiler that prints types; dropped, it is stopped.
pub(super) struct Naming {
    /// The crate that was to be run when the question was asked.
    krate: String,
    types: JoinHandle<Result<BTreeMap<String, String>, CompileError>>,
}

impl Naming {
    /// Asks by compiling `probe` for the types of what `run` stores.
    pub(super) fn ask(compiler: &Compiler, probe: Generated, run: &Generated) -> Self {
        let (compiler, krate, run) = (compiler.clone(), run.krate(), run.clone());
        Self { krate, types: tokio::spawn(async move { compiler.names(&probe, &run).await }) }
    }

    /// The types by the names of the variables, as later cells write them. `ran` is the crate that was run in the
    /// end: how variables are handled may have been corrected since, and what the cell defines is in that one.
    pub(super) async fn types(mut self, ran: &str) -> Result<BTreeMap<String, String>, Failure> {
        let failed = |error: tokio::task::JoinError| Failure::new("InternalError", &error.to_string());
        let types = (&mut self.types).await.map_err(failed)??;
        Ok(types.into_iter().map(|(name, ty)| (name, ty.replace(&self.krate, ran))).collect())
    }
}

impl Drop for Naming {
    fn drop(&mut self) {
        self.types.abort();
    }
}
