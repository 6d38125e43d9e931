//! Products of matrices.

use super::memory::Memory;
use crate::code::{Failure, INVALID_VALUE, Outcome};
use crate::driver::{Element, Matrix, Precision, Product};

/// The call under which failures are known.
pub(super) const CALL: &str = "cublasGemmEx";

/// Columns of the result that are made at once, so that a column of the left factor is read less often.
const WIDTH: usize = 4;

/// Multiplies as told; sums are in `f64` and rounded once, whatever the matrices are made of.
///
/// # Safety
/// Nothing else may use the matrices' memory meanwhile.
pub(super) unsafe fn multiply(memory: &Memory, product: &Product) -> Outcome<()> {
    match product.element {
        // SAFETY: as above.
        Element::F32 => unsafe { of::<f32>(memory, product) },
        // SAFETY: as above.
        Element::F64 => unsafe { of::<f64>(memory, product) },
    }
}

/// What matrices are made of.
trait Number: Copy {
    fn wide(self) -> f64;
    fn narrow(wide: f64) -> Self;
    /// As the tensor cores take it.
    fn rounded(self, precision: Precision) -> Self;
}

impl Number for f32 {
    fn wide(self) -> f64 {
        self.into()
    }

    #[allow(clippy::cast_possible_truncation, reason = "it is to be rounded")]
    fn narrow(wide: f64) -> Self {
        wide as Self
    }

    fn rounded(self, precision: Precision) -> Self {
        let dropped = match precision {
            Precision::Fp32 => return self,
            Precision::Tf32 => 13,
            Precision::Bf16 => 16,
        };
        if !self.is_finite() {
            return self;
        }
        // To the nearest, ties to even; a carry out of the mantissa raises the exponent.
        let bits = self.to_bits();
        let odd = bits >> dropped & 1;
        Self::from_bits((bits + (1 << (dropped - 1)) - 1 + odd) >> dropped << dropped)
    }
}

impl Number for f64 {
    fn wide(self) -> f64 {
        self
    }

    fn narrow(wide: f64) -> Self {
        wide
    }

    fn rounded(self, _: Precision) -> Self {
        self
    }
}

unsafe fn of<T: Number>(memory: &Memory, product: &Product) -> Outcome<()> {
    let size = |size: i32, what: &str| usize::try_from(size).map_err(|_| refuse(format!("{what} is {size}")));
    let (m, n, k) = (size(product.m, "m")?, size(product.n, "n")?, size(product.k, "k")?);
    let batch = size(product.batch, "the batch")?;
    if m == 0 || n == 0 || batch == 0 {
        return Ok(());
    }
    let a = View::of(memory, "a", &product.a, [m, k], batch, size_of::<T>())?;
    let b = View::of(memory, "b", &product.b, [k, n], batch, size_of::<T>())?;
    let c = View::of(memory, "c", &product.c, [m, n], batch, size_of::<T>())?;
    for index in 0..batch {
        // SAFETY: all of the three views was found to be in memory, which is this thread's alone.
        let (left, right) = unsafe { (a.read::<T>(index, product.precision), b.read::<T>(index, product.precision)) };
        for first in (0..n).step_by(WIDTH) {
            let width = WIDTH.min(n - first);
            let sums = columns(&left, &right[first * k..(first + width) * k], m, k, width);
            for (place, sum) in sums.iter().enumerate() {
                // SAFETY: as above.
                unsafe { c.update::<T>(index, place % m, first + place / m, product.alpha * sum, product.beta) };
            }
        }
    }
    Ok(())
}

/// `width` columns of the product, `a` being `[m, k]` and `b` `[k, width]`, all by columns.
fn columns(a: &[f64], b: &[f64], m: usize, k: usize, width: usize) -> Vec<f64> {
    let mut sums = vec![0.0; m * width];
    for depth in 0..k {
        let column = &a[depth * m..(depth + 1) * m];
        for (sums, b) in sums.chunks_exact_mut(m).zip(b.chunks_exact(k)) {
            let factor = b[depth];
            sums.iter_mut().zip(column).for_each(|(sum, a)| *sum += a * factor);
        }
    }
    sums
}

/// A matrix that was found to be in memory.
struct View {
    start: *mut u8,
    rows: usize,
    columns: usize,
    /// Elements from one row, column and matrix to the next.
    steps: [usize; 3],
}

impl View {
    fn of(
        memory: &Memory,
        name: &str,
        matrix: &Matrix,
        [rows, columns]: [usize; 2],
        batch: usize,
        element: usize,
    ) -> Outcome<Self> {
        let (height, width) = if matrix.transposed { (columns, rows) } else { (rows, columns) };
        let leading = usize::try_from(matrix.leading).ok().filter(|leading| *leading >= height.max(1));
        let leading = leading.ok_or_else(|| {
            refuse(format!("{name} has {height} elements in a column and the next begins after {}", matrix.leading))
        })?;
        let stride = usize::try_from(matrix.stride).ok();
        let stride = stride.ok_or_else(|| refuse(format!("{name} has the stride {}", matrix.stride)))?;
        if !matrix.address.is_multiple_of(element as u64) {
            return Err(refuse(format!("{name} begins in the middle of an element, at {:#x}", matrix.address)));
        }
        let steps = if matrix.transposed { [leading, 1, stride] } else { [1, leading, stride] };
        // Without elements there is nothing to find in memory.
        let start = if rows == 0 || columns == 0 {
            std::ptr::null_mut()
        } else {
            let bytes = bytes(stride, batch - 1, leading, width - 1, height, element);
            memory.span(CALL, matrix.address, bytes.ok_or_else(|| refuse(format!("{name} is too large")))?)?
        };
        Ok(Self { start, rows, columns, steps })
    }

    /// # Safety
    /// Its memory must hold elements of this type, and nothing else may use it.
    unsafe fn read<T: Number>(&self, index: usize, precision: Precision) -> Vec<f64> {
        let mut all = Vec::with_capacity(self.rows * self.columns);
        for column in 0..self.columns {
            // SAFETY: the place is one of the matrix's, and as said above.
            all.extend(
                (0..self.rows)
                    .map(|row| unsafe { self.place::<T>(index, row, column).read().rounded(precision).wide() }),
            );
        }
        all
    }

    /// # Safety
    /// As for [`read`](Self::read); the row and the column must be there.
    unsafe fn update<T: Number>(&self, index: usize, row: usize, column: usize, value: f64, beta: f64) {
        // SAFETY: as said above.
        unsafe {
            let place = self.place::<T>(index, row, column);
            let before = if beta == 0.0 { 0.0 } else { beta * place.read().wide() };
            place.write(T::narrow(value + before));
        }
    }

    /// # Safety
    /// The matrix, the row and the column must be there.
    unsafe fn place<T>(&self, index: usize, row: usize, column: usize) -> *mut T {
        let [down, right, next] = self.steps;
        // SAFETY: `of` found memory up to the last element of the last matrix.
        unsafe { self.start.cast::<T>().add(row * down + column * right + index * next) }
    }
}

/// Bytes from the first element of the first matrix to the end of the last one of the last.
fn bytes(stride: usize, matrices: usize, leading: usize, columns: usize, rows: usize, element: usize) -> Option<usize> {
    let elements = stride.checked_mul(matrices)?.checked_add(leading.checked_mul(columns)?)?.checked_add(rows)?;
    elements.checked_mul(element)
}

fn refuse(reason: String) -> Failure {
    Failure::because(CALL, INVALID_VALUE, reason)
}
