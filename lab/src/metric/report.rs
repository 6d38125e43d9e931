//! All scores of a classifier in one table.

use super::score::{averaged, scores};
use super::{Average, ClassScore, ConfusionMatrix, MetricError, confusion_matrix, ratio};
use crate::display::{MimeBundle, Show, Table};

/// Precision, recall, F1 and support of each class, and their means.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassificationReport {
    names: Vec<String>,
    scores: Vec<ClassScore>,
    accuracy: f64,
    rows: usize,
}

/// Scores predictions class by class, as `sklearn.metrics.classification_report` does.
///
/// # Errors
/// When there are no labels, or not one prediction for each.
pub fn classification_report(truth: &[usize], predicted: &[usize]) -> Result<ClassificationReport, MetricError> {
    Ok(ClassificationReport::of(&confusion_matrix(truth, predicted)?, truth.len()))
}

impl ClassificationReport {
    fn of(matrix: &ConfusionMatrix, rows: usize) -> Self {
        let accuracy = ratio(matrix.right(), rows);
        Self { names: matrix.names().to_vec(), scores: scores(matrix), accuracy, rows }
    }

    /// The share of predictions that are right.
    pub fn accuracy(&self) -> f64 {
        self.accuracy
    }

    /// The scores of each class.
    pub fn scores(&self) -> &[ClassScore] {
        &self.scores
    }

    fn table(&self) -> Table {
        let mut table = Table::new(&["class", "precision", "recall", "F1", "support"]).left(0);
        for (name, score) in self.names.iter().zip(&self.scores) {
            table.row(&line(name, [score.precision, score.recall, score.f1], score.support));
        }
        table.rule();
        table.row(&[
            String::from("accuracy"),
            String::new(),
            String::new(),
            places(self.accuracy),
            self.rows.to_string(),
        ]);
        for (name, average) in [("macro mean", Average::Macro), ("weighted mean", Average::Weighted)] {
            let parts: [fn(&ClassScore) -> f64; 3] = [|score| score.precision, |score| score.recall, |score| score.f1];
            table.row(&line(name, parts.map(|part| averaged(&self.scores, average, part)), self.rows));
        }
        table
    }
}

fn line(name: &str, scores: [f64; 3], support: usize) -> [String; 5] {
    let [precision, recall, f1] = scores.map(places);
    [name.to_owned(), precision, recall, f1, support.to_string()]
}

fn places(score: f64) -> String {
    format!("{score:.3}")
}

impl Show for ClassificationReport {
    fn show(&self) -> MimeBundle {
        self.table().show()
    }
}
