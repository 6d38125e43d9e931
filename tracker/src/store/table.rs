//! Runs as columns: what is stored goes into the columns as it is read, and no record of a run is made.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::Place;
use super::columns::{Chosen, Reading};
use crate::capture::now_ms;
use crate::table::{Column, Params, Table, Values};
use crate::{Result, Status, model};

/// A row for each run. Runs of `dead` count as crashed, whatever is stored.
pub(super) fn table(reading: &Reading<'_>, chosen: &Chosen, dead: &HashSet<i64>) -> Result<Table> {
    let heads = heads(reading, chosen, dead)?;
    let mut columns = fixed(&heads);
    columns.extend(params(&heads, reading.place)?);
    columns.extend(metrics(reading, chosen)?);
    columns.extend(tags(reading, chosen)?);
    Ok(Table { columns })
}

/// What is one value for each run.
struct Head {
    uid: String,
    name: String,
    status: Status,
    started_ms: i64,
    duration_ms: i64,
    notebook: Option<String>,
    commit: Option<String>,
    config: String,
}

fn heads(reading: &Reading<'_>, chosen: &Chosen, dead: &HashSet<i64>) -> Result<Vec<Head>> {
    let failed = || reading.place.doing("read the runs");
    let now = now_ms();
    let sql = "SELECT id, uid, name, status, started_ms, ended_ms, notebook, git_commit, config FROM run
               WHERE id IN (SELECT value FROM json_each(?))";
    let mut statement = reading.prepare(sql)?;
    statement.with(&[(&chosen.ids).into()]).map_err(failed())?;
    let mut heads: Vec<Option<Head>> = chosen.uids.iter().map(|_| None).collect();
    while let Some(row) = statement.next().map_err(failed())? {
        if let Some(at) = chosen.row(row.int(0)) {
            heads[at] = Some(head(&row, now, dead).map_err(failed())?);
        }
    }
    Ok(heads.into_iter().flatten().collect())
}

/// Three columns for each metric, in the order in which the runs met them.
fn metrics(reading: &Reading<'_>, chosen: &Chosen) -> Result<Vec<Column>> {
    let failed = || reading.place.doing("read the metrics");
    let sql = "SELECT run_id, id, name, context, last_value, min_value, max_value FROM series
               WHERE run_id IN (SELECT value FROM json_each(?))";
    let mut statement = reading.prepare(sql)?;
    statement.with(&[(&chosen.ids).into()]).map_err(failed())?;
    let mut metrics: Vec<Metric> = Vec::new();
    let mut known: HashMap<(String, String), usize> = HashMap::new();
    let mut next = 0;
    while let Some(row) = statement.next().map_err(failed())? {
        let Some(at) = chosen.row(row.int(0)) else { continue };
        let (name, context) = (row.text(2).map_err(failed())?, row.text(3).map_err(failed())?);
        // Most runs have the same metrics in the same order.
        next %= metrics.len().max(1);
        if metrics.get(next).is_none_or(|metric| metric.name != name || metric.context != context) {
            next = *known.entry((name.to_owned(), context.to_owned())).or_insert(metrics.len());
            if next == metrics.len() {
                metrics.push(Metric::new(name, context, chosen.uids.len()));
            }
        }
        let metric = &mut metrics[next];
        metric.met = metric.met.min((at, row.int(1)));
        metric.last[at] = Some(row.float(4).unwrap_or(f64::NAN));
        metric.min[at] = row.float(5);
        metric.max[at] = row.float(6);
        next += 1;
    }
    metrics.sort_by_key(|metric| metric.met);
    let columns: Result<Vec<_>> = metrics.into_iter().map(|metric| metric.columns(reading.place, chosen)).collect();
    Ok(columns?.into_iter().flatten().collect())
}

fn tags(reading: &Reading<'_>, chosen: &Chosen) -> Result<Vec<Column>> {
    let failed = || reading.place.doing("read the tags");
    let mut statement =
        reading.prepare("SELECT run_id, key, value FROM tag WHERE run_id IN (SELECT value FROM json_each(?))")?;
    statement.with(&[(&chosen.ids).into()]).map_err(failed())?;
    let mut tags: BTreeMap<String, Vec<Option<String>>> = BTreeMap::new();
    while let Some(row) = statement.next().map_err(failed())? {
        let (key, value) = (row.text(1).map_err(failed())?, row.text(2).map_err(failed())?);
        if let Some(at) = chosen.row(row.int(0)) {
            let column = tags.entry(key.to_owned()).or_insert_with(|| vec![None; chosen.uids.len()]);
            column[at] = Some(value.to_owned());
        }
    }
    let column = |(key, values)| Column { name: format!("tag.{key}"), values: Values::Text(values) };
    Ok(tags.into_iter().map(column).collect())
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

    fn columns(self, place: &Place, chosen: &Chosen) -> Result<[Column; 3]> {
        let damaged = super::read::damaged("a metric", &chosen.uids[self.met.0], place);
        let key = model::key_of(&self.name, &model::pairs_of(&self.context).map_err(damaged)?);
        let column = |end: &str, values| Column { name: format!("metric.{key}.{end}"), values: Values::Float(values) };
        Ok([column("last", self.last), column("min", self.min), column("max", self.max)])
    }
}
