//! Numbers as charts take them.

use dfdx::shapes::Shape;
use dfdx::tensor::Tensor;

use crate::device::Dev;

/// Numbers of any of the types that cells have them in: `&[f64]`, `&[f32]`, vectors, arrays, tensors. What a
/// chart takes as `impl Into<Numbers>` takes any of these.
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
