//! What a run starts with.

use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;

use super::hub::{Begin, Control};
use super::queue::Queue;
use super::{Run, cells, registry};
use crate::capture::{self, Found};
use crate::config::{self, Config};
use crate::store::beginning::{Beginning, NewRun, Process, Resume};
use crate::{Error, Result, context};

/// A run that has not started yet; made by [`Run::builder`].
#[must_use = "a run is recorded from `start` on"]
pub struct Builder {
    name: String,
    database: Option<PathBuf>,
    config: Option<Config>,
    note: Option<String>,
    parent: Option<String>,
    group: Option<String>,
    tags: Vec<(String, String)>,
}

impl Builder {
    pub(super) fn new(name: &str) -> Self {
        let name = name.to_owned();
        Self { name, database: None, config: None, note: None, parent: None, group: None, tags: Vec::new() }
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

    /// Makes it a part of another run: its uid, name or number.
    pub fn parent(mut self, run: &str) -> Self {
        self.parent = Some(run.to_owned());
        self
    }

    /// Puts it into a group of runs, such as those of a sweep or of one seed each.
    pub fn group(mut self, name: &str) -> Self {
        self.group = Some(name.to_owned());
        self
    }

    /// Starts the run and returns when it is stored.
    ///
    /// # Errors
    /// As [`Run::start`]; [`Error::UnknownRun`] when there is no such parent.
    pub fn start(self) -> Result<Run> {
        if self.name.trim().is_empty() {
            return Err(Error::NoName);
        }
        let config = match self.config {
            Some(config) => config,
            None => config::capture(&self.name, &())?,
        };
        let mut context = context::current();
        context.toolchain = context.toolchain.or_else(|| capture::rustc().map(str::to_owned));
        let new = NewRun {
            name: self.name,
            started_ms: capture::now_ms(),
            process: Process::this(),
            context,
            note: self.note,
            parent: self.parent,
            group: self.group,
            config,
            tags: self.tags,
        };
        begin(self.database, Beginning::New(Box::new(new)))
    }
}

/// Goes on with a run that has ended.
pub(super) fn resume(database: Option<PathBuf>, wanted: &str) -> Result<Run> {
    let path = database.unwrap_or_else(crate::default_path);
    if !path.exists() {
        return Err(Error::Missing { path });
    }
    let resume = Resume { wanted: wanted.to_owned(), process: Process::this() };
    begin(Some(path), Beginning::Resume(resume))
}

fn begin(database: Option<PathBuf>, beginning: Beginning) -> Result<Run> {
    let (queue, messages) = Queue::new();
    let (reply, begun) = sync_channel(1);
    let begin = Begin { beginning, messages, found: Found::about_here(), spot: context::spot(), reply };
    let path = database.unwrap_or_else(crate::default_path);
    // The working folder may change until it ends.
    let path = std::path::absolute(&path).unwrap_or(path);
    cells::listen();
    let control = registry::ask(&path, Control::Begin(Box::new(begin)))?;
    let begun = begun.recv().unwrap_or_else(|_| Err(Error::WriterGone { run: path.display().to_string() }))?;
    cells::run_begins(begun.id, &path);
    Ok(Run { id: begun.id, uid: begun.uid, name: begun.name, path, queue, control: Some(control) })
}
