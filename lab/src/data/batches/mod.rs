//! Shuffled batches as tensors.

use dfdx::shapes::{Const, Rank2};
use dfdx::tensor::{Tensor, TensorFromVec};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::{DataError, Dataset};
use crate::device::Dev;
use crate::host;

/// Batches of `B` rows: features `B × W`, and classes as one-hot rows `B × C`, as cross-entropy wants them.
/// Ends early when the notebook is interrupted.
#[derive(Debug)]
pub struct Batches<'a, const B: usize, const W: usize, const C: usize> {
    data: &'a Dataset<W, C>,
    dev: Dev,
    order: Vec<usize>,
    next: usize,
}

impl<'a, const B: usize, const W: usize, const C: usize> Batches<'a, B, W, C> {
    pub(super) fn new(data: &'a Dataset<W, C>, dev: &Dev, seed: u64) -> Result<Self, DataError> {
        let order = order(data.len(), B, seed)?;
        Ok(Self { data, dev: dev.clone(), order, next: 0 })
    }
}

impl<const B: usize, const W: usize, const C: usize> Iterator for Batches<'_, B, W, C> {
    type Item = (Tensor<Rank2<B, W>, f32, Dev>, Tensor<Rank2<B, C>, f32, Dev>);

    fn next(&mut self) -> Option<Self::Item> {
        let rows = rows(&self.order, &mut self.next, B)?;
        let x = self.dev.tensor_from_vec(self.data.x.pick(rows), (Const, Const));
        let y = self.dev.tensor_from_vec(one_hot(&self.data.y, rows, C), (Const, Const));
        Some((x, y))
    }
}

/// The numbers from 0 to `len`, shuffled.
fn order(len: usize, batch: usize, seed: u64) -> Result<Vec<usize>, DataError> {
    if batch == 0 || len < batch {
        return Err(DataError::TooFewRows { what: format!("{len} rows don't fill one batch of {batch}") });
    }
    let mut order: Vec<usize> = (0..len).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    Ok(order)
}

/// The rows of the next batch, until there are too few, or someone wants it to stop.
fn rows<'a>(order: &'a [usize], next: &mut usize, batch: usize) -> Option<&'a [usize]> {
    let rows = order.get(*next..*next + batch)?;
    if host::interrupted() {
        return None;
    }
    *next += batch;
    Some(rows)
}

/// A row of zeros with a one in the place of the class, for each of `rows`.
fn one_hot(classes: &[usize], rows: &[usize], width: usize) -> Vec<f32> {
    let mut out = vec![0.0; rows.len() * width];
    for (place, &row) in out.chunks_exact_mut(width).zip(rows) {
        place[classes[row]] = 1.0;
    }
    out
}

#[cfg(test)]
mod tests {
    use dfdx::tensor::AsArray;
    use polars::df;

    use super::*;

    fn data() -> Dataset<1, 2> {
        let x: Vec<i32> = (0..10).collect();
        let y: Vec<i32> = x.iter().map(|x| x % 2).collect();
        let frame = df!("x" => x, "y" => y).expect("a frame");
        Dataset::new(&frame, &["x"], "y").expect("a dataset")
    }

    fn drawn(seed: u64) -> Vec<f32> {
        let data = data();
        let batches = data.batches::<4>(&Dev::default(), seed).expect("batches");
        batches.flat_map(|(x, _)| x.as_vec()).collect()
    }

    #[test]
    fn rows_come_once_in_an_order_drawn_by_the_seed() {
        let mut seen = drawn(1);
        assert_eq!(seen.len(), 8);
        assert_eq!(seen, drawn(1));
        assert_ne!(seen, drawn(2));
        seen.sort_by(f32::total_cmp);
        seen.dedup();
        assert_eq!(seen.len(), 8);
    }

    #[test]
    fn labels_stay_with_their_rows() {
        let data = data();
        for (x, y) in data.batches::<5>(&Dev::default(), 3).expect("batches") {
            for (x, y) in x.as_vec().iter().zip(y.array()) {
                assert_eq!(y, if x % 2.0 == 0.0 { [1.0, 0.0] } else { [0.0, 1.0] });
            }
        }
    }

    #[test]
    fn too_few_rows_are_refused() {
        let error = data().batches::<11>(&Dev::default(), 0).expect_err("ten rows").to_string();
        assert_eq!(error, "10 rows don't fill one batch of 11");
    }
}
