//! How far one distribution is from another: the Kullback-Leibler divergence.

use super::loss::total;
use super::{Buffer, Room, check, each, rows, threads};
use crate::code::Outcome;

/// The sum of t (log t - log p) of each row from its target t, `[rows, width]`; the mean over the rows. `logs` is log p.
///
/// # Errors
/// When sizes don't go together, or the device fails; so for all functions here.
pub fn divergence(logs: Buffer, wanted: Buffer, width: usize, gradient: Buffer, loss: Buffer) -> Outcome<()> {
    let scale = share("divergence", logs, wanted, width, gradient, loss)?;
    let (count, losses) = (logs.len(), Room::new(logs.len().div_ceil(4 * 256))?);
    let parameters =
        [losses.buffer().into(), gradient.into(), logs.into(), wanted.into(), (scale as f32).into(), count.into()];
    // SAFETY: all three have `count` numbers, and there is a loss for each block of 256 threads of four numbers.
    unsafe { each("assay_divergence", count.div_ceil(4), &parameters) }?;
    total(losses.buffer(), scale, loss)
}

/// The same with p the softmax of each row of scores.
///
/// # Errors
/// As [`divergence`].
pub fn divergence_of_scores(
    scores: Buffer,
    wanted: Buffer,
    width: usize,
    gradient: Buffer,
    loss: Buffer,
) -> Outcome<()> {
    let scale = share("divergence_of_scores", scores, wanted, width, gradient, loss)?;
    let count = scores.len() / width;
    let losses = Room::new(count)?;
    let parameters =
        [losses.buffer().into(), gradient.into(), scores.into(), wanted.into(), width.into(), (scale as f32).into()];
    // SAFETY: all three have `count` rows of `width` numbers, and there is a loss for each.
    unsafe { rows("assay_divergence_of_scores", count, threads(width), &parameters) }?;
    total(losses.buffer(), scale, loss)
}

/// What each row counts in the mean.
fn share(
    function: &'static str,
    x: Buffer,
    wanted: Buffer,
    width: usize,
    gradient: Buffer,
    loss: Buffer,
) -> Outcome<f64> {
    let sizes = wanted.len() == x.len() && gradient.len() == x.len() && loss.len() == 1;
    check(function, sizes && !x.is_empty() && width > 0 && x.len().is_multiple_of(width))?;
    Ok(width as f64 / x.len() as f64)
}
