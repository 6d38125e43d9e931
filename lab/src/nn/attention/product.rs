//! Scaled dot-product attention in one op: Vaswani et al., *Attention Is All You Need*, 2017, equation 1,
//! for all heads.

use std::borrow::Cow;

use dfdx::shapes::{Const, Dim, HasShape};
use dfdx::tensor::{Merge, NoneTape, Tape, Tensor, TensorFromVec};

use super::heads::Rows;
use super::mask::{AttentionError, AttentionMask};
use crate::device::{Dev, DevError, wrong_size};
use crate::math::exp;
use crate::nn::dropout::factors;
use crate::nn::matrix::Matrix;
use crate::nn::op::{Inputs, Op};
use crate::nn::parallel::{parallel, per_job};
use crate::nn::shape::Message;

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
    attend::<HEADS, DIM, B, Q, K, T>(queries, keys, values, mask, 0)
}

/// The same with this percentage of the weights dropped, if the queries have a tape.
pub(super) fn attend<const HEADS: usize, const DIM: usize, B: Dim, Q: Dim, K: Dim, T: Tape<f32, Dev>>(
    queries: Tensor<(B, Q, Const<DIM>), f32, Dev, T>,
    keys: &Tensor<(B, K, Const<DIM>), f32, Dev>,
    values: &Tensor<(B, K, Const<DIM>), f32, Dev>,
    mask: &AttentionMask,
    dropout: usize,
) -> Result<Rows<B, Q, DIM, T>, AttentionError> {
    let shape = *queries.shape();
    let sizes = Sizes::of::<DIM, HEADS>(count(&shape), count(keys.shape()), count(values.shape()), mask)?;
    let inputs = Inputs::of(queries)?.and(keys)?.and(values)?;
    let dropout = if T::OWNS_TAPE { dropout } else { 0 };
    Ok(inputs.apply(Attend::new(sizes, mask.clone(), dropout), shape)?)
}

/// For each sequence and head, what each query looks at: `(batch, HEADS, queries, keys)`.
pub(super) type Weights<B, const HEADS: usize, Q, K> = Tensor<(B, Const<HEADS>, Q, K), f32, Dev>;

/// The weights alone: what each query looks at, `(batch, HEADS, queries, keys)`.
pub(super) fn weights<const HEADS: usize, const DIM: usize, B: Dim, Q: Dim, K: Dim>(
    queries: &Rows<B, Q, DIM, NoneTape>,
    keys: &Rows<B, K, DIM, NoneTape>,
    mask: &AttentionMask,
) -> Result<Weights<B, HEADS, Q, K>, AttentionError> {
    let (shape, of_keys) = (*queries.shape(), *keys.shape());
    let sizes = Sizes::of::<DIM, HEADS>(count(&shape), count(&of_keys), count(&of_keys), mask)?;
    let keys = keys.as_vec();
    let weights = Attend::new(sizes, mask.clone(), 0).look([queries.as_vec(), keys.clone(), keys])?;
    Ok(queries.device().try_tensor_from_vec(weights, (shape.0, Const, shape.1, of_keys.1))?)
}

/// How many sequences there are, and how many rows in each.
fn count<B: Dim, S: Dim, const DIM: usize>(shape: &(B, S, Const<DIM>)) -> (usize, usize) {
    (shape.0.size(), shape.1.size())
}

/// A number of heads that all get as many numbers.
struct Divides<const DIM: usize, const HEADS: usize>;

impl<const DIM: usize, const HEADS: usize> Divides<DIM, HEADS> {
    const MESSAGE: &'static str = Message::new()
        .text("attention can't share ")
        .number(DIM)
        .text(" numbers among ")
        .number(HEADS)
        .text(" heads: the number of heads must divide the dimension")
        .as_str();

    const CHECK: () = assert!(HEADS > 0 && DIM.is_multiple_of(HEADS), "{}", Self::MESSAGE);
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
    /// Sizes of sequences and rows that go together, and with the mask.
    fn of<const DIM: usize, const HEADS: usize>(
        queries: (usize, usize),
        keys: (usize, usize),
        values: (usize, usize),
        mask: &AttentionMask,
    ) -> Result<Self, AttentionError> {
        let () = Divides::<DIM, HEADS>::CHECK;
        let sizes = Self { batch: queries.0, heads: HEADS, queries: queries.1, keys: keys.1, dim: DIM };
        sizes.check(keys, values, mask)?;
        Ok(sizes)
    }

    fn check(&self, keys: (usize, usize), values: (usize, usize), mask: &AttentionMask) -> Result<(), AttentionError> {
        if keys != values || keys.0 != self.batch {
            return Err(AttentionError::Sizes { queries: self.batch, keys, values });
        }
        mask.check(self.batch, self.keys)
    }

    /// How many weights a head has in one sequence.
    fn square(&self) -> usize {
        self.queries * self.keys
    }

    /// How many weights a sequence has.
    fn weights(&self) -> usize {
        self.heads * self.square()
    }

    /// Numbers of a row that are one head's.
    fn head(&self) -> usize {
        self.dim / self.heads
    }

    /// One head's part of a sequence's rows.
    fn part<'a>(&self, rows: &'a [f32], head: usize) -> Matrix<'a> {
        Matrix::wide(&rows[head * self.head()..], rows.len() / self.dim, self.head(), self.dim)
    }
}

/// Inputs: queries, keys, values. It keeps the weights: `[batch, heads, queries, keys]`.
pub(super) struct Attend {
    pub(super) sizes: Sizes,
    pub(super) mask: AttentionMask,
    pub(super) dropout: usize,
    inputs: [Vec<f32>; 3],
    weights: Vec<f32>,
    /// What the weights are multiplied by when some are dropped; else empty.
    factors: Vec<f32>,
    /// The same on a GPU.
    #[cfg(feature = "gpu")]
    pub(super) there: super::gpu::Kept,
}

impl Attend {
    /// `dropout` is the percentage of weights that are dropped.
    pub(super) fn new(sizes: Sizes, mask: AttentionMask, dropout: usize) -> Self {
        Self {
            sizes,
            mask,
            dropout,
            inputs: Default::default(),
            weights: Vec::new(),
            factors: Vec::new(),
            #[cfg(feature = "gpu")]
            there: super::gpu::Kept::default(),
        }
    }

    /// The weights, when nothing else is wanted.
    fn look(mut self, inputs: [Vec<f32>; 3]) -> Result<Vec<f32>, DevError> {
        self.forward(inputs.into())?;
        Ok(self.weights)
    }

    /// What the scores are multiplied by.
    #[allow(clippy::cast_precision_loss)] // heads have far fewer than 2^24 numbers
    fn scale(&self) -> f32 {
        1.0 / (self.sizes.head() as f32).sqrt()
    }

    /// Writes the weights and the output of one sequence.
    fn forward_one(&self, sequence: usize, weights: &mut [f32], output: &mut [f32]) {
        let (sizes, [queries, keys, values]) = (&self.sizes, self.rows(sequence));
        let hidden = self.mask.padding.as_ref().map(|padding| padding[sequence].as_slice());
        for head in 0..sizes.heads {
            let weights = &mut weights[head * sizes.square()..][..sizes.square()];
            sizes.part(queries, head).times(sizes.part(keys, head).transposed()).write(weights, sizes.keys);
            for (query, row) in weights.chunks_exact_mut(sizes.keys).enumerate() {
                let (seen, later) = row.split_at_mut(self.mask.seen(query, sizes.keys));
                later.fill(0.0);
                softmax(seen, self.scale(), hidden);
            }
            let kept = self.kept(sequence, head, weights);
            let weights = Matrix::new(&kept, sizes.keys);
            weights.times(sizes.part(values, head)).write(&mut output[head * sizes.head()..], sizes.dim);
        }
    }

    fn backward_one(&self, sequence: usize, gradient: &[f32], to: [&mut [f32]; 3]) {
        let (sizes, [queries, keys, values]) = (&self.sizes, self.rows(sequence));
        let [to_queries, to_keys, to_values] = to;
        let mut of_scores = vec![0.0; sizes.square()];
        for head in 0..sizes.heads {
            let weights = &self.weights[(sequence * sizes.heads + head) * sizes.square()..][..sizes.square()];
            let (gradient, start) = (sizes.part(gradient, head), head * sizes.head());
            let kept = self.kept(sequence, head, weights);
            let turned = Matrix::new(&kept, sizes.keys).transposed();
            turned.times(gradient).add_to(&mut to_values[start..], sizes.dim);

            gradient.times(sizes.part(values, head).transposed()).write(&mut of_scores, sizes.keys);
            of_scores.iter_mut().zip(self.factors(sequence, head)).for_each(|(of_score, factor)| *of_score *= factor);
            for (row, weights) in of_scores.chunks_exact_mut(sizes.keys).zip(weights.chunks_exact(sizes.keys)) {
                through_softmax(row, weights, self.scale());
            }
            let of_scores = Matrix::new(&of_scores, sizes.keys);
            of_scores.times(sizes.part(keys, head)).add_to(&mut to_queries[start..], sizes.dim);
            of_scores.transposed().times(sizes.part(queries, head)).add_to(&mut to_keys[start..], sizes.dim);
        }
    }

    /// The weights of one head after dropout.
    fn kept<'a>(&self, sequence: usize, head: usize, weights: &'a [f32]) -> Cow<'a, [f32]> {
        let factors = self.factors(sequence, head);
        if factors.is_empty() {
            return Cow::Borrowed(weights);
        }
        Cow::Owned(weights.iter().zip(factors).map(|(weight, factor)| weight * factor).collect())
    }

    /// What the weights of one head are multiplied by; nothing without dropout.
    fn factors(&self, sequence: usize, head: usize) -> &[f32] {
        let square = self.sizes.square();
        let start = (sequence * self.sizes.heads + head) * square;
        self.factors.get(start..start + square).unwrap_or(&[])
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
fn softmax(row: &mut [f32], scale: f32, hidden: Option<&[bool]>) {
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
    row.iter_mut().for_each(|score| *score = exp((*score - most) * scale));
    let sum: f32 = row.iter().sum();
    row.iter_mut().for_each(|score| *score /= sum);
}

/// The gradient of the scores from that of their softmax: w (g - Σ g w), times the factor.
fn through_softmax(row: &mut [f32], weights: &[f32], scale: f32) {
    let along: f32 = row.iter().zip(weights).map(|(gradient, weight)| gradient * weight).sum();
    for (gradient, weight) in row.iter_mut().zip(weights) {
        *gradient = weight * (*gradient - along) * scale;
    }
}

impl Op for Attend {
    fn forward(&mut self, inputs: Vec<Vec<f32>>) -> Result<Vec<f32>, DevError> {
        self.inputs = inputs.try_into().map_err(|_| wrong_size())?;
        if self.dropout > 0 {
            self.factors = factors(self.dropout, self.sizes.batch * self.sizes.weights());
        }
        let (sizes, some) = (self.sizes, self.sequences_per_job());
        let mut output = vec![0.0; self.inputs[0].len()];
        let mut weights = vec![0.0; sizes.batch * sizes.weights()];
        let (rows, square) = (sizes.queries * sizes.dim, sizes.weights());
        let jobs = output.chunks_mut(some * rows).zip(weights.chunks_mut(some * square)).enumerate().collect();
        parallel(jobs, |(job, (output, weights)): (usize, (&mut [f32], &mut [f32]))| {
            let each = output.chunks_exact_mut(rows).zip(weights.chunks_exact_mut(square)).enumerate();
            each.for_each(|(i, (output, weights))| self.forward_one(job * some + i, weights, output));
        });
        self.weights = weights;
        Ok(output)
    }

    fn backward(&mut self, gradient: &[f32], gradients: &mut [&mut [f32]]) -> Result<(), DevError> {
        let [queries, keys, values] = gradients else { return Err(wrong_size()) };
        let (sizes, some) = (self.sizes, self.sequences_per_job());
        let [of_query, of_key] = [sizes.queries * sizes.dim, sizes.keys * sizes.dim];
        let to = queries.chunks_mut(some * of_query).zip(keys.chunks_mut(some * of_key));
        let to = to.zip(values.chunks_mut(some * of_key)).zip(gradient.chunks(some * of_query));
        parallel(to.enumerate().collect(), |(job, (((queries, keys), values), gradient))| {
            let to = queries.chunks_exact_mut(of_query).zip(keys.chunks_exact_mut(of_key));
            let to = to.zip(values.chunks_exact_mut(of_key)).zip(gradient.chunks_exact(of_query));
            to.enumerate().for_each(|(i, (((queries, keys), values), gradient))| {
                self.backward_one(job * some + i, gradient, [queries, keys, values]);
            });
        });
        Ok(())
    }

    #[cfg(feature = "gpu")]
    fn kernels(&mut self) -> Option<&mut dyn crate::nn::op::Kernels> {
        Some(self)
    }
}
