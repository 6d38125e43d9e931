//! A run in the database before its first value: as a new one, or as one that goes on.

use sqlx::{SqliteConnection, SqliteTransaction};

use super::write::{cells, tag, transaction};
use super::{Place, read};
use crate::capture;
use crate::config::{Config, kind};
use crate::record::{Begun, Series};
use crate::{Cell, Error, Result};

/// What a run begins from.
pub(crate) enum Beginning {
    New(Box<NewRun>),
    Resume(Resume),
}

/// A run that is about to start.
pub(crate) struct NewRun {
    pub(crate) name: String,
    pub(crate) started_ms: i64,
    pub(crate) process: Process,
    pub(crate) context: crate::context::Context,
    pub(crate) note: Option<String>,
    pub(crate) parent: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) config: Config,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) cells: Vec<Cell>,
}

/// A run that is about to go on.
pub(crate) struct Resume {
    /// As [`crate::Store::run`] takes it.
    pub(crate) wanted: String,
    pub(crate) process: Process,
    pub(crate) cells: Vec<Cell>,
}

/// The process that records a run.
pub(crate) struct Process {
    host: String,
    pid: i64,
    start: Option<i64>,
    machine: &'static str,
}

impl Process {
    pub(crate) fn this() -> Self {
        let pid = i64::from(std::process::id());
        Self { host: capture::host(), pid, start: capture::process_start(pid), machine: capture::machine() }
    }
}

/// Stores a run as running. `Ok(None)`: the uid is taken, try another.
pub(crate) async fn run(conn: &mut SqliteConnection, place: &Place, uid: &str, new: &NewRun) -> Result<Option<i64>> {
    let failed = || place.doing("store the new run");
    let parent = match &new.parent {
        Some(wanted) => Some(read::find(conn, place, wanted).await?),
        None => None,
    };
    let mut tx = transaction(conn).await.map_err(failed())?;
    let inserted = sqlx::query_scalar!(
        "INSERT INTO run (uid, name, parent_id, family, status, started_ms, host, pid, process_start, machine,
                          toolchain, environment, notebook, note, config)
         VALUES (?, ?, ?, ?, 'running', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (uid) DO NOTHING RETURNING id",
        uid,
        new.name,
        parent,
        new.group,
        new.started_ms,
        new.process.host,
        new.process.pid,
        new.process.start,
        new.process.machine,
        new.context.toolchain,
        new.context.environment,
        new.context.notebook,
        new.note,
        new.config.json,
    )
    .fetch_optional(&mut *tx)
    .await
    .map_err(failed())?;
    let Some(id) = inserted else { return Ok(None) };
    params(&mut tx, id, &new.config).await.map_err(failed())?;
    for (key, value) in &new.tags {
        tag(&mut tx, id, key, value).await.map_err(failed())?;
    }
    cells(&mut tx, id, &new.cells).await.map_err(failed())?;
    tx.commit().await.map_err(failed())?;
    Ok(Some(id))
}

/// Stores that a run goes on, in this process; gives what it has logged so far.
pub(crate) async fn resume(
    conn: &mut SqliteConnection,
    place: &Place,
    resume: &Resume,
) -> Result<(Begun, Vec<Series>)> {
    let failed = || place.doing("store that the run goes on");
    let id = read::find(conn, place, &resume.wanted).await?;
    let mut tx = transaction(conn).await.map_err(failed())?;
    let process = &resume.process;
    let row = sqlx::query!("SELECT uid, name, status, host, pid, process_start, machine FROM run WHERE id = ?", id)
        .fetch_one(&mut *tx)
        .await
        .map_err(failed())?;
    let gone = row.host == process.host && capture::is_gone(row.pid, row.process_start, row.machine.as_deref());
    if row.status == "running" && !gone {
        return Err(Error::StillRunning { run: row.uid, pid: row.pid, host: row.host });
    }
    sqlx::query!(
        "UPDATE run SET status = 'running', ended_ms = NULL, error = NULL, deleted_ms = NULL,
                        host = ?, pid = ?, process_start = ?, machine = ? WHERE id = ?",
        process.host,
        process.pid,
        process.start,
        process.machine,
        id,
    )
    .execute(&mut *tx)
    .await
    .map_err(failed())?;
    cells(&mut tx, id, &resume.cells).await.map_err(failed())?;
    let series = read::resumed(&mut tx, id).await.map_err(failed())?;
    tx.commit().await.map_err(failed())?;
    Ok((Begun { id, uid: row.uid, name: row.name }, series))
}

async fn params(tx: &mut SqliteTransaction<'_>, run: i64, config: &Config) -> sqlx::Result<()> {
    for (position, param) in (0_i64..).zip(&config.params) {
        let (kind, value, number) = (kind(&param.value), param.value.to_string(), param.value.as_f64());
        sqlx::query!(
            "INSERT INTO param (run_id, path, position, kind, value, number) VALUES (?, ?, ?, ?, ?, ?)",
            run,
            param.path,
            position,
            kind,
            value,
            number,
        )
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}
