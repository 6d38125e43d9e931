//! Missing values filled with what was learned from the training rows.

use polars::prelude::{Column, DataFrame};
use serde::{Deserialize, Serialize};

use super::{mean, nothing, numbers, present, quantile, sorted, with_numbers};
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
            let mut values: Vec<String> = texts(frame, name)?.into_iter().flatten().collect();
            values.sort();
            Value::Text(most_frequent(&values).ok_or_else(|| nothing(name))?.clone())
        }
        Fill::MostFrequent => {
            Value::Number(*most_frequent(&sorted(present(frame, name)?)).ok_or_else(|| nothing(name))?)
        }
    })
}

/// Of sorted values, the one that occurs most often, and of several the first.
fn most_frequent<T: PartialEq>(sorted: &[T]) -> Option<&T> {
    // `max_by_key` takes the last of equals, so go through them from the end.
    sorted.chunk_by(|a, b| a == b).rev().max_by_key(|same| same.len())?.first()
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
