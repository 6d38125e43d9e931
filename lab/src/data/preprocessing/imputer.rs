//! Missing values filled with what was learned from the training rows.

use std::collections::BTreeMap;

use polars::prelude::{Column, DataFrame};
use serde::{Deserialize, Serialize};

use super::{mean, numbers, present, quantile, sorted, with_numbers};
use crate::data::DataError;
use crate::data::matrix::column;

/// What missing values become.
#[derive(Debug, Clone, PartialEq)]
pub enum Fill {
    Mean,
    Median,
    /// The value that occurs most often; of several, the first in order. Also for text.
    MostFrequent,
    Number(f64),
    Text(String),
}

/// Fills missing values; NaN counts as missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Imputer {
    columns: Vec<(String, Value)>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Value {
    Number(f64),
    Text(String),
}

impl Imputer {
    /// Learns what to fill each column with.
    ///
    /// # Errors
    /// Names the column that is not there, is text where a number is asked for, or has no values at all.
    pub fn fit<S: AsRef<str>>(frame: &DataFrame, columns: &[S], fill: &Fill) -> Result<Self, DataError> {
        let columns = columns.iter().map(AsRef::as_ref).map(|name| Ok((name.to_owned(), learn(frame, name, fill)?)));
        Ok(Self { columns: columns.collect::<Result<_, DataError>>()? })
    }

    /// The frame with nothing missing in the fitted columns.
    ///
    /// # Errors
    /// When a fitted column is not there or is of another kind.
    pub fn transform(&self, frame: &DataFrame) -> Result<DataFrame, DataError> {
        let mut out = frame.clone();
        for (name, value) in &self.columns {
            match value {
                Value::Number(number) => {
                    let values = numbers(frame, name)?.into_iter().map(|value| value.or(Some(*number)));
                    with_numbers(&mut out, name, values.collect())?;
                }
                Value::Text(text) => {
                    let filled: Vec<String> =
                        texts(frame, name)?.into_iter().map(|value| value.unwrap_or_else(|| text.clone())).collect();
                    out.with_column(Column::new(name.as_str().into(), filled))?;
                }
            }
        }
        Ok(out)
    }
}

fn learn(frame: &DataFrame, name: &str, fill: &Fill) -> Result<Value, DataError> {
    let is_text = !column(frame, name)?.dtype().is_primitive_numeric();
    Ok(match fill {
        Fill::Number(number) => Value::Number(*number),
        Fill::Text(text) => Value::Text(text.clone()),
        Fill::Mean => Value::Number(mean(&present(frame, name)?)),
        Fill::Median => Value::Number(quantile(&sorted(present(frame, name)?), 0.5)),
        Fill::MostFrequent if is_text => {
            let values = texts(frame, name)?.into_iter().flatten();
            let most = most_frequent(values.map(|text| (text.clone(), text)));
            Value::Text(most.ok_or_else(|| nothing(name))?)
        }
        Fill::MostFrequent => {
            let values = sorted(present(frame, name)?);
            let most = most_frequent(values.iter().enumerate().map(|(order, value)| {
                // The first place of a value in the order stands for it.
                (values[..order].iter().position(|other| other == value).unwrap_or(order), *value)
            }));
            Value::Number(most.ok_or_else(|| nothing(name))?)
        }
    })
}

fn nothing(name: &str) -> DataError {
    DataError::TooFewRows { what: format!("column {name:?} has no values to fit on") }
}

fn most_frequent<K: Ord, V>(values: impl Iterator<Item = (K, V)>) -> Option<V> {
    let mut counts: BTreeMap<K, (usize, V)> = BTreeMap::new();
    for (key, value) in values {
        counts.entry(key).or_insert((0, value)).0 += 1;
    }
    // `max_by_key` takes the last of equals, so go through them from the end.
    counts.into_values().rev().max_by_key(|(count, _)| *count).map(|(_, value)| value)
}

fn texts(frame: &DataFrame, name: &str) -> Result<Vec<Option<String>>, DataError> {
    let column = column(frame, name)?;
    let text = |row| {
        let value = column.get(row)?;
        Ok(if value.is_null() { None } else { Some(value.str_value().into_owned()) })
    };
    (0..column.len()).map(text).collect()
}

#[cfg(test)]
mod tests {
    use polars::df;

    use super::*;

    fn frame() -> DataFrame {
        df!("n" => [Some(1.0), None, Some(2.0), Some(2.0), Some(11.0), Some(f64::NAN)],
            "t" => [Some("b"), Some("a"), None, Some("b"), Some("a"), Some("c")])
        .expect("a frame")
    }

    #[test]
    fn each_way_to_fill() {
        for (fill, expected) in
            [(Fill::Mean, 4.0), (Fill::Median, 2.0), (Fill::MostFrequent, 2.0), (Fill::Number(-1.0), -1.0)]
        {
            let imputer = Imputer::fit(&frame(), &["n"], &fill).expect("an imputer");
            let filled = numbers(&imputer.transform(&frame()).expect("a frame"), "n").expect("numbers");
            let expected = [1.0, expected, 2.0, 2.0, 11.0, expected].map(Some);
            assert_eq!(filled, expected, "{fill:?}");
        }
        for (fill, expected) in [(Fill::MostFrequent, "a"), (Fill::Text("?".to_owned()), "?")] {
            let imputer = Imputer::fit(&frame(), &["t"], &fill).expect("an imputer");
            let filled = texts(&imputer.transform(&frame()).expect("a frame"), "t").expect("text");
            assert_eq!(filled[2].as_deref(), Some(expected), "{fill:?}");
        }
    }

    #[test]
    fn it_can_be_saved_and_refuses_what_it_cannot_learn() {
        let imputer = Imputer::fit(&frame(), &["n", "t"], &Fill::MostFrequent).expect("an imputer");
        let json = serde_json::to_string(&imputer).expect("JSON");
        assert_eq!(serde_json::from_str::<Imputer>(&json).expect("an imputer"), imputer);
        let error = Imputer::fit(&frame(), &["t"], &Fill::Mean).expect_err("text has no mean").to_string();
        assert!(error.contains("\"t\" is str"), "{error}");
        let empty = df!("n" => [None::<f64>]).expect("a frame");
        assert!(Imputer::fit(&empty, &["n"], &Fill::Median).is_err());
    }
}
