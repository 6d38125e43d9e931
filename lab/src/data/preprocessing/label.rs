//! Labels as class numbers, and back.

use polars::prelude::DataFrame;
use serde::{Deserialize, Serialize};

use crate::data::labels::found;
use crate::data::matrix::column;
use crate::data::{Classes, DataError, class_names};

/// Numbers the labels of one column from 0, in sorted order, as scikit-learn's `LabelEncoder` does; and turns
/// predicted classes into labels again.
///
/// ```ignore
/// let encoder = LabelEncoder::fit(&train, "species")?;
/// let classes = encoder.transform(&test)?;
/// let species = encoder.inverse_transform(&evaluation.predicted)?;
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelEncoder {
    column: String,
    classes: Classes,
}

impl LabelEncoder {
    /// Learns the labels of a column.
    ///
    /// # Errors
    /// Names the column when it is not there or labels are missing.
    pub fn fit(frame: &DataFrame, column: &str) -> Result<Self, DataError> {
        Ok(Self { column: column.to_owned(), classes: class_names(frame, column)? })
    }

    /// The labels, in the order of their numbers: what [`Dataset::with_classes`](crate::data::Dataset::with_classes)
    /// takes.
    pub fn classes(&self) -> &Classes {
        &self.classes
    }

    /// The class of each row.
    ///
    /// # Errors
    /// Names the column when it is not there or labels are missing, and the label that is not known with its row.
    pub fn transform(&self, frame: &DataFrame) -> Result<Vec<usize>, DataError> {
        found(column(frame, &self.column)?, &self.classes)
    }

    /// The label of each class.
    ///
    /// # Errors
    /// Names the number that is no class, with its place.
    pub fn inverse_transform(&self, classes: &[usize]) -> Result<Vec<String>, DataError> {
        let label = |(row, class): (usize, &usize)| {
            let known = self.classes.names().get(*class).cloned();
            let (column, classes) = (&self.column, self.classes.len());
            known.ok_or_else(|| DataError::Label { column: column.clone(), label: class.to_string(), row, classes })
        };
        classes.iter().enumerate().map(label).collect()
    }
}

#[cfg(test)]
mod tests {
    use polars::df;

    use super::*;

    // scikit-learn 1.9.1: LabelEncoder().fit(["b", "a", "c", "a"]), and of [10, 2, 10].
    #[test]
    fn labels_are_numbered_and_come_back() {
        let frame = df!("y" => ["b", "a", "c", "a"]).expect("a frame");
        let encoder = LabelEncoder::fit(&frame, "y").expect("an encoder");
        assert_eq!(encoder.transform(&frame).expect("classes"), [1, 0, 2, 0]);
        assert_eq!(encoder.inverse_transform(&[2, 0]).expect("labels"), ["c", "a"]);
        let frame = df!("y" => [10, 2, 10]).expect("a frame");
        let encoder = LabelEncoder::fit(&frame, "y").expect("an encoder");
        assert_eq!(encoder.classes().names(), ["2", "10"]);
        assert_eq!(encoder.transform(&frame).expect("classes"), [1, 0, 1]);
    }

    #[test]
    fn what_is_unknown_is_named_with_its_row() {
        let encoder = LabelEncoder::fit(&df!("y" => ["a", "b"]).expect("a frame"), "y").expect("an encoder");
        let error = encoder.transform(&df!("y" => ["a", "z"]).expect("a frame")).expect_err("z").to_string();
        assert_eq!(error, "column \"y\": label \"z\" in row 1 is not one of the 2 classes");
        let error = encoder.inverse_transform(&[0, 2]).expect_err("two classes").to_string();
        assert_eq!(error, "column \"y\": label 2 in row 1 is not one of the 2 classes");
        let missing = df!("y" => [Some("a"), None]).expect("a frame");
        assert!(matches!(encoder.transform(&missing), Err(DataError::Missing { row: 1, .. })));
        assert!(matches!(LabelEncoder::fit(&missing, "x"), Err(DataError::NoColumn { .. })));
    }

    #[test]
    fn it_can_be_saved() {
        let encoder = LabelEncoder::fit(&df!("y" => ["a", "b"]).expect("a frame"), "y").expect("an encoder");
        let json = serde_json::to_string(&encoder).expect("JSON");
        assert_eq!(serde_json::from_str::<LabelEncoder>(&json).expect("an encoder"), encoder);
    }
}
