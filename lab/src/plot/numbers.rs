//! Numbers as charts take them.

use dfdx::shapes::Shape;
use dfdx::tensor::Tensor;
use polars::prelude::{Float32Chunked, Float64Chunked, Int32Chunked, Int64Chunked};

use crate::device::Dev;

/// Numbers of any of the types that cells have them in: `&[f64]`, `&[f32]`, vectors, arrays, tensors, and columns
/// of a frame, as in `frame.column("age")?.f64()?`. What a chart takes as `impl Into<Numbers>` takes any of
/// these. A missing value is NaN.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Numbers(pub(super) Vec<f64>);

impl From<&[f64]> for Numbers {
    fn from(values: &[f64]) -> Self {
        Self(values.to_vec())
    }
}

impl From<&[f32]> for Numbers {
    fn from(values: &[f32]) -> Self {
        Self(values.iter().copied().map(f64::from).collect())
    }
}

impl From<&Vec<f64>> for Numbers {
    fn from(values: &Vec<f64>) -> Self {
        values.as_slice().into()
    }
}

impl From<&Vec<f32>> for Numbers {
    fn from(values: &Vec<f32>) -> Self {
        values.as_slice().into()
    }
}

impl<const N: usize> From<&[f64; N]> for Numbers {
    fn from(values: &[f64; N]) -> Self {
        values.as_slice().into()
    }
}

impl<const N: usize> From<&[f32; N]> for Numbers {
    fn from(values: &[f32; N]) -> Self {
        values.as_slice().into()
    }
}

impl<S: Shape, T> From<&Tensor<S, f32, Dev, T>> for Numbers {
    fn from(tensor: &Tensor<S, f32, Dev, T>) -> Self {
        tensor.as_vec().as_slice().into()
    }
}

impl From<&Float64Chunked> for Numbers {
    fn from(column: &Float64Chunked) -> Self {
        Self(column.iter().map(|value| value.unwrap_or(f64::NAN)).collect())
    }
}

impl From<&Float32Chunked> for Numbers {
    fn from(column: &Float32Chunked) -> Self {
        Self(column.iter().map(|value| value.map_or(f64::NAN, f64::from)).collect())
    }
}

impl From<&Int32Chunked> for Numbers {
    fn from(column: &Int32Chunked) -> Self {
        Self(column.iter().map(|value| value.map_or(f64::NAN, f64::from)).collect())
    }
}

impl From<&Int64Chunked> for Numbers {
    #[allow(clippy::cast_precision_loss)] // a chart shows fewer digits than an f64 has
    fn from(column: &Int64Chunked) -> Self {
        Self(column.iter().map(|value| value.map_or(f64::NAN, |value| value as f64)).collect())
    }
}

#[cfg(test)]
mod tests {
    use dfdx::tensor::TensorFrom;
    use polars::df;

    use super::*;

    #[test]
    fn numbers_come_from_what_cells_have() {
        let frame = df!("a" => [Some(1_i64), None], "b" => [0.5_f32, 1.5]).expect("a frame");
        let column = |name| frame.column(name).expect("a column");
        let tensor = crate::device::device().tensor([[1.0_f32, 2.0], [3.0, 4.0]]);
        let Numbers(missing) = column("a").i64().expect("whole numbers").into();
        assert!(missing[0] == 1.0 && missing[1].is_nan());
        assert_eq!(Numbers::from(column("b").f32().expect("floats")), Numbers(vec![0.5, 1.5]));
        assert_eq!(Numbers::from(&tensor), Numbers(vec![1.0, 2.0, 3.0, 4.0]));
        assert_eq!(Numbers::from(&[1.0, 2.0]), Numbers::from(&vec![1.0_f32, 2.0]));
    }
}
