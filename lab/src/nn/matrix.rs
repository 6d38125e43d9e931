//! Products of matrices that lie in slices, by `gemm`, the crate that multiplies for dfdx too. Going through dfdx's
//! tensors instead would copy every operand and every result.

use gemm::Parallelism;

/// A matrix whose rows lie in a slice, or its transpose. Nothing is moved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matrix<'a> {
    numbers: &'a [f32],
    /// Rows and columns.
    size: [usize; 2],
    /// How far the next row and the next column are.
    step: [usize; 2],
}

/// A product that is still to be written somewhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Product<'a> {
    left: Matrix<'a>,
    right: Matrix<'a>,
    cores: Parallelism,
}

impl<'a> Matrix<'a> {
    /// Rows of `columns` numbers, one after the other.
    pub(crate) fn new(numbers: &'a [f32], columns: usize) -> Self {
        Self::wide(numbers, numbers.len() / columns.max(1), columns, columns)
    }

    /// Rows that start `stride` apart, as one head's part of wider rows does.
    ///
    /// # Panics
    /// When the slice is shorter than that.
    pub(crate) fn wide(numbers: &'a [f32], rows: usize, columns: usize, stride: usize) -> Self {
        let (size, step) = ([rows, columns], [stride, 1]);
        assert!(reach(size, step) <= numbers.len(), "{size:?} numbers, rows {stride} apart, in {}", numbers.len());
        Self { numbers, size, step }
    }

    /// The transpose.
    pub(crate) fn transposed(self) -> Self {
        let ([rows, columns], [down, across]) = (self.size, self.step);
        Self { numbers: self.numbers, size: [columns, rows], step: [across, down] }
    }

    /// This times another matrix, on this thread.
    ///
    /// # Panics
    /// When the sizes don't fit.
    pub(crate) fn times(self, right: Self) -> Product<'a> {
        assert_eq!(self.size[1], right.size[0], "columns on the left, rows on the right");
        Product { left: self, right, cores: Parallelism::None }
    }
}

impl Product<'_> {
    /// Uses all cores, if the product is large.
    pub(crate) fn on_all_cores(self) -> Self {
        Self { cores: Parallelism::Rayon(0), ..self }
    }

    /// Writes it, its rows `stride` apart.
    pub(crate) fn write(self, to: &mut [f32], stride: usize) {
        self.run(to, stride, false);
    }

    /// Adds it to what is there, its rows `stride` apart.
    pub(crate) fn add_to(self, to: &mut [f32], stride: usize) {
        self.run(to, stride, true);
    }

    #[allow(clippy::cast_possible_wrap)] // steps are less than a slice is long
    fn run(self, to: &mut [f32], stride: usize, add: bool) {
        let Self { left, right, cores } = self;
        let ([rows, inner], [_, columns]) = (left.size, right.size);
        assert!(stride >= columns && reach([rows, columns], [stride, 1]) <= to.len(), "a product's place is too small");
        // SAFETY: gemm reads number (i, j) of each operand at i * step[0] + j * step[1] for i and j below its size,
        // which `Matrix::wide` checked to be inside its slice (transposing swaps both alike). It writes (and, when
        // adding, reads) (i, j) of the product at i * stride + j, inside `to` and each in a place of its own by the
        // check above; `to` is borrowed mutably, so it overlaps neither operand.
        unsafe {
            gemm::gemm(
                rows,
                columns,
                inner,
                to.as_mut_ptr(),
                1,
                stride as isize,
                add,
                left.numbers.as_ptr(),
                left.step[1] as isize,
                left.step[0] as isize,
                right.numbers.as_ptr(),
                right.step[1] as isize,
                right.step[0] as isize,
                1.0f32,
                1.0f32,
                false,
                false,
                false,
                cores,
            );
        }
    }
}

/// One more than the place of the last number.
fn reach([rows, columns]: [usize; 2], [down, across]: [usize; 2]) -> usize {
    if rows == 0 || columns == 0 {
        return 0;
    }
    let last = (rows - 1).checked_mul(down).zip((columns - 1).checked_mul(across));
    last.and_then(|(down, across)| down.checked_add(across)?.checked_add(1)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::check::{close, numbers};

    #[test]
    fn products_are_sums_of_products() {
        for [rows, inner, columns] in [[1, 1, 1], [3, 4, 5], [8, 9, 70], [65, 130, 33], [1, 40, 7], [40, 2, 1]] {
            let (a, b) = (numbers(rows * inner, 1), numbers(inner * columns, 2));
            let at = |i: usize, j: usize| (0..inner).map(|k| a[i * inner + k] * b[k * columns + j]).sum::<f32>();
            let expected: Vec<f32> = (0..rows * columns).map(|place| at(place / columns, place % columns)).collect();
            let (a, b) = (Matrix::new(&a, inner), Matrix::new(&b, columns));
            let mut product = vec![f32::NAN; rows * columns];
            a.times(b).on_all_cores().write(&mut product, columns);
            close("product", &product, &expected, 1e-5);
            // (AB)ᵀ = BᵀAᵀ, added to what is there.
            let mut turned = vec![1.0; rows * columns];
            b.transposed().times(a.transposed()).add_to(&mut turned, rows);
            let expected: Vec<f32> =
                (0..rows * columns).map(|at| expected[at % rows * columns + at / rows] + 1.0).collect();
            close("transposes", &turned, &expected, 1e-5);
        }
    }

    #[test]
    fn parts_of_wider_rows_are_read_and_written_alone() {
        // Two rows of two heads of one number each, by ten.
        let heads = [1., 2., 3., 4.];
        let mut to = [0.0; 4];
        Matrix::wide(&heads[1..], 2, 1, 2).times(Matrix::new(&[10.0], 1)).write(&mut to[1..], 2);
        assert_eq!(to, [0., 20., 0., 40.]);
    }

    #[test]
    fn with_nothing_to_sum_there_are_zeros_or_what_was_there() {
        let mut to = [5.0; 4];
        let nothing = || Matrix::wide(&[], 2, 0, 0).times(Matrix::wide(&[], 0, 2, 2));
        nothing().add_to(&mut to, 2);
        assert_eq!(to, [5.0; 4]);
        nothing().write(&mut to, 2);
        assert_eq!(to, [0.0; 4]);
    }

    #[test]
    #[should_panic(expected = "too small")]
    fn a_place_that_is_too_small_is_refused() {
        Matrix::new(&[1.0; 4], 2).times(Matrix::new(&[1.0; 4], 2)).write(&mut [0.0; 3], 2);
    }
}
