//! The points of many runs as columns, unpacked from the chunks as they lie in the file.

use std::collections::BTreeSet;

use super::Place;
use super::columns::{Chosen, Reading};
use super::raw::{Row, Statement};
use crate::chunk::{Chunk, Column};
use crate::table::Points;
use crate::{Error, Result, model};

/// Gives the points of each series to `with`: the runs as they were chosen, the series of a run by their first points.
pub(super) fn each<E: From<Error>>(
    reading: &Reading<'_>,
    chosen: &Chosen,
    metrics: &[&str],
    mut with: impl FnMut(Points<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut source = Source::of(reading)?;
    let mut columns = Columns::default();
    for series in listed(reading, chosen, metrics)? {
        columns.clear();
        let run = &chosen.uids[series.row];
        source.read(reading.place, run, series.id, &mut columns)?;
        with(Points {
            run,
            metric: &series.metric,
            context: &series.context,
            steps: &columns.steps,
            times_ms: &columns.times,
            values: &columns.values,
        })?;
    }
    Ok(())
}

struct Listed {
    row: usize,
    id: i64,
    metric: String,
    context: String,
}

/// The series of some runs, in order; those of the wanted metrics, or all when none is named.
fn listed(reading: &Reading<'_>, chosen: &Chosen, wanted: &[&str]) -> Result<Vec<Listed>> {
    let failed = || reading.place.doing("read the metrics");
    let sql = "SELECT run_id, id, name, context FROM series WHERE run_id IN (SELECT value FROM json_each(?))";
    let mut statement = reading.prepare(sql)?;
    statement.with(&[(&chosen.ids).into()]).map_err(failed())?;
    let (mut listed, mut met, mut known) = (Vec::new(), vec![false; wanted.len()], BTreeSet::new());
    while let Some(row) = statement.next().map_err(failed())? {
        let Some(at) = chosen.row(row.int(0)) else { continue };
        let (name, context) = (row.text(2).map_err(failed())?, row.text(3).map_err(failed())?);
        let pairs =
            model::pairs_of(context).map_err(super::read::damaged("a metric", &chosen.uids[at], reading.place))?;
        let mut fits = wanted.is_empty();
        for (wanted, met) in wanted.iter().zip(&mut met) {
            if *wanted == name || *wanted == model::key_of(name, &pairs) {
                (fits, *met) = (true, true);
            }
        }
        if fits {
            listed.push(Listed { row: at, id: row.int(1), metric: name.to_owned(), context: pairs });
        } else if !known.contains(name) {
            known.insert(name.to_owned());
        }
    }
    listed.sort_by_key(|series| (series.row, series.id));
    match met.iter().position(|met| !met) {
        Some(missing) if !chosen.uids.is_empty() => {
            known.extend(listed.into_iter().map(|series| series.metric));
            Err(Error::NoMetric { wanted: wanted[missing].to_owned(), known: known.into_iter().collect() })
        }
        _ => Ok(listed),
    }
}

/// Of one series; kept from one to the next, so that nothing is allocated.
#[derive(Default)]
struct Columns {
    steps: Vec<i64>,
    times: Vec<i64>,
    values: Vec<f64>,
}

impl Columns {
    fn clear(&mut self) {
        self.steps.clear();
        self.times.clear();
        self.values.clear();
    }
}

/// What gives the points of a series by its id.
struct Source<'a> {
    /// `None` where there is no row that version 1 of the schema had.
    loose: Option<Statement<'a>>,
    chunks: Statement<'a>,
}

impl<'a> Source<'a> {
    fn of(reading: &'a Reading<'_>) -> Result<Self> {
        let failed = || reading.place.doing("read the points");
        let any = reading.prepare("SELECT 1 FROM point_row LIMIT 1")?.next().map_err(failed())?.is_some();
        let sql = "SELECT step, time_ms, value FROM point_row WHERE series_id = ? ORDER BY seq";
        let loose = if any { Some(reading.prepare(sql)?) } else { None };
        let chunks = reading.prepare(
            "SELECT points, value_width, step_base, step_stride, step_width, time_base, time_stride, time_width, data
             FROM chunk WHERE series_id = ? ORDER BY first_seq",
        )?;
        Ok(Self { loose, chunks })
    }

    fn read(&mut self, place: &Place, run: &str, series: i64, into: &mut Columns) -> Result<()> {
        let failed = || place.doing("read the points");
        if let Some(loose) = &mut self.loose {
            loose.with(&[series.into()]).map_err(failed())?;
            while let Some(row) = loose.next().map_err(failed())? {
                into.steps.push(row.int(0));
                into.times.push(row.int(1));
                into.values.push(row.float(2).unwrap_or(f64::NAN));
            }
        }
        self.chunks.with(&[series.into()]).map_err(failed())?;
        while let Some(row) = self.chunks.next().map_err(failed())? {
            let chunk = chunk(&row);
            if !chunk.is_whole() {
                return Err(super::points::damaged(place, run));
            }
            chunk.unpack_columns(&mut into.steps, &mut into.times, &mut into.values);
        }
        Ok(())
    }
}

fn chunk<'a>(row: &'a Row<'_>) -> Chunk<&'a [u8]> {
    let size = |column| super::points::size(row.int(column));
    Chunk {
        points: size(0),
        value_width: size(1),
        step: Column { base: row.int(2), stride: row.int(3), width: size(4) },
        time: Column { base: row.int(5), stride: row.int(6), width: size(7) },
        sketch: &[],
        data: row.blob(8),
    }
}
