//! A query as SQL: which runs fit, by the summaries alone.

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use std::collections::HashSet;

use super::Place;
use crate::capture::now_ms;
use crate::query::{Condition, End, Field, Find, Key, Located, Mistake, Operator, Order, Value, suggestion};
use crate::{Error, Result};

/// The ids of the runs that fit, in order. Runs of `dead` count as crashed, whatever is stored.
pub(super) async fn ids(
    conn: &mut SqliteConnection,
    place: &Place,
    find: &Find,
    dead: &HashSet<i64>,
) -> Result<Vec<i64>> {
    known(conn, place, find).await?;
    let limit = find.limit.unwrap_or(usize::MAX);
    let select = Select { find, dead, now: now_ms() };
    let Some((Key::Metric { name, context, end }, order)) = find.order.first().map(|order| (&order.key.key, order))
    else {
        return fetch(conn, place, select.plainly(limit)).await;
    };
    // Along the index on the metric's values; the runs that do not have the metric come after those that do.
    let mut ids = fetch(conn, place, select.along(name, context, *end, order, limit)).await?;
    if ids.len() < limit {
        ids.extend(fetch(conn, place, select.without(name, context, limit - ids.len())).await?);
    }
    Ok(ids)
}

async fn fetch(conn: &mut SqliteConnection, place: &Place, mut sql: QueryBuilder<Sqlite>) -> Result<Vec<i64>> {
    sql.build_query_scalar().fetch_all(conn).await.map_err(place.doing("look for runs"))
}

struct Select<'a> {
    find: &'a Find,
    dead: &'a HashSet<i64>,
    now: i64,
}

type Sql = QueryBuilder<Sqlite>;

impl Select<'_> {
    fn plainly(&self, limit: usize) -> Sql {
        let mut sql = Sql::new("SELECT run.id FROM run WHERE ");
        self.condition(&mut sql);
        sql.push(" ORDER BY ");
        self.order(&mut sql, &self.find.order);
        self.limited(sql, limit)
    }

    fn along(&self, name: &str, context: &str, end: End, order: &Order, limit: usize) -> Sql {
        let mut sql = Sql::new("SELECT run.id FROM series AS sorted ");
        let column = end.column(name);
        // Without statistics SQLite takes any index on the name, and sorts.
        if let Some(value) = column.strip_suffix("_value") {
            sql.push("INDEXED BY series_by_").push(value);
        }
        sql.push(" CROSS JOIN run ON run.id = sorted.run_id WHERE sorted.name = ");
        sql.push_bind(name.to_owned()).push(" AND sorted.context = ").push_bind(context.to_owned()).push(" AND ");
        self.condition(&mut sql);
        sql.push(" ORDER BY sorted.").push(column).push(direction(order)).push(", ");
        self.order(&mut sql, &self.find.order[1..]);
        self.limited(sql, limit)
    }

    fn without(&self, name: &str, context: &str, limit: usize) -> Sql {
        let mut sql =
            Sql::new("SELECT run.id FROM run WHERE NOT EXISTS (SELECT 1 FROM series WHERE run_id = run.id AND name = ");
        sql.push_bind(name.to_owned()).push(" AND context = ").push_bind(context.to_owned()).push(") AND ");
        self.condition(&mut sql);
        sql.push(" ORDER BY ");
        self.order(&mut sql, &self.find.order[1..]);
        self.limited(sql, limit)
    }

    fn limited(&self, mut sql: Sql, limit: usize) -> Sql {
        sql.push(" LIMIT ").push_bind(i64::try_from(limit).unwrap_or(-1));
        sql
    }

    /// Deleted runs are found only by a query that speaks of them.
    fn condition(&self, sql: &mut Sql) {
        let Some(condition) = &self.find.condition else {
            sql.push("run.deleted_ms IS NULL");
            return;
        };
        let mut deleted = false;
        each_key(condition, &mut |located| deleted |= located.key == Key::Field(Field::Deleted));
        if !deleted {
            sql.push("run.deleted_ms IS NULL AND ");
        }
        self.part(sql, condition);
    }

    fn part(&self, sql: &mut Sql, condition: &Condition) {
        match condition {
            Condition::All(parts) => self.parts(sql, parts, " AND "),
            Condition::Any(parts) => self.parts(sql, parts, " OR "),
            Condition::Not(part) => {
                // What a run does not have is unknown to SQL; to a person it is just not so.
                sql.push("NOT coalesce(");
                self.part(sql, part);
                sql.push(", 0)");
            }
            Condition::Compare(located, operator, value) => self.compare(sql, &located.key, *operator, value),
            Condition::Like(located, pattern) => {
                self.about(sql, &located.key, |sql, column| {
                    sql.push(column.text).push(" LIKE ").push_bind(pattern.clone());
                });
            }
            Condition::Exists(located) => self.about(sql, &located.key, |sql, column| {
                sql.push(column.there);
            }),
        }
    }

    fn parts(&self, sql: &mut Sql, parts: &[Condition], between: &str) {
        sql.push("(");
        for (n, part) in parts.iter().enumerate() {
            if n > 0 {
                sql.push(between);
            }
            self.part(sql, part);
        }
        sql.push(")");
    }

    fn compare(&self, sql: &mut Sql, key: &Key, operator: Operator, value: &Value) {
        self.about(sql, key, |sql, column| match value {
            Value::Number(number) => {
                sql.push(column.number).push(operator.sql()).push_bind(*number);
            }
            Value::Text(text) => {
                sql.push(column.text).push(operator.sql()).push_bind(text.clone());
            }
            Value::Bool(bool) if matches!(key, Key::Field(_)) => {
                sql.push(column.number).push(operator.sql()).push_bind(i64::from(*bool));
            }
            Value::Bool(bool) => {
                sql.push(column.text).push(operator.sql()).push_bind(bool.to_string());
            }
        });
    }

    /// A condition on what a key stands for, written by `condition` with the columns that it is in. The `+` keeps
    /// SQLite from making a join of it, and the order of the runs from being lost.
    fn about(&self, sql: &mut Sql, key: &Key, condition: impl FnOnce(&mut Sql, Column<'_>)) {
        match key {
            Key::Field(field) => {
                let field = self.field(*field);
                let there = format!("coalesce({field}, 0) <> 0 OR typeof({field}) = 'text'");
                sql.push("(");
                condition(sql, Column { number: &field, text: &field, there: &there });
                sql.push(")");
            }
            Key::Metric { name, context, end } => {
                sql.push("+EXISTS (SELECT 1 FROM series WHERE run_id = run.id AND series.name = ");
                sql.push_bind(name.clone()).push(" AND context = ").push_bind(context.clone()).push(" AND ");
                let column = end.column(name);
                condition(sql, Column { number: column, text: column, there: "1" });
                sql.push(")");
            }
            Key::Param(path) => {
                sql.push("+EXISTS (SELECT 1 FROM param WHERE run_id = run.id AND path = ");
                sql.push_bind(path.clone()).push(" AND ");
                condition(sql, Column { number: "param.number", text: PARAM_TEXT, there: "1" });
                sql.push(")");
            }
            Key::Tag(tag) => {
                sql.push("+EXISTS (SELECT 1 FROM tag WHERE run_id = run.id AND tag.key = ").push_bind(tag.clone());
                sql.push(" AND ");
                condition(sql, Column { number: "CAST(tag.value AS REAL)", text: "tag.value", there: "1" });
                sql.push(")");
            }
        }
    }

    fn field(&self, field: Field) -> String {
        match field {
            Field::Uid => "run.uid".to_owned(),
            Field::Name => "run.name".to_owned(),
            Field::Status if self.dead.is_empty() => "run.status".to_owned(),
            Field::Status => {
                let dead: Vec<String> = self.dead.iter().map(i64::to_string).collect();
                let dead = dead.join(", ");
                format!("CASE WHEN run.status = 'running' AND run.id IN ({dead}) THEN 'crashed' ELSE run.status END")
            }
            Field::Started => "run.started_ms".to_owned(),
            Field::Ended => "run.ended_ms".to_owned(),
            Field::Duration => format!("(coalesce(run.ended_ms, {}) - run.started_ms)", self.now),
            Field::Group => "run.family".to_owned(),
            Field::Parent => "(SELECT parent.uid FROM run AS parent WHERE parent.id = run.parent_id)".to_owned(),
            Field::Notebook => "run.notebook".to_owned(),
            Field::Host => "run.host".to_owned(),
            Field::Commit => "run.git_commit".to_owned(),
            Field::Dirty => "coalesce(run.git_dirty, 0)".to_owned(),
            Field::Note => "run.note".to_owned(),
            Field::Error => "run.error".to_owned(),
            Field::Deleted => "(run.deleted_ms IS NOT NULL)".to_owned(),
        }
    }

    /// The newest first among those that are equal.
    fn order(&self, sql: &mut Sql, orders: &[Order]) {
        for order in orders {
            let direction = direction(order);
            match &order.key.key {
                Key::Field(field) => {
                    sql.push(self.field(*field));
                }
                Key::Metric { name, context, end } => {
                    sql.push("(SELECT ").push(end.column(name)).push(" FROM series WHERE run_id = run.id AND name = ");
                    sql.push_bind(name.clone()).push(" AND context = ").push_bind(context.clone()).push(")");
                }
                // Numbers by size, and before texts.
                Key::Param(path) => {
                    sql.push("(SELECT coalesce(number, ").push(PARAM_TEXT);
                    sql.push(") FROM param WHERE run_id = run.id AND path = ").push_bind(path.clone()).push(")");
                }
                Key::Tag(tag) => {
                    sql.push("(SELECT value FROM tag WHERE run_id = run.id AND key = ")
                        .push_bind(tag.clone())
                        .push(")");
                }
            }
            sql.push(direction).push(", ");
        }
        sql.push("run.started_ms DESC, run.id DESC");
    }
}

/// A text as its author wrote it, anything else as JSON.
const PARAM_TEXT: &str = "CASE param.kind WHEN 'string' THEN json_extract(param.value, '$') ELSE param.value END";

/// The SQL of what a key stands for.
struct Column<'a> {
    number: &'a str,
    text: &'a str,
    /// Whether a run has it, where there is a row of it.
    there: &'a str,
}

fn direction(order: &Order) -> &'static str {
    if order.descending { " DESC NULLS LAST" } else { " ASC NULLS LAST" }
}

fn each_key<'a>(condition: &'a Condition, with: &mut impl FnMut(&'a Located)) {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| each_key(part, with)),
        Condition::Not(part) => each_key(part, with),
        Condition::Compare(located, ..) | Condition::Like(located, _) | Condition::Exists(located) => with(located),
    }
}

/// A name that no run has is a mistake, unless there is nothing to have it.
async fn known(conn: &mut SqliteConnection, place: &Place, find: &Find) -> Result<()> {
    let mut keys: Vec<&Located> = find.order.iter().map(|order| &order.key).collect();
    if let Some(condition) = &find.condition {
        each_key(condition, &mut |located| keys.push(located));
    }
    for located in keys {
        let (what, wanted, exists, names) = match &located.key {
            Key::Field(_) => continue,
            Key::Metric { name, context, .. } => {
                let sql = "SELECT EXISTS (SELECT 1 FROM series WHERE name = ?1 AND context = ?2)";
                let found = sqlx::query_scalar::<_, i64>(sql).bind(name).bind(context).fetch_one(&mut *conn).await;
                let names = "SELECT DISTINCT name || CASE context WHEN '{}' THEN ''
                    ELSE replace(replace(context, '\":\"', '='), '\"', '') END FROM series ORDER BY 1 LIMIT 1000";
                let context =
                    if context == "{}" { String::new() } else { context.replace("\":\"", "=").replace('"', "") };
                ("metric", format!("{name}{context}"), found, names)
            }
            Key::Param(path) => {
                let sql = "SELECT EXISTS (SELECT 1 FROM param WHERE path = ?1)";
                let found = sqlx::query_scalar::<_, i64>(sql).bind(path).fetch_one(&mut *conn).await;
                ("parameter", path.clone(), found, "SELECT DISTINCT path FROM param ORDER BY 1 LIMIT 1000")
            }
            Key::Tag(tag) => {
                let sql = "SELECT EXISTS (SELECT 1 FROM tag WHERE key = ?1)";
                let found = sqlx::query_scalar::<_, i64>(sql).bind(tag).fetch_one(&mut *conn).await;
                ("tag", tag.clone(), found, "SELECT DISTINCT key FROM tag ORDER BY 1 LIMIT 1000")
            }
        };
        if exists.map_err(place.doing("look for runs"))? != 0 {
            continue;
        }
        let names: Vec<String> =
            sqlx::query_scalar(names).fetch_all(&mut *conn).await.map_err(place.doing("look for runs"))?;
        if !names.is_empty() {
            let message = format!("no run has a {what} {wanted}{}", suggestion(&wanted, &names));
            return Err(Error::Query { mistake: Mistake::new(&find.text, located.span, message) });
        }
    }
    Ok(())
}
