//! Runs that are stored as running and whose process is gone.

use sqlx::SqliteConnection;
use std::collections::HashSet;

use super::{Place, read};
use crate::error::{is_busy, is_read_only};
use crate::{Result, RunRecord, Status, capture};

/// Finds the runs of this machine whose process is gone and stores them as crashed. A file that
/// may not be written now is still read right: the ids say what to show.
pub(super) async fn found(conn: &mut SqliteConnection, place: &Place) -> Result<HashSet<i64>> {
    let mut dead = HashSet::new();
    for run in read::running(conn, place, &capture::host()).await? {
        if capture::is_gone(run.pid, run.process_start, run.machine.as_deref()) {
            dead.insert(run.id);
        }
    }
    if !dead.is_empty() {
        store(conn, place, &dead).await?;
    }
    Ok(dead)
}

/// Shows runs as what they are, whatever is stored.
pub(super) fn show(runs: &mut [RunRecord], dead: &HashSet<i64>) {
    for run in runs {
        if run.status == Status::Running && dead.contains(&run.id) {
            run.status = Status::Crashed;
        }
    }
}

/// Stores runs as crashed that are still stored as running. A file that may not be written, or that
/// someone else is writing, is left for the next look.
async fn store(conn: &mut SqliteConnection, place: &Place, runs: &HashSet<i64>) -> Result<()> {
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
