//! Keeping house: what is deleted, what takes room for nothing, copies and merges.

use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use std::path::Path;

use super::writer::Writer;
use super::{Place, open, points, write};
use crate::capture::now_ms;
use crate::chunk::{Chunk, FULL};
use crate::model::Point;
use crate::{Error, Result, RunRecord, Status};

/// What [`crate::Store::gc`] has removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Removed {
    pub runs: u64,
    /// Plots, texts and files that no run holds any more.
    pub artifacts: u64,
    /// How many bytes those had.
    pub bytes: u64,
}

/// What [`crate::Store::merge`] has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Merged {
    pub runs: u64,
    /// Runs that were there already.
    pub known: u64,
}

pub(super) async fn delete(conn: &mut SqliteConnection, place: &Place, run: &RunRecord) -> Result<()> {
    if run.status == Status::Running {
        return Err(Error::StillRunning { run: run.uid.clone(), pid: run.pid, host: run.host.clone() });
    }
    let now = now_ms();
    sqlx::query!("UPDATE run SET deleted_ms = coalesce(deleted_ms, ?) WHERE id = ?", now, run.id)
        .execute(conn)
        .await
        .map_err(place.doing("delete the run"))?;
    Ok(())
}

pub(super) async fn undelete(conn: &mut SqliteConnection, place: &Place, id: i64) -> Result<()> {
    sqlx::query!("UPDATE run SET deleted_ms = NULL WHERE id = ?", id)
        .execute(conn)
        .await
        .map_err(place.doing("take the run back"))?;
    Ok(())
}

pub(super) async fn gc(conn: &mut SqliteConnection, place: &Place) -> Result<Removed> {
    let failed = || place.doing("remove what is deleted");
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
    let runs = sqlx::query!("DELETE FROM run WHERE deleted_ms IS NOT NULL").execute(&mut *tx).await.map_err(failed())?;
    let unheld = sqlx::query!(
        "DELETE FROM artifact WHERE NOT EXISTS (SELECT 1 FROM run_artifact WHERE run_artifact.hash = artifact.hash)
         RETURNING size"
    )
    .fetch_all(&mut *tx)
    .await
    .map_err(failed())?;
    for unheld in UNHELD {
        sqlx::query(AssertSqlSafe(*unheld)).execute(&mut *tx).await.map_err(failed())?;
    }
    sqlx::query!(
        "DELETE FROM snapshot WHERE NOT EXISTS (SELECT 1 FROM run_snapshot WHERE run_snapshot.hash = snapshot.hash)
             AND NOT EXISTS (SELECT 1 FROM run_session_snapshot AS of WHERE of.hash = snapshot.hash)"
    )
    .execute(&mut *tx)
    .await
    .map_err(failed())?;
    tx.commit().await.map_err(failed())?;
    let bytes = unheld.iter().map(|row| u64::try_from(row.size).unwrap_or(0)).sum();
    Ok(Removed { runs: runs.rows_affected(), artifacts: unheld.len() as u64, bytes })
}

/// Packs the rows of version 1, and gives the room that is free back to the disk.
pub(super) async fn vacuum(conn: &mut SqliteConnection, place: &Place) -> Result<()> {
    let failed = || place.doing("pack the points");
    let old =
        sqlx::query_scalar!("SELECT DISTINCT series_id FROM point_row").fetch_all(&mut *conn).await.map_err(failed())?;
    for series in old {
        let mut tx = conn.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
        let loose = points::loose(&mut tx, place, series).await?;
        pack(&mut tx, series, &loose).await.map_err(failed())?;
        sqlx::query!("DELETE FROM point_row WHERE series_id = ?", series).execute(&mut *tx).await.map_err(failed())?;
        tx.commit().await.map_err(failed())?;
    }
    let failed = || place.doing("give free room back");
    sqlx::query("VACUUM").execute(&mut *conn).await.map_err(failed())?;
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(conn).await.map_err(failed())?;
    Ok(())
}

async fn pack(conn: &mut SqliteConnection, series: i64, points: &[Point]) -> sqlx::Result<()> {
    let mut locked = conn.lock_handle().await?;
    let mut writer = Writer::on(&mut locked);
    let mut chunks = (0_i64..).step_by(FULL).zip(points.chunks(FULL));
    chunks.try_for_each(|(first, points)| write::chunk(&mut writer, series, first, &Chunk::pack(points)))
}

/// Writes everything into one new file, as of one moment.
pub(super) async fn backup(conn: &mut SqliteConnection, place: &Place, to: &Path) -> Result<()> {
    if to.exists() {
        return Err(Error::Exists { path: to.to_owned() });
    }
    if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        return Err(Error::NoFolder { path: folder.to_owned() });
    }
    let target = to.to_string_lossy();
    sqlx::query("VACUUM INTO ?").bind(target).execute(conn).await.map_err(place.doing("write the backup"))?;
    Ok(())
}

/// Takes in the runs of another file that are not in this one.
pub(super) async fn merge(conn: &mut SqliteConnection, place: &Place, other: &Path) -> Result<Merged> {
    // Of a copy: the other file may have an older schema, and must stay as it is.
    let copy = Copy(std::path::absolute(&place.0).unwrap_or_else(|_| place.0.clone()).with_extension(format!(
        "merge-{}-{}",
        std::process::id(),
        now_ms()
    )));
    let other_place = Place(other.to_owned());
    let mut reading = open::as_it_is(other).await?;
    backup(&mut reading, &other_place, &copy.0).await?;
    reading.close().await.map_err(other_place.doing("close the file"))?;
    open::existing(&copy.0).await?.close().await.map_err(other_place.doing("close its copy"))?;

    let failed = || place.doing("merge");
    sqlx::query("ATTACH DATABASE ? AS other")
        .bind(copy.0.to_string_lossy())
        .execute(&mut *conn)
        .await
        .map_err(failed())?;
    let merged = take_in(conn).await.map_err(failed());
    sqlx::query("DETACH DATABASE other").execute(conn).await.map_err(failed())?;
    merged
}

/// A file that goes when this does.
struct Copy(std::path::PathBuf);

impl Drop for Copy {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm"] {
            let mut name = self.0.clone().into_os_string();
            name.push(end);
            // It may not be there.
            let _ = std::fs::remove_file(name);
        }
    }
}

async fn take_in(conn: &mut SqliteConnection) -> sqlx::Result<Merged> {
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
    for statement in TAKE_IN {
        sqlx::query(AssertSqlSafe(*statement)).execute(&mut *tx).await?;
    }
    let runs: i64 = sqlx::query_scalar("SELECT count(*) FROM taken").fetch_one(&mut *tx).await?;
    let all: i64 = sqlx::query_scalar("SELECT count(*) FROM other.run").fetch_one(&mut *tx).await?;
    sqlx::query("DROP TABLE temp.taken").execute(&mut *tx).await?;
    sqlx::query("DROP TABLE temp.taken_series").execute(&mut *tx).await?;
    sqlx::query("DROP TABLE temp.taken_session").execute(&mut *tx).await?;
    tx.commit().await?;
    let count = |count: i64| u64::try_from(count).unwrap_or(0);
    Ok(Merged { runs: count(runs), known: count(all - runs) })
}

/// Removes what no run refers to any more, each statement what the ones before have set free.
const UNHELD: &[&str] = &[
    "DELETE FROM session WHERE NOT EXISTS (SELECT 1 FROM run_session WHERE session_id = session.id)",
    "DELETE FROM environment_source WHERE environment NOT IN (SELECT environment FROM run WHERE environment IS NOT NULL)",
    "DELETE FROM source WHERE NOT EXISTS (SELECT 1 FROM session_cell WHERE session_cell.hash = source.hash)
         AND NOT EXISTS (SELECT 1 FROM environment_source WHERE environment_source.hash = source.hash)",
];

/// A run is the same if it has the same uid and began at the same time. Two that share only the uid are told apart
/// by a new one for the run that is taken in.
const TAKE_IN: &[&str] = &[
    "CREATE TEMP TABLE taken AS
     SELECT id AS old, id + (SELECT coalesce(max(id), 0) FROM main.run) AS new,
         CASE WHEN uid IN (SELECT uid FROM main.run) THEN 'f' || substr(lower(hex(randomblob(4))), 2) ELSE uid END AS uid
     FROM other.run AS theirs
     WHERE NOT EXISTS (SELECT 1 FROM main.run AS ours WHERE ours.uid = theirs.uid AND ours.started_ms = theirs.started_ms)",
    "CREATE TEMP TABLE taken_series AS
     SELECT series.id AS old, series.id + (SELECT coalesce(max(id), 0) FROM main.series) AS new
     FROM other.series JOIN taken ON taken.old = series.run_id",
    "INSERT INTO main.run (id, uid, name, parent_id, status, started_ms, ended_ms, host, pid, process_start, git_commit,
         git_dirty, toolchain, environment, lock_hash, notebook, note, error, config, machine, family, deleted_ms)
     SELECT taken.new, taken.uid, name, NULL, status, started_ms, ended_ms, host, pid, process_start, git_commit,
         git_dirty, toolchain, environment, lock_hash, notebook, note, error, config, machine, family, deleted_ms
     FROM other.run AS theirs JOIN taken ON taken.old = theirs.id",
    "UPDATE main.run SET parent_id = coalesce(
         (SELECT parent.new FROM taken JOIN other.run AS theirs ON theirs.id = taken.old
             JOIN taken AS parent ON parent.old = theirs.parent_id WHERE taken.new = run.id),
         (SELECT ours.id FROM taken JOIN other.run AS theirs ON theirs.id = taken.old
             JOIN other.run AS parent ON parent.id = theirs.parent_id
             JOIN main.run AS ours ON ours.uid = parent.uid AND ours.started_ms = parent.started_ms
             WHERE taken.new = run.id))
     WHERE id IN (SELECT new FROM taken)",
    "INSERT INTO main.param SELECT taken.new, path, position, kind, value, number
     FROM other.param JOIN taken ON taken.old = run_id",
    "INSERT INTO main.tag SELECT taken.new, key, value FROM other.tag JOIN taken ON taken.old = run_id",
    "INSERT OR IGNORE INTO main.source SELECT * FROM other.source",
    // A session may have recorded into both files.
    "INSERT OR IGNORE INTO main.session (uid, host, pid, process_start, machine, folder, assay)
     SELECT uid, host, pid, process_start, machine, folder, assay FROM other.session AS theirs
     WHERE id IN (SELECT session_id FROM other.run_session JOIN taken ON taken.old = run_id)",
    "CREATE TEMP TABLE taken_session AS
     SELECT theirs.id AS old, ours.id AS new FROM other.session AS theirs JOIN main.session AS ours ON ours.uid = theirs.uid",
    "INSERT INTO main.session_cell (session_id, position, execution_count, hash, began_ms, ended_ms, outcome, line, message,
         is_earlier)
     SELECT taken_session.new, position, execution_count, hash, began_ms, ended_ms, outcome, line, message, is_earlier
     FROM other.session_cell JOIN taken_session ON taken_session.old = session_id WHERE true
     ON CONFLICT (session_id, position) DO UPDATE SET
         ended_ms = excluded.ended_ms, outcome = excluded.outcome, line = excluded.line, message = excluded.message
     WHERE session_cell.outcome IS NULL",
    "INSERT OR IGNORE INTO main.session_use (session_id, position, kind, name, value, size, cell)
     SELECT taken_session.new, position, kind, name, value, size, cell
     FROM other.session_use JOIN taken_session ON taken_session.old = session_id",
    "INSERT INTO main.run_session (run_id, position, session_id, began_ms, began_cell, began_line, ended_ms, ended_cell,
         ended_line, seen, status, error)
     SELECT taken.new, position, taken_session.new, began_ms, began_cell, began_line, ended_ms, ended_cell, ended_line,
         seen, status, error
     FROM other.run_session JOIN taken ON taken.old = run_id JOIN taken_session ON taken_session.old = session_id",
    "INSERT OR IGNORE INTO main.environment_source SELECT * FROM other.environment_source
     WHERE environment IN (SELECT environment FROM other.run JOIN taken ON taken.old = run.id)",
    "INSERT INTO main.series (id, run_id, name, context, points, last_step, last_value, min_value, min_step, max_value,
         max_step, last_ms)
     SELECT taken_series.new, taken.new, name, context, points, last_step, last_value, min_value, min_step, max_value,
         max_step, last_ms
     FROM other.series JOIN taken ON taken.old = run_id JOIN taken_series ON taken_series.old = series.id",
    "INSERT INTO main.point_row SELECT taken_series.new, seq, step, time_ms, value
     FROM other.point_row JOIN taken_series ON taken_series.old = series_id",
    "INSERT INTO main.chunk SELECT taken_series.new, first_seq, points, value_width, step_base, step_stride, step_width,
         time_base, time_stride, time_width, sketch, data
     FROM other.chunk JOIN taken_series ON taken_series.old = series_id",
    "INSERT INTO main.input SELECT taken.new, name, rows, hash, schema_hash, columns
     FROM other.input JOIN taken ON taken.old = run_id",
    "INSERT INTO main.replay SELECT taken.new, of_uid, of_started_ms, equal, of_values, equal_values, verdict
     FROM other.replay JOIN taken ON taken.old = run_id",
    "INSERT OR IGNORE INTO main.artifact SELECT * FROM other.artifact",
    "INSERT INTO main.run_artifact (run_id, name, kind, mime, step, time_ms, hash)
     SELECT taken.new, name, kind, mime, step, time_ms, hash
     FROM other.run_artifact JOIN taken ON taken.old = run_id ORDER BY run_artifact.id",
    "INSERT OR IGNORE INTO main.snapshot SELECT * FROM other.snapshot",
    "INSERT INTO main.run_session_snapshot SELECT taken.new, position, kind, hash
     FROM other.run_session_snapshot JOIN taken ON taken.old = run_id",
    "INSERT INTO main.run_snapshot SELECT taken.new, kind, hash FROM other.run_snapshot JOIN taken ON taken.old = run_id",
];
