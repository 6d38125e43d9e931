//! What a run starts with.

use std::path::{Path, PathBuf};

use super::{Run, writer};
use crate::config::{self, Config};
use crate::store::write::NewRun;
use crate::{Error, Result, capture, context};

/// A run that has not started yet; made by [`Run::builder`].
#[must_use = "a run is recorded from `start` on"]
pub struct Builder {
    name: String,
    database: Option<PathBuf>,
    config: Option<Config>,
    note: Option<String>,
    tags: Vec<(String, String)>,
}

impl Builder {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), database: None, config: None, note: None, tags: Vec::new() }
    }

    /// Records into this file and not into [`crate::default_path`].
    pub fn database(mut self, path: impl AsRef<Path>) -> Self {
        self.database = Some(path.as_ref().to_owned());
        self
    }

    /// The configuration: any value that serde can write, its types and nesting kept.
    ///
    /// # Errors
    /// [`Error::Config`] when it has no JSON form, such as a map with keys that are not text.
    pub fn config(mut self, config: &impl serde::Serialize) -> Result<Self> {
        self.config = Some(config::capture(&self.name, config)?);
        Ok(self)
    }

    /// Sets a tag.
    pub fn tag(mut self, key: &str, value: &str) -> Self {
        self.tags.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Sets the note.
    pub fn note(mut self, text: &str) -> Self {
        self.note = Some(text.to_owned());
        self
    }

    /// Starts the run and returns when it is stored.
    ///
    /// # Errors
    /// As [`Run::start`].
    pub fn start(self) -> Result<Run> {
        if self.name.trim().is_empty() {
            return Err(Error::NoName);
        }
        let config = match self.config {
            Some(config) => config,
            None => config::capture(&self.name, &())?,
        };
        let pid = i64::from(std::process::id());
        let cells = context::cells_from(0);
        let cells_seen = cells.len();
        let new = NewRun {
            name: self.name.clone(),
            started_ms: capture::now_ms(),
            host: capture::host(),
            pid,
            process_start: capture::process_start(pid),
            context: context::current(),
            note: self.note,
            config,
            tags: self.tags,
            cells,
        };
        let started = writer::start(self.database.unwrap_or_else(crate::default_path), new)?;
        Ok(Run {
            uid: started.uid,
            name: self.name,
            cells_seen,
            channel: started.channel,
            writer: Some(started.thread),
        })
    }
}
