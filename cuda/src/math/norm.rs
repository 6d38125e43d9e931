//! Layer normalization (Ba, Kiros and Hinton, *Layer Normalization*, 2016).

use super::{Buffer, Room, Strips, check, claim, each, rows, table, threads};
use crate::code::Outcome;

/// Makes mean 0 and variance 1 of each row of `x`, `[rows, size]`, then scales and shifts it: `weight` and `bias` are
/// `[size]`. `statistics`, `[2, rows]`, is filled with what [`normalize_backward`] needs.
///
/// # Errors
/// When sizes don't go together, or the device fails; so for all functions here.
pub fn normalize([x, weight, bias]: [Buffer; 3], epsilon: f32, out: Buffer, statistics: Buffer) -> Outcome<()> {
    let (count, size) = sizes(x, weight, bias, statistics)?;
    check("normalize", out.len() == x.len())?;
    let parameters = [out.into(), statistics.into(), x.into(), weight.into(), bias.into(), size.into(), epsilon.into()];
    // SAFETY: `x` and `out` have a row of `size` numbers for each block, weight and bias one each.
    unsafe { rows("assay_norm", count, threads(size), &parameters) }
}

/// Adds the derivatives of [`normalize`] by its inputs, given that by its output.
///
/// # Errors
/// As [`normalize`].
pub fn normalize_backward(
    gradient: Buffer,
    [x, weight]: [Buffer; 2],
    statistics: Buffer,
    [of_x, of_weight, of_bias]: [Buffer; 3],
) -> Outcome<()> {
    let (count, size) = sizes(of_x, of_weight, of_bias, statistics)?;
    let good = [x, gradient].iter().all(|it| it.len() == of_x.len()) && weight.len() == size;
    check("normalize_backward", good)?;
    let add = u32::from(!claim(of_x)?);
    let parameters =
        [of_x.into(), gradient.into(), x.into(), weight.into(), statistics.into(), size.into(), add.into()];
    // SAFETY: as in `normalize`, and all of `x`, `gradient` and `of_x` have as many rows.
    unsafe { rows("assay_norm_backward", count, threads(size), &parameters) }?;

    let strips = Strips::of(count, size);
    let parts = Room::new(strips.count * 2 * size)?;
    let parts = parts.buffer();
    let parameters =
        [parts.into(), gradient.into(), x.into(), statistics.into(), size.into(), count.into(), strips.rows.into()];
    // SAFETY: as above, and there is a part of two rows for each strip.
    unsafe { table("assay_norm_columns", [size.div_ceil(32), strips.count], 256, &parameters) }?;
    let parameters = [of_weight.into(), of_bias.into(), parts.into(), size.into(), strips.count.into()];
    // SAFETY: both gradients have `size` numbers.
    unsafe { each("assay_norm_weights", size, &parameters) }
}

/// How many rows there are, and of which size.
fn sizes(x: Buffer, weight: Buffer, bias: Buffer, statistics: Buffer) -> Outcome<(usize, usize)> {
    let size = weight.len();
    let good =
        size > 0 && bias.len() == size && x.len().is_multiple_of(size) && statistics.len() == 2 * (x.len() / size);
    check("normalize", good)?;
    Ok((x.len() / size, size))
}
