//! A column of integers: a straight line, and what each is above it.

/// Integer n is `base + stride * n` and a residual of `width` bytes, unsigned and big-endian. What no line
/// fits has base and stride 0 and 8 bytes, which are the signed number itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) base: i64,
    pub(crate) stride: i64,
    pub(crate) width: usize,
}

impl Column {
    const RAW: Self = Self { base: 0, stride: 0, width: 8 };

    /// The line through the first and the last number, moved below all of them.
    pub(super) fn fit(numbers: impl DoubleEndedIterator<Item = i64> + ExactSizeIterator + Clone) -> Self {
        let count = numbers.len();
        let (Some(first), Some(last)) = (numbers.clone().next(), numbers.clone().next_back()) else {
            return Self::RAW;
        };
        let gaps = count.saturating_sub(1).max(1) as i128;
        let stride = (i128::from(last) - i128::from(first)) / gaps;
        let above = |(n, number): (usize, i64)| i128::from(number) - i128::from(first) - stride * n as i128;
        let (low, high) = numbers.enumerate().map(above).fold((0, 0), |(low, high), r| (r.min(low), r.max(high)));
        let base = i128::from(first) + low;
        let end = base + stride * (count as i128 - 1);
        // SQLite turns what overflows into a float, so no part of the sum may.
        match (i64::try_from(base), i64::try_from(stride), i64::try_from(end), i64::try_from(high - low)) {
            (Ok(base), Ok(stride), Ok(_), Ok(span)) => Self { base, stride, width: bytes(span) },
            _ => Self::RAW,
        }
    }

    pub(super) fn pack(self, numbers: impl Iterator<Item = i64>, into: &mut Vec<u8>) {
        for (n, number) in numbers.enumerate() {
            let residual = number.wrapping_sub(self.line(n)).to_be_bytes();
            into.extend(&residual[8 - self.width..]);
        }
    }

    /// Appends the `count` numbers of a packed column.
    pub(super) fn unpack(self, bytes: &[u8], count: usize, into: &mut Vec<i64>) {
        match self.width {
            0 => into.extend((0..count).map(|n| self.line(n))),
            1 => self.above::<1>(bytes, into),
            2 => self.above::<2>(bytes, into),
            3 => self.above::<3>(bytes, into),
            4 => self.above::<4>(bytes, into),
            5 => self.above::<5>(bytes, into),
            6 => self.above::<6>(bytes, into),
            7 => self.above::<7>(bytes, into),
            _ => self.above::<8>(bytes, into),
        }
    }

    /// With the width known, the compiler makes wide loads of it.
    fn above<const WIDTH: usize>(self, bytes: &[u8], into: &mut Vec<i64>) {
        let residuals = bytes.as_chunks::<WIDTH>().0.iter();
        into.extend(residuals.enumerate().map(|(n, bytes)| {
            let mut residual = [0; 8];
            residual[8 - WIDTH..].copy_from_slice(bytes);
            self.line(n).wrapping_add(i64::from_be_bytes(residual))
        }));
    }

    #[allow(clippy::cast_possible_wrap, reason = "n is below the size of a chunk")]
    fn line(self, n: usize) -> i64 {
        self.base.wrapping_add(self.stride.wrapping_mul(n as i64))
    }
}

fn bytes(span: i64) -> usize {
    (64 - span.leading_zeros() as usize).div_ceil(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_and_the_width() {
        let cases: [(&[i64], Column); 7] = [
            (&[7], Column { base: 7, stride: 0, width: 0 }),
            (&[5, 5, 5], Column { base: 5, stride: 0, width: 0 }),
            (&[10, 8, 6], Column { base: 10, stride: -2, width: 0 }),
            (&[0, 255, 0], Column { base: 0, stride: 0, width: 1 }),
            (&[0, 256, 0], Column { base: 0, stride: 0, width: 2 }),
            (&[0, -3, 4], Column { base: -5, stride: 2, width: 1 }),
            (&[i64::MIN, i64::MAX], Column::RAW),
        ];
        for (numbers, column) in cases {
            assert_eq!(Column::fit(numbers.iter().copied()), column, "{numbers:?}");
        }
    }
}
