//! Every statement that writes what a run logs, and how it ends.

use std::sync::Arc;

use super::raw::Value;
use super::session::{self, Held};
use super::writer::Writer;
use super::{Place, input};
use crate::capture::{Facts, now_ms};
use crate::chunk::Chunk;
use crate::model::Status;
use crate::record::{Done, Pending, Plan, Series, Summary};
use crate::session::Spot;
use crate::{Result, context};

/// How a run ended.
#[derive(Clone)]
pub(crate) struct Ending {
    pub(crate) status: Status,
    pub(crate) error: Option<String>,
    pub(crate) ended_ms: i64,
    /// Where the notebook was then.
    pub(crate) spot: Option<Spot>,
    /// How much the process had been seen to use.
    pub(crate) uses: usize,
    /// Nobody has ended it: how it was doing decides.
    pub(crate) is_left_open: bool,
}

impl Ending {
    /// One that happens now, here.
    pub(crate) fn now(status: Status, error: Option<String>) -> Self {
        let (ended_ms, spot, uses) = (now_ms(), context::spot(), context::uses());
        Self { status, error, ended_ms, spot, uses, is_left_open: false }
    }
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

/// Stores batches, and what is new of the session, in one transaction: all or nothing, so that what failed can be tried
/// again as it is.
pub(crate) fn batches(
    writer: &mut Writer<'_>,
    place: &Place,
    batches: &[Batch<'_>],
    stored: &Held,
) -> Result<(Vec<Done>, Held)> {
    let failed = |source| place.doing("store the run's values")(source);
    writer.atomically(failed, |writer| {
        let stored = if stored.is_behind() { session::store(writer, stored).map_err(failed)? } else { *stored };
        let done: Result<_> = batches.iter().map(|batch| one_batch(writer, batch).map_err(failed)).collect();
        Ok((done?, stored))
    })
}

/// A run that has ended did so in another way than it seemed.
pub(crate) fn amend(
    writer: &mut Writer<'_>,
    place: &Place,
    run: i64,
    status: Status,
    error: Option<&String>,
) -> Result<()> {
    let failed = |source| place.doing("store how the run ended")(source);
    writer.atomically(failed, |writer| {
        let values = [run.into(), status.as_str().into(), error.into()];
        writer.execute("UPDATE run SET status = ?2, error = ?3 WHERE id = ?1", &values).map_err(failed)?;
        let session = "UPDATE run_session SET status = ?2, error = ?3
             WHERE run_id = ?1 AND position = (SELECT max(position) FROM run_session WHERE run_id = ?1)";
        writer.execute(session, &values).map_err(failed)
    })
}

fn one_batch(writer: &mut Writer<'_>, batch: &Batch<'_>) -> sqlx::Result<Done> {
    let (run, pending) = (batch.run, batch.pending);
    let mut plans = Vec::with_capacity(batch.plans.len());
    for (index, plan) in &batch.plans {
        plans.push((*index, plan.clone(), points(writer, run, &pending.series[*index], plan)?));
    }
    artifacts(writer, run, pending)?;
    for (key, value) in &pending.tags {
        tag(writer, run, key, value)?;
    }
    input::store(writer, run, &pending.data)?;
    if let Some(note) = &pending.note {
        writer.execute("UPDATE run SET note = ? WHERE id = ?", &[note.into(), run.into()])?;
    }
    if let Some(found) = &batch.found {
        facts(writer, run, found)?;
    }
    if let Some(ending) = batch.ending {
        end(writer, run, ending)?;
    }
    Ok(Done { run, plans, found: batch.found.is_some() })
}

/// Writes the new chunks of a series and its summary; returns its id.
fn points(writer: &mut Writer<'_>, run: i64, series: &Series, plan: &Plan) -> sqlx::Result<i64> {
    let id = summary(writer, run, series)?;
    if let Some(replace) = plan.replace {
        let from = series.seq(replace);
        writer.execute("DELETE FROM chunk WHERE series_id = ? AND first_seq >= ?", &[id.into(), from.into()])?;
    }
    for range in &plan.chunks {
        let (first, packed) = (series.seq(range.start), Chunk::pack(series.points(range)));
        chunk(writer, id, first, &packed)?;
    }
    Ok(id)
}

pub(super) fn chunk(writer: &mut Writer<'_>, series: i64, first_seq: i64, chunk: &Chunk) -> sqlx::Result<()> {
    let count = |size: usize| Value::Int(i64::try_from(size).unwrap_or(i64::MAX));
    writer.execute(
        "INSERT INTO chunk (series_id, first_seq, points, value_width, step_base, step_stride, step_width,
                            time_base, time_stride, time_width, sketch, data)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &[
            series.into(),
            first_seq.into(),
            count(chunk.points),
            count(chunk.value_width),
            chunk.step.base.into(),
            chunk.step.stride.into(),
            count(chunk.step.width),
            chunk.time.base.into(),
            chunk.time.stride.into(),
            count(chunk.time.width),
            chunk.sketch.as_slice().into(),
            chunk.data.as_slice().into(),
        ],
    )
}

/// Writes a series' summary and returns its id.
fn summary(writer: &mut Writer<'_>, run: i64, series: &Series) -> sqlx::Result<i64> {
    let Summary { points, last, last_ms, min, max } = &series.summary;
    let id = writer.id(
        "INSERT INTO series (run_id, name, context, points, last_step, last_value, last_ms,
                             min_value, min_step, max_value, max_step)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (run_id, name, context) DO UPDATE SET
             points = excluded.points, last_step = excluded.last_step, last_value = excluded.last_value,
             last_ms = excluded.last_ms,
             min_value = excluded.min_value, min_step = excluded.min_step,
             max_value = excluded.max_value, max_step = excluded.max_step
         RETURNING id",
        &[
            run.into(),
            (&series.name).into(),
            (&series.context).into(),
            (*points).into(),
            last.step.into(),
            last.value.into(),
            (*last_ms).into(),
            min.map(|at| at.value).into(),
            min.map(|at| at.step).into(),
            max.map(|at| at.value).into(),
            max.map(|at| at.step).into(),
        ],
    )?;
    id.ok_or(sqlx::Error::RowNotFound)
}

/// Stores what was found out about a run's surroundings.
fn facts(writer: &mut Writer<'_>, run: i64, facts: &Facts) -> sqlx::Result<()> {
    let git = facts.git.as_ref();
    let (commit, dirty) = (git.map(|git| &git.commit), git.map(|git| i64::from(git.dirty)));
    writer.execute(
        "UPDATE run SET git_commit = ?, git_dirty = ?, lock_hash = coalesce(?, lock_hash) WHERE id = ?",
        &[commit.into(), dirty.into(), facts.lock_hash.as_ref().into(), run.into()],
    )?;
    for snapshot in &facts.snapshots {
        writer.execute(
            "INSERT INTO snapshot (hash, bytes) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING",
            &[(&snapshot.hash).into(), snapshot.bytes.as_slice().into()],
        )?;
        writer.execute(
            "INSERT INTO run_snapshot (run_id, kind, hash) VALUES (?, ?, ?)
             ON CONFLICT (run_id, kind) DO UPDATE SET hash = excluded.hash",
            &[run.into(), snapshot.kind.into(), (&snapshot.hash).into()],
        )?;
        session::snapshot(writer, run, snapshot.kind, &snapshot.hash)?;
    }
    facts.sources.as_ref().map_or(Ok(()), |sources| session::sources(writer, sources))
}

fn artifacts(writer: &mut Writer<'_>, run: i64, pending: &Pending) -> sqlx::Result<()> {
    for artifact in &pending.artifacts {
        let size = i64::try_from(artifact.bytes.len()).unwrap_or(i64::MAX);
        writer.execute(
            "INSERT INTO artifact (hash, size, bytes) VALUES (?, ?, ?) ON CONFLICT (hash) DO NOTHING",
            &[(&artifact.hash).into(), size.into(), artifact.bytes.as_slice().into()],
        )?;
        writer.execute(
            "INSERT INTO run_artifact (run_id, name, kind, mime, step, time_ms, hash)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            &[
                run.into(),
                (&artifact.name).into(),
                (&artifact.kind).into(),
                (&artifact.mime).into(),
                artifact.step.into(),
                artifact.time_ms.into(),
                (&artifact.hash).into(),
            ],
        )?;
    }
    Ok(())
}

pub(super) fn tag(writer: &mut Writer<'_>, run: i64, key: &str, value: &str) -> sqlx::Result<()> {
    writer.execute(
        "INSERT INTO tag (run_id, key, value) VALUES (?, ?, ?)
         ON CONFLICT (run_id, key) DO UPDATE SET value = excluded.value",
        &[run.into(), key.into(), value.into()],
    )
}

fn end(writer: &mut Writer<'_>, run: i64, ending: &Ending) -> sqlx::Result<()> {
    let status = ending.status.as_str();
    writer.execute(
        "UPDATE run SET status = ?, ended_ms = ?, error = ? WHERE id = ?",
        &[status.into(), ending.ended_ms.into(), ending.error.as_ref().into(), run.into()],
    )?;
    session::leave(writer, run, ending)
}
