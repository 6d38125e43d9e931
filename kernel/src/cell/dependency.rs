//! `:dep`: adds a crate to what cells can name.

use super::engine::Engine;
use super::failure::Failure;
use crate::language::Output;

impl Engine {
    /// Builds the crate that `line` names (`regex = "1"`) beside the environment, or finds it built.
    pub(crate) async fn add_dependency(&mut self, line: &str, _output: &Output) -> Result<(), Failure> {
        Err(Failure::new("DependencyError", &format!("cannot add `{line}` yet")))
    }
}
