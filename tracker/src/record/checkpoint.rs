//! Once a second, what was stored is moved from the write-ahead log into the file and written to the disk: so
//! much may a power cut take, and so old is a copy of the file alone at most.
//!
//! On a thread and a connection of its own: waiting for a disk must not keep the next values from being stored.

use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

use crate::store::{open, runtime};

/// With the time to gather and to write, a second.
const EVERY: Duration = Duration::from_millis(800);

pub(super) struct Checkpoints {
    path: PathBuf,
    /// Something was stored since the last one.
    pub(super) wanted: bool,
    last: Instant,
    worker: Option<(SyncSender<()>, JoinHandle<()>)>,
}

impl Checkpoints {
    pub(super) fn of(path: &Path) -> Self {
        Self { path: path.to_owned(), wanted: false, last: Instant::now(), worker: None }
    }

    /// Asks for one, unless the last was a moment ago or is still being made.
    pub(super) fn make_when_due(&mut self) {
        if !self.wanted || self.last.elapsed() < EVERY {
            return;
        }
        (self.last, self.wanted) = (Instant::now(), false);
        if self.worker.is_none() {
            let (ask, asked) = sync_channel(1);
            let path = self.path.clone();
            let thread = std::thread::Builder::new().name("assay-checkpoint".to_owned());
            // Without the thread there is one checkpoint less, and the next second tries again.
            self.worker = thread.spawn(move || serve(&path, &asked)).ok().map(|thread| (ask, thread));
        }
        if let Some((ask, _)) = &self.worker {
            let _ = ask.try_send(());
        }
    }

    /// Closes the connection, so that another may be the last one.
    pub(super) fn stop(&mut self) {
        if let Some((ask, thread)) = self.worker.take() {
            drop(ask);
            let _ = thread.join();
        }
    }
}

fn serve(path: &Path, asked: &Receiver<()>) {
    let Ok(runtime) = runtime() else { return };
    let mut conn = None;
    while asked.recv().is_ok() {
        // What fails, such as on a full disk, is tried again a second later; the values are in the log.
        if checkpoint(&runtime, path, &mut conn).is_err() {
            conn = None;
        }
    }
    if let Some(conn) = conn {
        let _ = runtime.block_on(conn.close());
    }
}

fn checkpoint(runtime: &Runtime, path: &Path, conn: &mut Option<SqliteConnection>) -> sqlx::Result<()> {
    runtime.block_on(async {
        let mut open = match conn.take() {
            Some(conn) => conn,
            None => open::options(path).connect().await?,
        };
        sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&mut open).await?;
        *conn = Some(open);
        Ok(())
    })
}
