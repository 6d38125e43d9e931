//! The connection that records, without a thread in between: see `raw`.

use sqlx::sqlite::LockedSqliteHandle;

use super::raw::{Raw, Statement, Value};

/// Writes by statements that are each prepared once.
pub(crate) struct Writer<'a> {
    raw: Raw<'a>,
    prepared: Vec<(&'static str, Statement<'a>)>,
}

impl<'a> Writer<'a> {
    pub(crate) fn on(locked: &'a mut LockedSqliteHandle<'_>) -> Self {
        Self { raw: Raw::of(locked), prepared: Vec::new() }
    }

    /// The statement, with a value for each parameter.
    pub(super) fn statement(&mut self, sql: &'static str, values: &[Value<'_>]) -> sqlx::Result<&mut Statement<'a>> {
        let at = match self.prepared.iter().position(|(known, _)| *known == sql) {
            Some(at) => at,
            None => {
                self.prepared.push((sql, self.raw.prepare(sql)?));
                self.prepared.len() - 1
            }
        };
        let (_, statement) = &mut self.prepared[at];
        statement.with(values)?;
        Ok(statement)
    }

    pub(super) fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> sqlx::Result<()> {
        self.statement(sql, values)?.run()
    }

    /// What a statement with `RETURNING id` gives; `None` when it has changed nothing.
    pub(super) fn id(&mut self, sql: &'static str, values: &[Value<'_>]) -> sqlx::Result<Option<i64>> {
        let statement = self.statement(sql, values)?;
        let id = statement.next()?.map(|row| row.int(0));
        statement.run()?;
        Ok(id)
    }

    /// Does all of the work in one transaction, or nothing of it. `failed` says what was being done when SQLite
    /// refused to begin or to commit.
    pub(super) fn atomically<T, E>(
        &mut self,
        failed: impl Fn(sqlx::Error) -> E,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        // The write lock at once: one that is upgraded half way cannot be waited for.
        self.execute("BEGIN IMMEDIATE", &[]).map_err(&failed)?;
        let done = work(self).and_then(|done| self.execute("COMMIT", &[]).map_err(&failed).map(|()| done));
        if done.is_err() {
            // A statement that has not ended would keep the transaction from ending. SQLite may have rolled back by
            // itself, and then says that there is nothing to roll back.
            self.prepared.clear();
            let _ = self.execute("ROLLBACK", &[]);
        }
        done
    }

    /// From now on a commit is kept by a power cut once a checkpoint was made, and the file always.
    pub(crate) fn in_step(&mut self) -> sqlx::Result<()> {
        self.execute("PRAGMA synchronous = NORMAL", &[])
    }
}
