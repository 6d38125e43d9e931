//! Linear maps and sums.

use super::{Buffer, Room, Rows, Sizes, Strips, check, claim, each, fours, multiply, table};
use crate::code::Outcome;

/// `out = x weightᵀ + bias`: `x` is `[rows, from]`, `weight` `[to, from]`, `bias` `[to]`, `out` `[rows, to]`.
///
/// # Errors
/// When sizes don't go together, or the device fails; so for all functions here.
pub fn affine(x: Buffer, weight: Buffer, bias: Buffer, out: Buffer) -> Outcome<()> {
    let (rows, from, to) = affine_sizes(x, weight, bias, out)?;
    let count = out.len();
    // SAFETY: `out` has `count` numbers, `bias` has `to`.
    unsafe { each("assay_repeat_row", count, &[out.into(), bias.into(), to.into(), count.into()]) }?;
    let sizes = Sizes { rows, inner: from, columns: to, batch: 1 };
    multiply(Rows::of(x, from), Rows::of(weight, from).transposed(), Rows::of(out, to), sizes, 1.0)
}

/// Adds the derivatives of [`affine`] by its inputs, given that by its output.
///
/// # Errors
/// As [`affine`].
pub fn affine_backward(
    gradient: Buffer,
    [x, weight]: [Buffer; 2],
    [of_x, of_weight, of_bias]: [Buffer; 3],
) -> Outcome<()> {
    let (rows, from, to) = affine_sizes(of_x, of_weight, of_bias, gradient)?;
    check("affine_backward", x.len() == of_x.len() && weight.len() == of_weight.len())?;
    let keep = if claim(of_x)? { 0.0 } else { 1.0 };
    let (x, weight, rows_of) = (Rows::of(x, from), Rows::of(weight, from), Rows::of(gradient, to));
    let sizes = Sizes { rows, inner: to, columns: from, batch: 1 };
    multiply(rows_of, weight, Rows::of(of_x, from), sizes, keep)?;
    let sizes = Sizes { rows: to, inner: rows, columns: from, batch: 1 };
    multiply(rows_of.transposed(), x, Rows::of(of_weight, from), sizes, 1.0)?;
    sum_columns(of_bias, gradient)
}

fn affine_sizes(x: Buffer, weight: Buffer, bias: Buffer, out: Buffer) -> Outcome<(usize, usize, usize)> {
    let to = bias.len();
    check("affine", to > 0 && weight.len().is_multiple_of(to) && out.len().is_multiple_of(to))?;
    let (rows, from) = (out.len() / to, weight.len() / to);
    check("affine", x.len() == rows * from)?;
    Ok((rows, from, to))
}

/// Adds the sum of each column of `x`, `[rows, columns]`, to `sums`, `[columns]`.
///
/// # Errors
/// As [`affine`].
pub fn sum_columns(sums: Buffer, x: Buffer) -> Outcome<()> {
    let columns = sums.len();
    check("sum_columns", columns > 0 && x.len().is_multiple_of(columns))?;
    let strips = Strips::of(x.len() / columns, columns);
    if strips.count <= 1 {
        return sum_strips(sums, x, columns, strips, true);
    }
    let parts = Room::new(strips.count * columns)?;
    sum_strips(parts.buffer(), x, columns, strips, false)?;
    sum_strips(sums, parts.buffer(), columns, Strips { count: 1, rows: strips.count }, true)
}

/// The sum of each column over each strip of rows. All sizes are checked.
fn sum_strips(sums: Buffer, x: Buffer, columns: usize, strips: Strips, add: bool) -> Outcome<()> {
    let parameters =
        [sums.into(), x.into(), columns.into(), (x.len() / columns).into(), strips.rows.into(), u32::from(add).into()];
    // SAFETY: `x` has as many rows of `columns` numbers, `sums` a row for each strip, and threads of columns beyond the
    // last do nothing.
    unsafe { table("assay_sum_columns", [columns.div_ceil(32), strips.count], 256, &parameters) }
}

/// `to += from`.
///
/// # Errors
/// As [`affine`].
pub fn add(to: Buffer, from: Buffer) -> Outcome<()> {
    check("add", to.len() == from.len())?;
    if claim(to)? {
        return to.copy(from);
    }
    // SAFETY: both have as many numbers.
    unsafe { fours("assay_add", to.len(), &[to.into(), from.into(), to.len().into()]) }
}

/// `out = x + y`.
///
/// # Errors
/// As [`affine`].
pub fn sum(x: Buffer, y: Buffer, out: Buffer) -> Outcome<()> {
    check("sum", x.len() == out.len() && y.len() == out.len())?;
    // SAFETY: all three have as many numbers.
    unsafe { fours("assay_sum", out.len(), &[out.into(), x.into(), y.into(), out.len().into()]) }
}
