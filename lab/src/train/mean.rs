//! The mean of numbers that come one at a time, such as the loss of each batch.

use serde::{Deserialize, Serialize};

/// A running mean.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    sum: f64,
    count: u64,
}

impl Mean {
    /// A mean of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a number.
    pub fn add(&mut self, value: impl Into<f64>) {
        self.sum += value.into();
        self.count += 1;
    }

    /// The mean so far; NaN before the first number.
    #[allow(clippy::cast_precision_loss)] // counts are far below 2^52
    pub fn value(&self) -> f64 {
        self.sum / self.count as f64
    }
}

#[cfg(test)]
mod tests {
    use super::Mean;

    #[test]
    fn of_numbers_of_either_kind() {
        let mut mean = Mean::new();
        assert!(mean.value().is_nan());
        mean.add(1.0f32);
        mean.add(2.0f64);
        assert!((mean.value() - 1.5).abs() < 1e-12);
    }
}
