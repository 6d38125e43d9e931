//! A model on all rows of a dataset.

use std::fmt::Debug;

use dfdx::nn::Module;
use dfdx::shapes::Rank2;
use dfdx::tensor::Tensor;

use super::{DataError, Dataset, Layout, Samples};
use crate::device::Dev;
use crate::display::{MimeBundle, Show};
use crate::math::double::{exp, ln};

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

impl<const W: usize, const C: usize, X> Dataset<W, C, X> {
    /// Runs the model on every row, without recording gradients.
    ///
    /// # Errors
    /// When there are no rows, or the model fails or gives NaN; says for which rows.
    pub fn evaluate<M>(&self, model: &M, dev: &Dev) -> Result<Evaluation, DataError>
    where
        X: Layout<CHUNK>,
        M: Module<X::Output, Output = Tensor<Rank2<CHUNK, C>, f32, Dev>>,
    {
        let mut tally = Tally::new(&self.y, C)?;
        while let Some(rows) = tally.pass.rows() {
            match model.try_forward(X::arrange(self.x.pick(&rows), dev)) {
                Ok(scores) => tally.add(&scores.as_vec())?,
                Err(error) => return Err(tally.pass.failed(&error)),
            }
        }
        Ok(tally.done())
    }
}

impl<const W: usize, const T: usize, X> Samples<W, T, X> {
    /// What the model gives for every row, `T` numbers a row, without recording gradients.
    ///
    /// # Errors
    /// As [`Dataset::evaluate`].
    pub fn predict<M>(&self, model: &M, dev: &Dev) -> Result<Vec<f32>, DataError>
    where
        X: Layout<CHUNK>,
        M: Module<X::Output, Output = Tensor<Rank2<CHUNK, T>, f32, Dev>>,
    {
        let (mut pass, mut predicted) = (Pass::new(self.len())?, Vec::new());
        while let Some(rows) = pass.rows() {
            match model.try_forward(X::arrange(self.x.pick(&rows), dev)) {
                Ok(numbers) => pass.keep(&numbers.as_vec(), T, &mut predicted)?,
                Err(error) => return Err(pass.failed(&error)),
            }
        }
        Ok(predicted)
    }
}

impl Show for Evaluation {
    fn show(&self) -> MimeBundle {
        let rows = self.predicted.len();
        let text = format!("accuracy {:.4}, loss {:.4}, on {rows} rows", self.accuracy, self.loss);
        MimeBundle::new().with_text(text)
    }
}

/// Goes through all rows, a chunk at a time.
struct Pass {
    len: usize,
    seen: usize,
}

impl Pass {
    fn new(len: usize) -> Result<Self, DataError> {
        if len == 0 {
            return Err(DataError::TooFewRows { what: "there are no rows to evaluate".to_owned() });
        }
        Ok(Self { len, seen: 0 })
    }

    /// The next rows; the last chunk is filled up with its last row.
    fn rows(&self) -> Option<Vec<usize>> {
        let last = self.len - 1;
        (self.seen <= last).then(|| (self.seen..self.seen + CHUNK).map(|row| row.min(last)).collect())
    }

    /// How many of these rows are not there to fill up.
    fn count(&self) -> usize {
        CHUNK.min(self.len - self.seen)
    }

    fn keep(&mut self, numbers: &[f32], width: usize, all: &mut Vec<f32>) -> Result<(), DataError> {
        let numbers = &numbers[..self.count() * width];
        if numbers.iter().any(|number| number.is_nan()) {
            return Err(self.failed(&NAN));
        }
        all.extend_from_slice(numbers);
        self.seen += self.count();
        Ok(())
    }

    fn failed(&self, reason: &dyn Debug) -> DataError {
        let last = self.seen + self.count() - 1;
        DataError::Model { first: self.seen, last, reason: format!("{reason:?}") }
    }
}

const NAN: &str = "its output is NaN";

/// Collects a classifier's output chunk by chunk.
struct Tally<'a> {
    truth: &'a [usize],
    classes: usize,
    pass: Pass,
    right: usize,
    loss: f64,
    predicted: Vec<usize>,
    probabilities: Vec<f32>,
}

impl<'a> Tally<'a> {
    fn new(truth: &'a [usize], classes: usize) -> Result<Self, DataError> {
        let pass = Pass::new(truth.len())?;
        let (predicted, probabilities) = (Vec::with_capacity(truth.len()), Vec::with_capacity(truth.len() * classes));
        Ok(Self { truth, classes, pass, right: 0, loss: 0.0, predicted, probabilities })
    }

    fn add(&mut self, scores: &[f32]) -> Result<(), DataError> {
        for scores in scores.chunks_exact(self.classes).take(self.pass.count()) {
            let Some(best) = highest(scores) else {
                return Err(self.pass.failed(&NAN));
            };
            let most = f64::from(scores[best]);
            let sum: f64 = scores.iter().map(|&score| exp(f64::from(score) - most)).sum();
            let truth = self.truth[self.pass.seen];
            self.loss += ln(sum) + most - f64::from(scores[truth]);
            self.right += usize::from(best == truth);
            self.predicted.push(best);
            // Probabilities are shown and ranked, where the precision of f32 is enough.
            #[allow(clippy::cast_possible_truncation)]
            self.probabilities.extend(scores.iter().map(|&score| (exp(f64::from(score) - most) / sum) as f32));
            self.pass.seen += 1;
        }
        Ok(())
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
    use dfdx::nn::DeviceBuildExt;
    use dfdx::nn::builders::Linear;
    use dfdx::tensor::TensorFrom;

    use super::*;

    #[test]
    fn the_last_chunk_counts_each_row_once() {
        let truth: Vec<usize> = (0..300).map(|row| row % 2).collect();
        let mut tally = Tally::new(&truth, 2).expect("rows");
        let mut chunks = 0;
        while let Some(rows) = tally.pass.rows() {
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

    #[test]
    fn pictures_and_rows_of_the_same_numbers_are_evaluated_alike() {
        let names = ["a", "b", "c", "d"];
        let mut frame = polars::df!("y" => (0..300).map(|row| row % 3).collect::<Vec<i32>>()).expect("a frame");
        for (at, name) in (1_i32..).zip(names) {
            let values: Vec<i32> = (0..300).map(|row| (row * at * at) % 7).collect();
            frame.with_column(polars::prelude::Column::new(name.into(), values)).expect("a column");
        }
        let data = Dataset::<4, 3>::new(&frame, &names, "y").expect("a dataset");
        let dev = crate::device::device_seeded(1);
        let linear = dev.build_module::<Linear<4, 3>, f32>();
        let rows = data.evaluate(&linear, &dev).expect("an evaluation");
        let model = (crate::nn::Flatten::<4>, linear);
        let pictures = data.pictures::<1, 2, 2>().evaluate(&model, &dev).expect("an evaluation");
        assert_eq!((pictures.predicted.len(), &pictures), (300, &rows));
    }

    #[test]
    fn every_row_is_predicted_once_and_nan_is_an_error_with_its_rows() {
        let x: Vec<f32> = (0_u16..513).map(f32::from).collect();
        let frame = polars::df!("x" => &x, "y" => &x).expect("a frame");
        let samples = Samples::<1>::new(&frame, &["x"], "y").expect("samples");
        let dev = crate::device::device();
        let mut model = dev.build_module::<Linear<1, 1>, f32>();
        (model.weight, model.bias) = (dev.tensor([[2.0]]), dev.tensor([1.0]));
        let expected: Vec<f32> = x.iter().map(|x| 2.0 * x + 1.0).collect();
        assert_eq!(samples.predict(&model, &dev).expect("predictions"), expected);
        model.bias = dev.tensor([f32::NAN]);
        let error = samples.predict(&model, &dev).expect_err("NaN").to_string();
        assert!(error.contains("rows 0 to 255") && error.contains("NaN"), "{error}");
    }
}
