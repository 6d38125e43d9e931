//! The data that runs used.

use sqlx::SqliteConnection;
use std::collections::BTreeMap;

use super::Place;
use super::read::damaged;
use super::writer::Writer;
use crate::data::Fingerprint;
use crate::{Result, RunRecord};

/// Stores what a run says of its data.
pub(super) fn store(writer: &mut Writer<'_>, run: i64, data: &BTreeMap<String, Fingerprint>) -> sqlx::Result<()> {
    for (name, print) in data {
        let rows = i64::try_from(print.rows).unwrap_or(i64::MAX);
        let columns = serde_json::to_string(&print.columns).map_err(|source| sqlx::Error::Encode(source.into()))?;
        let (hash, schema) = (&print.hash, &print.schema_hash);
        writer.execute(
            "INSERT INTO input (run_id, name, rows, hash, schema_hash, columns) VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT (run_id, name) DO UPDATE SET
                 rows = excluded.rows, hash = excluded.hash, schema_hash = excluded.schema_hash,
                 columns = excluded.columns",
            &[run.into(), name.into(), rows.into(), hash.into(), schema.into(), (&columns).into()],
        )?;
    }
    Ok(())
}

/// Reads it into the records of some runs, of which `ids` is the list in JSON.
pub(super) async fn read(
    conn: &mut SqliteConnection,
    place: &Place,
    ids: &str,
    runs: &mut std::collections::HashMap<i64, RunRecord>,
) -> Result<()> {
    let rows = sqlx::query!("SELECT * FROM input WHERE run_id IN (SELECT value FROM json_each(?))", ids)
        .fetch_all(conn)
        .await
        .map_err(place.doing("read the data of the runs"))?;
    for row in rows {
        let Some(run) = runs.get_mut(&row.run_id) else { continue };
        let columns = serde_json::from_str(&row.columns).map_err(damaged("the data", &run.uid, place))?;
        let rows = u64::try_from(row.rows).unwrap_or(0);
        let print = Fingerprint { rows, hash: row.hash, schema_hash: row.schema_hash, columns };
        run.data.insert(row.name, print);
    }
    Ok(())
}
