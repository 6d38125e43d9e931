//! Which classes are taken for which.

use super::{MetricError, check};
use crate::display::Table;

/// Counts of rows by true class (down) and predicted class (across).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfusionMatrix {
    classes: Vec<usize>,
    names: Vec<String>,
    counts: Vec<Vec<usize>>,
}

/// Counts how often each true class is predicted as each class. The classes are those that occur in
/// either, in ascending order, as in `sklearn.metrics.confusion_matrix`.
///
/// # Errors
/// When there are no labels, or not one prediction for each.
pub fn confusion_matrix(truth: &[usize], predicted: &[usize]) -> Result<ConfusionMatrix, MetricError> {
    check(truth, predicted)?;
    let mut classes: Vec<usize> = truth.iter().chain(predicted).copied().collect();
    classes.sort_unstable();
    classes.dedup();
    let mut counts = vec![vec![0; classes.len()]; classes.len()];
    for (truth, predicted) in truth.iter().zip(predicted) {
        // Every label is in `classes`, which was made from them.
        if let (Ok(row), Ok(column)) = (classes.binary_search(truth), classes.binary_search(predicted)) {
            counts[row][column] += 1;
        }
    }
    let names = classes.iter().map(usize::to_string).collect();
    Ok(ConfusionMatrix { classes, names, counts })
}

impl ConfusionMatrix {
    /// Gives the classes names: `names[class]` for each class.
    ///
    /// # Errors
    /// When there is a class without a name.
    pub fn named<S: AsRef<str>>(mut self, names: &[S]) -> Result<Self, MetricError> {
        for (place, &class) in self.names.iter_mut().zip(&self.classes) {
            let name = names.get(class).ok_or(MetricError::Names { names: names.len(), class })?;
            *place = name.as_ref().to_owned();
        }
        Ok(self)
    }

    /// The counts: a row for each true class, a column for each predicted one.
    pub fn counts(&self) -> &[Vec<usize>] {
        &self.counts
    }

    /// The classes that the rows and columns stand for.
    pub fn classes(&self) -> &[usize] {
        &self.classes
    }

    /// The names of the classes.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// How many rows were predicted right.
    pub(super) fn right(&self) -> usize {
        (0..self.classes.len()).map(|class| self.counts[class][class]).sum()
    }

    /// Of one class: how many rows were rightly predicted as it, were predicted as it, and are of it.
    pub(super) fn tally(&self, class: usize) -> (usize, usize, usize) {
        let predicted = self.counts.iter().map(|row| row[class]).sum();
        (self.counts[class][class], predicted, self.counts[class].iter().sum())
    }

    /// The counts as text.
    pub(crate) fn table(&self) -> String {
        let header: Vec<String> = [String::from("true \\ predicted")].into_iter().chain(self.names.clone()).collect();
        let mut table = Table::new(&header).left(0);
        for (name, counts) in self.names.iter().zip(&self.counts) {
            let row: Vec<String> = [name.clone()].into_iter().chain(counts.iter().map(usize::to_string)).collect();
            table.row(&row);
        }
        table.text()
    }
}
