//! Runs that repeat another one, and what came of it.

use sqlx::SqliteConnection;

use super::Place;
use crate::model::Replay;
use crate::{Result, RunRecord, Verdict};

pub(super) async fn note(
    conn: &mut SqliteConnection,
    place: &Place,
    replay: &RunRecord,
    of: &RunRecord,
    verdict: &Verdict,
) -> Result<()> {
    let (values, equal_values) = verdict.values();
    let (values, equal_values) = (count(values), count(equal_values));
    let equal = verdict.is_equal();
    let failed = || place.doing("store what the replay led to");
    let json = serde_json::to_string(verdict).map_err(|source| failed()(sqlx::Error::Encode(source.into())))?;
    sqlx::query!(
        "INSERT OR REPLACE INTO replay (run_id, of_uid, of_started_ms, equal, of_values, equal_values, verdict)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
        replay.id,
        of.uid,
        of.started_ms,
        equal,
        values,
        equal_values,
        json,
    )
    .execute(conn)
    .await
    .map_err(failed())?;
    Ok(())
}

/// The replays of a run, oldest first.
pub(super) async fn of(conn: &mut SqliteConnection, place: &Place, run: &RunRecord) -> Result<Vec<Replay>> {
    let rows = sqlx::query!(
        "SELECT run.uid, run.started_ms, replay.equal, replay.of_values, replay.equal_values
         FROM replay JOIN run ON run.id = replay.run_id
         WHERE replay.of_uid = ? AND replay.of_started_ms = ? AND run.deleted_ms IS NULL ORDER BY run.started_ms, run.id",
        run.uid,
        run.started_ms,
    )
    .fetch_all(conn)
    .await
    .map_err(place.doing("look for replays"))?;
    let replays = rows.into_iter().map(|row| Replay {
        run: row.uid,
        started_ms: row.started_ms,
        equal: row.equal == 1,
        values: row.of_values,
        equal_values: row.equal_values,
    });
    Ok(replays.collect())
}

/// The uid of the run that this one repeats.
pub(super) async fn first(conn: &mut SqliteConnection, place: &Place, run: &RunRecord) -> Result<Option<String>> {
    sqlx::query_scalar!("SELECT of_uid FROM replay WHERE run_id = ?", run.id)
        .fetch_optional(conn)
        .await
        .map_err(place.doing("look for the run that is repeated"))
}

fn count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
