//! The points of a series, put together from its chunks; all of them, or just what a curve needs.

use sqlx::SqliteConnection;

use super::Place;
use crate::chunk::{BUCKET, Bucket, Chunk, Column, buckets};
use crate::model::Point;
use crate::{Error, Result};

/// All points of a series, in the order of logging.
pub(super) async fn all(conn: &mut SqliteConnection, place: &Place, run: &str, series: i64) -> Result<Vec<Point>> {
    let mut points = loose(conn, place, series).await?;
    for chunk in chunks(conn, place, run, series).await? {
        chunk.unpack(&mut points);
    }
    Ok(points)
}

/// At least `width` stretches of a series, or all points if there are not many more; of each stretch the least
/// and the greatest value, in the order of their steps.
pub(super) async fn curve(
    conn: &mut SqliteConnection,
    place: &Place,
    run: &str,
    series: i64,
    width: usize,
) -> Result<Vec<Point>> {
    let stored = stored(conn, place, series).await?;
    // Below this, a stretch of a sketch is too coarse.
    if stored < i64::try_from(width.saturating_mul(2 * BUCKET)).unwrap_or(i64::MAX) {
        return Ok(thinned(all(conn, place, run, series).await?, width));
    }
    match sketched(conn, place, run, series).await? {
        Some(stretches) => Ok(joined(&stretches, width)),
        None => Ok(thinned(all(conn, place, run, series).await?, width)),
    }
}

/// How many points of a series are in chunks.
async fn stored(conn: &mut SqliteConnection, place: &Place, series: i64) -> Result<i64> {
    sqlx::query_scalar!(
        "SELECT (SELECT points FROM series WHERE id = ?1) - (SELECT count(*) FROM point_row WHERE series_id = ?1)
         AS \"points!: i64\"",
        series,
    )
    .fetch_one(conn)
    .await
    .map_err(place.doing("read the points"))
}

/// The rows that version 1 of the schema had.
pub(super) async fn loose(conn: &mut SqliteConnection, place: &Place, series: i64) -> Result<Vec<Point>> {
    let rows = sqlx::query!("SELECT step, time_ms, value FROM point_row WHERE series_id = ? ORDER BY seq", series)
        .fetch_all(conn)
        .await
        .map_err(place.doing("read the points"))?;
    let point = |step, time_ms, value: Option<f64>| Point { step, time_ms, value: value.unwrap_or(f64::NAN) };
    Ok(rows.into_iter().map(|row| point(row.step, row.time_ms, row.value)).collect())
}

async fn chunks(conn: &mut SqliteConnection, place: &Place, run: &str, series: i64) -> Result<Vec<Chunk>> {
    let rows = sqlx::query!("SELECT * FROM chunk WHERE series_id = ? ORDER BY first_seq", series)
        .fetch_all(conn)
        .await
        .map_err(place.doing("read the points"))?;
    let chunk = rows.into_iter().map(|row| Chunk {
        points: size(row.points),
        value_width: size(row.value_width),
        step: Column { base: row.step_base, stride: row.step_stride, width: size(row.step_width) },
        time: Column { base: row.time_base, stride: row.time_stride, width: size(row.time_width) },
        sketch: row.sketch,
        data: row.data,
    });
    let chunks: Vec<Chunk> = chunk.collect();
    if chunks.iter().all(Chunk::is_whole) { Ok(chunks) } else { Err(damaged(place, run)) }
}

/// A size that is negative becomes one that fits nothing.
pub(super) fn size(stored: i64) -> usize {
    usize::try_from(stored).unwrap_or(usize::MAX)
}

pub(super) fn damaged(place: &Place, run: &str) -> Error {
    Error::DamagedPoints { run: run.to_owned(), path: place.0.clone() }
}

/// The least and the greatest value of a stretch, in the order of their steps.
type Stretch = [Point; 2];

/// The stretches of a series whose steps go up evenly, from the sketches alone. `None` where they do not.
async fn sketched(conn: &mut SqliteConnection, place: &Place, run: &str, series: i64) -> Result<Option<Vec<Stretch>>> {
    let rows = sqlx::query!(
        "SELECT points, step_base, step_stride, step_width, time_base, time_stride, sketch FROM chunk
         WHERE series_id = ? ORDER BY first_seq",
        series,
    )
    .fetch_all(conn)
    .await
    .map_err(place.doing("read the points"))?;
    let mut stretches = Vec::new();
    let mut reached = i64::MIN;
    for row in rows {
        let step = |n: usize| row.step_base.wrapping_add(row.step_stride.wrapping_mul(n as i64));
        if row.step_width != 0 || row.step_stride < 0 || step(0) < reached {
            return Ok(None);
        }
        let points = size(row.points);
        reached = step(points.saturating_sub(1));
        let before = stretches.len();
        stretches.extend(buckets(&row.sketch).map(|Bucket { min, max, min_at, max_at }| {
            let point = |n: usize, value| {
                let time_ms = row.time_base.wrapping_add(row.time_stride.wrapping_mul(n as i64));
                Point { step: step(n), time_ms, value }
            };
            if min_at <= max_at {
                [point(min_at, min), point(max_at, max)]
            } else {
                [point(max_at, max), point(min_at, min)]
            }
        }));
        if stretches.len() - before != points.div_ceil(BUCKET) {
            return Err(damaged(place, run));
        }
    }
    Ok(Some(stretches))
}

/// Neighbouring stretches made one, so that not many more than `width` are left.
fn joined(stretches: &[Stretch], width: usize) -> Vec<Point> {
    let each = (stretches.len() / width.max(1)).max(1);
    stretches.chunks(each).flat_map(|stretches| extremes(stretches.as_flattened())).collect()
}

/// The points by step; of each stretch its extremes.
fn thinned(mut points: Vec<Point>, width: usize) -> Vec<Point> {
    if !points.is_sorted_by_key(|point| point.step) {
        points.sort_by_key(|point| point.step);
    }
    if points.len() <= width.saturating_mul(2) {
        return points;
    }
    let each = (points.len() / width.max(1)).max(1);
    points.chunks(each).flat_map(extremes).collect()
}

/// The least and the greatest of some values, in the order of their steps; one when they are the same point.
fn extremes(points: &[Point]) -> impl Iterator<Item = Point> + use<> {
    let mut ends: Option<(usize, usize)> = None;
    for (n, point) in points.iter().enumerate().filter(|(_, point)| !point.value.is_nan()) {
        let (min, max) = ends.get_or_insert((n, n));
        if point.value < points[*min].value {
            *min = n;
        }
        if point.value > points[*max].value {
            *max = n;
        }
    }
    let (first, second) = ends.map_or((None, None), |(min, max)| (Some(min.min(max)), Some(min.max(max))));
    let second = second.filter(|second| first != Some(*second));
    let chosen = [first, second].map(|n| n.and_then(|n| points.get(n).copied()));
    // A stretch without a number leaves a gap.
    let gap = points.first().filter(|_| first.is_none()).copied();
    chosen.into_iter().flatten().chain(gap)
}
