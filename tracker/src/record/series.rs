//! What the storing thread knows of one series: its summary, and the points that are not packed for good.

use std::ops::Range;

use crate::chunk::FULL;
use crate::model::{At, Point};

/// A series as it will be after the next batch.
pub(crate) struct Series {
    pub(crate) name: String,
    /// JSON with its keys sorted, as the schema wants it.
    pub(crate) context: String,
    /// Its row, once it has one.
    pub(crate) id: Option<i64>,
    pub(crate) summary: Summary,
    /// How many points are in full chunks and never touched again.
    sealed: usize,
    /// The points after those: first the stored ones, then the fresh ones.
    points: Vec<Point>,
    stored: usize,
    /// Where each stored chunk of them begins.
    open: Vec<usize>,
}

/// What a table of runs shows of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Summary {
    pub(crate) points: i64,
    pub(crate) last: At,
    pub(crate) last_ms: i64,
    pub(crate) min: Option<At>,
    pub(crate) max: Option<At>,
}

/// How the points that are not packed for good are stored next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Stored chunks from this point on are replaced.
    pub(crate) replace: Option<usize>,
    /// The chunks to store, by points.
    pub(crate) chunks: Vec<Range<usize>>,
}

impl Series {
    /// A series that begins with this point; it still has to be added.
    pub(super) fn new(name: String, context: String, first: Point) -> Self {
        let last = At { value: first.value, step: first.step };
        let summary = Summary { points: 0, last, last_ms: first.time_ms, min: None, max: None };
        Self { name, context, id: None, summary, sealed: 0, points: Vec::new(), stored: 0, open: Vec::new() }
    }

    /// A series that an earlier process recorded; what it has stored stays as it is.
    pub(crate) fn resumed(name: String, context: String, id: i64, summary: Summary) -> Self {
        let sealed = usize::try_from(summary.points).unwrap_or(0);
        Self { name, context, id: Some(id), summary, sealed, points: Vec::new(), stored: 0, open: Vec::new() }
    }

    pub(super) fn add(&mut self, point: Point) {
        self.points.push(point);
        let summary = &mut self.summary;
        let at = At { value: point.value, step: point.step };
        summary.points += 1;
        summary.last_ms = summary.last_ms.max(point.time_ms);
        if at.step >= summary.last.step {
            summary.last = at;
        }
        if at.value.is_nan() {
            return;
        }
        if summary.min.is_none_or(|min| at.value < min.value) {
            summary.min = Some(at);
        }
        if summary.max.is_none_or(|max| at.value > max.value) {
            summary.max = Some(at);
        }
    }

    /// How many points wait to be stored.
    pub(crate) fn fresh(&self) -> usize {
        self.points.len() - self.stored
    }

    /// The order of logging of a point of the plan.
    pub(crate) fn seq(&self, at: usize) -> i64 {
        i64::try_from(self.sealed + at).unwrap_or(i64::MAX)
    }

    /// The points of a chunk of the plan.
    pub(crate) fn points(&self, chunk: &Range<usize>) -> &[Point] {
        &self.points[chunk.clone()]
    }

    /// New points make a chunk of their own, which takes in the ones before it that are no larger: so there are
    /// few chunks, and a point is written again only a few times until its chunk is full. At the end of a run
    /// all become one.
    pub(crate) fn plan(&self, ends: bool) -> Plan {
        let mut begin = self.stored;
        let mut replace = None;
        if self.fresh() == 0 && (!ends || self.open.len() < 2) {
            return Plan { replace: None, chunks: Vec::new() };
        }
        let whole = self.points.len() >= FULL || ends;
        for open in self.open.iter().rev() {
            if !whole && begin - open > self.points.len() - begin {
                break;
            }
            begin = *open;
            replace = Some(begin);
        }
        let starts = (begin..self.points.len()).step_by(FULL);
        Plan { replace, chunks: starts.map(|from| from..self.points.len().min(from + FULL)).collect() }
    }

    /// A plan has been stored.
    pub(crate) fn stored(&mut self, plan: &Plan) {
        if let Some(replaced) = plan.replace {
            self.open.retain(|begin| *begin < replaced);
        }
        self.open.extend(plan.chunks.iter().map(|chunk| chunk.start));
        self.stored = self.points.len();
        let full = self.open.iter().zip(self.open.iter().skip(1)).take_while(|(begin, end)| *end - *begin == FULL);
        let mut sealed = full.count() * FULL;
        if self.points.len() - sealed == FULL && self.open.last() == Some(&sealed) {
            sealed += FULL;
        }
        if sealed > 0 {
            self.points.drain(..sealed);
            self.open.retain(|begin| *begin >= sealed);
            self.open.iter_mut().for_each(|begin| *begin -= sealed);
            self.sealed += sealed;
            self.stored -= sealed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(step: i64, value: f64) -> Point {
        Point { step, time_ms: step, value }
    }

    fn series(points: &[(i64, f64)]) -> Series {
        let mut series = Series::new("loss".to_owned(), "{}".to_owned(), point(points[0].0, points[0].1));
        points.iter().for_each(|(step, value)| series.add(point(*step, *value)));
        series
    }

    #[test]
    fn a_summary_follows_the_greatest_step_and_passes_over_nan() {
        let summary = series(&[(2, 0.5), (0, 0.9), (1, f64::NAN), (2, 0.4)]).summary;
        assert_eq!((summary.points, summary.last), (4, At { value: 0.4, step: 2 }));
        assert_eq!((summary.min, summary.max), (Some(At { value: 0.4, step: 2 }), Some(At { value: 0.9, step: 0 })));
    }

    /// What is in the database after batches of these sizes: first point and length of each chunk.
    fn chunks(batches: &[usize], ends: bool) -> Vec<(i64, usize)> {
        let mut series = series(&[(0, 0.0)]);
        series.points.clear();
        let mut table: Vec<(i64, usize)> = Vec::new();
        for (n, batch) in batches.iter().enumerate() {
            (0..*batch).for_each(|step| series.add(point(step as i64, 0.0)));
            let plan = series.plan(ends && n + 1 == batches.len());
            if let Some(replace) = plan.replace {
                let from = series.seq(replace);
                table.retain(|(seq, _)| *seq < from);
            }
            table.extend(plan.chunks.iter().map(|chunk| (series.seq(chunk.start), chunk.len())));
            series.stored(&plan);
            assert_eq!(series.fresh(), 0);
        }
        table
    }

    #[test]
    fn chunks_follow_one_another_whatever_the_batches() {
        let cases: [(&[usize], &[usize]); 7] = [
            (&[1], &[1]),
            (&[1, 1], &[2]),
            (&[1, 1, 1], &[2, 1]),
            (&[1, 1, 1, 1], &[4]),
            (&[2047, 1], &[2048]),
            (&[2048, 1], &[2048, 1]),
            (&[100, 5000, 3], &[2048, 2048, 1004, 3]),
        ];
        for (batches, lengths) in cases {
            let table = chunks(batches, false);
            assert_eq!(table.iter().map(|(_, length)| *length).collect::<Vec<_>>(), lengths, "{batches:?}");
            let mut next = 0;
            for (seq, length) in table {
                assert_eq!(seq, next, "{batches:?}");
                next += length as i64;
            }
        }
    }

    #[test]
    fn single_points_are_written_again_only_a_few_times() {
        assert_eq!(chunks(&[1; 10_000], false).len(), 4 + (10_000 - 4 * 2048_usize).count_ones() as usize);
        assert_eq!(chunks(&[1; 2048 + 7], true), [(0, 2048), (2048, 7)]);
        assert_eq!(chunks(&[1, 1, 1, 0], true), [(0, 3)]);
    }
}
