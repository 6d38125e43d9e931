//! Losses of pairs of embeddings: what belongs together should be near, what does not should be far.

use dfdx::shapes::Shape;
use dfdx::tensor::{Merge, Tape, Tensor};

use super::LossError;
use super::error::{nonnegative, positive};
use super::fused::{Loss, fused_pair, rounded, width};
use super::softmax::{dot, softmax};
use crate::device::Dev;

/// The contrastive loss of pairs: ½ d² for those that belong together, ½ max(0, `margin` - d)² for the
/// others, with d the Euclidean distance of the two rows; the mean over the pairs. Hadsell, Chopra and
/// LeCun, *Dimensionality Reduction by Learning an Invariant Mapping*, 2006, equation 4.
///
/// The last axis is that of the embedding; `same` says for each pair whether it belongs together. Both
/// embeddings get a gradient; where d is 0, those that don't belong together get none, as it has no direction.
///
/// # Errors
/// When the shapes differ, there is not one `same` for each pair, or the margin is below 0.
pub fn contrastive_loss<S: Shape, T: Tape<f32, Dev> + Merge<R>, R: Tape<f32, Dev>>(
    first: Tensor<S, f32, Dev, T>,
    second: Tensor<S, f32, Dev, R>,
    same: impl AsRef<[bool]>,
    margin: f64,
) -> Result<Loss<T>, LossError> {
    let (width, same) = (width(&first), same.as_ref());
    fused_pair(first, second, &mut |first, second| pairs(first, second, same, width, margin))
}

#[allow(clippy::cast_precision_loss)] // counts are far below 2^52
fn pairs(first: &mut [f32], second: &mut [f32], same: &[bool], width: usize, margin: f64) -> Result<f64, LossError> {
    nonnegative("the margin", margin)?;
    let rows = rows(first, width)?;
    if same.len() != rows {
        return Err(LossError::Targets { expected: rows, got: same.len() });
    }
    let mut sum = 0.0;
    let couples = first.chunks_exact_mut(width).zip(second.chunks_exact_mut(width));
    for ((first, second), &same) in couples.zip(same) {
        let square: f64 = first.iter().zip(&*second).map(|(a, b)| f64::from(a - b) * f64::from(a - b)).sum();
        let distance = square.sqrt();
        let short = (margin - distance).max(0.0);
        sum += 0.5 * if same { square } else { short * short };
        let pull = match same {
            true => 1.0,
            false if distance > 0.0 => -short / distance,
            false => 0.0,
        };
        let pull = rounded(pull / rows as f64);
        for (a, b) in first.iter_mut().zip(second) {
            let force = pull * (*a - *b);
            (*a, *b) = (force, -force);
        }
    }
    Ok(sum / rows as f64)
}

/// NT-Xent, the InfoNCE loss of SimCLR. Row i of both embeddings are two views of one thing; each of the
/// 2 B rows must find its partner among the 2 B - 1 others by cosine similarity / `temperature`: the mean
/// cross-entropy of that choice, in nats. Chen et al., *A Simple Framework for Contrastive Learning*, 2020,
/// equation 1; the paper takes temperatures from 0.05 to 1.
///
/// The last axis is that of the embedding. Rows need not have length 1: that is done here. Time and memory
/// grow with the square of the batch.
///
/// # Errors
/// When the shapes differ, there are no rows, or the temperature is not above 0.
pub fn nt_xent_loss<S: Shape, T: Tape<f32, Dev> + Merge<R>, R: Tape<f32, Dev>>(
    first: Tensor<S, f32, Dev, T>,
    second: Tensor<S, f32, Dev, R>,
    temperature: f64,
) -> Result<Loss<T>, LossError> {
    let width = width(&first);
    fused_pair(first, second, &mut |first, second| nt_xent(first, second, width, temperature))
}

/// With u the rows scaled to length 1 and P the softmax of u uᵀ / τ without its diagonal, the derivative by
/// u is (G + Gᵀ) u / τ, where G = (P - partner) / 2 B; and by a row itself, what of it is at right angles
/// to u, divided by the length.
#[allow(clippy::cast_precision_loss)] // counts are far below 2^52
fn nt_xent(first: &mut [f32], second: &mut [f32], width: usize, temperature: f64) -> Result<f64, LossError> {
    positive("the temperature", temperature)?;
    let half = rows(first, width)?;
    let mut units = [&*first, &*second].concat();
    let lengths: Vec<f32> = units.chunks_exact_mut(width).map(scale_to_one).collect();
    let count = 2 * half;
    let (cold, share) = (rounded(1.0 / temperature), rounded(1.0 / count as f64));

    let unit = |row: usize| &units[row * width..(row + 1) * width];
    let mut choices = vec![0.0f32; count * count];
    let mut sum = 0.0;
    for (row, choice) in choices.chunks_exact_mut(count).enumerate() {
        for (other, score) in choice.iter_mut().enumerate() {
            *score = if other == row { f32::NEG_INFINITY } else { cold * dot(unit(row), unit(other)) };
        }
        let partner = (row + half) % count;
        let score = choice[partner];
        sum += softmax(choice).surprise(score);
        choice[partner] -= 1.0;
    }

    for (row, length) in lengths.iter().enumerate() {
        let mut slope = vec![0.0f32; width];
        for other in 0..count {
            let pull = (choices[row * count + other] + choices[other * count + row]) * cold * share;
            slope.iter_mut().zip(unit(other)).for_each(|(slope, other)| *slope += pull * other);
        }
        let along = dot(&slope, unit(row));
        let place = if row < half { &mut first[row * width..] } else { &mut second[(row - half) * width..] };
        for ((place, slope), unit) in place.iter_mut().zip(slope).zip(unit(row)) {
            // A row of zeros has no direction, so none is better.
            *place = if *length > 0.0 { (slope - along * unit) / length } else { 0.0 };
        }
    }
    Ok(sum / count as f64)
}

/// Scales a row to length 1 and returns its length; zeros stay zeros.
fn scale_to_one(row: &mut [f32]) -> f32 {
    let length = dot(row, row).sqrt();
    if length > 0.0 {
        row.iter_mut().for_each(|number| *number /= length);
    }
    length
}

fn rows(numbers: &[f32], width: usize) -> Result<usize, LossError> {
    match numbers.len().checked_div(width) {
        None | Some(0) => Err(LossError::Empty),
        Some(rows) => Ok(rows),
    }
}
