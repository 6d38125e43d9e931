//! The types of a cell's new variables, asked for while the cell is compiled and run.

use std::collections::BTreeMap;

use tokio::task::JoinHandle;

use super::error::CompileError;
use super::rustc::Compiler;
use crate::cell::generated::krate::Generated;

/// A compiler that prints types; dropped, it is stopped.
pub(crate) struct Naming {
    /// Of the crate that was to be run when the question was asked.
    hash: String,
    types: JoinHandle<Result<BTreeMap<String, String>, CompileError>>,
}

impl Naming {
    /// Asks by compiling `probe` for the types of what `run` stores.
    pub(crate) fn ask(compiler: &Compiler, probe: Generated, run: &Generated) -> Self {
        let (compiler, hash, run) = (compiler.clone(), run.hash.clone(), run.clone());
        Self { hash, types: tokio::spawn(async move { compiler.names(&probe, &run).await }) }
    }

    /// The types by the keys of the variables, as later cells write them. `ran` is the hash of what was run in the
    /// end: how variables are handled may have been corrected since, and what the cell defines is in that one.
    pub(crate) async fn types(mut self, ran: &str) -> Result<BTreeMap<String, String>, CompileError> {
        let types = (&mut self.types).await??;
        Ok(types.into_iter().map(|(name, ty)| (name, ty.replace(&self.hash, ran))).collect())
    }
}

impl Drop for Naming {
    fn drop(&mut self) {
        self.types.abort();
    }
}
