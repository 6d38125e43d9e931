//! A run in the database before its first value: as a new one, or as one that goes on.

use sqlx::SqliteConnection;
use std::hash::{BuildHasher, RandomState};
use std::time::Instant;

use super::session::{self, Held};
use super::write::tag;
use super::writer::Writer;
use super::{Place, read};
use crate::capture;
use crate::config::{Config, kind};
use crate::model::At;
use crate::record::{Begun, Series, Summary};
use crate::session::Spot;
use crate::{Error, Result};

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
}

/// A run that is about to go on.
pub(crate) struct Resume {
    /// As [`crate::Store::run`] takes it.
    pub(crate) wanted: String,
    pub(crate) process: Process,
}

/// The process that records a run.
pub(crate) struct Process {
    pub(super) host: String,
    pub(super) pid: i64,
    pub(super) start: Option<i64>,
    pub(super) machine: &'static str,
}

impl Process {
    pub(crate) fn this() -> Self {
        let pid = i64::from(std::process::id());
        Self { host: capture::host(), pid, start: capture::process_start(pid), machine: capture::machine() }
    }
}

/// Stores a run as running, in this process. Also gives what it has logged so far.
pub(crate) async fn begin(
    conn: &mut SqliteConnection,
    place: &Place,
    beginning: &Beginning,
    spot: Option<Spot>,
    held: &Held,
) -> Result<(Begun, Vec<Series>, Held)> {
    let failed = |source| place.doing("store that the run begins")(source);
    match beginning {
        Beginning::New(new) => {
            let parent = match &new.parent {
                Some(wanted) => Some(read::find(conn, place, wanted).await?),
                None => None,
            };
            record(conn, failed, |writer| {
                let (id, uid) = insert(writer, new, parent).map_err(failed)?;
                let held = enter(writer, id, spot, held).map_err(failed)?;
                Ok((Begun { id, uid, name: new.name.clone() }, Vec::new(), held))
            })
            .await
        }
        Beginning::Resume(resume) => {
            let id = read::find(conn, place, &resume.wanted).await?;
            record(conn, failed, |writer| {
                let (begun, series) = go_on(writer, id, resume, failed)?;
                Ok((begun, series, enter(writer, id, spot, held).map_err(failed)?))
            })
            .await
        }
    }
}

/// The first transaction of a run. After it, commits wait for the disk as they should.
async fn record<T>(
    conn: &mut SqliteConnection,
    failed: impl Fn(sqlx::Error) -> Error + Copy,
    work: impl FnOnce(&mut Writer<'_>) -> Result<T>,
) -> Result<T> {
    let mut locked = conn.lock_handle().await.map_err(failed)?;
    let mut writer = Writer::on(&mut locked);
    let done = writer.atomically(failed, work);
    writer.in_step().map_err(failed)?;
    done
}

/// Stores that a run goes on in this process's session, and the session as it is.
fn enter(writer: &mut Writer<'_>, run: i64, spot: Option<Spot>, held: &Held) -> sqlx::Result<Held> {
    let held = session::store(writer, held)?;
    session::enter(writer, run, held.id().ok_or(sqlx::Error::RowNotFound)?, spot)?;
    Ok(held)
}

/// Gives the id and the uid.
fn insert(writer: &mut Writer<'_>, new: &NewRun, parent: Option<i64>) -> sqlx::Result<(i64, String)> {
    let (process, context) = (&new.process, &new.context);
    let (id, uid) = loop {
        let uid = new_uid();
        // `None`: the uid is taken.
        let inserted = writer.id(
            "INSERT INTO run (uid, name, parent_id, family, status, started_ms, host, pid, process_start, machine,
                              toolchain, environment, notebook, note, config)
             VALUES (?, ?, ?, ?, 'running', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (uid) DO NOTHING RETURNING id",
            &[
                (&uid).into(),
                (&new.name).into(),
                parent.into(),
                new.group.as_ref().into(),
                new.started_ms.into(),
                (&process.host).into(),
                process.pid.into(),
                process.start.into(),
                process.machine.into(),
                context.toolchain.as_ref().into(),
                context.environment.as_ref().into(),
                context.notebook.as_ref().into(),
                new.note.as_ref().into(),
                (&new.config.json).into(),
            ],
        )?;
        if let Some(id) = inserted {
            break (id, uid);
        }
    };
    params(writer, id, &new.config)?;
    for (key, value) in &new.tags {
        tag(writer, id, key, value)?;
    }
    Ok((id, uid))
}

fn params(writer: &mut Writer<'_>, run: i64, config: &Config) -> sqlx::Result<()> {
    for (position, param) in (0_i64..).zip(&config.params) {
        let (kind, value, number) = (kind(&param.value), param.value.to_string(), param.value.as_f64());
        writer.execute(
            "INSERT INTO param (run_id, path, position, kind, value, number) VALUES (?, ?, ?, ?, ?, ?)",
            &[run.into(), (&param.path).into(), position.into(), kind.into(), (&value).into(), number.into()],
        )?;
    }
    Ok(())
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

/// Stores that a run goes on in this process, unless another one still records it.
fn go_on(
    writer: &mut Writer<'_>,
    id: i64,
    resume: &Resume,
    failed: impl Fn(sqlx::Error) -> Error + Copy,
) -> Result<(Begun, Vec<Series>)> {
    let process = &resume.process;
    let stored = stored(writer, id).map_err(failed)?;
    let gone = stored.host == process.host && capture::is_gone(stored.pid, stored.start, stored.machine.as_deref());
    if stored.running && !gone {
        return Err(Error::StillRunning { run: stored.uid, pid: stored.pid, host: stored.host });
    }
    writer
        .execute(
            "UPDATE run SET status = 'running', ended_ms = NULL, error = NULL, deleted_ms = NULL,
                            host = ?, pid = ?, process_start = ?, machine = ? WHERE id = ?",
            &[(&process.host).into(), process.pid.into(), process.start.into(), process.machine.into(), id.into()],
        )
        .map_err(failed)?;
    let series = logged(writer, id).map_err(failed)?;
    Ok((Begun { id, uid: stored.uid, name: stored.name }, series))
}

/// A run and the process that recorded it.
struct Stored {
    uid: String,
    name: String,
    running: bool,
    host: String,
    pid: i64,
    start: Option<i64>,
    machine: Option<String>,
}

fn stored(writer: &mut Writer<'_>, id: i64) -> sqlx::Result<Stored> {
    let sql = "SELECT uid, name, status, host, pid, process_start, machine FROM run WHERE id = ?";
    let statement = writer.statement(sql, &[id.into()])?;
    let row = statement.next()?.ok_or(sqlx::Error::RowNotFound)?;
    let stored = Stored {
        uid: row.text(0)?.to_owned(),
        name: row.text(1)?.to_owned(),
        running: row.text(2)? == "running",
        host: row.text(3)?.to_owned(),
        pid: row.int(4),
        start: row.maybe_int(5),
        machine: row.maybe_text(6)?.map(str::to_owned),
    };
    statement.run()?;
    Ok(stored)
}

/// What the process that resumes a run must know of its series.
fn logged(writer: &mut Writer<'_>, run: i64) -> sqlx::Result<Vec<Series>> {
    let sql = "SELECT id, name, context, points, last_step, last_value, last_ms,
                   min_value, min_step, max_value, max_step
               FROM series WHERE run_id = ? ORDER BY id";
    let statement = writer.statement(sql, &[run.into()])?;
    let mut series = Vec::new();
    while let Some(row) = statement.next()? {
        let at = |value, step| Some(At { value: row.float(value)?, step: row.maybe_int(step)? });
        let summary = Summary {
            points: row.int(3),
            last: At { value: row.float(5).unwrap_or(f64::NAN), step: row.int(4) },
            last_ms: row.int(6),
            min: at(7, 8),
            max: at(9, 10),
        };
        series.push(Series::resumed(row.text(1)?.to_owned(), row.text(2)?.to_owned(), row.int(0), summary));
    }
    Ok(series)
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
