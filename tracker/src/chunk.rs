//! A stretch of a series as it is stored: columns of fixed width that plain SQL can read too.
//!
//! The layout is documented in `migrations/0002_chunks.sql`.

mod column;
mod sketch;

pub(crate) use column::Column;
pub(crate) use sketch::{BUCKET, Bucket, buckets};

use crate::model::Point;

/// The most points of one chunk: enough that a row's overhead does not count.
pub(crate) const FULL: usize = 2048;

/// Some points of a series, packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunk<B = Vec<u8>> {
    pub(crate) points: usize,
    /// Bytes of a value: 4 when every value is a float32, else 8.
    pub(crate) value_width: usize,
    pub(crate) step: Column,
    pub(crate) time: Column,
    /// One [`Bucket`] for each [`BUCKET`] points.
    pub(crate) sketch: B,
    /// Values, steps, times.
    pub(crate) data: B,
}

impl Chunk {
    /// Packs points; at most [`FULL`], at least one.
    pub(crate) fn pack(points: &[Point]) -> Self {
        let (steps, times) = (points.iter().map(|point| point.step), points.iter().map(|point| point.time_ms));
        let (step, time) = (Column::fit(steps.clone()), Column::fit(times.clone()));
        let single = points.iter().all(|point| is_single(point.value));
        let value_width = if single { 4 } else { 8 };
        let mut data = Vec::with_capacity(points.len() * (value_width + step.width + time.width));
        for point in points {
            if single {
                data.extend(narrowed(point.value).to_be_bytes());
            } else {
                data.extend(point.value.to_be_bytes());
            }
        }
        step.pack(steps, &mut data);
        time.pack(times, &mut data);
        Self { points: points.len(), value_width, step, time, sketch: sketch::pack(points), data }
    }

    /// Appends the points to `into`. The chunk must be whole.
    pub(crate) fn unpack(&self, into: &mut Vec<Point>) {
        let (mut steps, mut times, mut values) = (Vec::new(), Vec::new(), Vec::new());
        self.unpack_columns(&mut steps, &mut times, &mut values);
        let point = |((step, time_ms), value)| Point { step, time_ms, value };
        into.extend(steps.into_iter().zip(times).zip(values).map(point));
    }
}

impl<B: AsRef<[u8]>> Chunk<B> {
    /// Whether the parts fit together; what is read from a file may not.
    pub(crate) fn is_whole(&self) -> bool {
        let widths = self.step.width <= 8 && self.time.width <= 8 && matches!(self.value_width, 4 | 8);
        let row = self.value_width + self.step.width + self.time.width;
        widths && (1..=FULL).contains(&self.points) && self.data.as_ref().len() == self.points * row
    }

    /// Appends the points to columns. The chunk must be whole.
    pub(crate) fn unpack_columns(&self, steps: &mut Vec<i64>, times: &mut Vec<i64>, values: &mut Vec<f64>) {
        let (of_values, rest) = self.data.as_ref().split_at(self.points * self.value_width);
        let (of_steps, of_times) = rest.split_at(self.points * self.step.width);
        self.step.unpack(of_steps, self.points, steps);
        self.time.unpack(of_times, self.points, times);
        if self.value_width == 4 {
            values.extend(of_values.as_chunks().0.iter().map(|bytes| f64::from(f32::from_be_bytes(*bytes))));
        } else {
            values.extend(of_values.as_chunks().0.iter().map(|bytes| f64::from_be_bytes(*bytes)));
        }
    }
}

/// Whether a value is the same as a float32, to the bit. NaN has no other bits that matter.
fn is_single(value: f64) -> bool {
    value.is_nan() || f64::from(narrowed(value)).to_bits() == value.to_bits()
}

#[allow(clippy::cast_possible_truncation, reason = "whether anything is lost is what is asked")]
fn narrowed(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(points: &[Point]) -> Vec<(i64, i64, u64)> {
        let value = |value: f64| if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() };
        points.iter().map(|point| (point.step, point.time_ms, value(point.value))).collect()
    }

    fn back(points: &[Point]) -> Chunk {
        let chunk = Chunk::pack(points);
        assert!(chunk.is_whole());
        let mut unpacked = Vec::new();
        chunk.unpack(&mut unpacked);
        assert_eq!(bits(&unpacked), bits(points));
        chunk
    }

    #[test]
    fn what_is_packed_comes_back_to_the_bit() {
        let odd = [0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.1, f64::MIN_POSITIVE / 8.0, f64::MAX];
        let steps = [i64::MIN, i64::MAX, 0, -1, 7, 7, 1 << 40, -(1 << 40)];
        let point = |(value, step): (&f64, i64)| Point { step, time_ms: step.wrapping_mul(3), value: *value };
        let points: Vec<_> = odd.iter().zip(steps).map(point).collect();
        for count in 1..=points.len() {
            back(&points[..count]);
            back(&points[count - 1..]);
        }
    }

    #[test]
    fn regular_steps_take_no_room_and_float32_takes_four_bytes() {
        let point =
            |n: i64| Point { step: 10 * n - 5, time_ms: 1_700_000_000_000 + 3 * n + n % 7, value: n as f64 / 8.0 };
        let chunk = back(&(0..2048).map(point).collect::<Vec<_>>());
        assert_eq!((chunk.value_width, chunk.step.width, chunk.time.width), (4, 0, 1));
        let third = |n: i64| Point { value: n as f64 / 3.0, ..point(n) };
        assert_eq!(back(&(0..2048).map(third).collect::<Vec<_>>()).value_width, 8);
    }

    #[test]
    fn parts_that_do_not_fit_together_are_seen() {
        let whole = Chunk::pack(&[Point { step: 1, time_ms: 2, value: 3.0 }]);
        let cases = [
            Chunk { points: 2, ..whole.clone() },
            Chunk { points: 0, data: Vec::new(), ..whole.clone() },
            Chunk { value_width: 5, ..whole.clone() },
            Chunk { data: vec![0; 3], ..whole.clone() },
            Chunk { step: Column { width: 9, ..whole.step }, ..whole.clone() },
        ];
        assert!(whole.is_whole());
        assert!(cases.iter().all(|chunk| !chunk.is_whole()));
    }
}
