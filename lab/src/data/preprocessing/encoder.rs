//! Categories as numbers.

use std::collections::BTreeSet;

use polars::prelude::{Column, DataFrame};
use serde::{Deserialize, Serialize};

use crate::data::DataError;
use crate::data::labels::texts;
use crate::data::matrix::column;

/// What a category becomes that was not there when the encoder was fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unknown {
    /// An error that names it.
    Refuse,
    /// Zeros, or -1.
    Ignore,
}

/// One column of zeros and ones for each category, named `column=category`, in place of the column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneHotEncoder {
    columns: Vec<Categories>,
    unknown: Unknown,
}

/// The number of the category, in sorted order or in an order that is given, in place of the column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrdinalEncoder {
    columns: Vec<Categories>,
    unknown: Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Categories {
    name: String,
    values: Vec<String>,
}

impl OneHotEncoder {
    /// Learns the categories of each column; a category that comes later is refused.
    ///
    /// # Errors
    /// Names the column that is not there or has missing values.
    pub fn fit<S: AsRef<str>>(frame: &DataFrame, columns: &[S]) -> Result<Self, DataError> {
        Ok(Self { columns: learn(frame, columns)?, unknown: Unknown::Refuse })
    }

    /// The same with another way to treat categories that come later.
    pub fn with_unknown(mut self, unknown: Unknown) -> Self {
        self.unknown = unknown;
        self
    }

    /// The names of the new columns, in order: the width that a model needs is their number.
    pub fn names(&self) -> Vec<String> {
        let names = |column: &Categories| column.values.iter().map(|value| one_hot_name(&column.name, value)).collect();
        self.columns.iter().flat_map::<Vec<String>, _>(names).collect()
    }

    /// The frame with the new columns at its end and without the old ones.
    ///
    /// # Errors
    /// Names the column that is not there or has missing values, or the category that is not known.
    pub fn transform(&self, frame: &DataFrame) -> Result<DataFrame, DataError> {
        let mut out = frame.clone();
        for column in &self.columns {
            let numbers = column.numbers(frame, self.unknown)?;
            out.drop_in_place(&column.name)?;
            for (category, value) in column.values.iter().enumerate() {
                let ones: Vec<f32> = numbers.iter().map(|number| f32::from(*number == Some(category))).collect();
                out.with_column(Column::new(one_hot_name(&column.name, value).into(), ones))?;
            }
        }
        Ok(out)
    }
}

impl OrdinalEncoder {
    /// Learns the categories of each column, in sorted order.
    ///
    /// # Errors
    /// As [`OneHotEncoder::fit`].
    pub fn fit<S: AsRef<str>>(frame: &DataFrame, columns: &[S]) -> Result<Self, DataError> {
        Ok(Self { columns: learn(frame, columns)?, unknown: Unknown::Refuse })
    }

    /// Numbers one column in a given order, as in `&["Fair", "Good", "Ideal"]`.
    pub fn ordered<S: AsRef<str>>(column: &str, order: &[S]) -> Self {
        let values = order.iter().map(|value| value.as_ref().to_owned()).collect();
        Self { columns: vec![Categories { name: column.to_owned(), values }], unknown: Unknown::Refuse }
    }

    /// The same with another way to treat categories that come later.
    pub fn with_unknown(mut self, unknown: Unknown) -> Self {
        self.unknown = unknown;
        self
    }

    /// The frame with numbers in place of the categories.
    ///
    /// # Errors
    /// As [`OneHotEncoder::transform`].
    pub fn transform(&self, frame: &DataFrame) -> Result<DataFrame, DataError> {
        let mut out = frame.clone();
        for column in &self.columns {
            let number = |number: Option<usize>| number.and_then(|number| i32::try_from(number).ok()).unwrap_or(-1);
            let numbers: Vec<i32> = column.numbers(frame, self.unknown)?.into_iter().map(number).collect();
            out.with_column(Column::new(column.name.as_str().into(), numbers))?;
        }
        Ok(out)
    }

    /// The frame with the categories again where [`OrdinalEncoder::transform`] put numbers.
    ///
    /// # Errors
    /// When a number stands for no category.
    pub fn inverse(&self, frame: &DataFrame) -> Result<DataFrame, DataError> {
        let mut out = frame.clone();
        for categories in &self.columns {
            let value = |(row, number): (usize, Option<f64>)| {
                let known = categories.values.iter().enumerate();
                let found = number.and_then(|number| {
                    known.into_iter().find(|(at, _)| f64::from(u32::try_from(*at).unwrap_or(u32::MAX)) == number)
                });
                found.map(|(_, value)| value.clone()).ok_or_else(|| {
                    let label = number.map_or("a missing number".to_owned(), |number| number.to_string());
                    categories.unknown(label, row)
                })
            };
            let numbers = super::numbers(frame, &categories.name)?.into_iter().enumerate();
            let values = numbers.map(value).collect::<Result<Vec<String>, DataError>>()?;
            out.with_column(Column::new(categories.name.as_str().into(), values))?;
        }
        Ok(out)
    }
}

impl Categories {
    /// The number of each row's category; `None` for one that is not known.
    fn numbers(&self, frame: &DataFrame, unknown: Unknown) -> Result<Vec<Option<usize>>, DataError> {
        let number = |(row, value): (usize, String)| match self.values.iter().position(|known| *known == value) {
            None if unknown == Unknown::Refuse => Err(self.unknown(format!("{value:?}"), row)),
            number => Ok(number),
        };
        values(frame, &self.name)?.into_iter().enumerate().map(number).collect()
    }

    fn unknown(&self, label: String, row: usize) -> DataError {
        DataError::Label { column: self.name.clone(), label, row, classes: self.values.len() }
    }
}

fn learn<S: AsRef<str>>(frame: &DataFrame, columns: &[S]) -> Result<Vec<Categories>, DataError> {
    let column = |name: &str| {
        let values: BTreeSet<String> = values(frame, name)?.into_iter().collect();
        Ok(Categories { name: name.to_owned(), values: values.into_iter().collect() })
    };
    columns.iter().map(|name| column(name.as_ref())).collect()
}

fn values(frame: &DataFrame, name: &str) -> Result<Vec<String>, DataError> {
    texts(column(frame, name)?)
}

fn one_hot_name(column: &str, value: &str) -> String {
    format!("{column}={value}")
}

#[cfg(test)]
mod tests {
    use polars::df;

    use super::*;

    fn frame() -> DataFrame {
        df!("c" => ["red", "blue", "red"], "n" => [1, 2, 3]).expect("a frame")
    }

    fn ints(frame: &DataFrame, name: &str) -> Vec<i32> {
        frame.column(name).expect("a column").i32().expect("integers").into_no_null_iter().collect()
    }

    #[test]
    fn one_column_for_each_category() {
        let encoder = OneHotEncoder::fit(&frame(), &["c"]).expect("an encoder");
        assert_eq!(encoder.names(), ["c=blue", "c=red"]);
        let encoded = encoder.transform(&frame()).expect("a frame");
        assert_eq!(encoded.get_column_names(), ["n", "c=blue", "c=red"]);
        let red: Vec<f32> = encoded.column("c=red").expect("red").f32().expect("f32").into_no_null_iter().collect();
        assert_eq!(red, [1.0, 0.0, 1.0]);
    }

    #[test]
    fn a_new_category_is_refused_or_ignored() {
        let other = df!("c" => ["green"], "n" => [1]).expect("a frame");
        let encoder = OneHotEncoder::fit(&frame(), &["c"]).expect("an encoder");
        let error = encoder.transform(&other).expect_err("green is new").to_string();
        assert!(error.contains("\"c\"") && error.contains("green") && error.contains("row 0"), "{error}");
        let encoded = encoder.with_unknown(Unknown::Ignore).transform(&other).expect("a frame");
        let sum: f32 = encoded.column("c=red").expect("red").f32().expect("f32").into_no_null_iter().sum();
        assert_eq!(sum, 0.0);
        let ordinal = OrdinalEncoder::fit(&frame(), &["c"]).expect("an encoder").with_unknown(Unknown::Ignore);
        assert_eq!(ints(&ordinal.transform(&other).expect("a frame"), "c"), [-1]);
    }

    #[test]
    fn order_is_sorted_or_given_and_can_be_undone() {
        let sorted = OrdinalEncoder::fit(&frame(), &["c"]).expect("an encoder");
        assert_eq!(ints(&sorted.transform(&frame()).expect("a frame"), "c"), [1, 0, 1]);
        let given = OrdinalEncoder::ordered("c", &["red", "blue"]);
        let encoded = given.transform(&frame()).expect("a frame");
        assert_eq!(ints(&encoded, "c"), [0, 1, 0]);
        assert!(given.inverse(&encoded).expect("a frame").equals(&frame()));
        let json = serde_json::to_string(&given).expect("JSON");
        assert_eq!(serde_json::from_str::<OrdinalEncoder>(&json).expect("an encoder"), given);
    }
}
