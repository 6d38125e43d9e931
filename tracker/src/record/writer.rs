//! The thread that stores one run: it gathers what comes for a moment, then writes it in one transaction.

use sqlx::{Connection, SqliteConnection};
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Message;
use super::pending::Pending;
use crate::store::write::{self, Ending, NewRun};
use crate::store::{Place, open, runtime};
use crate::{Error, Result, capture};

/// How long values are gathered, and so how much a crash may take.
const GATHER: Duration = Duration::from_millis(50);

/// How many values are written at once at most.
const BATCH: usize = 10_000;

/// The pause before a batch that failed is tried again.
const RETRY: Duration = Duration::from_millis(100);

/// How long `flush` and `finish` keep trying while another program holds the lock.
const BUSY_PATIENCE: Duration = Duration::from_secs(60);

/// The same for any other refusal, such as a full disk.
const PATIENCE: Duration = Duration::from_secs(1);

/// A run that has begun.
pub(super) struct Started {
    pub(super) uid: String,
    pub(super) channel: Sender<Message>,
    pub(super) thread: JoinHandle<()>,
}

/// Starts the thread and waits until the run is in the database.
pub(super) fn start(path: PathBuf, new: NewRun) -> Result<Started> {
    let (sender, messages) = channel();
    let (ready, started) = sync_channel(1);
    let name = new.name.clone();
    let thread = std::thread::Builder::new()
        .name("assay-writer".to_owned())
        .spawn(move || serve(path, &new, &ready, &messages))
        .map_err(|source| Error::Thread { source })?;
    let uid = started.recv().unwrap_or(Err(Error::WriterGone { run: name }))?;
    Ok(Started { uid, channel: sender, thread })
}

fn serve(path: PathBuf, new: &NewRun, ready: &SyncSender<Result<String>>, messages: &Receiver<Message>) {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        // Whoever waits has gone if this cannot be told.
        Err(error) => return drop(ready.send(Err(error))),
    };
    runtime.block_on(async {
        match Writer::begin(path, new).await {
            Ok((writer, uid)) => {
                let _ = ready.send(Ok(uid));
                writer.work(messages).await;
            }
            Err(error) => drop(ready.send(Err(error))),
        }
    });
}

struct Writer {
    conn: SqliteConnection,
    place: Place,
    run: i64,
    uid: String,
    pending: Pending,
    /// Since when storing has failed; what was said once is not said again until it works.
    failing: Option<Instant>,
}

impl Writer {
    async fn begin(path: PathBuf, new: &NewRun) -> Result<(Self, String)> {
        let mut conn = open::recording(&path).await?;
        let place = Place(path);
        loop {
            let uid = new_uid();
            if let Some(run) = write::run(&mut conn, &place, &uid, new).await? {
                let pending = Pending::default();
                return Ok((Self { conn, place, run, uid: uid.clone(), pending, failing: None }, uid));
            }
        }
    }

    async fn work(mut self, messages: &Receiver<Message>) {
        self.look_at_git().await;
        loop {
            match self.gather(messages) {
                Some(Message::End(ending, reply)) => {
                    let outcome = self.insist(Some(&ending)).await;
                    // The last connection folds the write-ahead log into the file when it closes, so
                    // that a finished run is one file; when that fails the next one to open does it.
                    let _ = self.conn.close().await;
                    return drop(reply.send(outcome));
                }
                Some(Message::Flush(reply)) => drop(reply.send(self.insist(None).await)),
                _ => {
                    if let Err(error) = self.store(None).await {
                        self.say_once(&error);
                    }
                }
            }
        }
    }

    /// Done here and not before the run starts: git takes milliseconds that the caller need not wait.
    async fn look_at_git(&mut self) {
        let Ok(folder) = std::env::current_dir() else {
            return;
        };
        let Some(git) = capture::git(&folder) else {
            return;
        };
        if let Err(error) = write::git(&mut self.conn, &self.place, self.run, &git).await {
            eprintln!("assay: run {}: {error}", self.uid);
        }
    }

    /// Takes in what comes until it is time to store, or until someone waits for an answer.
    fn gather(&mut self, messages: &Receiver<Message>) -> Option<Message> {
        if self.pending.len() == 0 {
            // Nothing to store: sleep until something comes. `Run` always says goodbye, so an end
            // without one means that it was lost with its thread.
            let first = messages.recv().unwrap_or_else(|_| abandoned());
            if let Some(ask) = self.pending.take(first) {
                return Some(ask);
            }
        }
        let wait = if self.failing.is_some() { RETRY } else { GATHER };
        let deadline = Instant::now() + wait;
        // While storing fails, everything that comes is kept: only memory limits it.
        while self.failing.is_some() || self.pending.len() < BATCH {
            match messages.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(message) => {
                    if let Some(ask) = self.pending.take(message) {
                        return Some(ask);
                    }
                }
                Err(RecvTimeoutError::Timeout) => return None,
                Err(RecvTimeoutError::Disconnected) => return Some(abandoned()),
            }
            if Instant::now() >= deadline {
                return None;
            }
        }
        None
    }

    /// Stores what is pending, trying again for as long as someone should have to wait.
    async fn insist(&mut self, ending: Option<&Ending>) -> Result<()> {
        let began = Instant::now();
        loop {
            let Err(error) = self.store(ending).await else {
                return Ok(());
            };
            let patience = if matches!(error, Error::Busy { .. }) { BUSY_PATIENCE } else { PATIENCE };
            if began.elapsed() >= patience {
                let unstored = self.pending.len();
                return Err(Error::Unstored { run: self.uid.clone(), unstored, source: Box::new(error) });
            }
            self.say_once(&error);
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn store(&mut self, ending: Option<&Ending>) -> Result<()> {
        if self.pending.len() > 0 || ending.is_some() {
            write::batch(&mut self.conn, &self.place, self.run, &self.pending, ending).await?;
            self.pending.stored();
        }
        self.failing = None;
        Ok(())
    }

    fn say_once(&mut self, error: &Error) {
        if self.failing.is_none() {
            self.failing = Some(Instant::now());
            eprintln!("assay: run {}: {error}; values are kept and storing is tried again", self.uid);
        }
    }
}

/// The ending of a run whose handle vanished without ending it.
fn abandoned() -> Message {
    let ending = Ending {
        status: crate::Status::Crashed,
        error: None,
        ended_ms: capture::now_ms(),
        cells_from: 0,
        cells: Vec::new(),
    };
    Message::End(ending, sync_channel(1).0)
}

/// Eight hex characters, never all digits: a run may also be named by its number.
fn new_uid() -> String {
    loop {
        // Each `RandomState` is seeded by the operating system's random numbers.
        let random = RandomState::new().hash_one((std::process::id(), capture::now_ms(), Instant::now()));
        let uid = format!("{:08x}", random & 0xffff_ffff);
        if uid.contains(|character: char| character.is_ascii_alphabetic()) {
            return uid;
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn uids_differ_and_are_never_numbers() {
        let uids: std::collections::HashSet<String> = (0..1000).map(|_| super::new_uid()).collect();
        assert_eq!(uids.len(), 1000);
        assert!(uids.iter().all(|uid| uid.len() == 8 && uid.parse::<i64>().is_err()));
    }
}
