//! What the engine is asked to run.

use super::stop::Stop;
use crate::language::{Event, Output, Stream};

/// A cell to run.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) cell: u32,
    pub(crate) text: &'a str,
    /// The cell with its commands, as it is recorded; `None`: it is none of the notebook's cells.
    pub(crate) source: Option<&'a str>,
    /// Of optimisation; `None`: quick to compile, optimised while it runs.
    pub(crate) level: Option<u8>,
    pub(crate) allow_stdin: bool,
    pub(crate) output: &'a Output,
    pub(crate) stop: &'a Stop,
}

impl Request<'_> {
    /// Shows a note under the cell.
    pub(crate) fn say(&self, sentence: &str) {
        self.output.send(Event::Stream(Stream::Stderr, format!("note: {sentence}\n")));
    }
}
