//! Focal losses: Lin et al., *Focal Loss for Dense Object Detection*, 2017.

use super::loss::total;
use super::{Buffer, Indices, Parameter, Room, check, each, rows, threads};
use crate::code::Outcome;

/// The mean of -(1 - p)^`gamma` log p, with p the softmax's share of each row's class: `scores` are `[rows, classes]`
/// (equation 4).
///
/// # Errors
/// When sizes don't go together or a class is none, or the device fails; so for all functions here.
pub fn focal(scores: Buffer, classes: &[u32], gamma: f64, gradient: Buffer, loss: Buffer) -> Outcome<()> {
    let width = scores.len().checked_div(classes.len()).unwrap_or(0);
    let sizes = scores.len() == width * classes.len() && gradient.len() == scores.len() && loss.len() == 1;
    check("focal", width > 0 && sizes && classes.iter().all(|class| (*class as usize) < width))?;
    let scale = 1.0 / classes.len() as f64;
    let (losses, classes) = (Room::new(classes.len())?, Indices::new(classes)?);
    let [to, into, from] = [losses.buffer(), gradient, scores].map(Parameter::from);
    let [gamma, share] = [gamma, scale].map(|number| Parameter::from(number as f32));
    let parameters = [to, into, from, (&classes).into(), width.into(), gamma, share];
    // SAFETY: scores and gradient have a row of `width` numbers for each class, which is below `width`, and there is a
    // loss for each.
    unsafe { rows("assay_focal", classes.len(), threads(width), &parameters) }?;
    total(losses.buffer(), scale, loss)
}

/// The same for scores that each answer a yes-or-no question, with targets from 0 to 1: a yes counts `alpha`, a no
/// 1 - `alpha` (equation 5).
///
/// # Errors
/// As [`focal`].
pub fn binary_focal(
    scores: Buffer,
    wanted: Buffer,
    [alpha, gamma]: [f64; 2],
    gradient: Buffer,
    loss: Buffer,
) -> Outcome<()> {
    let count = scores.len();
    let sizes = wanted.len() == count && gradient.len() == count && loss.len() == 1;
    check("binary_focal", count > 0 && sizes)?;
    let scale = 1.0 / count as f64;
    let losses = Room::new(count.div_ceil(4 * 256))?;
    let [to, into, from, wanted] = [losses.buffer(), gradient, scores, wanted].map(Parameter::from);
    let [alpha, gamma, share] = [alpha, gamma, scale].map(|number| Parameter::from(number as f32));
    let parameters = [to, into, from, wanted, alpha, gamma, share, count.into()];
    // SAFETY: all three have `count` numbers, and there is a loss for each block of 256 threads of four numbers.
    unsafe { each("assay_binary_focal", count.div_ceil(4), &parameters) }?;
    total(losses.buffer(), scale, loss)
}
