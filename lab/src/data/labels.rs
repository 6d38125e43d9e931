//! A column of labels as class numbers.

use std::collections::BTreeSet;

use polars::prelude::{Column, DataFrame, DataType};
use serde::{Deserialize, Serialize};

use super::DataError;
use super::matrix::{column, listed};

/// The names of the classes, in the order of their numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classes {
    names: Vec<String>,
}

impl Classes {
    /// Names in the order of the class numbers.
    pub fn new<S: AsRef<str>>(names: &[S]) -> Self {
        Self { names: names.iter().map(|name| name.as_ref().to_owned()).collect() }
    }

    /// Classes that are called by their numbers.
    fn numbered(classes: usize) -> Self {
        Self { names: (0..classes).map(|class| class.to_string()).collect() }
    }

    /// The names.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// The different labels of a column, sorted, whole numbers by size: take them from the whole frame, before it is split.
///
/// # Errors
/// When there is no such column, or labels are missing.
pub fn class_names(frame: &DataFrame, label: &str) -> Result<Classes, DataError> {
    let column = column(frame, label)?;
    let names: BTreeSet<String> = texts(column)?.into_iter().collect();
    let mut names: Vec<String> = names.into_iter().collect();
    if column.dtype().is_integer() {
        names.sort_by_key(|name| name.parse::<i128>().ok());
    }
    Ok(Classes { names })
}

/// Class numbers for a column: whole numbers stand for themselves and must be below `classes`; text is
/// numbered in sorted order, and must have exactly `classes` different values.
pub(super) fn numbered(frame: &DataFrame, label: &str, classes: usize) -> Result<(Vec<usize>, Classes), DataError> {
    let column = column(frame, label)?;
    if column.dtype().is_integer() {
        return Ok((whole(column, classes)?, Classes::numbered(classes)));
    }
    let names = class_names(frame, label)?;
    as_many(&names, classes, label)?;
    Ok((found(column, &names)?, names))
}

/// Class numbers for numbers that are whole and below `classes`.
pub(super) fn from_values(values: &[f32], classes: usize) -> Result<(Vec<usize>, Classes), DataError> {
    let class = |(row, value): (usize, &f32)| {
        // A float is turned into the nearest number that fits; only a class comes back the same.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let (class, same) = (*value as usize, *value as usize as f32 == *value);
        let label = || DataError::Label { column: "labels".to_owned(), label: value.to_string(), row, classes };
        if same && class < classes { Ok(class) } else { Err(label()) }
    };
    Ok((values.iter().enumerate().map(class).collect::<Result<_, _>>()?, Classes::numbered(classes)))
}

/// Class numbers for a column of text, by the order of the `names` of `classes` classes.
pub(super) fn named(frame: &DataFrame, label: &str, names: &Classes, classes: usize) -> Result<Vec<usize>, DataError> {
    as_many(names, classes, label)?;
    found(column(frame, label)?, names)
}

fn as_many(names: &Classes, classes: usize, label: &str) -> Result<(), DataError> {
    if names.len() == classes {
        return Ok(());
    }
    let known: Vec<&str> = names.names.iter().map(String::as_str).collect();
    Err(DataError::Classes { column: label.to_owned(), expected: classes, got: names.len(), known: listed(&known) })
}

fn whole(column: &Column, classes: usize) -> Result<Vec<usize>, DataError> {
    present(column)?;
    let cast = column.cast(&DataType::Int64)?;
    let labels = cast.i64()?.iter().enumerate().map(|(row, label)| {
        let label = label.unwrap_or(-1);
        match usize::try_from(label) {
            Ok(class) if class < classes => Ok(class),
            _ => Err(DataError::Label { column: column.name().to_string(), label: label.to_string(), row, classes }),
        }
    });
    labels.collect()
}

pub(super) fn found(column: &Column, classes: &Classes) -> Result<Vec<usize>, DataError> {
    let labels = texts(column)?.into_iter().enumerate().map(|(row, label)| {
        let class = classes.names.iter().position(|name| *name == label);
        class.ok_or_else(|| {
            let column = column.name().to_string();
            DataError::Label { column, label: format!("{label:?}"), row, classes: classes.len() }
        })
    });
    labels.collect()
}

/// The values as text; an error when some are missing.
pub(super) fn texts(column: &Column) -> Result<Vec<String>, DataError> {
    present(column)?;
    let texts = (0..column.len()).map(|row| Ok(column.get(row)?.str_value().into_owned()));
    texts.collect()
}

/// An error that names the first missing value, if there is one.
pub(super) fn present(column: &Column) -> Result<(), DataError> {
    match column.null_count() {
        0 => Ok(()),
        count => {
            let row = column.is_null().iter().position(|null| null == Some(true)).unwrap_or(0);
            Err(DataError::Missing { column: column.name().to_string(), count, row })
        }
    }
}

#[cfg(test)]
mod tests {
    use polars::df;

    use super::*;

    #[test]
    fn numbers_stand_for_themselves() {
        let frame = df!("y" => [2, 0, 2]).expect("a frame");
        assert_eq!(numbered(&frame, "y", 3).expect("labels").0, [2, 0, 2]);
        let error = numbered(&frame, "y", 2).expect_err("2 is no class").to_string();
        assert_eq!(error, "column \"y\": label 2 in row 0 is not one of the 2 classes");
    }

    #[test]
    fn text_is_numbered_in_sorted_order() {
        let frame = df!("y" => ["dog", "cat", "dog"]).expect("a frame");
        let (labels, classes) = numbered(&frame, "y", 2).expect("labels");
        assert_eq!(
            (labels.as_slice(), classes.names()),
            ([1, 0, 1].as_slice(), ["cat".to_owned(), "dog".to_owned()].as_slice())
        );
        let error = numbered(&frame, "y", 3).expect_err("two classes").to_string();
        assert!(error.contains("2 different labels (cat, dog)") && error.contains("3 classes"), "{error}");
        assert!(
            named(&frame, "y", &Classes::new(&["dog"]), 1)
                .expect_err("no cat")
                .to_string()
                .contains("\"cat\" in row 1")
        );
    }

    #[test]
    fn missing_labels_are_named() {
        let frame = df!("y" => [Some(1), None]).expect("a frame");
        assert!(matches!(numbered(&frame, "y", 2), Err(DataError::Missing { row: 1, count: 1, .. })));
    }
}
