//! Losses of pairs of embeddings.

use dfdx::shapes::Shape;
use dfdx::tensor::{Merge, Tape, Tensor};

use super::fused::{fused_pair, rounded};
use super::softmax::{dot, softmax};
use crate::device::Dev;
use crate::loss::LossError;
use crate::loss::shape::{Loss, width};

/// The contrastive loss of pairs of rows.
pub(in crate::loss) fn contrastive<S: Shape, T: Tape<f32, Dev> + Merge<R>, R: Tape<f32, Dev>>(
    first: Tensor<S, f32, Dev, T>,
    second: Tensor<S, f32, Dev, R>,
    same: &[bool],
    margin: f64,
) -> Result<Loss<T>, LossError> {
    let width = width(&first);
    fused_pair(first, second, &mut |first, second| pairs(first, second, same, width, margin))
}

/// NT-Xent.
pub(in crate::loss) fn nt_xent<S: Shape, T: Tape<f32, Dev> + Merge<R>, R: Tape<f32, Dev>>(
    first: Tensor<S, f32, Dev, T>,
    second: Tensor<S, f32, Dev, R>,
    temperature: f64,
) -> Result<Loss<T>, LossError> {
    let width = width(&first);
    fused_pair(first, second, &mut |first, second| choices(first, second, width, temperature))
}

#[allow(clippy::cast_precision_loss)] // counts are far below 2^52
fn pairs(first: &mut [f32], second: &mut [f32], same: &[bool], width: usize, margin: f64) -> f64 {
    let rows = same.len() as f64;
    let mut sum = 0.0;
    let couples = first.chunks_exact_mut(width).zip(second.chunks_exact_mut(width));
    for ((first, second), &same) in couples.zip(same) {
        let square: f64 = first.iter().zip(&*second).map(|(a, b)| f64::from(a - b) * f64::from(a - b)).sum();
        let distance = square.sqrt();
        // NaN is not hidden by a maximum.
        let short = if distance >= margin { 0.0 } else { margin - distance };
        sum += 0.5 * if same { square } else { short * short };
        let pull = match same {
            true => 1.0,
            false if distance == 0.0 => 0.0,
            false => -short / distance,
        };
        let pull = rounded(pull / rows);
        for (a, b) in first.iter_mut().zip(second) {
            let force = pull * (*a - *b);
            (*a, *b) = (force, -force);
        }
    }
    sum / rows
}

/// With u the rows scaled to length 1 and P the softmax of u uᵀ / τ without its diagonal, the derivative by
/// u is (G + Gᵀ) u / τ, where G = (P - partner) / 2 B; and by a row itself, what of it is at right angles
/// to u, divided by the length.
#[allow(clippy::cast_precision_loss)] // counts are far below 2^52
fn choices(first: &mut [f32], second: &mut [f32], width: usize, temperature: f64) -> f64 {
    let half = first.len() / width;
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
            *place = if *length == 0.0 { 0.0 } else { (slope - along * unit) / length };
        }
    }
    sum / count as f64
}

/// Scales a row to length 1 and returns its length; zeros stay zeros.
fn scale_to_one(row: &mut [f32]) -> f32 {
    let length = dot(row, row).sqrt();
    if length > 0.0 {
        row.iter_mut().for_each(|number| *number /= length);
    }
    length
}
