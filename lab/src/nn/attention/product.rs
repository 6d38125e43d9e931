//! Scaled dot-product attention in one op: Vaswani et al., *Attention Is All You Need*, 2017, equation 1,
//! for all heads.

use dfdx::shapes::{Const, Dim, HasShape};
use dfdx::tensor::{CpuError, Merge, NoneTape, Tape, Tensor};

use super::heads::Rows;
use super::mask::{AttentionError, AttentionMask};
use crate::device::Dev;
use crate::nn::matrix::Matrices;
use crate::nn::op::{Inputs, Op, add_to};
use crate::nn::parallel::{parallel, per_job};

/// softmax(Q Kᵀ / √(`DIM` / `HEADS`)) V for each head, a head being `DIM / HEADS` numbers of each row. From queries
/// `(batch, queries, DIM)` and keys and values `(batch, keys, DIM)` to `(batch, queries, DIM)`. As
/// `torch.nn.functional.scaled_dot_product_attention`.
///
/// The tape comes with the queries; what keys and values were computed from must be on it.
///
/// # Errors
/// When keys and values don't have the queries' batch, or the mask is for other sizes.
pub fn scaled_dot_product_attention<
    const HEADS: usize,
    const DIM: usize,
    B: Dim,
    Q: Dim,
    K: Dim,
    T: Tape<f32, Dev> + Merge<NoneTape>,
>(
    queries: Tensor<(B, Q, Const<DIM>), f32, Dev, T>,
    keys: &Tensor<(B, K, Const<DIM>), f32, Dev>,
    values: &Tensor<(B, K, Const<DIM>), f32, Dev>,
    mask: &AttentionMask,
) -> Result<Rows<B, Q, DIM, T>, AttentionError> {
    const { assert!(HEADS > 0 && DIM.is_multiple_of(HEADS), "the number of heads must divide the dimension") };
    let shape = *queries.shape();
    let size = |tensor: &Tensor<(B, K, Const<DIM>), f32, Dev>| (tensor.shape().0.size(), tensor.shape().1.size());
    let sizes = Sizes { batch: shape.0.size(), heads: HEADS, queries: shape.1.size(), keys: size(keys).1, dim: DIM };
    sizes.check(size(keys), size(values), mask)?;
    let inputs = Inputs::of(queries)?.and(keys)?.and(values)?;
    Ok(inputs.apply(Attend::new(sizes, mask.clone()), shape)?)
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) batch: usize,
    pub(super) heads: usize,
    pub(super) queries: usize,
    pub(super) keys: usize,
    pub(super) dim: usize,
}

impl Sizes {
    fn check(&self, keys: (usize, usize), values: (usize, usize), mask: &AttentionMask) -> Result<(), AttentionError> {
        if keys != values || keys.0 != self.batch {
            return Err(AttentionError::Sizes { queries: self.batch, keys, values });
        }
        mask.check(self.batch, self.keys)
    }

    /// How many weights a sequence has.
    fn weights(&self) -> usize {
        self.heads * self.queries * self.keys
    }

    /// A sequence's rows as one matrix for each head.
    fn heads(&self, rows: &[f32]) -> Result<Matrices, CpuError> {
        let head = self.dim / self.heads;
        Matrices::new(rows.to_vec(), [1, rows.len() / self.dim, self.heads, head])?.heads()
    }

    /// A sequence's weights, or what belongs to them.
    fn square(&self, weights: Vec<f32>) -> Result<Matrices, CpuError> {
        Matrices::new(weights, [1, self.heads, self.queries, self.keys])
    }

    /// The reverse of `heads`: adds a product with a matrix for each head to a sequence's rows.
    fn add_to_rows(&self, product: &Matrices, rows: &mut [f32]) {
        let head = self.dim / self.heads;
        let values = product.values(rows.len());
        let count = rows.len() / self.dim;
        for (i, part) in values.chunks_exact(head).enumerate() {
            let start = i % count * self.dim + i / count * head;
            add_to(&mut rows[start..start + head], part);
        }
    }
}

/// Inputs: queries, keys, values. It keeps the weights: `[batch, heads, queries, keys]`.
pub(super) struct Attend {
    sizes: Sizes,
    mask: AttentionMask,
    inputs: [Vec<f32>; 3],
    weights: Vec<f32>,
}

impl Attend {
    pub(super) fn new(sizes: Sizes, mask: AttentionMask) -> Self {
        Self { sizes, mask, inputs: [const { Vec::new() }; 3], weights: Vec::new() }
    }

    /// What the scores are multiplied by.
    #[allow(clippy::cast_precision_loss)] // heads have far fewer than 2^24 numbers
    fn scale(&self) -> f32 {
        1.0 / ((self.sizes.dim / self.sizes.heads) as f32).sqrt()
    }

    fn forward_one(&self, sequence: usize, weights: &mut [f32], output: &mut [f32]) -> Result<(), CpuError> {
        let [queries, keys, values] = self.rows(sequence);
        let scores = self.sizes.heads(queries)?.times(&self.sizes.heads(keys)?.transposed()?)?;
        scores.copy_to(weights);
        let hidden = self.mask.padding.as_ref().map(|padding| &padding[sequence]);
        for (i, row) in weights.chunks_exact_mut(self.sizes.keys).enumerate() {
            let (seen, later) = row.split_at_mut(self.mask.seen(i % self.sizes.queries, self.sizes.keys));
            later.fill(0.0);
            softmax(seen, self.scale(), hidden);
        }
        let product = self.sizes.square(weights.to_vec())?.times(&self.sizes.heads(values)?)?;
        self.sizes.add_to_rows(&product, output);
        Ok(())
    }

    fn backward_one(&self, sequence: usize, gradient: &[f32], to: [&mut [f32]; 3]) -> Result<(), CpuError> {
        let (sizes, [queries, keys, values]) = (&self.sizes, self.rows(sequence));
        let weights = &self.weights[sequence * sizes.weights()..][..sizes.weights()];
        let [to_queries, to_keys, to_values] = to;
        let gradient = sizes.heads(gradient)?;
        let square = sizes.square(weights.to_vec())?;
        sizes.add_to_rows(&square.transposed()?.times(&gradient)?, to_values);

        let mut of_scores = gradient.times(&sizes.heads(values)?.transposed()?)?.values(sizes.weights());
        let rows = of_scores.chunks_exact_mut(sizes.keys).zip(weights.chunks_exact(sizes.keys));
        for (row, weights) in rows {
            let along: f32 = row.iter().zip(weights).map(|(gradient, weight)| gradient * weight).sum();
            for (gradient, weight) in row.iter_mut().zip(weights) {
                *gradient = weight * (*gradient - along) * self.scale();
            }
        }
        let of_scores = sizes.square(of_scores)?;
        sizes.add_to_rows(&of_scores.times(&sizes.heads(keys)?)?, to_queries);
        sizes.add_to_rows(&of_scores.transposed()?.times(&sizes.heads(queries)?)?, to_keys);
        Ok(())
    }

    /// The rows of one sequence.
    fn rows(&self, sequence: usize) -> [&[f32]; 3] {
        let lens = [self.sizes.queries, self.sizes.keys, self.sizes.keys].map(|rows| rows * self.sizes.dim);
        [0, 1, 2].map(|i| &self.inputs[i][sequence * lens[i]..][..lens[i]])
    }

    /// Sequences in a job.
    fn sequences_per_job(&self) -> usize {
        per_job(self.sizes.weights() + 2 * self.sizes.dim * (self.sizes.queries + self.sizes.keys))
    }
}

/// Softmax of a row times a factor, over what is not hidden. With nothing left, zeros.
fn softmax(row: &mut [f32], scale: f32, hidden: Option<&Vec<bool>>) {
    if let Some(hidden) = hidden {
        for (score, hidden) in row.iter_mut().zip(hidden) {
            if *hidden {
                *score = f32::NEG_INFINITY;
            }
        }
    }
    let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if most == f32::NEG_INFINITY && !row.iter().any(|score| score.is_nan()) {
        row.fill(0.0);
        return;
    }
    row.iter_mut().for_each(|score| *score = ((*score - most) * scale).exp());
    let sum: f32 = row.iter().sum();
    row.iter_mut().for_each(|score| *score /= sum);
}

impl Op for Attend {
    fn forward(&mut self, inputs: Vec<Vec<f32>>) -> Result<Vec<f32>, CpuError> {
        self.inputs = inputs.try_into().map_err(|_| CpuError::WrongNumElements)?;
        let (sizes, some) = (self.sizes, self.sequences_per_job());
        let mut output = vec![0.0; self.inputs[0].len()];
        let mut weights = vec![0.0; sizes.batch * sizes.weights()];
        let (rows, square) = (sizes.queries * sizes.dim, sizes.weights());
        let jobs = output.chunks_mut(some * rows).zip(weights.chunks_mut(some * square)).enumerate().collect();
        let done = parallel(jobs, |(job, (output, weights)): (usize, (&mut [f32], &mut [f32]))| {
            let mut each = output.chunks_exact_mut(rows).zip(weights.chunks_exact_mut(square)).enumerate();
            each.try_for_each(|(i, (output, weights))| self.forward_one(job * some + i, weights, output))
        });
        done.into_iter().collect::<Result<(), _>>()?;
        self.weights = weights;
        Ok(output)
    }

    fn backward(&mut self, gradient: &[f32], gradients: &mut [&mut [f32]]) -> Result<(), CpuError> {
        let [queries, keys, values] = gradients else { return Err(CpuError::WrongNumElements) };
        let (sizes, some) = (self.sizes, self.sequences_per_job());
        let [of_query, of_key] = [sizes.queries * sizes.dim, sizes.keys * sizes.dim];
        let to = queries.chunks_mut(some * of_query).zip(keys.chunks_mut(some * of_key));
        let to = to.zip(values.chunks_mut(some * of_key)).zip(gradient.chunks(some * of_query));
        let done = parallel(to.enumerate().collect(), |(job, (((queries, keys), values), gradient))| {
            let to = queries.chunks_exact_mut(of_query).zip(keys.chunks_exact_mut(of_key));
            let to = to.zip(values.chunks_exact_mut(of_key)).zip(gradient.chunks_exact(of_query));
            to.enumerate().try_for_each(|(i, (((queries, keys), values), gradient))| {
                self.backward_one(job * some + i, gradient, [queries, keys, values])
            })
        });
        done.into_iter().collect()
    }
}
