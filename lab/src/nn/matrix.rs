//! Products of matrices on plain numbers, through the one door to `gemm` that dfdx leaves open: its tensors.

use dfdx::shapes::{Axes2, Axes4};
use dfdx::tensor::{CpuError, Tensor, TensorFromVec};
use dfdx::tensor_ops::{BroadcastTo, PermuteTo, TryMatMul};

use crate::device::Dev;

/// Matrices in two levels of batches: `[outer, inner, rows, columns]`. Transposing and repeating move nothing.
#[derive(Debug, Clone)]
pub(crate) struct Matrices(Tensor<(usize, usize, usize, usize), f32, Dev>);

impl Matrices {
    /// Takes numbers in row-major order. An error when there are not as many as the sizes say.
    pub(crate) fn new(values: Vec<f32>, [outer, inner, rows, columns]: [usize; 4]) -> Result<Self, CpuError> {
        Dev::default().try_tensor_from_vec(values, (outer, inner, rows, columns)).map(Self)
    }

    /// One matrix.
    pub(crate) fn one(values: Vec<f32>, rows: usize, columns: usize) -> Result<Self, CpuError> {
        Self::new(values, [1, 1, rows, columns])
    }

    /// The same matrix `count` times, at the inner level.
    pub(crate) fn repeated(values: Vec<f32>, count: usize, rows: usize, columns: usize) -> Result<Self, CpuError> {
        let one = Dev::default().try_tensor_from_vec(values, (rows, columns))?;
        one.try_broadcast_like::<_, Axes2<0, 1>>(&(1, count, rows, columns)).map(Self)
    }

    /// Each matrix transposed.
    pub(crate) fn transposed(&self) -> Result<Self, CpuError> {
        self.0.clone().try_permute::<_, Axes4<0, 1, 3, 2>>().map(Self)
    }

    /// `[outer, rows, inner, columns]`: what was a row of heads is now a batch of them.
    pub(crate) fn heads(&self) -> Result<Self, CpuError> {
        self.0.clone().try_permute::<_, Axes4<0, 2, 1, 3>>().map(Self)
    }

    /// Each matrix times the other's at the same place.
    pub(crate) fn times(&self, other: &Self) -> Result<Self, CpuError> {
        self.0.clone().try_matmul(other.0.clone()).map(Self)
    }

    /// Copies a product out, in row-major order; `place` has exactly its size.
    pub(crate) fn copy_to(&self, place: &mut [f32]) {
        self.0.copy_into(place);
    }

    /// A product's numbers, in row-major order.
    pub(crate) fn values(&self, len: usize) -> Vec<f32> {
        let mut values = vec![0.0; len];
        self.copy_to(&mut values);
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_repeated_transposed_and_head_major_matrices() {
        let a = Matrices::repeated(vec![1., 2., 3., 4.], 2, 2, 2).expect("a");
        let b = Matrices::new(vec![1., 0., 0., 1., 0., 1., 1., 0.], [1, 2, 2, 2]).expect("b");
        assert_eq!(a.times(&b).expect("a product").values(8), [1., 2., 3., 4., 2., 1., 4., 3.]);
        let turned = a.transposed().expect("transposed");
        assert_eq!(turned.times(&b).expect("a product").values(8), [1., 3., 2., 4., 3., 1., 4., 2.]);
        // One batch of two rows with two heads of one column each.
        let heads = Matrices::new(vec![1., 2., 3., 4.], [1, 2, 2, 1]).and_then(|x| x.heads()).expect("heads");
        let unit = Matrices::repeated(vec![1.], 2, 1, 1).expect("a unit");
        assert_eq!(heads.times(&unit).expect("a product").values(4), [1., 3., 2., 4.]);
    }
}
