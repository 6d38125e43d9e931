//! The extremes of each stretch of a chunk, so that a curve is drawn without its points.

use crate::model::Point;

/// How many points one bucket stands for.
pub(crate) const BUCKET: usize = 256;

/// Bytes of one bucket: two values and where they are.
const SIZE: usize = 18;

/// The least and the greatest value of a stretch; NaN when it has nothing else.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bucket {
    pub(crate) min: f64,
    pub(crate) max: f64,
    /// Which point of the chunk has it.
    pub(crate) min_at: usize,
    pub(crate) max_at: usize,
}

pub(super) fn pack(points: &[Point]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(points.len().div_ceil(BUCKET) * SIZE);
    for points in points.chunks(BUCKET) {
        let (min, max) = extremes(points);
        bytes.extend(points[usize::from(min)].value.to_be_bytes());
        bytes.extend(points[usize::from(max)].value.to_be_bytes());
        bytes.extend([min, max]);
    }
    bytes
}

fn extremes(points: &[Point]) -> (u8, u8) {
    let value = |n: u8| points[usize::from(n)].value;
    let (mut min, mut max) = (0, 0);
    for (n, point) in (0..=u8::MAX).zip(points) {
        if value(min).is_nan() || point.value < value(min) {
            min = n;
        }
        if value(max).is_nan() || point.value > value(max) {
            max = n;
        }
    }
    (min, max)
}

/// The buckets of a sketch; what is left over at its end is not read.
pub(crate) fn buckets(sketch: &[u8]) -> impl Iterator<Item = Bucket> {
    sketch.as_chunks::<SIZE>().0.iter().enumerate().map(|(bucket, bytes)| {
        let float = |from: usize| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&bytes[from..from + 8]);
            f64::from_be_bytes(eight)
        };
        let at = |n: usize| bucket * BUCKET + usize::from(bytes[n]);
        Bucket { min: float(0), max: float(8), min_at: at(16), max_at: at(17) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bucket_has_its_extremes_and_passes_over_nan() {
        let mut values: Vec<f64> = (0..600).map(f64::from).collect();
        values[0] = f64::NAN;
        values[300] = -1.0;
        values[512..].fill(f64::NAN);
        let points: Vec<_> = values.iter().map(|value| Point { step: 0, time_ms: 0, value: *value }).collect();
        let found: Vec<_> = buckets(&pack(&points)).collect();
        assert_eq!(found[0], Bucket { min: 1.0, max: 255.0, min_at: 1, max_at: 255 });
        assert_eq!(found[1], Bucket { min: -1.0, max: 511.0, min_at: 300, max_at: 511 });
        assert!(found[2].min.is_nan() && found[2].max.is_nan());
        assert_eq!(found.len(), 3);
    }
}
