//! Products that are thin one way or another, where each version of gemm has another order of summing: one row or one
//! column by a matrix whose rows lie in the outputs' direction, and sums of one or two products.

use super::kernel::Number;
use super::{Isa, Product, block_length};

/// How many sums are made side by side: they stay in the nearest cache.
const SIDE_BY_SIDE: usize = 256;

/// Columns of a product, each the sum of the columns of a matrix times the numbers of a vector.
pub(crate) struct Thin<T>(Product<T>);

impl<T: Number> Product<T> {
    /// This product if it is thin, with the outputs along dst's rows. A row or column by a matrix that lies the other
    /// way stays with the kernels: they pack it.
    pub(crate) fn thin(&self) -> Option<Thin<T>> {
        let (along_n, along_m) = (
            self.m == 1 && self.rhs_cs.unsigned_abs() <= self.rhs_rs.unsigned_abs(),
            self.n == 1 && self.lhs_rs.unsigned_abs() <= self.lhs_cs.unsigned_abs(),
        );
        if along_n && !along_m {
            let turned = Self { dst_cs: self.dst_rs, dst_rs: self.dst_cs, ..*self };
            return Some(Thin(Self {
                m: self.n,
                n: 1,
                lhs: self.rhs,
                lhs_cs: self.rhs_rs,
                lhs_rs: self.rhs_cs,
                rhs: self.lhs,
                rhs_cs: self.lhs_rs,
                rhs_rs: self.lhs_cs,
                ..turned
            }));
        }
        (along_m || self.k <= 2 || (self.m == 1 && self.n == 1)).then_some(Thin(*self))
    }
}

impl<T: Number> Thin<T> {
    /// # Safety
    /// As [`super::gemm`]; the machine has `isa`.
    pub(crate) unsafe fn run(&self, isa: Isa) {
        /// # Safety
        /// As that of `run`, on a machine with AVX2 and FMA.
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        unsafe fn with_fma<T: Number>(thin: &Thin<T>) {
            // SAFETY: the caller's promise.
            unsafe { thin.columns() }
        }
        // SAFETY: the caller's promise.
        unsafe {
            #[cfg(target_arch = "x86_64")]
            if isa >= Isa::Avx2 {
                return with_fma(self);
            }
            let _ = isa;
            self.columns();
        }
    }

    /// # Safety
    /// As [`super::gemm`].
    #[inline(always)]
    unsafe fn columns(&self) {
        let Product { m, n, k, .. } = self.0;
        let (mut sums, length) = ([T::ZERO; SIDE_BY_SIDE], block_length(k));
        for column in 0..n {
            for row in (0..m).step_by(SIDE_BY_SIDE) {
                let sums = &mut sums[..SIDE_BY_SIDE.min(m - row)];
                for start in (0..k).step_by(length) {
                    sums.fill(T::ZERO);
                    // SAFETY: the caller's promise, for these rows, this column and this part of the sum.
                    unsafe {
                        self.sum([row, column], start..(start + length).min(k), sums);
                        self.store([row, column], start == 0, sums);
                    }
                }
            }
        }
    }

    /// Adds the products from `part` of the sum, for the rows from this place on.
    ///
    /// # Safety
    /// As [`super::gemm`].
    #[inline(always)]
    unsafe fn sum(&self, [row, column]: [usize; 2], part: std::ops::Range<usize>, sums: &mut [T]) {
        let Product { lhs, lhs_cs, lhs_rs, rhs, rhs_cs, rhs_rs, .. } = self.0;
        // SAFETY: inside the operands, by the caller's promise.
        let factor = |k: usize| unsafe { *rhs.offset(k.cast_signed() * rhs_rs + column.cast_signed() * rhs_cs) };
        let first = |k: usize| lhs.wrapping_offset(k.cast_signed() * lhs_cs + row.cast_signed() * lhs_rs);
        if lhs_rs != 1 {
            for k in part {
                let (factor, first) = (factor(k), first(k));
                for (at, sum) in sums.iter_mut().enumerate() {
                    // SAFETY: as above.
                    *sum = unsafe { *first.offset(at.cast_signed() * lhs_rs) }.fused(factor, *sum);
                }
            }
            return;
        }
        let count = sums.len();
        // SAFETY: rows whose numbers lie side by side, as many as there are sums.
        let numbers = |k: usize| unsafe { std::slice::from_raw_parts(first(k), count) };
        let (mut k, end) = (part.start, part.end);
        // Four at a time, in order: a sum is read and written once for them.
        while k + 4 <= end {
            let (factors, [a, b, c, d]) = ([0, 1, 2, 3].map(|i| factor(k + i)), [0, 1, 2, 3].map(|i| numbers(k + i)));
            for (at, sum) in sums.iter_mut().enumerate() {
                let two = b[at].fused(factors[1], a[at].fused(factors[0], *sum));
                *sum = d[at].fused(factors[3], c[at].fused(factors[2], two));
            }
            k += 4;
        }
        for k in k..end {
            let (factor, numbers) = (factor(k), numbers(k));
            sums.iter_mut().zip(numbers).for_each(|(sum, number)| *sum = number.fused(factor, *sum));
        }
    }

    /// Adds a block's sums to what is there, or writes them.
    ///
    /// # Safety
    /// As [`super::gemm`].
    #[inline(always)]
    unsafe fn store(&self, [row, column]: [usize; 2], first: bool, sums: &[T]) {
        let Product { dst, dst_cs, dst_rs, read_dst, alpha, beta, .. } = self.0;
        let alpha = if first { alpha } else { T::ONE };
        let add = (read_dst || !first) && alpha != T::ZERO;
        for (at, &sum) in sums.iter().enumerate() {
            // SAFETY: inside dst, by the caller's promise.
            let place = unsafe { &mut *dst.offset((row + at).cast_signed() * dst_rs + column.cast_signed() * dst_cs) };
            *place = if add { alpha * *place + beta * sum } else { beta * sum };
        }
    }
}
