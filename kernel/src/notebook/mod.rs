//! Notebooks without a front end: read, put parameters in, execute through a kernel, write. What a cell
//! shows is applied as Jupyter's own tools do it; nothing that we do not know is changed.

mod document;
mod outputs;
mod parameters;
mod run;

pub use document::{Document, DocumentError};
pub use outputs::Outputs;
pub use parameters::{ParameterError, inject};
pub use run::{CellFailure, Options, Progress, Report, RunError, check, run};
