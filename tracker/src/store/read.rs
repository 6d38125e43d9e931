//! Every statement that reads.

use sqlx::{Connection, SqliteConnection};
use std::collections::{BTreeMap, HashMap};

use super::{Place, input, points};
use crate::capture::now_ms;
use crate::environment::Found;
use crate::model::{Artifact, At, Git, Metric, RunRecord, Series, Status};
use crate::{Error, Result, config, model};

/// A run that says it is running, and by which process.
pub(super) struct Running {
    pub(super) id: i64,
    pub(super) pid: i64,
    pub(super) process_start: Option<i64>,
    pub(super) machine: Option<String>,
}

pub(super) async fn running(conn: &mut SqliteConnection, place: &Place, host: &str) -> Result<Vec<Running>> {
    sqlx::query_as!(
        Running,
        "SELECT id, pid, process_start, machine FROM run WHERE status = 'running' AND host = ?",
        host,
    )
    .fetch_all(conn)
    .await
    .map_err(place.doing("look for crashed runs"))
}

/// Which runs are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Among {
    Present,
    Deleted,
}

/// The id of the run that `wanted` means.
pub(super) async fn find(conn: &mut SqliteConnection, place: &Place, wanted: &str) -> Result<i64> {
    find_among(conn, place, wanted, Among::Present).await
}

/// The same, deleted or not.
pub(super) async fn find_among(conn: &mut SqliteConnection, place: &Place, wanted: &str, among: Among) -> Result<i64> {
    let deleted = among == Among::Deleted;
    let number = wanted.parse::<i64>().ok();
    let lower = wanted.to_lowercase();
    // An exact uid, then a number, then a name (of what is no replay), then the beginning of a uid.
    let mut fitting = sqlx::query!(
        "SELECT id, uid, name,
             CASE WHEN uid = ?1 THEN 0 WHEN id = ?2 THEN 1 WHEN name = ?3 THEN 2 ELSE 3 END AS \"rank!: i64\"
         FROM run WHERE (deleted_ms IS NOT NULL) = ?4
             AND (uid = ?1 OR id = ?2 OR (name = ?3 AND id NOT IN (SELECT run_id FROM replay)) OR (?1 <> '' AND substr(uid, 1, length(?1)) = ?1))
         ORDER BY 4, started_ms DESC, id DESC",
        lower,
        number,
        wanted,
        deleted,
    )
    .fetch_all(&mut *conn)
    .await
    .map_err(place.doing("look for the run"))?;
    if let Some(best) = fitting.first().map(|run| run.rank) {
        fitting.retain(|run| run.rank == best);
    }
    match fitting.as_slice() {
        [run] => Ok(run.id),
        [] => Err(Error::UnknownRun {
            wanted: wanted.to_owned(),
            path: place.0.clone(),
            known: newest(conn, place, deleted).await?,
        }),
        runs => Err(Error::AmbiguousRun {
            wanted: wanted.to_owned(),
            fitting: runs.iter().map(|run| format!("{} ({})", run.uid, run.name)).collect(),
        }),
    }
}

async fn newest(conn: &mut SqliteConnection, place: &Place, deleted: bool) -> Result<Vec<String>> {
    let runs = sqlx::query!(
        "SELECT uid, name FROM run WHERE (deleted_ms IS NOT NULL) = ? ORDER BY started_ms DESC, id DESC LIMIT 11",
        deleted,
    )
    .fetch_all(conn)
    .await
    .map_err(place.doing("list the runs"))?;
    Ok(runs.into_iter().map(|run| format!("{} ({})", run.uid, run.name)).collect())
}

/// Runs in the order of `ids`.
pub(super) async fn runs_by_id(conn: &mut SqliteConnection, place: &Place, ids: &[i64]) -> Result<Vec<RunRecord>> {
    // One statement for any number of ids: SQLite unpacks the JSON list.
    let list = format!("{ids:?}");
    let mut runs = heads(conn, place, &list).await?;
    metrics(conn, place, &list, &mut runs).await?;
    tags(conn, place, &list, &mut runs).await?;
    input::read(conn, place, &list, &mut runs).await?;
    Ok(ids.iter().filter_map(|id| runs.remove(id)).collect())
}

type Runs = HashMap<i64, RunRecord>;

async fn heads(conn: &mut SqliteConnection, place: &Place, ids: &str) -> Result<Runs> {
    let rows = sqlx::query!("SELECT * FROM run WHERE id IN (SELECT value FROM json_each(?))", ids)
        .fetch_all(conn)
        .await
        .map_err(place.doing("read the runs"))?;
    let now = now_ms();
    let mut runs = Runs::with_capacity(rows.len());
    for row in rows {
        let config: serde_json::Value =
            serde_json::from_str(&row.config).map_err(damaged("the configuration", &row.uid, place))?;
        let git = row.git_commit.map(|commit| Git { commit, dirty: row.git_dirty == Some(1) });
        let run = RunRecord {
            id: row.id,
            uid: row.uid,
            name: row.name,
            parent: row.parent_id,
            group: row.family,
            status: Status::from_stored(&row.status),
            started_ms: row.started_ms,
            ended_ms: row.ended_ms,
            duration_ms: (row.ended_ms.unwrap_or(now) - row.started_ms).max(0),
            host: row.host,
            pid: row.pid,
            git,
            toolchain: row.toolchain,
            environment: row.environment,
            lock_hash: row.lock_hash,
            notebook: row.notebook,
            note: row.note,
            error: row.error,
            // The rows of `param` are the same, for SQL.
            params: config::leaves(&config),
            config,
            metrics: Vec::new(),
            tags: BTreeMap::new(),
            data: BTreeMap::new(),
        };
        runs.insert(run.id, run);
    }
    Ok(runs)
}

async fn metrics(conn: &mut SqliteConnection, place: &Place, ids: &str, runs: &mut Runs) -> Result<()> {
    // `+`: sorted after the rows of these runs were looked up, where `id` alone would walk through all series.
    let rows = sqlx::query!(
        r#"SELECT run_id, name, context, points, last_step, last_value AS "last_value: f64",
               min_value AS "min_value: f64", min_step, max_value AS "max_value: f64", max_step
           FROM series WHERE run_id IN (SELECT value FROM json_each(?)) ORDER BY +id"#,
        ids,
    )
    .fetch_all(conn)
    .await
    .map_err(place.doing("read the metrics"))?;
    for row in rows {
        let Some(run) = runs.get_mut(&row.run_id) else {
            continue;
        };
        let context = serde_json::from_str(&row.context).map_err(damaged("a metric", &run.uid, place))?;
        run.metrics.push(Metric {
            name: row.name,
            context,
            points: row.points,
            last_step: row.last_step,
            last: row.last_value.unwrap_or(f64::NAN),
            min: at(row.min_value, row.min_step),
            max: at(row.max_value, row.max_step),
        });
    }
    Ok(())
}

fn at(value: Option<f64>, step: Option<i64>) -> Option<At> {
    Some(At { value: value?, step: step? })
}

async fn tags(conn: &mut SqliteConnection, place: &Place, ids: &str, runs: &mut Runs) -> Result<()> {
    let rows =
        sqlx::query!("SELECT run_id, key, value FROM tag WHERE run_id IN (SELECT value FROM json_each(?))", ids,)
            .fetch_all(conn)
            .await
            .map_err(place.doing("read the tags"))?;
    for row in rows {
        if let Some(run) = runs.get_mut(&row.run_id) {
            run.tags.insert(row.key, row.value);
        }
    }
    Ok(())
}

pub(super) async fn series(conn: &mut SqliteConnection, place: &Place, run: &RunRecord) -> Result<Vec<Series>> {
    // One snapshot: the run may go on meanwhile, and a summary must tell what its points tell.
    let mut conn = conn.begin().await.map_err(place.doing("read the points"))?;
    let ids = sqlx::query_scalar!("SELECT id FROM series WHERE run_id = ? ORDER BY id", run.id)
        .fetch_all(&mut *conn)
        .await
        .map_err(place.doing("read the points"))?;
    let metrics = runs_by_id(&mut conn, place, &[run.id]).await?.pop().map(|run| run.metrics).unwrap_or_default();
    let mut series = Vec::with_capacity(ids.len());
    for (id, metric) in ids.into_iter().zip(metrics) {
        series.push(Series { metric, values: points::all(&mut conn, place, &run.uid, id).await? });
    }
    Ok(series)
}

/// The id of a series by [`Metric::key`].
pub(super) async fn series_id(conn: &mut SqliteConnection, place: &Place, run: &RunRecord, key: &str) -> Result<i64> {
    let rows = sqlx::query!("SELECT id, name, context FROM series WHERE run_id = ? ORDER BY id", run.id)
        .fetch_all(conn)
        .await
        .map_err(place.doing("read the metrics"))?;
    let mut known = Vec::with_capacity(rows.len());
    for row in rows {
        let context = serde_json::from_str(&row.context).map_err(damaged("a metric", &run.uid, place))?;
        let name = model::key(&row.name, &context);
        if name == key {
            return Ok(row.id);
        }
        known.push(name);
    }
    Err(Error::UnknownMetric { run: run.uid.clone(), wanted: key.to_owned(), known })
}

pub(super) async fn artifacts(conn: &mut SqliteConnection, place: &Place, run: i64) -> Result<Vec<Artifact>> {
    sqlx::query_as!(
        Artifact,
        "SELECT name, kind, mime, step, time_ms, run_artifact.hash, artifact.size
         FROM run_artifact JOIN artifact ON artifact.hash = run_artifact.hash
         WHERE run_id = ? ORDER BY run_artifact.id",
        run,
    )
    .fetch_all(conn)
    .await
    .map_err(place.doing("list the artifacts"))
}

pub(super) async fn bytes(conn: &mut SqliteConnection, place: &Place, hash: &str) -> Result<Vec<u8>> {
    sqlx::query_scalar!("SELECT bytes FROM artifact WHERE hash = ?", hash)
        .fetch_one(conn)
        .await
        .map_err(place.doing("read the artifact"))
}

/// What was found out about a run, by kind: in its last stretch, or in one of its sessions.
pub(super) async fn snapshot(
    conn: &mut SqliteConnection,
    place: &Place,
    run: i64,
    session: Option<i64>,
    kind: &str,
) -> Result<Option<Vec<u8>>> {
    let found = match session {
        None => {
            sqlx::query_scalar!(
                "SELECT bytes FROM run_snapshot JOIN snapshot ON snapshot.hash = run_snapshot.hash
                 WHERE run_id = ? AND kind = ?",
                run,
                kind,
            )
            .fetch_optional(conn)
            .await
        }
        Some(session) => {
            sqlx::query_scalar!(
                "SELECT bytes FROM run_session_snapshot AS of JOIN snapshot ON snapshot.hash = of.hash
                 WHERE run_id = ? AND position = ? AND kind = ?",
                run,
                session,
                kind,
            )
            .fetch_optional(conn)
            .await
        }
    };
    found.map_err(place.doing("read the run's surroundings"))
}

/// The hashes of those, by kind.
pub(super) async fn snapshots(
    conn: &mut SqliteConnection,
    place: &Place,
    run: i64,
    session: Option<i64>,
) -> Result<BTreeMap<String, String>> {
    // One of a stretch, or those of the run.
    let rows = sqlx::query!(
        r#"SELECT kind AS "kind!", hash AS "hash!" FROM run_snapshot WHERE run_id = ?1 AND ?2 IS NULL
           UNION ALL SELECT kind, hash FROM run_session_snapshot WHERE run_id = ?1 AND position = ?2"#,
        run,
        session,
    )
    .fetch_all(conn)
    .await
    .map_err(place.doing("read the run's surroundings"))?;
    Ok(rows.into_iter().map(|row| (row.kind, row.hash)).collect())
}

/// What is known of a run's surroundings.
pub(super) async fn surroundings(
    conn: &mut SqliteConnection,
    place: &Place,
    run: &RunRecord,
    session: Option<i64>,
) -> Result<Found> {
    let mut found = Found { hashes: snapshots(conn, place, run.id, session).await?, ..Found::default() };
    for (kind, object) in [("program", &mut found.program), ("machine", &mut found.machine)] {
        if let Some(json) = snapshot(conn, place, run.id, session, kind).await? {
            *object = serde_json::from_slice(&json).map_err(damaged("the environment", &run.uid, place))?;
        }
    }
    Ok(found)
}

pub(super) fn damaged(what: &'static str, run: &str, place: &Place) -> impl FnOnce(serde_json::Error) -> Error {
    move |source| Error::Damaged { what, run: run.to_owned(), path: place.0.clone(), source }
}
