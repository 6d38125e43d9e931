//! Recording a run from the code that trains.
//!
//! A call puts a message into the run's queue and returns (`queue`); a thread of the process stores what has come
//! (`hub`).

mod artifact;
mod builder;
mod cells;
mod checkpoint;
mod gpus;
mod hub;
mod media;
mod panics;
mod patience;
mod pending;
mod queue;
mod registry;
mod scalar;
mod series;
mod signal;
mod usage;
mod verdict;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, SyncSender, sync_channel};

pub(crate) use artifact::{NewArtifact, sha256};
pub use builder::Builder;
pub(crate) use hub::Begun;
pub(crate) use pending::{Done, Pending};
pub use registry::{begin_session_end, end_session};
pub use scalar::{Scalar, Step};
pub(crate) use series::{Plan, Series, Summary};
pub(crate) use usage::PREFIX as USAGE;

use crate::model::Status;
use crate::store::write::Ending;
use crate::{Error, Fingerprint, Result, context};
use hub::Control;
use queue::{Message, Queue};

/// SQLite's limit for one value.
const ARTIFACT_LIMIT: usize = 1_000_000_000;

/// A run that is being recorded. Share it between threads by reference.
///
/// What is logged is stored within about 50 ms, and survives a crash of the process from then on.
/// Dropping the run ends it as finished, unless an error, a panic or the interrupt button is why it was dropped:
/// what a panic unwinds through is failed, and so is what an error drops that a notebook's cell then ends with. What the
/// button ends is stopped.
pub struct Run {
    id: i64,
    uid: String,
    name: String,
    path: PathBuf,
    queue: Queue,
    /// `None` once the run has ended.
    control: Option<Sender<Control>>,
}

impl Run {
    /// Starts a run in the default database ([`crate::default_path`]) with any serde configuration.
    ///
    /// ```no_run
    /// let run = tracker::Run::start("digits-mlp", &("adam", 0.001))?;
    /// run.log("loss", 0, 0.7);
    /// run.finish()?;
    /// # Ok::<(), tracker::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NoName`], [`Error::Config`], [`Error::NoFolder`], [`Error::NoPermission`], or what is wrong with the file.
    pub fn start(name: &str, config: &impl serde::Serialize) -> Result<Self> {
        Self::builder(name).config(config)?.start()
    }

    /// Starts a run in the database at `path`, which is made if there is none.
    ///
    /// # Errors
    /// As [`Run::start`].
    pub fn start_in(path: impl AsRef<Path>, name: &str, config: &impl serde::Serialize) -> Result<Self> {
        Self::builder(name).database(path).config(config)?.start()
    }

    /// Goes on with a run of the default database that has ended: its uid, the beginning of it, its name or its
    /// number. What is logged follows what is there.
    ///
    /// # Errors
    /// [`Error::UnknownRun`], [`Error::AmbiguousRun`], [`Error::StillRunning`], or what is wrong with the file.
    pub fn resume(run: &str) -> Result<Self> {
        builder::resume(None, run)
    }

    /// The same in the database at `path`.
    ///
    /// # Errors
    /// As [`Run::resume`].
    pub fn resume_in(path: impl AsRef<Path>, run: &str) -> Result<Self> {
        builder::resume(Some(path.as_ref().to_owned()), run)
    }

    /// For a run with tags, a note, a parent, a group or a database of its own.
    pub fn builder(name: &str) -> Builder {
        Builder::new(name)
    }

    /// Eight hex characters that name the run in its database.
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// The name it was started under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Logs one value. Steps may come in any order, and twice; NaN and infinities are kept.
    pub fn log(&self, name: &str, step: impl Step, value: impl Scalar) {
        self.queue.log(name, step.to_step(), value.to_scalar(), &[]);
    }

    /// Logs one value of a metric that exists in several contexts, such as `[("subset", "test")]`.
    pub fn log_with(&self, name: &str, step: impl Step, value: impl Scalar, context: &[(&str, &str)]) {
        self.queue.log(name, step.to_step(), value.to_scalar(), context);
    }

    /// Logs several metrics of one step.
    pub fn log_many<V: Scalar>(&self, step: impl Step, values: &[(&str, V)]) {
        let step = step.to_step();
        values.iter().for_each(|(name, value)| self.queue.log(name, step, value.to_scalar(), &[]));
    }

    /// Attaches a plot. Attaching under the same name again keeps both versions.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn plot(&self, name: &str, svg: impl Into<String>) -> Result<()> {
        self.attach(name, "plot", "image/svg+xml", None, svg.into().into_bytes())
    }

    /// Attaches a text.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn text(&self, name: &str, text: impl Into<String>) -> Result<()> {
        self.attach(name, "text", "text/plain; charset=utf-8", None, text.into().into_bytes())
    }

    /// Attaches bytes of a media type.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn bytes(&self, name: &str, mime: &str, bytes: impl Into<Vec<u8>>) -> Result<()> {
        self.attach(name, "bytes", mime, None, bytes.into())
    }

    /// Attaches a copy of a file under its file name.
    ///
    /// # Errors
    /// [`Error::File`] when it cannot be read, [`Error::TooLarge`].
    pub fn file(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        self.attach(&name, "file", artifact::mime_of(path), None, bytes)
    }

    /// Attaches anything, at a step if it belongs to one. `kind` says what it is to a reader;
    /// `plot` and `text` are shown, other kinds are offered as files.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn attach(&self, name: &str, kind: &str, mime: &str, step: Option<i64>, bytes: Vec<u8>) -> Result<()> {
        if bytes.len() > ARTIFACT_LIMIT {
            return Err(Error::TooLarge { name: name.to_owned(), size: bytes.len(), limit: ARTIFACT_LIMIT });
        }
        self.queue.send(Message::Artifact(Box::new(NewArtifact::now(name, kind, mime, step, bytes))));
        Ok(())
    }

    /// Sets a tag; the last value of a key stays.
    pub fn tag(&self, key: &str, value: &str) {
        self.queue.send(Message::Tag(Box::new((key.to_owned(), value.to_owned()))));
    }

    /// Sets the note.
    pub fn note(&self, text: &str) {
        self.queue.send(Message::Note(text.into()));
    }

    /// Says what data was used: a fingerprint of the whole content of a table, under a name such as `train`. Another
    /// one under the same name takes its place.
    pub fn log_fingerprint(&self, name: &str, print: Fingerprint) {
        self.queue.send(Message::Data(Box::new((name.to_owned(), print))));
    }

    /// Waits until everything logged so far is stored.
    ///
    /// # Errors
    /// Why it could not be stored; it is kept, and tried again.
    pub fn flush(&self) -> Result<()> {
        match &self.control {
            Some(control) => self.answer(control, |reply| Control::Flush(self.id, reply)),
            None => Ok(()),
        }
    }

    /// Ends the run as finished, after everything logged is stored.
    ///
    /// # Errors
    /// [`Error::Unstored`] when values could not be stored.
    pub fn finish(mut self) -> Result<()> {
        self.end(Status::Finished, None)
    }

    /// Ends the run as failed, with the reason.
    ///
    /// # Errors
    /// As [`Run::finish`].
    pub fn fail(mut self, error: impl fmt::Display) -> Result<()> {
        self.end(Status::Failed, Some(error.to_string()))
    }

    fn end(&mut self, status: Status, error: Option<String>) -> Result<()> {
        self.end_as(Ending::now(status, error))
    }

    fn end_as(&mut self, ending: Ending) -> Result<()> {
        let Some(control) = self.control.take() else {
            return Ok(());
        };
        cells::run_ends(self.id, &self.path);
        self.answer(&control, |reply| Control::End(self.id, ending, reply))
    }

    /// Asks the thread that stores, and waits for what it says.
    fn answer(&self, control: &Sender<Control>, ask: impl FnOnce(SyncSender<Result<()>>) -> Control) -> Result<()> {
        let (reply, answer) = sync_channel(1);
        self.queue.send(Message::Mark);
        // When it is gone, the reply is dropped with the question.
        let _ = control.send(ask(reply));
        answer.recv().unwrap_or_else(|_| Err(Error::WriterGone { run: self.uid.clone() }))
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if self.control.is_none() {
            return;
        }
        let (status, error) = if context::is_interrupted() {
            (Status::Stopped, None)
        } else if std::thread::panicking() {
            (Status::Failed, Some(panics::last().unwrap_or_else(|| "the thread panicked".to_owned())))
        } else if registry::is_session_ending() {
            (Status::Finished, Some(registry::LEFT_OPEN.to_owned()))
        } else {
            (Status::Finished, None)
        };
        let is_left_open = registry::is_session_ending() && !std::thread::panicking();
        cells::run_drops(self.id, &self.path);
        if let Err(error) = self.end_as(Ending { is_left_open, ..Ending::now(status, error) }) {
            eprintln!("assay: {error}");
        }
    }
}
