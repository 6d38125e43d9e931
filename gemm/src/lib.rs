//! Products of matrices whose bits depend on numbers and sizes alone: not on the width of the machine's vectors, its
//! caches or the number of threads. For dfdx, which asks for gemm 0.15, and for lab.
//!
//! **What each number of a product is.** The sum over k is made in blocks of equal length, at most [`BLOCK`]. Each
//! block starts at 0 and adds a product at a time, with one rounding (FMA), in order; then its sum is added to what is
//! there. Every path here does that, and a test compares all of them with it, bit by bit.
//!
//! The kernels are those of the crates gemm 0.15 (AVX2) and 0.19 (AVX-512). By themselves they choose the blocks by the
//! sizes of the caches, and products with one row, one column or a short sum go other ways, in each version differently.
//! Here they are given one block at a time, which none divides further, and thin products are [`thin`]'s.

mod isa;
mod kernel;
mod thin;

use std::any::TypeId;

pub use gemm_common::Parallelism;
pub use isa::{Isa, isa};

use kernel::Number;

/// The length of a block along k: what gemm's kernels take in one go with any cache.
const BLOCK: usize = 512;

/// A product to be computed: dst = alpha · dst + beta · lhs · rhs, without the first part unless `read_dst`.
/// `_cs` is how far the next column is, `_rs` how far the next row.
#[derive(Debug, Clone, Copy)]
struct Product<T> {
    m: usize,
    n: usize,
    k: usize,
    dst: *mut T,
    dst_cs: isize,
    dst_rs: isize,
    read_dst: bool,
    lhs: *const T,
    lhs_cs: isize,
    lhs_rs: isize,
    rhs: *const T,
    rhs_cs: isize,
    rhs_rs: isize,
    alpha: T,
    beta: T,
    parallelism: Parallelism,
}

/// dst = alpha · dst + beta · lhs · rhs, as gemm 0.15; without the first part unless `read_dst`. `m` and `n` are the
/// rows and columns of dst, `k` what is summed over; `_cs` is how far the next column is, `_rs` how far the next row.
///
/// # Safety
/// All numbers that sizes and distances name must be there, those of dst each in a place of its own and apart from the
/// others. Distances are not negative.
///
/// # Panics
/// When `T` is neither `f32` nor `f64`.
#[allow(clippy::too_many_arguments)] // gemm's signature
pub unsafe fn gemm<T: Copy + 'static>(
    m: usize,
    n: usize,
    k: usize,
    dst: *mut T,
    dst_cs: isize,
    dst_rs: isize,
    read_dst: bool,
    lhs: *const T,
    lhs_cs: isize,
    lhs_rs: isize,
    rhs: *const T,
    rhs_cs: isize,
    rhs_rs: isize,
    alpha: T,
    beta: T,
    _conj_dst: bool,
    _conj_lhs: bool,
    _conj_rhs: bool,
    parallelism: Parallelism,
) {
    let product = Product {
        m,
        n,
        k,
        dst,
        dst_cs,
        dst_rs,
        read_dst,
        lhs,
        lhs_cs,
        lhs_rs,
        rhs,
        rhs_cs,
        rhs_rs,
        alpha,
        beta,
        parallelism,
    };
    // SAFETY: a product of `T` is one of the type that `T` is; the rest is the caller's promise.
    unsafe {
        if TypeId::of::<T>() == TypeId::of::<f32>() {
            (*(&raw const product).cast::<Product<f32>>()).run(isa());
        } else if TypeId::of::<T>() == TypeId::of::<f64>() {
            (*(&raw const product).cast::<Product<f64>>()).run(isa());
        } else {
            panic!("products are of f32 or f64, not of {}", std::any::type_name::<T>());
        }
    }
}

impl<T: Number> Product<T> {
    /// # Safety
    /// As [`gemm`]; the machine has `isa`.
    unsafe fn run(self, isa: Isa) {
        let product = self.by_columns();
        let Product { m, n, k, .. } = product;
        // SAFETY: the caller's promise, of this product and so of parts of its sum.
        unsafe {
            if m == 0 || n == 0 || k == 0 || isa == Isa::Baseline {
                T::narrow(&product);
            } else if let Some(thin) = product.thin() {
                thin.run(isa);
            } else {
                let wide = isa == Isa::Avx512 && m > 1 && n > 1 && !product.is_few_dots();
                product.blocks().for_each(|block| if wide { T::wide(&block) } else { T::narrow(&block) });
            }
        }
    }

    /// The same product, of the transposes if dst's rows lie closer than its columns: kernels write columns.
    fn by_columns(self) -> Self {
        if self.dst_cs.unsigned_abs() >= self.dst_rs.unsigned_abs() {
            return self;
        }
        Self {
            m: self.n,
            n: self.m,
            dst_cs: self.dst_rs,
            dst_rs: self.dst_cs,
            lhs: self.rhs,
            lhs_cs: self.rhs_rs,
            lhs_rs: self.rhs_cs,
            rhs: self.lhs,
            rhs_cs: self.lhs_rs,
            rhs_rs: self.lhs_cs,
            ..self
        }
    }

    /// Those that gemm 0.19 takes for scalar products of vectors, which it sums in lanes.
    fn is_few_dots(&self) -> bool {
        self.lhs_cs == 1 && self.rhs_rs == 1 && self.m * self.n <= 256
    }

    /// The sum's blocks, each added to what those before it left.
    fn blocks(self) -> impl Iterator<Item = Self> {
        let length = block_length(self.k);
        (0..self.k).step_by(length).map(move |start| {
            let first = start == 0;
            Self {
                k: length.min(self.k - start),
                read_dst: self.read_dst || !first,
                alpha: if first { self.alpha } else { T::ONE },
                lhs: self.lhs.wrapping_offset(start.cast_signed() * self.lhs_cs),
                rhs: self.rhs.wrapping_offset(start.cast_signed() * self.rhs_rs),
                ..self
            }
        })
    }
}

/// How long the blocks of a sum of `k` are, but for the last, which may be a little shorter.
fn block_length(k: usize) -> usize {
    k.div_ceil(k.div_ceil(BLOCK).max(1)).max(1)
}

#[cfg(test)]
mod tests;
