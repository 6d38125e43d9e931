//! How the columns of a frame go together.

use polars::prelude::{Column, DataFrame, DataType};

use super::cells::Names;
use super::heatmap::Heatmap;
use super::save::PlotError;

/// A heat map of the Pearson correlations of a frame's numeric columns, from -1 to 1. Each is over the rows in
/// which both columns have a finite value, as in pandas; that of a constant column is not defined, and grey.
///
/// # Errors
/// When there is no numeric column.
pub fn correlation(frame: &DataFrame) -> Result<Heatmap, PlotError> {
    let numeric = |column: &&Column| column.dtype().is_primitive_numeric() || column.dtype().is_bool();
    let columns: Vec<&Column> = frame.columns().iter().filter(numeric).collect();
    if columns.is_empty() {
        return Err(PlotError::Shape { what: "the frame has no numeric column to correlate".to_owned() });
    }
    let names: Vec<&str> = columns.iter().map(|column| column.name().as_str()).collect();
    let values = columns.iter().map(|column| numbers(column)).collect::<Result<Vec<_>, _>>()?;
    let mut cells = Vec::with_capacity(values.len() * values.len());
    for row in &values {
        cells.extend(values.iter().map(|column| pearson(row, column)));
    }
    let names = Names::from(&names);
    Ok(Heatmap::new("Correlation".to_owned(), names.clone(), names, cells)?.diverging().range(-1.0, 1.0))
}

fn numbers(column: &Column) -> Result<Vec<f64>, PlotError> {
    let shape =
        |error: polars::prelude::PolarsError| PlotError::Shape { what: format!("column {:?}: {error}", column.name()) };
    let cast = column.cast(&DataType::Float64).map_err(shape)?;
    Ok(cast.f64().map_err(shape)?.iter().map(|value| value.unwrap_or(f64::NAN)).collect())
}

/// The covariance over the product of the standard deviations, of pairs that are finite; NaN if there is none.
fn pearson(a: &[f64], b: &[f64]) -> f64 {
    let pairs = || a.iter().zip(b).filter(|(a, b)| a.is_finite() && b.is_finite());
    let (mut number, mut sum_a, mut sum_b) = (0.0, 0.0, 0.0);
    for (a, b) in pairs() {
        (number, sum_a, sum_b) = (number + 1.0, sum_a + a, sum_b + b);
    }
    let (mean_a, mean_b) = (sum_a / number, sum_b / number);
    let (mut both, mut square_a, mut square_b) = (0.0, 0.0, 0.0);
    for (a, b) in pairs() {
        let (a, b) = (a - mean_a, b - mean_b);
        (both, square_a, square_b) = (both + a * b, square_a + a * a, square_b + b * b);
    }
    (both / (square_a.sqrt() * square_b.sqrt())).clamp(-1.0, 1.0)
}

#[cfg(test)]
mod tests {
    use polars::df;

    use super::*;

    #[test]
    fn correlations_are_those_of_pandas() {
        let (a, b) = ([1.0, 2.0, 3.0, 4.0, f64::NAN], [2.0, 1.0, 4.0, 3.0, 9.0]);
        // pandas 3.1.1: pd.Series([1, 2, 3, 4, nan]).corr(pd.Series([2, 1, 4, 3, 9]))
        assert!((pearson(&a, &b) - 0.6).abs() < 1e-12);
        assert!(pearson(&a, &[5.0; 5]).is_nan() && pearson(&[], &[]).is_nan());
    }

    #[test]
    fn numeric_columns_are_taken() {
        let frame =
            df!("a" => [Some(1), Some(2), None], "s" => ["x", "y", "z"], "b" => [2.0, 4.0, 1.0]).expect("a frame");
        let svg = correlation(&frame).expect("a heat map").svg();
        assert!(svg.contains(">a</text>") && svg.contains(">b</text>") && !svg.contains(">s</text>"), "{svg}");
        let text = df!("s" => ["x"]).expect("a frame");
        assert!(correlation(&text).expect_err("no number").to_string().contains("no numeric column"));
    }
}
