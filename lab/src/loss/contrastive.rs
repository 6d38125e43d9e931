//! Losses of pairs of embeddings: what belongs together should be near, what does not should be far.

use dfdx::shapes::Shape;
use dfdx::tensor::{Merge, Tape, Tensor};

use super::error::{nonnegative, positive};
use super::shape::{Loss, rows, same_shape};
use super::{LossError, place};
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
    let same = same.as_ref();
    same_shape(&first, &second)?;
    nonnegative("the margin", margin)?;
    let rows = rows(&first)?;
    if same.len() != rows {
        return Err(LossError::Targets { expected: rows, got: same.len() });
    }
    place::contrastive(first, second, same, margin)
}

/// NT-Xent, the InfoNCE loss of SimCLR. Row i of both embeddings are two views of one thing; each of the
/// 2 B rows must find its partner among the 2 B - 1 others by cosine similarity / `temperature`: the mean
/// cross-entropy of that choice, in nats. Chen et al., *A Simple Framework for Contrastive Learning*, 2020,
/// equation 1; the paper takes temperatures from 0.05 to 1.
///
/// The last axis is that of the embedding. Rows need not have length 1: that is done here. Time and memory
/// grow with the square of the batch. On a GPU, similarities are products of matrices, at `matmul_precision`.
///
/// # Errors
/// When the shapes differ, there are no rows, or the temperature is not above 0.
pub fn nt_xent_loss<S: Shape, T: Tape<f32, Dev> + Merge<R>, R: Tape<f32, Dev>>(
    first: Tensor<S, f32, Dev, T>,
    second: Tensor<S, f32, Dev, R>,
    temperature: f64,
) -> Result<Loss<T>, LossError> {
    same_shape(&first, &second)?;
    positive("the temperature", temperature)?;
    rows(&first)?;
    place::nt_xent(first, second, temperature)
}
