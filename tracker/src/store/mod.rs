//! Reading a run database: a blocking face over the SQL in `read`.

pub(crate) mod beginning;
mod blocking;
mod columns;
mod crashed;
mod input;
mod keep;
pub(crate) mod open;
mod permission;
mod place;
mod points;
mod raw;
mod read;
mod replay;
mod select;
mod series;
pub(crate) mod session;
mod sql;
mod table;
pub(crate) mod write;
pub(crate) mod writer;

use sqlx::{Connection, SqliteConnection};
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use tokio::runtime::Runtime;

use crate::compare::ParamRow;
use crate::model::{Artifact, Point, Replay, RunRecord, Series};
use crate::session::{Cell, Session};
use crate::table::{Points, Table};
use crate::{Comparison, Error, Query, Result, Verdict, environment};

use blocking::blocking;
pub(crate) use blocking::runtime;
pub use keep::{Merged, Removed};
pub(crate) use place::Place;
pub use sql::{Cell as SqlCell, Rows};

/// An open run database. Cheap to share between threads by reference; calls take turns.
///
/// Looking also notices runs of this machine whose process is gone, and stores them as crashed.
pub struct Store {
    place: Place,
    /// Only `None` while dropping, as the runtime.
    conn: Mutex<Option<SqliteConnection>>,
    runtime: Option<Runtime>,
}

impl Store {
    /// Opens a run database that exists; never makes or changes a file that is not one.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::NoPermission`], [`Error::NotADatabase`], [`Error::Foreign`], [`Error::Newer`],
    /// [`Error::Busy`], [`Error::Unopened`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        permission::to_read(path)?;
        let runtime = runtime()?;
        let conn = blocking(|| runtime.block_on(open::existing(path)))?;
        Ok(Self { place: Place(path.to_owned()), conn: Mutex::new(Some(conn)), runtime: Some(runtime) })
    }

    /// Opens [`crate::default_path`].
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_default() -> Result<Self> {
        Self::open(crate::default_path())
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.place.0
    }

    /// The runs that fit a query, in its order; the newest first when it names none.
    ///
    /// # Errors
    /// [`Error::UnknownSortKey`]; [`Error::Sql`] or [`Error::Damaged`] when the file cannot be read.
    pub fn runs(&self, query: &Query) -> Result<Vec<RunRecord>> {
        let find = query.find()?;
        let runs = self.wait(async |conn, place| {
            let dead = crashed::found(conn, place).await?;
            let ids = select::ids(conn, place, &find, &dead).await?;
            let mut runs = read::runs_by_id(conn, place, &ids).await?;
            crashed::show(&mut runs, &dead);
            Ok(runs)
        })?;
        query.apply(runs)
    }

    /// The runs that a query in the language of [`crate::query`] finds.
    ///
    /// ```no_run
    /// let store = tracker::Store::open_default()?;
    /// let best = store.find("status = finished and metric.accuracy.max > 0.9 order by metric.loss limit 20")?;
    /// # Ok::<(), tracker::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Query`], which points at the mistake; or as [`Store::runs`].
    pub fn find(&self, query: &str) -> Result<Vec<RunRecord>> {
        self.runs(&Query::from(query))
    }

    /// Runs one SQL statement that reads. The views that are meant for it are `runs`, `params`, `tags`, `metrics`,
    /// `points`, `artifacts`, `inputs`, `sessions`, `cells` and `uses`; see `migrations/`.
    ///
    /// # Errors
    /// [`Error::Refused`] when it is wrong, or would write.
    pub fn sql(&self, sql: &str) -> Result<Rows> {
        self.wait(async |_, place| sql::rows(place, sql).await)
    }

    /// Deletes a run: it is not found any more, until it is taken back, or removed for good by [`Store::gc`].
    ///
    /// # Errors
    /// [`Error::StillRunning`]; [`Error::Sql`] when the file cannot be written.
    pub fn delete(&self, run: &RunRecord) -> Result<()> {
        self.wait(async |conn, place| keep::delete(conn, place, run).await)
    }

    /// Takes a deleted run back; it is named as in [`Store::run`].
    ///
    /// # Errors
    /// [`Error::UnknownRun`], [`Error::AmbiguousRun`]; [`Error::Sql`] when the file cannot be written.
    pub fn undelete(&self, wanted: &str) -> Result<RunRecord> {
        self.wait(async |conn, place| {
            let id = read::find_among(conn, place, wanted, read::Among::Deleted).await?;
            keep::undelete(conn, place, id).await
        })?;
        self.run(wanted)
    }

    /// Removes deleted runs for good, and what no run holds any more.
    ///
    /// # Errors
    /// [`Error::Sql`] when the file cannot be written.
    pub fn gc(&self) -> Result<Removed> {
        self.wait(async |conn, place| keep::gc(conn, place).await)
    }

    /// Gives room that is free back to the disk, and packs points that an older version stored.
    ///
    /// # Errors
    /// [`Error::Sql`] when the file cannot be written, [`Error::Busy`] when others use it.
    pub fn vacuum(&self) -> Result<()> {
        self.wait(async |conn, place| keep::vacuum(conn, place).await)
    }

    /// Writes everything, as of this moment, into one new file.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::NoFolder`]; [`Error::Sql`] when it cannot be written.
    pub fn backup(&self, to: impl AsRef<Path>) -> Result<()> {
        let to = to.as_ref();
        self.wait(async |conn, place| keep::backup(conn, place, to).await)
    }

    /// Takes in the runs of another file that are not in this one. The other file stays as it is.
    ///
    /// # Errors
    /// What is wrong with the other file, or [`Error::Sql`] when this one cannot be written; nothing is taken in then.
    pub fn merge(&self, other: impl AsRef<Path>) -> Result<Merged> {
        let other = other.as_ref();
        self.wait(async |conn, place| keep::merge(conn, place, other).await)
    }

    /// Says that `replay` repeats `of`, and what came of it.
    ///
    /// # Errors
    /// [`Error::Sql`] when the file cannot be written.
    pub fn note_replay(&self, replay: &RunRecord, of: &RunRecord, verdict: &Verdict) -> Result<()> {
        self.wait(async |conn, place| replay::note(conn, place, replay, of, verdict).await)
    }

    /// The runs that repeat a run, oldest first.
    ///
    /// # Errors
    /// [`Error::Sql`] when the file cannot be read.
    pub fn replays(&self, run: &RunRecord) -> Result<Vec<Replay>> {
        self.wait(async |conn, place| replay::of(conn, place, run).await)
    }

    /// The uid of the run that this one repeats.
    ///
    /// # Errors
    /// [`Error::Sql`] when the file cannot be read.
    pub fn replay_of(&self, run: &RunRecord) -> Result<Option<String>> {
        self.wait(async |conn, place| replay::first(conn, place, run).await)
    }

    /// The run with this uid, number, beginning of a uid, or name; in this order of precedence.
    ///
    /// # Errors
    /// [`Error::UnknownRun`], [`Error::AmbiguousRun`], or as [`Store::runs`].
    pub fn run(&self, wanted: &str) -> Result<RunRecord> {
        self.wait(async |conn, place| {
            let dead = crashed::found(conn, place).await?;
            let id = read::find(conn, place, wanted).await?;
            let mut runs = read::runs_by_id(conn, place, &[id]).await?;
            crashed::show(&mut runs, &dead);
            runs.pop().ok_or_else(|| Error::UnknownRun {
                wanted: wanted.to_owned(),
                path: place.0.clone(),
                known: Vec::new(),
            })
        })
    }

    /// Every metric of a run with all its points, in the order of logging.
    ///
    /// # Errors
    /// [`Error::Sql`] when the file cannot be read.
    pub fn series(&self, run: &RunRecord) -> Result<Vec<Series>> {
        self.wait(async |conn, place| read::series(conn, place, run).await)
    }

    /// A metric of a run as a curve to draw: all its points by step when there are few, else the least and the
    /// greatest value of each of `width` stretches or some more. No extreme is lost, and each is at its own step
    /// (its time is that of the step, to the jitter within 2,048 points). A stretch of NaN is one point of NaN.
    ///
    /// # Errors
    /// [`Error::UnknownMetric`] with those there are; [`Error::Sql`] when the file cannot be read.
    pub fn curve(&self, run: &RunRecord, metric: &str, width: usize) -> Result<Vec<Point>> {
        self.wait(async |conn, place| {
            let mut conn = conn.begin().await.map_err(place.doing("read the points"))?;
            let series = read::series_id(&mut conn, place, run, metric).await?;
            points::curve(&mut conn, place, &run.uid, series, width).await
        })
    }

    /// What a run attached, oldest first.
    ///
    /// # Errors
    /// [`Error::Sql`] when the file cannot be read.
    pub fn artifacts(&self, run: &RunRecord) -> Result<Vec<Artifact>> {
        self.wait(async |conn, place| read::artifacts(conn, place, run.id).await)
    }

    /// The newest artifact of a run under a name, with its bytes.
    ///
    /// # Errors
    /// [`Error::UnknownArtifact`] with the names there are; [`Error::Sql`] when the file cannot be read.
    pub fn bytes(&self, run: &RunRecord, name: &str) -> Result<(Artifact, Vec<u8>)> {
        self.wait(async |conn, place| {
            let mut artifacts = read::artifacts(conn, place, run.id).await?;
            let Some(at) = artifacts.iter().rposition(|artifact| artifact.name == name) else {
                let mut known: Vec<String> = artifacts.into_iter().map(|artifact| artifact.name).collect();
                known.sort();
                known.dedup();
                return Err(Error::UnknownArtifact { run: run.uid.clone(), wanted: name.to_owned(), known });
            };
            let artifact = artifacts.swap_remove(at);
            let bytes = read::bytes(conn, place, &artifact.hash).await?;
            Ok((artifact, bytes))
        })
    }

    /// What was found out about a run without being asked: `diff` (of the tracked files to the commit; only when
    /// they differ), `lockfile` (of what cells link, or of the program), `features` (of each package that cells link,
    /// JSON), `local` (packages of the person's own folders, JSON), `program` (JSON) or `machine` (JSON).
    ///
    /// # Errors
    /// [`Error::Sql`] when the file cannot be read.
    pub fn snapshot(&self, run: &RunRecord, kind: &str) -> Result<Option<Vec<u8>>> {
        self.wait(async |conn, place| read::snapshot(conn, place, run.id, None, kind).await)
    }

    /// The kinds of [`Store::snapshot`] that a run has.
    ///
    /// # Errors
    /// [`Error::Sql`] when the file cannot be read.
    pub fn snapshots(&self, run: &RunRecord) -> Result<Vec<String>> {
        self.wait(async |conn, place| Ok(read::snapshots(conn, place, run.id, None).await?.into_keys().collect()))
    }

    /// What a run was recorded in: commit, compiler, crates (files by the sha256 of their [`Store::snapshot`]), processor
    /// and so on, as an object. What could not be found out is null in it; all is null where nothing is known.
    ///
    /// # Errors
    /// [`Error::Sql`] or [`Error::Damaged`] when the file cannot be read.
    pub fn environment(&self, run: &RunRecord) -> Result<serde_json::Value> {
        self.wait(async |conn, place| {
            Ok(read::surroundings(conn, place, run, None).await?.object(&environment::Named::of(run)))
        })
    }

    /// The cells that the sessions of a run had run when it ended, in the order of execution.
    ///
    /// # Errors
    /// [`Error::Sql`] when the file cannot be read.
    pub fn cells(&self, run: &RunRecord) -> Result<Vec<Cell>> {
        self.wait(async |conn, place| session::cells(conn, place, run.id).await)
    }

    /// The processes that recorded a run, and what each was seen to use: one, and one more each time it was resumed.
    ///
    /// # Errors
    /// [`Error::Sql`] when the file cannot be read.
    pub fn sessions(&self, run: &RunRecord) -> Result<Vec<Session>> {
        self.wait(async |conn, place| session::sessions(conn, place, run).await)
    }

    /// [`Store::environment`] of one stretch of a run that was resumed, by its [`Session::position`].
    ///
    /// # Errors
    /// As [`Store::environment`].
    pub fn environment_in(&self, run: &RunRecord, session: i64) -> Result<serde_json::Value> {
        self.wait(async |conn, place| {
            Ok(read::surroundings(conn, place, run, Some(session)).await?.object(&environment::Named::of(run)))
        })
    }

    /// The sources of the environment that a run's cells linked, by path below the root of assay's workspace. Nothing of
    /// a program, and of what an earlier version recorded.
    ///
    /// # Errors
    /// [`Error::Sql`] when the file cannot be read.
    pub fn sources(&self, run: &RunRecord) -> Result<BTreeMap<String, String>> {
        let Some(environment) = &run.environment else { return Ok(BTreeMap::new()) };
        self.wait(async |conn, place| session::sources_of(conn, place, environment).await)
    }

    /// Runs side by side; each is named as in [`Store::run`].
    ///
    /// # Errors
    /// As [`Store::run`].
    pub fn compare(&self, wanted: &[impl AsRef<str>]) -> Result<Comparison> {
        self.side_by_side(wanted.iter().map(|wanted| self.run(wanted.as_ref())).collect::<Result<Vec<_>>>()?)
    }

    /// The same of runs that were read.
    ///
    /// # Errors
    /// [`Error::Sql`] or [`Error::Damaged`] when the file cannot be read.
    pub fn side_by_side(&self, runs: Vec<RunRecord>) -> Result<Comparison> {
        let environments = runs.iter().map(|run| self.environment(run)).collect::<Result<Vec<_>>>()?;
        let mut rows = environment::compared(&environments);
        let snapshots = |kind| runs.iter().map(|run| self.snapshot(run, kind)).collect::<Result<Vec<_>>>();
        let differs = |rows: &[ParamRow], kind| rows.iter().any(|row| row.differs && row.path == kind);
        if differs(&rows, "lockfile") {
            rows.extend(environment::compared_crates(&snapshots("lockfile")?));
        }
        if differs(&rows, "features") {
            rows.extend(environment::compared_features(&snapshots("features")?));
        }
        Ok(Comparison { environment: rows, ..Comparison::of(runs) })
    }

    /// The runs as typed columns, to make a data frame of.
    ///
    /// # Errors
    /// As [`Store::runs`].
    pub fn table(&self, query: &Query) -> Result<Table> {
        self.columns(query, table::table)
    }

    /// The points of the runs that fit a query, one series after the other: the runs in its order, the metrics of a run
    /// in the order of their first points. Only metrics of these names or [`Metric::key`]s, if there are any.
    ///
    /// `with` must not use this store.
    ///
    /// # Errors
    /// As [`Store::runs`]; [`Error::NoMetric`] when runs were found and none of them has one of the metrics;
    /// or what `with` says.
    ///
    /// [`Metric::key`]: crate::Metric::key
    pub fn points<E: From<Error> + Send>(
        &self,
        query: &Query,
        metrics: &[&str],
        with: impl FnMut(Points<'_>) -> Result<(), E> + Send,
    ) -> Result<(), E> {
        self.columns(query, |reading, chosen, _| Ok(series::each(reading, chosen, metrics, with)))?
    }

    /// Reads columns of the runs that fit a query, in one snapshot.
    fn columns<T: Send>(
        &self,
        query: &Query,
        read: impl FnOnce(&columns::Reading<'_>, &columns::Chosen, &HashSet<i64>) -> Result<T> + Send,
    ) -> Result<T> {
        let find = query.find()?;
        // These keys are found out from the records of the runs.
        let sorted = match &query.sort {
            Some(_) => Some(self.runs(query)?.iter().map(|run| run.id).collect()),
            None => None,
        };
        self.wait(async |conn, place| {
            let dead = crashed::found(conn, place).await?;
            let mut conn = conn.begin().await.map_err(place.doing("read the runs"))?;
            let ids: Vec<i64> = match sorted {
                Some(ids) => ids,
                None => select::ids(&mut conn, place, &find, &dead).await?,
            };
            let mut locked = conn.lock_handle().await.map_err(place.doing("read the runs"))?;
            let reading = columns::Reading::on(&mut locked, place);
            read(&reading, &reading.choose(&ids, query, &dead)?, &dead)
        })
    }

    fn wait<T: Send>(&self, work: impl AsyncFnOnce(&mut SqliteConnection, &Place) -> Result<T> + Send) -> Result<T> {
        blocking(|| {
            // A statement that panicked half way has been rolled back by SQLite.
            let mut conn = self.conn.lock().unwrap_or_else(PoisonError::into_inner);
            match (&self.runtime, conn.as_mut()) {
                (Some(runtime), Some(conn)) => runtime.block_on(work(conn, &self.place)),
                _ => Err(Error::Missing { path: self.place.0.clone() }),
            }
        })
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let conn = self.conn.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some(runtime), Some(conn)) = (self.runtime.take(), conn) {
            // So that the file is one file again when this was the last to use it. Nobody is told if it fails: the
            // next one to open it makes it so.
            let _ = blocking(|| runtime.block_on(conn.close()));
            // An ordinary drop of a runtime panics when it happens inside another one.
            runtime.shutdown_background();
        }
    }
}
