//! Every statement that writes.

use sqlx::{Connection, SqliteConnection, SqliteTransaction};
use std::collections::HashSet;

use super::Place;
use crate::config::{Config, kind};
use crate::error::{is_busy, is_read_only};
use crate::model::{Git, Status};
use crate::record::pending::{Pending, SeriesState};
use crate::{Cell, Result};

/// A run that is about to start.
pub(crate) struct NewRun {
    pub(crate) name: String,
    pub(crate) started_ms: i64,
    pub(crate) host: String,
    pub(crate) pid: i64,
    pub(crate) process_start: Option<i64>,
    pub(crate) context: crate::context::Context,
    pub(crate) note: Option<String>,
    pub(crate) config: Config,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) cells: Vec<Cell>,
}

/// How a run ended.
pub(crate) struct Ending {
    pub(crate) status: Status,
    pub(crate) error: Option<String>,
    pub(crate) ended_ms: i64,
    /// The position of the first of `cells`.
    pub(crate) cells_from: usize,
    pub(crate) cells: Vec<Cell>,
}

/// Stores a run as running. `Ok(None)`: the uid is taken, try another.
pub(crate) async fn run(conn: &mut SqliteConnection, place: &Place, uid: &str, new: &NewRun) -> Result<Option<i64>> {
    let failed = || place.doing("store the new run");
    let mut tx = begin(conn).await.map_err(failed())?;
    let inserted = sqlx::query_scalar!(
        "INSERT INTO run (uid, name, status, started_ms, host, pid, process_start,
                          toolchain, environment, lock_hash, notebook, note, config)
         VALUES (?, ?, 'running', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (uid) DO NOTHING RETURNING id",
        uid,
        new.name,
        new.started_ms,
        new.host,
        new.pid,
        new.process_start,
        new.context.toolchain,
        new.context.environment,
        new.context.lock_hash,
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
    cells(&mut tx, id, 0, &new.cells).await.map_err(failed())?;
    tx.commit().await.map_err(failed())?;
    Ok(Some(id))
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

/// Stores the commit of a run that has begun.
pub(crate) async fn git(conn: &mut SqliteConnection, place: &Place, run: i64, git: &Git) -> Result<()> {
    sqlx::query!("UPDATE run SET git_commit = ?, git_dirty = ? WHERE id = ?", git.commit, git.dirty, run)
        .execute(conn)
        .await
        .map_err(place.doing("store the commit"))?;
    Ok(())
}

/// Stores everything pending, and the ending if there is one, in one transaction: all or nothing,
/// so that a batch that failed can be tried again as it is.
pub(crate) async fn batch(
    conn: &mut SqliteConnection,
    place: &Place,
    run: i64,
    pending: &Pending,
    ending: Option<&Ending>,
) -> Result<()> {
    let failed = || place.doing("store the run's values");
    let mut tx = begin(conn).await.map_err(failed())?;
    points(&mut tx, run, pending).await.map_err(failed())?;
    artifacts(&mut tx, run, pending).await.map_err(failed())?;
    for (key, value) in &pending.tags {
        tag(&mut tx, run, key, value).await.map_err(failed())?;
    }
    if let Some(note) = &pending.note {
        sqlx::query!("UPDATE run SET note = ? WHERE id = ?", note, run).execute(&mut *tx).await.map_err(failed())?;
    }
    if let Some(ending) = ending {
        end(&mut tx, run, ending).await.map_err(failed())?;
    }
    tx.commit().await.map_err(failed())
}

async fn points(tx: &mut SqliteTransaction<'_>, run: i64, pending: &Pending) -> sqlx::Result<()> {
    let mut ids = Vec::with_capacity(pending.series.len());
    for series in &pending.series {
        ids.push(if series.dirty { Some(summary(tx, run, series).await?) } else { None });
    }
    for point in &pending.points {
        // A series with a pending point is dirty, so it has an id here.
        let id = ids.get(point.series).copied().flatten();
        sqlx::query!(
            "INSERT INTO point (series_id, seq, step, time_ms, value) VALUES (?, ?, ?, ?, ?)",
            id,
            point.seq,
            point.step,
            point.time_ms,
            point.value,
        )
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// Writes a series' summary and returns its id.
async fn summary(tx: &mut SqliteTransaction<'_>, run: i64, series: &SeriesState) -> sqlx::Result<i64> {
    let (min, max) = (series.min, series.max);
    let (min_value, min_step) = (min.map(|at| at.value), min.map(|at| at.step));
    let (max_value, max_step) = (max.map(|at| at.value), max.map(|at| at.step));
    sqlx::query_scalar!(
        "INSERT INTO series (run_id, name, context, points, last_step, last_value,
                             min_value, min_step, max_value, max_step)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (run_id, name, context) DO UPDATE SET
             points = excluded.points, last_step = excluded.last_step, last_value = excluded.last_value,
             min_value = excluded.min_value, min_step = excluded.min_step,
             max_value = excluded.max_value, max_step = excluded.max_step
         RETURNING id",
        run,
        series.name,
        series.context,
        series.points,
        series.last.step,
        series.last.value,
        min_value,
        min_step,
        max_value,
        max_step,
    )
    .fetch_one(&mut **tx)
    .await
}

async fn artifacts(tx: &mut SqliteTransaction<'_>, run: i64, pending: &Pending) -> sqlx::Result<()> {
    for artifact in &pending.artifacts {
        let (bytes, size) = (artifact.bytes.as_slice(), i64::try_from(artifact.bytes.len()).unwrap_or(i64::MAX));
        sqlx::query!(
            "INSERT INTO artifact (hash, size, bytes) VALUES (?, ?, ?) ON CONFLICT (hash) DO NOTHING",
            artifact.hash,
            size,
            bytes,
        )
        .execute(&mut **tx)
        .await?;
        sqlx::query!(
            "INSERT INTO run_artifact (run_id, name, kind, mime, step, time_ms, hash)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            run,
            artifact.name,
            artifact.kind,
            artifact.mime,
            artifact.step,
            artifact.time_ms,
            artifact.hash,
        )
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

async fn tag(tx: &mut SqliteTransaction<'_>, run: i64, key: &str, value: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO tag (run_id, key, value) VALUES (?, ?, ?)
         ON CONFLICT (run_id, key) DO UPDATE SET value = excluded.value",
        run,
        key,
        value,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn end(tx: &mut SqliteTransaction<'_>, run: i64, ending: &Ending) -> sqlx::Result<()> {
    let status = ending.status.as_str();
    sqlx::query!(
        "UPDATE run SET status = ?, ended_ms = ?, error = ? WHERE id = ?",
        status,
        ending.ended_ms,
        ending.error,
        run,
    )
    .execute(&mut **tx)
    .await?;
    cells(tx, run, ending.cells_from, &ending.cells).await
}

async fn cells(tx: &mut SqliteTransaction<'_>, run: i64, from: usize, cells: &[Cell]) -> sqlx::Result<()> {
    let from = i64::try_from(from).unwrap_or(i64::MAX);
    for (position, cell) in (from..).zip(cells) {
        sqlx::query!(
            "INSERT INTO cell (run_id, position, execution_count, source) VALUES (?, ?, ?, ?)
             ON CONFLICT (run_id, position) DO NOTHING",
            run,
            position,
            cell.execution_count,
            cell.source,
        )
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// Stores runs as crashed that are still stored as running. A file that may not be written, or that
/// someone else is writing, is left for the next look.
pub(crate) async fn crashed(conn: &mut SqliteConnection, place: &Place, runs: &HashSet<i64>) -> Result<()> {
    for run in runs {
        let stored = sqlx::query!(
            "UPDATE run SET status = 'crashed', ended_ms = max(started_ms, coalesce(
                 (SELECT max(point.time_ms) FROM point JOIN series ON series.id = point.series_id
                  WHERE series.run_id = run.id), 0))
             WHERE id = ? AND status = 'running'",
            run,
        )
        .execute(&mut *conn)
        .await;
        match stored {
            Err(source) if !is_busy(&source) && !is_read_only(&source) => {
                return Err(place.doing("store that a run has crashed")(source));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Takes the write lock at once: a lock that is upgraded half way cannot be waited for.
async fn begin(conn: &mut SqliteConnection) -> sqlx::Result<SqliteTransaction<'_>> {
    conn.begin_with("BEGIN IMMEDIATE").await
}
