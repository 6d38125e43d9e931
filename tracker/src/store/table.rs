//! Runs as columns: what is stored goes into the columns as it is read, and no record of a run is made.

use sqlx::sqlite::LockedSqliteHandle;
use sqlx::{Connection, SqliteConnection};
use std::collections::{BTreeMap, HashMap, HashSet};

use super::Place;
use super::raw::Statement;
use crate::capture::now_ms;
use crate::table::{Column, Params, Table, Values};
use crate::{Error, Query, Result, Status, model};

/// The runs of `ids`, in this order, that have the status and name that the query wants, and no more than it wants.
/// Runs of `dead` count as crashed, whatever is stored.
pub(super) async fn table(
    conn: &mut SqliteConnection,
    place: &Place,
    ids: &[i64],
    query: &Query,
    dead: &HashSet<i64>,
) -> Result<Table> {
    let failed = || place.doing("read the runs");
    // One snapshot for all that is read.
    let mut tx = conn.begin().await.map_err(failed())?;
    let mut locked = tx.lock_handle().await.map_err(failed())?;
    let mut reading = Reading { locked: &mut locked, place };
    let heads = reading.heads(ids, query, dead)?;
    let ids: Vec<i64> = heads.iter().map(|head| head.id).collect();
    let rows = Rows::of(&ids);
    let mut columns = fixed(&heads);
    columns.extend(params(&heads, place)?);
    columns.extend(reading.metrics(&rows)?);
    columns.extend(reading.tags(&rows)?);
    Ok(Table { columns })
}

/// What is one value for each run.
struct Head {
    id: i64,
    uid: String,
    name: String,
    status: Status,
    started_ms: i64,
    duration_ms: i64,
    notebook: Option<String>,
    commit: Option<String>,
    config: String,
}

/// Which row a run has.
struct Rows {
    /// As JSON: SQLite unpacks it, so that one statement serves any number of ids.
    ids: String,
    rows: HashMap<i64, usize>,
}

impl Rows {
    fn of(ids: &[i64]) -> Self {
        Self { ids: format!("{ids:?}"), rows: ids.iter().enumerate().map(|(row, id)| (*id, row)).collect() }
    }
}

struct Reading<'a, 'b> {
    locked: &'a mut LockedSqliteHandle<'b>,
    place: &'a Place,
}

impl Reading<'_, '_> {
    fn statement(&mut self, sql: &str, text: &str) -> Result<Statement<'_>> {
        Statement::prepare(self.locked, sql, text).map_err(self.place.doing("read the runs"))
    }

    fn heads(&mut self, ids: &[i64], query: &Query, dead: &HashSet<i64>) -> Result<Vec<Head>> {
        let now = now_ms();
        let place = self.place;
        let rows = Rows::of(ids);
        let sql = "SELECT id, uid, name, status, started_ms, ended_ms, notebook, git_commit, config FROM run
                   WHERE id IN (SELECT value FROM json_each(?))";
        let mut statement = self.statement(sql, &rows.ids)?;
        let mut heads: Vec<Option<Head>> = ids.iter().map(|_| None).collect();
        while let Some(row) = statement.next().map_err(place.doing("read the runs"))? {
            let head = head(&row, now, dead).map_err(place.doing("read the runs"))?;
            let wanted = query.status.is_none_or(|status| head.status == status)
                && query.name.as_ref().is_none_or(|name| head.name == *name);
            if let Some(place) = rows.rows.get(&head.id).filter(|_| wanted) {
                heads[*place] = Some(head);
            }
        }
        Ok(heads.into_iter().flatten().take(query.limit.unwrap_or(usize::MAX)).collect())
    }

    /// Three columns for each metric, in the order in which the runs met them.
    fn metrics(&mut self, rows: &Rows) -> Result<Vec<Column>> {
        let place = self.place;
        let sql = "SELECT run_id, id, name, context, last_value, min_value, max_value FROM series
                   WHERE run_id IN (SELECT value FROM json_each(?))";
        let mut statement = self.statement(sql, &rows.ids)?;
        let mut metrics: Vec<Metric> = Vec::new();
        let mut known: HashMap<(String, String), usize> = HashMap::new();
        let mut next = 0;
        while let Some(row) = statement.next().map_err(place.doing("read the metrics"))? {
            let Some(at) = rows.rows.get(&row.int(0)) else { continue };
            let text = |column| row.text(column).map_err(place.doing("read the metrics"));
            let (name, context) = (text(2)?, text(3)?);
            // Most runs have the same metrics in the same order.
            next %= metrics.len().max(1);
            if metrics.get(next).is_none_or(|metric| metric.name != name || metric.context != context) {
                next = *known.entry((name.to_owned(), context.to_owned())).or_insert(metrics.len());
                if next == metrics.len() {
                    metrics.push(Metric::new(name, context, rows.rows.len()));
                }
            }
            let metric = &mut metrics[next];
            metric.met = metric.met.min((*at, row.int(1)));
            metric.last[*at] = Some(row.float(4).unwrap_or(f64::NAN));
            metric.min[*at] = row.float(5);
            metric.max[*at] = row.float(6);
            next += 1;
        }
        metrics.sort_by_key(|metric| metric.met);
        let columns: Result<Vec<_>> = metrics.into_iter().map(|metric| metric.columns(place)).collect();
        Ok(columns?.into_iter().flatten().collect())
    }

    fn tags(&mut self, rows: &Rows) -> Result<Vec<Column>> {
        let place = self.place;
        let sql = "SELECT run_id, key, value FROM tag WHERE run_id IN (SELECT value FROM json_each(?))";
        let mut statement = self.statement(sql, &rows.ids)?;
        let mut tags: BTreeMap<String, Vec<Option<String>>> = BTreeMap::new();
        while let Some(row) = statement.next().map_err(place.doing("read the tags"))? {
            let text = |column| row.text(column).map_err(place.doing("read the tags"));
            if let Some(at) = rows.rows.get(&row.int(0)) {
                let column = tags.entry(text(1)?.to_owned()).or_insert_with(|| vec![None; rows.rows.len()]);
                column[*at] = Some(text(2)?.to_owned());
            }
        }
        let column = |(key, values)| Column { name: format!("tag.{key}"), values: Values::Text(values) };
        Ok(tags.into_iter().map(column).collect())
    }
}

fn head(row: &super::raw::Row<'_>, now: i64, dead: &HashSet<i64>) -> sqlx::Result<Head> {
    let text = |column| row.text(column).map(str::to_owned);
    let maybe = |column| Ok::<_, sqlx::Error>(row.maybe_text(column)?.map(str::to_owned));
    let (id, started_ms) = (row.int(0), row.int(4));
    let status = match Status::from_stored(row.text(3)?) {
        Status::Running if dead.contains(&id) => Status::Crashed,
        status => status,
    };
    let duration_ms = (row.maybe_int(5).unwrap_or(now) - started_ms).max(0);
    Ok(Head {
        id,
        uid: text(1)?,
        name: text(2)?,
        status,
        started_ms,
        duration_ms,
        notebook: maybe(6)?,
        commit: maybe(7)?,
        config: text(8)?,
    })
}

fn fixed(heads: &[Head]) -> Vec<Column> {
    fn text(heads: &[Head], of: impl Fn(&Head) -> Option<String>) -> Values {
        Values::Text(heads.iter().map(of).collect())
    }
    let columns = [
        ("uid", text(heads, |head| Some(head.uid.clone()))),
        ("name", text(heads, |head| Some(head.name.clone()))),
        ("status", text(heads, |head| Some(head.status.to_string()))),
        ("started", Values::Moment(heads.iter().map(|head| Some(head.started_ms)).collect())),
        ("duration", Values::Duration(heads.iter().map(|head| Some(head.duration_ms)).collect())),
        ("notebook", text(heads, |head| head.notebook.clone())),
        ("commit", text(heads, |head| head.commit.clone())),
    ];
    columns.into_iter().map(|(name, values)| Column { name: name.to_owned(), values }).collect()
}

fn params(heads: &[Head], place: &Place) -> Result<impl Iterator<Item = Column>> {
    let mut params = Params::new(heads.len());
    for (row, head) in heads.iter().enumerate() {
        params.add(row, &head.config).map_err(super::read::damaged("the configuration", &head.uid, place))?;
    }
    Ok(params.columns().map(|(path, values)| Column { name: format!("param.{path}"), values }))
}

/// The columns of one metric.
struct Metric {
    name: String,
    context: String,
    /// The first row that has it, and where among the metrics of that run.
    met: (usize, i64),
    last: Vec<Option<f64>>,
    min: Vec<Option<f64>>,
    max: Vec<Option<f64>>,
}

impl Metric {
    fn new(name: &str, context: &str, height: usize) -> Self {
        let column = || vec![None; height];
        let (name, context) = (name.to_owned(), context.to_owned());
        Self { name, context, met: (usize::MAX, i64::MAX), last: column(), min: column(), max: column() }
    }

    fn columns(self, place: &Place) -> Result<[Column; 3]> {
        let context = serde_json::from_str(&self.context).map_err(|source| Error::Damaged {
            what: "the context of a metric",
            run: self.name.clone(),
            path: place.0.clone(),
            source,
        })?;
        let key = model::key(&self.name, &context);
        let column = |end: &str, values| Column { name: format!("metric.{key}.{end}"), values: Values::Float(values) };
        Ok([column("last", self.last), column("min", self.min), column("max", self.max)])
    }
}
