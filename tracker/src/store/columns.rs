//! What reading columns begins with: which runs, on which connection.

use sqlx::sqlite::LockedSqliteHandle;
use std::collections::{HashMap, HashSet};

use super::Place;
use super::raw::{Raw, Statement};
use crate::{Query, Result, Status};

/// A connection that rows are read from on this thread.
pub(super) struct Reading<'a> {
    raw: Raw<'a>,
    pub(super) place: &'a Place,
}

impl<'a> Reading<'a> {
    pub(super) fn on(locked: &'a mut LockedSqliteHandle<'_>, place: &'a Place) -> Self {
        Self { raw: Raw::of(locked), place }
    }

    pub(super) fn prepare(&self, sql: &str) -> Result<Statement<'_>> {
        self.raw.prepare(sql).map_err(self.place.doing("read the runs"))
    }

    /// Of the runs of `ids`, in this order, those of the status and the name that the query wants, and no more than it
    /// wants. Runs of `dead` count as crashed, whatever is stored.
    pub(super) fn choose(&self, ids: &[i64], query: &Query, dead: &HashSet<i64>) -> Result<Chosen> {
        let failed = || self.place.doing("read the runs");
        let mut statement =
            self.prepare("SELECT id, uid, name, status FROM run WHERE id IN (SELECT value FROM json_each(?))")?;
        statement.with(&[(&format!("{ids:?}")).into()]).map_err(failed())?;
        let mut uids: HashMap<i64, String> = HashMap::with_capacity(ids.len());
        while let Some(row) = statement.next().map_err(failed())? {
            let status = match Status::from_stored(row.text(3).map_err(failed())?) {
                Status::Running if dead.contains(&row.int(0)) => Status::Crashed,
                status => status,
            };
            let name = row.text(2).map_err(failed())?;
            if query.status.is_none_or(|wanted| status == wanted) && query.name.as_ref().is_none_or(|n| n == name) {
                uids.insert(row.int(0), row.text(1).map_err(failed())?.to_owned());
            }
        }
        let wanted = ids.iter().filter_map(|id| uids.remove(id).map(|uid| (*id, uid)));
        Ok(Chosen::of(wanted.take(query.limit.unwrap_or(usize::MAX))))
    }
}

/// Some runs, in their order.
pub(super) struct Chosen {
    /// As JSON: SQLite unpacks it, so that one statement serves any number of ids.
    pub(super) ids: String,
    pub(super) uids: Vec<String>,
    rows: HashMap<i64, usize>,
}

impl Chosen {
    fn of(runs: impl Iterator<Item = (i64, String)>) -> Self {
        let (ids, uids): (Vec<i64>, Vec<String>) = runs.unzip();
        Self { ids: format!("{ids:?}"), uids, rows: ids.iter().enumerate().map(|(row, id)| (*id, row)).collect() }
    }

    /// The row of a run.
    pub(super) fn row(&self, id: i64) -> Option<usize> {
        self.rows.get(&id).copied()
    }
}
