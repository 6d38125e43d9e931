//! What a validation gives: named numbers.

use crate::data::Evaluation;

/// Numbers with names, as a validation returns them: `()`, a loss, pairs, or an [`Evaluation`].
pub trait Metrics {
    /// Each name and its value.
    fn metrics(&self) -> Vec<(String, f64)>;
}

/// No validation.
impl Metrics for () {
    fn metrics(&self) -> Vec<(String, f64)> {
        Vec::new()
    }
}

/// The loss.
impl Metrics for f64 {
    fn metrics(&self) -> Vec<(String, f64)> {
        vec![("loss".to_owned(), *self)]
    }
}

/// Loss and accuracy.
impl Metrics for Evaluation {
    fn metrics(&self) -> Vec<(String, f64)> {
        vec![("loss".to_owned(), self.loss), ("accuracy".to_owned(), self.accuracy)]
    }
}

impl<const N: usize> Metrics for [(&str, f64); N] {
    fn metrics(&self) -> Vec<(String, f64)> {
        self.iter().map(|&(name, value)| (name.to_owned(), value)).collect()
    }
}

impl Metrics for Vec<(String, f64)> {
    fn metrics(&self) -> Vec<(String, f64)> {
        self.clone()
    }
}
