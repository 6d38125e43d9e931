//! Every statement that writes what a run logs, and how it ends.

use sqlx::{Connection, SqliteConnection, SqliteTransaction};
use std::collections::HashSet;
use std::sync::Arc;

use super::{Place, input};
use crate::capture::Facts;
use crate::chunk::Chunk;
use crate::error::{is_busy, is_read_only};
use crate::model::Status;
use crate::record::{Done, Pending, Plan, Series};
use crate::{Cell, Result};

/// How a run ended.
pub(crate) struct Ending {
    pub(crate) status: Status,
    pub(crate) error: Option<String>,
    pub(crate) ended_ms: i64,
    /// Those that came since the run began.
    pub(crate) cells: Vec<Cell>,
}

/// What of one run is to be stored.
pub(crate) struct Batch<'a> {
    run: i64,
    pending: &'a Pending,
    /// By index of the series.
    plans: Vec<(usize, Plan)>,
    found: Option<Arc<Facts>>,
    ending: Option<&'a Ending>,
}

impl<'a> Batch<'a> {
    pub(crate) fn of(run: i64, pending: &'a Pending, found: Option<Arc<Facts>>, ending: Option<&'a Ending>) -> Self {
        let plans = pending.series.iter().map(|series| series.plan(ending.is_some())).enumerate();
        Self { run, pending, plans: plans.filter(|(_, plan)| !plan.chunks.is_empty()).collect(), found, ending }
    }

    pub(crate) fn has_work(&self) -> bool {
        self.pending.len() > 0 || self.found.is_some() || self.ending.is_some()
    }
}

/// Stores batches in one transaction: all or nothing, so that what failed can be tried again as it is.
pub(crate) async fn batches(conn: &mut SqliteConnection, place: &Place, batches: &[Batch<'_>]) -> Result<Vec<Done>> {
    let failed = || place.doing("store the run's values");
    let mut tx = transaction(conn).await.map_err(failed())?;
    let mut done = Vec::with_capacity(batches.len());
    for batch in batches {
        let ids = one_batch(&mut tx, batch).await.map_err(failed())?;
        let plans = batch.plans.iter().zip(ids).map(|((index, plan), id)| (*index, plan.clone(), id));
        done.push(Done { run: batch.run, plans: plans.collect(), found: batch.found.is_some() });
    }
    tx.commit().await.map_err(failed())?;
    Ok(done)
}

async fn one_batch(tx: &mut SqliteTransaction<'_>, batch: &Batch<'_>) -> sqlx::Result<Vec<i64>> {
    let (run, pending) = (batch.run, batch.pending);
    let mut ids = Vec::with_capacity(batch.plans.len());
    for (index, plan) in &batch.plans {
        ids.push(points(tx, run, &pending.series[*index], plan).await?);
    }
    artifacts(tx, run, pending).await?;
    for (key, value) in &pending.tags {
        tag(tx, run, key, value).await?;
    }
    input::store(tx, run, &pending.data).await?;
    if let Some(note) = &pending.note {
        sqlx::query!("UPDATE run SET note = ? WHERE id = ?", note, run).execute(&mut **tx).await?;
    }
    if let Some(found) = &batch.found {
        facts(tx, run, found).await?;
    }
    if let Some(ending) = batch.ending {
        end(tx, run, ending).await?;
    }
    Ok(ids)
}

/// Writes the new chunks of a series and its summary; returns its id.
async fn points(tx: &mut SqliteTransaction<'_>, run: i64, series: &Series, plan: &Plan) -> sqlx::Result<i64> {
    let id = summary(tx, run, series).await?;
    if let Some(replace) = plan.replace {
        let from = series.seq(replace);
        sqlx::query!("DELETE FROM chunk WHERE series_id = ? AND first_seq >= ?", id, from).execute(&mut **tx).await?;
    }
    for range in &plan.chunks {
        let (first, packed) = (series.seq(range.start), Chunk::pack(series.points(range)));
        chunk(tx, id, first, &packed).await?;
    }
    Ok(id)
}

pub(crate) async fn chunk(conn: &mut SqliteConnection, series: i64, first_seq: i64, chunk: &Chunk) -> sqlx::Result<()> {
    let count = |size: usize| i64::try_from(size).unwrap_or(i64::MAX);
    let (points, value_width) = (count(chunk.points), count(chunk.value_width));
    let (step_width, time_width) = (count(chunk.step.width), count(chunk.time.width));
    let (sketch, data) = (chunk.sketch.as_slice(), chunk.data.as_slice());
    sqlx::query!(
        "INSERT INTO chunk (series_id, first_seq, points, value_width, step_base, step_stride, step_width,
                            time_base, time_stride, time_width, sketch, data)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        series,
        first_seq,
        points,
        value_width,
        chunk.step.base,
        chunk.step.stride,
        step_width,
        chunk.time.base,
        chunk.time.stride,
        time_width,
        sketch,
        data,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes a series' summary and returns its id.
async fn summary(tx: &mut SqliteTransaction<'_>, run: i64, series: &Series) -> sqlx::Result<i64> {
    let summary = &series.summary;
    let (min, max) = (summary.min, summary.max);
    let (min_value, min_step) = (min.map(|at| at.value), min.map(|at| at.step));
    let (max_value, max_step) = (max.map(|at| at.value), max.map(|at| at.step));
    sqlx::query_scalar!(
        "INSERT INTO series (run_id, name, context, points, last_step, last_value, last_ms,
                             min_value, min_step, max_value, max_step)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (run_id, name, context) DO UPDATE SET
             points = excluded.points, last_step = excluded.last_step, last_value = excluded.last_value,
             last_ms = excluded.last_ms,
             min_value = excluded.min_value, min_step = excluded.min_step,
             max_value = excluded.max_value, max_step = excluded.max_step
         RETURNING id",
        run,
        series.name,
        series.context,
        summary.points,
        summary.last.step,
        summary.last.value,
        summary.last_ms,
        min_value,
        min_step,
        max_value,
        max_step,
    )
    .fetch_one(&mut **tx)
    .await
}

/// Stores what was found out about a run's surroundings.
async fn facts(tx: &mut SqliteTransaction<'_>, run: i64, facts: &Facts) -> sqlx::Result<()> {
    let (commit, dirty) = (facts.git.as_ref().map(|git| &git.commit), facts.git.as_ref().map(|git| git.dirty));
    sqlx::query!(
        "UPDATE run SET git_commit = ?, git_dirty = ?, lock_hash = coalesce(?, lock_hash) WHERE id = ?",
        commit,
        dirty,
        facts.lock_hash,
        run,
    )
    .execute(&mut **tx)
    .await?;
    for snapshot in &facts.snapshots {
        let bytes = snapshot.bytes.as_slice();
        sqlx::query!(
            "INSERT INTO snapshot (hash, bytes) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING",
            snapshot.hash,
            bytes
        )
        .execute(&mut **tx)
        .await?;
        sqlx::query!(
            "INSERT INTO run_snapshot (run_id, kind, hash) VALUES (?, ?, ?)
             ON CONFLICT (run_id, kind) DO UPDATE SET hash = excluded.hash",
            run,
            snapshot.kind,
            snapshot.hash,
        )
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
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

pub(super) async fn tag(tx: &mut SqliteTransaction<'_>, run: i64, key: &str, value: &str) -> sqlx::Result<()> {
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
    cells(tx, run, &ending.cells).await
}

pub(super) async fn cells(tx: &mut SqliteTransaction<'_>, run: i64, cells: &[Cell]) -> sqlx::Result<()> {
    for cell in cells {
        sqlx::query!(
            "INSERT INTO cell (run_id, position, execution_count, source)
             VALUES (?1, (SELECT coalesce(max(position) + 1, 0) FROM cell WHERE run_id = ?1), ?2, ?3)",
            run,
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
                 (SELECT max(last_ms) FROM series WHERE series.run_id = run.id), 0))
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
pub(super) async fn transaction(conn: &mut SqliteConnection) -> sqlx::Result<SqliteTransaction<'_>> {
    conn.begin_with("BEGIN IMMEDIATE").await
}
