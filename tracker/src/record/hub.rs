//! The thread that stores the runs of this process in one file: every 50 ms all that has come, in one transaction.

use sqlx::{Connection, SqliteConnection};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

use super::checkpoint::Checkpoints;
use super::patience::{
    BUSY_IS_NEWS, BUSY_PATIENCE, FOLD_EVERY, FOLDS, FOUND_PATIENCE, GATHER, LINGER, PATIENCE, RETRY, TAKE, TAKE_LAST,
};
use super::pending::Pending;
use super::queue::Message;
use super::registry;
use super::usage::{self, Sample, Usage};
use super::verdict::{Reason, Verdict};
use crate::capture::Found;
use crate::session::Spot;
use crate::store::beginning::{self, Beginning};
use crate::store::session::Held;
use crate::store::write::{self, Batch, Ending};
use crate::store::writer::Writer;
use crate::store::{Place, open, runtime};
use crate::{Error, Result, Status};

/// What the thread is asked to do.
pub(super) enum Control {
    Begin(Box<Begin>),
    Flush(i64, SyncSender<Result<()>>),
    End(i64, Ending, SyncSender<Result<()>>),
    /// A cell of the notebook begins or has ended.
    Cell(Verdict, SyncSender<()>),
    /// A run that has ended did so in this way.
    Amend(i64, Status, Option<String>, SyncSender<()>),
    /// The process ends; runs that go on end in this way, if one is given.
    Close(Option<Reason>),
}

/// A run that is to be recorded.
pub(super) struct Begin {
    pub(super) beginning: Beginning,
    pub(super) messages: Receiver<Message>,
    pub(super) found: Found,
    /// Where the notebook was.
    pub(super) spot: Option<Spot>,
    pub(super) reply: SyncSender<Result<Begun>>,
}

/// A run that is in the database.
pub(crate) struct Begun {
    pub(crate) id: i64,
    pub(crate) uid: String,
    pub(crate) name: String,
}

struct Recording {
    uid: String,
    messages: Receiver<Message>,
    pending: Pending,
    began: Instant,
    /// `None` once it is stored.
    found: Option<Found>,
    /// How the last cell that recorded in it ended, unless it ended well.
    trouble: Option<(Status, Option<String>)>,
    /// How it ended, while that could not be stored: on a full disk, say.
    unstored_ending: Option<Ending>,
    /// How many marks someone has waited for.
    marks: u64,
}

pub(super) struct Hub {
    runtime: Runtime,
    place: Place,
    /// Open while there are runs, and a moment longer.
    conn: Option<SqliteConnection>,
    checkpoints: Checkpoints,
    usage: Usage,
    runs: BTreeMap<i64, Recording>,
    /// What the file has of the session of this process.
    session: Held,
    /// Since when storing has failed, and whether that was said; it is not said again until it works.
    failing: Option<(Instant, bool)>,
    /// How long values are taken in at once.
    take: Duration,
    folds: u32,
    folded: Instant,
    next: Instant,
}

/// Serves until no run is left, or the process ends. `leave` takes the thread off the list of those that can be
/// asked, or gives back what was asked meanwhile.
pub(super) fn serve(path: PathBuf, asked: Receiver<Control>, leave: impl Fn(&Receiver<Control>) -> Option<Control>) {
    match Hub::new(path) {
        Ok(hub) => hub.work(&asked, leave),
        Err(error) => refuse(&asked, error),
    }
}

/// Tells the first who comes why nothing works, and is gone for the rest.
fn refuse(control: &Receiver<Control>, error: Error) {
    if let Ok(Control::Begin(begin)) = control.recv() {
        let _ = begin.reply.send(Err(error));
    }
}

impl Hub {
    fn new(path: PathBuf) -> Result<Self> {
        let now = Instant::now();
        Ok(Self {
            runtime: runtime()?,
            checkpoints: Checkpoints::of(&path),
            place: Place(path),
            conn: None,
            usage: Usage::new(),
            runs: BTreeMap::new(),
            session: Held::default(),
            failing: None,
            take: TAKE,
            folds: FOLDS,
            folded: now,
            next: now,
        })
    }

    fn work(mut self, asked: &Receiver<Control>, leave: impl Fn(&Receiver<Control>) -> Option<Control>) {
        loop {
            let wait = if self.runs.is_empty() { LINGER } else { self.next.saturating_duration_since(Instant::now()) };
            let mut control = asked.recv_timeout(wait);
            if matches!(control, Err(RecvTimeoutError::Timeout)) && self.runs.is_empty() {
                self.fold();
                let Some(late) = leave(asked) else { return };
                control = Ok(late);
            }
            match control {
                Ok(Control::Begin(begin)) => self.begin(*begin),
                Ok(Control::Flush(run, reply)) => {
                    self.expect_mark(run);
                    drop(reply.send(self.insist(run, None)));
                }
                Ok(Control::End(run, ending, reply)) => self.end(run, ending, &reply),
                Ok(Control::Cell(verdict, told)) => {
                    self.cell(&verdict);
                    drop(told);
                }
                Ok(Control::Amend(run, status, error, amended)) => {
                    self.amend(run, status, error);
                    drop(amended);
                }
                Ok(Control::Close(reason)) => return self.close(reason),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.close(None),
            }
            if Instant::now() >= self.next && !self.runs.is_empty() {
                self.gather();
            }
        }
    }

    fn begin(&mut self, begin: Begin) {
        let Begin { beginning, messages, found, spot, reply } = begin;
        if self.runs.is_empty() {
            self.next = Instant::now() + GATHER;
        }
        // So that the peak of this run is its own.
        self.sample_device();
        let _ = reply.send(self.try_begin(&beginning, spot).map(|(begun, pending)| {
            let Begun { id, uid, .. } = &begun;
            let (uid, began, found) = (uid.clone(), Instant::now(), Some(found));
            self.runs.insert(
                *id,
                Recording { uid, messages, pending, began, found, trouble: None, unstored_ending: None, marks: 0 },
            );
            begun
        }));
    }

    fn try_begin(&mut self, beginning: &Beginning, spot: Option<Spot>) -> Result<(Begun, Pending)> {
        if self.runs.is_empty() && !self.place.0.exists() {
            // It was removed since the last run: an open connection would write into nothing.
            self.fold();
            self.session = Held::default();
        }
        let conn = connected(&mut self.conn, &self.runtime, &self.place)?;
        let begun = self.runtime.block_on(beginning::begin(conn, &self.place, beginning, spot, &self.session));
        if matches!(&begun, Err(Error::Sql { .. })) {
            // It may be another file by now, without the session.
            self.session = Held::default();
        }
        let (begun, series, session) = begun?;
        self.session_is(session);
        Ok((begun, Pending::begun(series)))
    }

    fn session_is(&mut self, session: Held) {
        self.session = session;
        registry::holds_open_cell(&self.place.0, session.is_open);
    }

    fn cell(&mut self, verdict: &Verdict) {
        if self.runs.is_empty() && !self.place.0.exists() {
            // It was removed with the cell in it, and is not made again.
            self.fold();
            return self.session_is(Held::default());
        }
        for run in self.runs.values_mut() {
            run.pending.drain(&run.messages, self.take, run.marks);
            match (verdict, run.pending.was_touched()) {
                (Verdict::Ended(trouble), true) => run.trouble.clone_from(trouble),
                (Verdict::Ended(_), false) | (Verdict::Begins, _) => {}
            }
        }
        // What fails is tried again with the next values.
        if self.store(None).is_err() {
            self.next = Instant::now() + RETRY;
        }
    }

    fn amend(&mut self, run: i64, status: Status, error: Option<String>) {
        if let Some(ending) = self.runs.get_mut(&run).and_then(|run| run.unstored_ending.as_mut()) {
            (ending.status, ending.error) = (status, error);
            return;
        }
        let amended = connected(&mut self.conn, &self.runtime, &self.place).and_then(|conn| {
            self.runtime.block_on(async {
                let failed = || self.place.doing("store how the run ended");
                let mut locked = conn.lock_handle().await.map_err(failed())?;
                let mut writer = Writer::on(&mut locked);
                write::amend(&mut writer, &self.place, run, status, error.as_ref())
            })
        });
        if let Err(error) = amended {
            eprintln!("assay: {error}");
        }
    }

    fn gather(&mut self) {
        self.next = Instant::now() + GATHER;
        // What was used before a run began is not its use.
        let used = self.usage.sample();
        self.sampled(&used, usage::EVERY);
        if self.usage.wants_device() {
            self.sample_device();
        }
        if let Err(error) = self.store(None) {
            self.next = Instant::now() + RETRY;
            self.say_once(&error);
        }
        self.checkpoints.make_when_due();
    }

    fn sample_device(&mut self) {
        let of_device = self.usage.of_device();
        self.sampled(&of_device, Duration::ZERO);
    }

    /// Takes what was measured for a value of every run that is so old.
    fn sampled(&mut self, samples: &[Sample], age: Duration) {
        for run in self.runs.values_mut() {
            let ran = run.began.elapsed();
            if ran >= age {
                samples.iter().for_each(|sample| run.pending.sample(sample, ran.as_secs()));
            }
        }
    }

    /// Whoever asks has sent a mark after all that is to be stored.
    fn expect_mark(&mut self, run: i64) {
        if let Some(run) = self.runs.get_mut(&run) {
            run.marks += 1;
        }
    }

    /// Stores what is pending, trying again for as long as someone should have to wait.
    fn insist(&mut self, run: i64, ending: Option<&Ending>) -> Result<()> {
        let began = Instant::now();
        loop {
            let Err(error) = self.store(ending.map(|ending| (run, ending))) else {
                return Ok(());
            };
            let patience = if matches!(error, Error::Busy { .. }) { BUSY_PATIENCE } else { PATIENCE };
            if began.elapsed() >= patience {
                let (uid, unstored) =
                    self.runs.get(&run).map_or_else(Default::default, |run| (run.uid.clone(), run.pending.len()));
                return Err(Error::Unstored { run: uid, unstored, source: Box::new(error) });
            }
            self.say_once(&error);
            std::thread::sleep(RETRY);
        }
    }

    fn store(&mut self, ending: Option<(i64, &Ending)>) -> Result<()> {
        let goes_on = if self.runs.is_empty() { self.session.lacks_an_end() } else { self.session.is_behind() };
        let mut batches = Vec::with_capacity(self.runs.len());
        for (id, run) in &mut self.runs {
            run.pending.drain(&run.messages, self.take, run.marks);
            let ending = ending.filter(|(ends, _)| ends == id).map(|(_, ending)| ending);
            let ending = ending.or(run.unstored_ending.as_ref());
            let found = run.found.as_ref().and_then(|found| match ending {
                Some(_) => found.wait(FOUND_PATIENCE),
                None => found.get(),
            });
            batches.push(Batch::of(*id, &run.pending, found, ending));
        }
        batches.retain(Batch::has_work);
        if !batches.is_empty() || goes_on {
            let opens = self.conn.is_none();
            let conn = connected(&mut self.conn, &self.runtime, &self.place)?;
            let stored = self.runtime.block_on(async {
                let failed = || self.place.doing("begin to store");
                let mut locked = conn.lock_handle().await.map_err(failed())?;
                let mut writer = Writer::on(&mut locked);
                if opens {
                    writer.in_step().map_err(failed())?;
                }
                write::batches(&mut writer, &self.place, &batches, &self.session)
            });
            if matches!(&stored, Err(error) if !matches!(error, Error::Busy { .. })) {
                // What failed half way may have left a transaction open.
                self.conn = None;
            }
            let (stored, session) = stored?;
            self.session_is(session);
            self.checkpoints.wanted = true;
            for done in stored {
                if let Some(run) = self.runs.get_mut(&done.run) {
                    run.pending.stored(&done);
                    run.found = run.found.take().filter(|_| !done.found);
                }
            }
        }
        self.failing = None;
        // What could not be stored when it ended is stored now.
        self.runs.retain(|_, run| run.unstored_ending.is_none());
        Ok(())
    }

    fn say_once(&mut self, error: &Error) {
        let (since, said) = self.failing.get_or_insert((Instant::now(), false));
        let news = !matches!(error, Error::Busy { .. }) || since.elapsed() >= BUSY_IS_NEWS;
        if *said || !news {
            return;
        }
        *said = true;
        let waiting = self.runs.values().find(|run| run.pending.len() > 0).or(self.runs.values().next());
        if let Some(run) = waiting {
            eprintln!("assay: run {}: {error}; values are kept and storing is tried again", run.uid);
        }
    }

    fn end(&mut self, run: i64, mut ending: Ending, reply: &SyncSender<Result<()>>) {
        self.sample_device();
        self.expect_mark(run);
        if ending.is_left_open
            && let Some((status, error)) = self.runs.get(&run).and_then(|run| run.trouble.clone())
        {
            (ending.status, ending.error) = (status, error);
        }
        let outcome = self.insist(run, Some(&ending));
        match self.runs.get_mut(&run) {
            // Whoever ended it is told; it is stored as soon as that is possible.
            Some(kept) if outcome.is_err() => kept.unstored_ending = Some(ending),
            _ => drop(self.runs.remove(&run)),
        }
        let earned = self.folded.elapsed().as_millis() / FOLD_EVERY.as_millis();
        self.folds = self.folds.saturating_add(u32::try_from(earned).unwrap_or(FOLDS)).min(FOLDS);
        if self.runs.is_empty() && self.folds > 0 {
            self.folds -= 1;
            self.fold();
        }
        let _ = reply.send(outcome);
    }

    /// The last connection folds the write-ahead log into the file when it closes; when that fails, the next one
    /// to open does it.
    fn fold(&mut self) {
        self.checkpoints.stop();
        if let Some(conn) = self.conn.take() {
            let _ = self.runtime.block_on(conn.close());
            self.folded = Instant::now();
        }
    }

    fn close(mut self, reason: Option<Reason>) {
        self.take = TAKE_LAST;
        self.sample_device();
        for run in self.runs.keys().copied().collect::<Vec<_>>() {
            let kept = self.runs.get(&run).and_then(|run| run.unstored_ending.clone());
            let trouble = self.runs.get(&run).and_then(|run| run.trouble.clone());
            let ending = reason.map(|(status, reason)| match trouble.filter(|_| status == Status::Finished) {
                Some((status, error)) => Ending::now(status, error),
                None => Ending::now(status, Some(reason.to_owned())),
            });
            if let Err(error) = self.insist(run, kept.or(ending).as_ref()) {
                eprintln!("assay: {error}");
            }
        }
        self.fold();
    }
}

fn connected<'a>(
    conn: &'a mut Option<SqliteConnection>,
    runtime: &Runtime,
    place: &Place,
) -> Result<&'a mut SqliteConnection> {
    if conn.is_none() {
        *conn = Some(runtime.block_on(open::recording(&place.0))?);
    }
    conn.as_mut().ok_or_else(|| Error::WriterGone { run: String::new() })
}
