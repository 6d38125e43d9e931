//! What a run's surroundings are, found out beside the run: git and the file system take milliseconds that the
//! caller need not wait for, and runs that follow one another share the answer.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::program::{self, Resolved};
use super::{Git, Sources, git, machine};
use crate::context::{self, Context};
use crate::record::sha256;

/// How long an answer holds: files may be edited between two runs, but not between the runs of one sweep.
const HOLDS: Duration = Duration::from_secs(2);

/// A diff or lockfile of more bytes is left out.
const LARGEST: usize = 16 << 20;

/// What was found out.
pub(crate) struct Facts {
    pub(crate) git: Option<Git>,
    /// Of the lockfile, when there is one.
    pub(crate) lock_hash: Option<String>,
    pub(crate) snapshots: Vec<Snapshot>,
    pub(crate) sources: Option<Arc<Sources>>,
}

/// Bytes to be stored under a kind; see the table `run_snapshot`.
pub(crate) struct Snapshot {
    pub(crate) kind: &'static str,
    pub(crate) hash: String,
    pub(crate) bytes: Vec<u8>,
}

/// Facts that are there now or in a moment.
#[derive(Clone)]
pub(crate) struct Found(Arc<(Mutex<Option<Arc<Facts>>>, Condvar)>);

struct Last {
    folder: PathBuf,
    context: Context,
    asked: Instant,
    found: Found,
}

static LAST: Mutex<Option<Last>> = Mutex::new(None);

impl Found {
    /// Begins to find out about the working folder, unless that was done a moment ago.
    pub(crate) fn about_here() -> Self {
        let folder = std::env::current_dir().unwrap_or_default();
        let context = context::current();
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = &*last
            && last.folder == folder
            && last.context == context
            && last.asked.elapsed() < HOLDS
        {
            return last.found.clone();
        }
        let found = Self(Arc::default());
        let asked = Instant::now();
        *last = Some(Last { folder: folder.clone(), context: context.clone(), asked, found: found.clone() });
        let answer = found.clone();
        let look = move || answer.set(Facts::of(&folder, &context));
        let thread = std::thread::Builder::new().name("assay-capture".to_owned());
        if thread.spawn(look).is_err() {
            found.set(Facts { git: None, lock_hash: None, snapshots: Vec::new(), sources: None });
        }
        found
    }

    /// The facts, if they are there.
    pub(crate) fn get(&self) -> Option<Arc<Facts>> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The facts, as soon as they are there; `None` when that takes longer than `patience`.
    pub(crate) fn wait(&self, patience: Duration) -> Option<Arc<Facts>> {
        let facts = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.1.wait_timeout_while(facts, patience, |facts| facts.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    fn set(&self, facts: Facts) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(facts));
        self.0.1.notify_all();
    }
}

impl Facts {
    /// Finds them out; that takes some milliseconds, or a second where a driver is asked.
    pub(crate) fn of(folder: &Path, context: &Context) -> Self {
        let git = git::git(folder);
        let resolved = Resolved::find(folder, context);
        let lock_hash = resolved.lockfile.as_deref().map(sha256);
        let dirty = git.as_ref().is_some_and(|git| git.dirty);
        let kinds = [
            ("diff", dirty.then(|| git::diff(folder)).flatten()),
            ("program", Some(program::description(folder, context, &resolved).into_bytes())),
            ("machine", Some(machine::description().as_bytes().to_vec())),
            ("lockfile", resolved.lockfile),
            ("features", resolved.features),
            ("local", resolved.local),
        ];
        let snapshots = kinds.into_iter().filter_map(|(kind, bytes)| {
            let bytes = bytes.filter(|bytes| !bytes.is_empty() && bytes.len() <= LARGEST)?;
            Some(Snapshot { kind, hash: sha256(&bytes), bytes })
        });
        Self { git, lock_hash, snapshots: snapshots.collect(), sources: Sources::of(context) }
    }
}
