//! The session of this process: its cells as they run, what it was seen to use, and the stretches of runs in it.

use sqlx::SqliteConnection;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use super::Place;
use super::beginning::Process;
use super::raw::Value;
use super::writer::Writer;
use crate::capture::Sources;
use crate::context::{self, Ran};
use crate::record::sha256;
use crate::session::{Cell, Outcome, Session, Spot, Use};
use crate::{Result, RunRecord, Status, capture};

/// How much of this process's session a file holds.
#[derive(Clone, Copy, Default)]
pub(crate) struct Held {
    /// `None`: nothing.
    id: Option<i64>,
    /// Cells whose end is stored.
    cells: usize,
    uses: usize,
    changes: u64,
    /// Of the cell that is running.
    line: Option<i64>,
    /// Whether there is a cell whose end is not stored.
    pub(crate) is_open: bool,
}

impl Held {
    pub(crate) fn id(&self) -> Option<i64> {
        self.id
    }

    /// Whether the session has gone on since.
    pub(crate) fn is_behind(&self) -> bool {
        self.changes != context::changes() || self.is_open && self.line != context::line()
    }

    /// The same, but for the line: of a session that no run belongs to now.
    pub(crate) fn lacks_an_end(&self) -> bool {
        self.is_open && self.changes != context::changes()
    }
}

/// Names this process's session in all files.
fn uid() -> &'static str {
    static UID: OnceLock<String> = OnceLock::new();
    UID.get_or_init(|| {
        let random = RandomState::new().hash_one((std::process::id(), capture::now_ms()));
        format!("{random:016x}")
    })
}

fn int(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// Stores what is new; what the file holds then, once this is committed.
pub(crate) fn store(writer: &mut Writer<'_>, stored: &Held) -> sqlx::Result<Held> {
    let changes = context::changes();
    let mut now = match stored.id {
        Some(_) => *stored,
        None => begin(writer)?,
    };
    let id = now.id.ok_or(sqlx::Error::RowNotFound)?;
    let (cells, uses) = context::since(now.cells, now.uses);
    (now.changes, now.is_open, now.line) = (changes, false, None);
    let count = cells.len();
    for (at, ran) in cells.iter().enumerate() {
        cell(writer, id, int(now.cells), ran)?;
        if at + 1 == count && ran.ended.is_none() && !ran.is_earlier {
            (now.is_open, now.line) = (true, ran.line);
        } else {
            now.cells += 1;
        }
    }
    for used in &uses {
        writer.execute(
            "INSERT INTO session_use (session_id, position, kind, name, value, size, cell) VALUES (?, ?, ?, ?, ?, ?, ?)",
            &[
                id.into(),
                int(now.uses).into(),
                (&used.kind).into(),
                (&used.name).into(),
                used.value.as_ref().into(),
                used.size.into(),
                used.cell.into(),
            ],
        )?;
        now.uses += 1;
    }
    Ok(now)
}

/// The row of this process, which an earlier connection may have made.
fn begin(writer: &mut Writer<'_>) -> sqlx::Result<Held> {
    let sql = "SELECT id, (SELECT count(*) FROM session_cell WHERE session_id = id),
                   (SELECT count(*) FROM session_use WHERE session_id = id) FROM session WHERE uid = ?";
    let statement = writer.statement(sql, &[uid().into()])?;
    let found = statement.next()?.map(|row| (row.int(0), row.int(1), row.int(2)));
    statement.run()?;
    if let Some((id, cells, uses)) = found {
        let count = |count: i64| usize::try_from(count).unwrap_or(0);
        // The last one may have been running.
        return Ok(Held { id: Some(id), cells: count(cells - 1), uses: count(uses), ..Held::default() });
    }
    let process = Process::this();
    let folder = std::env::current_dir().ok().map(|folder| folder.to_string_lossy().into_owned());
    let id = writer.id(
        "INSERT INTO session (uid, host, pid, process_start, machine, folder, assay) VALUES (?, ?, ?, ?, ?, ?, ?)
         RETURNING id",
        &[
            uid().into(),
            (&process.host).into(),
            process.pid.into(),
            process.start.into(),
            process.machine.into(),
            folder.as_ref().into(),
            env!("CARGO_PKG_VERSION").into(),
        ],
    )?;
    Ok(Held { id, ..Held::default() })
}

fn cell(writer: &mut Writer<'_>, session: i64, position: i64, ran: &Ran) -> sqlx::Result<()> {
    source(writer, &ran.hash, &ran.source)?;
    let ended = ran.ended.as_ref();
    writer.execute(
        "INSERT INTO session_cell (session_id, position, execution_count, hash, began_ms, ended_ms, outcome, line,
                                   message, is_earlier)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (session_id, position) DO UPDATE SET
             ended_ms = excluded.ended_ms, outcome = excluded.outcome, line = excluded.line, message = excluded.message",
        &[
            session.into(),
            position.into(),
            ran.execution_count.into(),
            (&*ran.hash).into(),
            ran.began_ms.into(),
            ended.and_then(|ended| ended.ms).into(),
            ended.map(|ended| ended.outcome.as_str()).into(),
            ran.line.into(),
            ended.and_then(|ended| ended.message.as_ref()).into(),
            i64::from(ran.is_earlier).into(),
        ],
    )
}

/// Stores a text, once.
pub(super) fn source(writer: &mut Writer<'_>, hash: &str, text: &str) -> sqlx::Result<()> {
    let values: [Value<'_>; 2] = [hash.into(), text.into()];
    writer.execute("INSERT INTO source (hash, text) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING", &values)
}

/// Stores the sources of an environment, unless they are there.
pub(super) fn sources(writer: &mut Writer<'_>, sources: &Sources) -> sqlx::Result<()> {
    let environment = &sources.environment;
    let statement =
        writer.statement("SELECT 1 FROM environment_source WHERE environment = ? LIMIT 1", &[environment.into()])?;
    let is_there = statement.next()?.is_some();
    statement.run()?;
    let files = sources.files.iter().filter(|_| !is_there);
    files.into_iter().try_for_each(|file| {
        source(writer, &file.hash, &file.text)?;
        writer.execute(
            "INSERT INTO environment_source (environment, path, hash) VALUES (?, ?, ?)",
            &[environment.into(), (&file.path).into(), (&file.hash).into()],
        )
    })
}

/// A run begins or goes on in a session.
pub(super) fn enter(writer: &mut Writer<'_>, run: i64, session: i64, spot: Option<Spot>) -> sqlx::Result<()> {
    writer.execute(
        "INSERT INTO run_session (run_id, position, session_id, began_ms, began_cell, began_line)
         VALUES (?1, (SELECT coalesce(max(position) + 1, 0) FROM run_session WHERE run_id = ?1), ?2, ?3, ?4, ?5)",
        &[
            run.into(),
            session.into(),
            capture::now_ms().into(),
            spot.map(|spot| spot.cell).into(),
            spot.and_then(|spot| spot.line).into(),
        ],
    )
}

/// How a run ended, where it was then, and how much it had been seen to use.
pub(super) fn leave(writer: &mut Writer<'_>, run: i64, ending: &super::write::Ending) -> sqlx::Result<()> {
    let spot = ending.spot;
    writer.execute(
        "UPDATE run_session SET ended_ms = ?2, ended_cell = ?3, ended_line = ?4, seen = ?5, status = ?6, error = ?7
         WHERE run_id = ?1 AND position = (SELECT max(position) FROM run_session WHERE run_id = ?1)",
        &[
            run.into(),
            ending.ended_ms.into(),
            spot.map(|spot| spot.cell).into(),
            spot.and_then(|spot| spot.line).into(),
            int(ending.uses).into(),
            ending.status.as_str().into(),
            ending.error.as_ref().into(),
        ],
    )
}

/// What was found out about the present stretch of a run.
pub(super) fn snapshot(writer: &mut Writer<'_>, run: i64, kind: &str, hash: &str) -> sqlx::Result<()> {
    writer.execute(
        "INSERT INTO run_session_snapshot (run_id, position, kind, hash)
         VALUES (?1, (SELECT max(position) FROM run_session WHERE run_id = ?1), ?2, ?3)
         ON CONFLICT (run_id, position, kind) DO UPDATE SET hash = excluded.hash",
        &[run.into(), kind.into(), hash.into()],
    )
}

/// Moves cells as version 1 stored them to where they are now: SQLite has no sha256.
pub(super) async fn move_forward(conn: &mut SqliteConnection) -> sqlx::Result<()> {
    let mut last = None;
    let runs =
        sqlx::query_scalar!("SELECT DISTINCT run_id FROM cell_row ORDER BY run_id").fetch_all(&mut *conn).await?;
    for run in runs {
        let cells = sqlx::query!("SELECT position, execution_count, source FROM cell_row WHERE run_id = ?", run)
            .fetch_all(&mut *conn)
            .await?;
        for cell in cells {
            let hash = sha256(cell.source.as_bytes());
            sqlx::query!("INSERT INTO source (hash, text) VALUES (?, ?) ON CONFLICT DO NOTHING", hash, cell.source)
                .execute(&mut *conn)
                .await?;
            sqlx::query!(
                "INSERT INTO session_cell (session_id, position, execution_count, hash, is_earlier) VALUES (?, ?, ?, ?, 0)",
                run,
                cell.position,
                cell.execution_count,
                hash,
            )
            .execute(&mut *conn)
            .await?;
        }
        last = Some(run);
    }
    if last.is_some() {
        sqlx::query!("DELETE FROM cell_row").execute(conn).await?;
    }
    Ok(())
}

/// The stretches of a run, in order.
pub(super) async fn sessions(conn: &mut SqliteConnection, place: &Place, run: &RunRecord) -> Result<Vec<Session>> {
    let rows = sqlx::query!(
        "SELECT run_session.position, session_id, session.uid, host, pid, folder, assay, began_ms, began_cell, began_line,
             ended_ms, ended_cell, ended_line, seen, status, error
         FROM run_session JOIN session ON session.id = run_session.session_id
         WHERE run_id = ? ORDER BY run_session.position",
        run.id,
    )
    .fetch_all(&mut *conn)
    .await
    .map_err(place.doing("read the sessions of the run"))?;
    let mut sessions = Vec::with_capacity(rows.len());
    for row in rows {
        let uses = sqlx::query_as!(
            Use,
            "SELECT kind, name, value, size, cell FROM session_use
             WHERE session_id = ?1 AND (?2 IS NULL OR position < ?2) ORDER BY position",
            row.session_id,
            row.seen,
        )
        .fetch_all(&mut *conn)
        .await
        .map_err(place.doing("read what the run used"))?;
        let spot = |cell: Option<i64>, line| cell.map(|cell| Spot { cell, line });
        sessions.push(Session {
            position: row.position,
            uid: row.uid,
            host: row.host,
            pid: row.pid,
            folder: row.folder,
            assay: row.assay,
            began_ms: row.began_ms,
            began: spot(row.began_cell, row.began_line),
            ended_ms: row.ended_ms,
            ended: spot(row.ended_cell, row.ended_line),
            status: row.status.map(|word| Status::from_stored(&word)),
            error: row.error,
            uses,
        });
    }
    Ok(sessions)
}

/// The sources of an environment: each file's path and text.
pub(super) async fn sources_of(
    conn: &mut SqliteConnection,
    place: &Place,
    environment: &str,
) -> Result<BTreeMap<String, String>> {
    let rows = sqlx::query!(
        "SELECT path, text FROM environment_source JOIN source ON source.hash = environment_source.hash
         WHERE environment = ?",
        environment,
    )
    .fetch_all(conn)
    .await
    .map_err(place.doing("read the sources of the environment"))?;
    Ok(rows.into_iter().map(|row| (row.path, row.text)).collect())
}

/// The cells of a run: of each of its sessions in turn, and of a process that recorded several stretches once.
pub(super) async fn cells(conn: &mut SqliteConnection, place: &Place, run: i64) -> Result<Vec<Cell>> {
    let rows = sqlx::query!(
        r#"SELECT run_session.position AS "session!", cell.position AS "position!", execution_count, source.text, cell.hash, outcome, line,
               message, cell.began_ms, cell.ended_ms, is_earlier
           FROM run_session JOIN session_cell AS cell ON cell.session_id = run_session.session_id
               AND (ended_cell IS NULL OR cell.position <= ended_cell)
               AND cell.position > coalesce((SELECT max(before.ended_cell) FROM run_session AS before
                   WHERE before.run_id = run_session.run_id AND before.session_id = run_session.session_id
                       AND before.position < run_session.position), -1)
           JOIN source ON source.hash = cell.hash
           WHERE run_id = ? ORDER BY run_session.position, cell.position"#,
        run,
    )
    .fetch_all(conn)
    .await
    .map_err(place.doing("read the cells"))?;
    let cell = rows.into_iter().map(|row| Cell {
        session: row.session,
        position: row.position,
        execution_count: row.execution_count,
        source: row.text,
        hash: row.hash,
        outcome: row.outcome.map(|word| Outcome::from_stored(&word)),
        line: row.line,
        message: row.message,
        began_ms: row.began_ms,
        ended_ms: row.ended_ms,
        is_earlier: row.is_earlier != 0,
    });
    Ok(cell.collect())
}
