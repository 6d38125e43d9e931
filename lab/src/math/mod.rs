//! Functions of numbers that give the same bits on every machine. Those of std are the C library's, whose results
//! change with its version and with the processor; these are Rust's throughout.
//!
//! - [`exp`], [`tanh`], [`sigmoid`]: of `f32`, for layers and losses. Loops over them become vector instructions, and
//!   no product and sum in them is rounded once (FMA), so any width of vectors gives the same bits.
//! - [`single`], [`double`]: of `f32` and `f64` elsewhere, those of the crates `pxfm` and `libm`.
//! - [`replace`]: in a process that runs cells, what everything else calls, dfdx's kernels and a person's own code
//!   included, goes to Rust's functions as well.

pub(crate) mod double;
mod replace;
pub(crate) mod single;
mod table;

pub use replace::replace;

/// e to a power that is not above 0, within 2 units in the last place: e^x = 2^n · e^r with n the whole
/// number nearest to x / ln 2, and e^r by its Taylor series to r^7. Below -87 it is 0. NaN stays NaN.
#[inline]
pub(crate) fn exp(x: f32) -> f32 {
    /// Adding this leaves the nearest whole number in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    /// ln 2 in two parts: the first has so few bits that its product with n is exact.
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    let shifted = if x > -87.0 { x } else { -87.0 } * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let r = (x - whole * LN_2[0]) - whole * LN_2[1];
    let mut series = 1.0 / 5040.0;
    for factor in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        series = series * r + factor;
    }
    let power = f32::from_bits(shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23);
    if x < -87.0 { 0.0 } else { series * power }
}

/// The hyperbolic tangent, within 2 units in the last place. NaN stays NaN.
#[inline]
pub(crate) fn tanh(x: f32) -> f32 {
    /// Moshier, *Cephes*, tanhf.c: (tanh x - x) / x³ below 0.625, in x².
    const NEAR: [f32; 5] = [-5.704_988_7e-3, 2.063_909e-2, -5.373_971_6e-2, 1.333_144_2e-1, -3.333_328e-1];
    let size = x.abs();
    let power = exp(-2.0 * size);
    let far = 1.0 - 2.0 * power / (1.0 + power);
    let square = x * x;
    let mut series = 0.0;
    for factor in NEAR {
        series = series * square + factor;
    }
    let near = series * square * size + size;
    // The sign of 0 is lost on the way.
    let tanh = if size < 0.625 { near } else { far };
    tanh.copysign(x)
}

/// 1 / (1 + e^-x), within 3 units in the last place. NaN stays NaN.
#[inline]
pub(crate) fn sigmoid(x: f32) -> f32 {
    let power = exp(-x.abs());
    let part = if x < 0.0 { power } else { 1.0 };
    part / (1.0 + power)
}

#[cfg(test)]
mod tests;
