//! The kernels of the crates gemm 0.15 and 0.19, for each type of number.

use super::{Parallelism, Product};

/// A number that matrices are made of.
pub(crate) trait Number: Copy + PartialEq + std::ops::Mul<Output = Self> + std::ops::Add<Output = Self> {
    const ZERO: Self;
    const ONE: Self;

    /// self · factor + more, with one rounding.
    fn fused(self, factor: Self, more: Self) -> Self;

    /// By gemm 0.15.
    ///
    /// # Safety
    /// As [`super::gemm`].
    unsafe fn narrow(product: &Product<Self>);

    /// By gemm 0.19.
    ///
    /// # Safety
    /// As [`super::gemm`].
    unsafe fn wide(product: &Product<Self>);
}

macro_rules! number {
    ($type:ident, $narrow:ident, $wide:ident) => {
        impl Number for $type {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;

            #[inline(always)]
            fn fused(self, factor: Self, more: Self) -> Self {
                self.mul_add(factor, more)
            }

            unsafe fn narrow(product: &Product<Self>) {
                // SAFETY: the caller's promise.
                unsafe { call(product, product.parallelism, *$narrow::gemm::$type::GEMM) }
            }

            unsafe fn wide(product: &Product<Self>) {
                let parallelism = match product.parallelism {
                    Parallelism::None => wide_common::Parallelism::None,
                    Parallelism::Rayon(threads) => wide_common::Parallelism::Rayon(threads),
                };
                // SAFETY: the caller's promise.
                unsafe { call(product, parallelism, $wide::gemm::$type::get_gemm_fn()) }
            }
        }
    };
}

number!(f32, gemm_f32, wide_f32);
number!(f64, gemm_f64, wide_f64);

type Kernel<T, P> = unsafe fn(
    usize,
    usize,
    usize,
    *mut T,
    isize,
    isize,
    bool,
    *const T,
    isize,
    isize,
    *const T,
    isize,
    isize,
    T,
    T,
    bool,
    bool,
    bool,
    P,
);

/// # Safety
/// As [`super::gemm`].
unsafe fn call<T: Number, P>(product: &Product<T>, parallelism: P, kernel: Kernel<T, P>) {
    let Product {
        m, n, k, dst, dst_cs, dst_rs, read_dst, lhs, lhs_cs, lhs_rs, rhs, rhs_cs, rhs_rs, alpha, beta, ..
    } = *product;
    // Told not to read, a kernel must not multiply what is there by something either: it may be NaN.
    let alpha = if read_dst { alpha } else { T::ZERO };
    // SAFETY: the caller's promise.
    unsafe {
        kernel(
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
            false,
            false,
            false,
            parallelism,
        );
    }
}
