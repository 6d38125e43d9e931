//! Windows of a token sequence, each with the tokens that follow.

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::data::DataError;
use crate::data::split::a_part;
use crate::host;

/// A long sequence of tokens, read through windows of `T` tokens; the target of a window is the same window one
/// token later, so a model learns the next token at each place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Windows<const T: usize> {
    tokens: Vec<usize>,
}

impl<const T: usize> Windows<T> {
    /// Windows over these tokens.
    ///
    /// # Errors
    /// When there are too few tokens for one window and its target.
    pub fn new(tokens: Vec<usize>) -> Result<Self, DataError> {
        if tokens.len() <= T {
            let what = format!("{} tokens don't fill a window of {T} and its target", tokens.len());
            return Err(DataError::TooFewRows { what });
        }
        Ok(Self { tokens })
    }

    /// Splits the text at a share of its tokens: what comes before, to train on, and after, to test on.
    ///
    /// # Errors
    /// When the share is not between 0 and 1 or a part is too short.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // below 2^52
    pub fn split(mut self, test_share: f64) -> Result<(Self, Self), DataError> {
        a_part(test_share)?;
        let test = self.tokens.split_off(((1.0 - test_share) * self.tokens.len() as f64) as usize);
        Ok((Self::new(self.tokens)?, Self::new(test)?))
    }

    /// How many different windows there are.
    pub fn len(&self) -> usize {
        self.tokens.len() - T
    }

    /// Never: one window is the least.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The window that starts at this token, and its target.
    ///
    /// # Panics
    /// When it does not start before [`Windows::len`].
    pub fn at(&self, start: usize) -> ([usize; T], [usize; T]) {
        let window = |start: usize| std::array::from_fn(|place| self.tokens[start + place]);
        (window(start), window(start + 1))
    }

    /// Batches of `B` windows at places drawn by `seed`, without end; an interrupt ends the cell.
    pub fn drawn<const B: usize>(&self, seed: u64) -> TokenBatches<'_, B, T> {
        TokenBatches { windows: self, order: Order::Drawn(Box::new(ChaCha8Rng::seed_from_u64(seed))) }
    }

    /// Batches of `B` windows that do not overlap, in an order drawn by `seed`: one epoch. What does not fill a
    /// last batch is left out this time.
    pub fn epoch<const B: usize>(&self, seed: u64) -> TokenBatches<'_, B, T> {
        let mut starts: Vec<usize> = (0..self.len()).step_by(T).collect();
        starts.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        TokenBatches { windows: self, order: Order::Listed(starts) }
    }
}

/// Batches of windows and their targets; see [`Windows::drawn`] and [`Windows::epoch`].
#[derive(Debug, Clone)]
pub struct TokenBatches<'a, const B: usize, const T: usize> {
    windows: &'a Windows<T>,
    order: Order,
}

#[derive(Debug, Clone)]
enum Order {
    Drawn(Box<ChaCha8Rng>),
    Listed(Vec<usize>),
}

impl<const B: usize, const T: usize> Iterator for TokenBatches<'_, B, T> {
    type Item = ([[usize; T]; B], [[usize; T]; B]);

    fn next(&mut self) -> Option<Self::Item> {
        let starts = starts(&mut self.order, self.windows.len(), B)?;
        let (mut x, mut y) = ([[0; T]; B], [[0; T]; B]);
        for (row, start) in starts.into_iter().enumerate() {
            (x[row], y[row]) = self.windows.at(start);
        }
        Some((x, y))
    }
}

/// Where the windows of the next batch start; `None` at the end.
fn starts(order: &mut Order, windows: usize, batch: usize) -> Option<Vec<usize>> {
    host::check();
    match order {
        Order::Drawn(random) => Some((0..batch).map(|_| random.gen_range(0..windows)).collect()),
        Order::Listed(starts) => starts.len().checked_sub(batch).map(|rest| starts.split_off(rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows() -> Windows<4> {
        Windows::new((0..23).collect()).expect("windows")
    }

    #[test]
    fn the_target_is_one_token_later() {
        assert_eq!(windows().at(3), ([3, 4, 5, 6], [4, 5, 6, 7]));
        assert_eq!(windows().at(windows().len() - 1).1, [19, 20, 21, 22]);
        for (x, y) in windows().drawn::<3>(1).take(50) {
            assert!(x.iter().flatten().zip(y.iter().flatten()).all(|(x, y)| x + 1 == *y));
        }
    }

    #[test]
    fn the_seed_decides_and_an_epoch_sees_each_window_once() {
        let drawn = |seed| windows().drawn::<3>(seed).take(5).collect::<Vec<_>>();
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
        let mut seen: Vec<usize> = windows().epoch::<2>(4).flat_map(|(x, _)| x.map(|row| row[0])).collect();
        assert_eq!(seen.len(), 4);
        seen.sort_unstable();
        seen.dedup();
        assert!(seen.len() == 4 && seen.iter().all(|start| start % 4 == 0), "{seen:?}");
    }

    #[test]
    fn what_is_too_short_is_refused() {
        assert!(Windows::<4>::new((0..4).collect()).expect_err("no target").to_string().contains("4 tokens"));
        let (train, test) = windows().split(0.3).expect("two parts");
        assert_eq!((train.len(), test.len()), (12, 3));
        assert!(windows().split(0.1).is_err() && windows().split(1.0).is_err());
    }
}
