//! A model on all rows of a dataset.

use dfdx::nn::Module;
use dfdx::shapes::{Const, Rank2};
use dfdx::tensor::{Tensor, TensorFromVec};

use super::{DataError, Dataset};
use crate::device::Dev;
use crate::display::{MimeBundle, Show};

/// Rows that go through the model at a time.
const CHUNK: usize = 256;

/// What a classifier says about each row, and how right it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The class with the highest score, for each row.
    pub predicted: Vec<usize>,
    /// The probabilities of all classes, row after row: softmax of the model's output.
    pub probabilities: Vec<f32>,
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// The share of rows whose predicted class is right.
    pub accuracy: f64,
}

impl<const W: usize, const C: usize> Dataset<W, C> {
    /// Runs the model on every row, without recording gradients.
    ///
    /// # Errors
    /// When there are no rows, or the model fails or gives NaN; says for which rows.
    pub fn evaluate<M>(&self, model: &M, dev: &Dev) -> Result<Evaluation, DataError>
    where
        M: Module<Tensor<Rank2<CHUNK, W>, f32, Dev>, Output = Tensor<Rank2<CHUNK, C>, f32, Dev>>,
    {
        let mut tally = Tally::new(&self.y, C)?;
        while let Some(rows) = tally.rows() {
            let x = dev.tensor_from_vec(self.x.pick(&rows), (Const, Const));
            match model.try_forward(x) {
                Ok(scores) => tally.add(&scores.as_vec())?,
                Err(error) => return Err(tally.failed(&error)),
            }
        }
        Ok(tally.done())
    }
}

impl Show for Evaluation {
    fn show(&self) -> MimeBundle {
        let rows = self.predicted.len();
        let text = format!("accuracy {:.4}, loss {:.4}, on {rows} rows", self.accuracy, self.loss);
        MimeBundle::new().with_text(text)
    }
}

/// Collects the model's output chunk by chunk.
struct Tally<'a> {
    truth: &'a [usize],
    classes: usize,
    seen: usize,
    right: usize,
    loss: f64,
    predicted: Vec<usize>,
    probabilities: Vec<f32>,
}

impl<'a> Tally<'a> {
    fn new(truth: &'a [usize], classes: usize) -> Result<Self, DataError> {
        if truth.is_empty() {
            return Err(DataError::TooFewRows { what: "there are no rows to evaluate".to_owned() });
        }
        let (predicted, probabilities) = (Vec::with_capacity(truth.len()), Vec::with_capacity(truth.len() * classes));
        Ok(Self { truth, classes, seen: 0, right: 0, loss: 0.0, predicted, probabilities })
    }

    /// The next rows; the last chunk is filled up with its last row.
    fn rows(&self) -> Option<Vec<usize>> {
        let last = self.truth.len() - 1;
        (self.seen <= last).then(|| (self.seen..self.seen + CHUNK).map(|row| row.min(last)).collect())
    }

    fn add(&mut self, scores: &[f32]) -> Result<(), DataError> {
        let rows = CHUNK.min(self.truth.len() - self.seen);
        for scores in scores.chunks_exact(self.classes).take(rows) {
            let Some(best) = highest(scores) else {
                return Err(self.failed(&"its output is NaN"));
            };
            let most = f64::from(scores[best]);
            let sum: f64 = scores.iter().map(|&score| (f64::from(score) - most).exp()).sum();
            let truth = self.truth[self.seen];
            self.loss += sum.ln() + most - f64::from(scores[truth]);
            self.right += usize::from(best == truth);
            self.predicted.push(best);
            // Probabilities are shown and ranked, where the precision of f32 is enough.
            #[allow(clippy::cast_possible_truncation)]
            self.probabilities.extend(scores.iter().map(|&score| ((f64::from(score) - most).exp() / sum) as f32));
            self.seen += 1;
        }
        Ok(())
    }

    fn failed(&self, reason: &dyn std::fmt::Debug) -> DataError {
        let last = (self.seen + CHUNK).min(self.truth.len()) - 1;
        DataError::Model { first: self.seen, last, reason: format!("{reason:?}") }
    }

    #[allow(clippy::cast_precision_loss)] // row counts are far below 2^52
    fn done(self) -> Evaluation {
        let rows = self.truth.len() as f64;
        Evaluation {
            loss: self.loss / rows,
            accuracy: self.right as f64 / rows,
            predicted: self.predicted,
            probabilities: self.probabilities,
        }
    }
}

/// The place of the highest score; the first of equals; none if there is a NaN.
fn highest(scores: &[f32]) -> Option<usize> {
    let mut best = 0;
    for (class, score) in scores.iter().enumerate() {
        if score.is_nan() {
            return None;
        }
        if *score > scores[best] {
            best = class;
        }
    }
    Some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_chunk_counts_each_row_once() {
        let truth: Vec<usize> = (0..300).map(|row| row % 2).collect();
        let mut tally = Tally::new(&truth, 2).expect("rows");
        let mut chunks = 0;
        while let Some(rows) = tally.rows() {
            assert_eq!(rows.len(), CHUNK);
            let scores: Vec<f32> =
                rows.iter().flat_map(|row| if row % 2 == 0 { [2.0, 0.0] } else { [0.0, 0.0] }).collect();
            tally.add(&scores).expect("finite scores");
            chunks += 1;
        }
        let done = tally.done();
        assert_eq!((chunks, done.predicted.len(), done.accuracy), (2, 300, 0.5));
        let expected = ((1.0 + (-2.0f64).exp()).ln() + 2.0f64.ln()) / 2.0;
        assert!((done.loss - expected).abs() < 1e-12, "{} {expected}", done.loss);
    }

    #[test]
    fn nan_is_an_error_with_its_rows() {
        let mut tally = Tally::new(&[0, 1], 2).expect("rows");
        let error = tally.add(&[0.0, f32::NAN]).expect_err("a NaN").to_string();
        assert!(error.contains("rows 0 to 1") && error.contains("NaN"), "{error}");
    }
}
