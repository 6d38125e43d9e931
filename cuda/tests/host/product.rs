//! Products of matrices, against the definition.

use cuda::code::INVALID_VALUE;
use cuda::driver::{Address, DEFAULT_STREAM, Driver, Element, Matrix, Precision, Product};

use crate::rig::Rig;

/// A matrix of a batch as it lies in memory.
struct Stored {
    values: Vec<f64>,
    matrix: Matrix,
}

impl Stored {
    /// `batch` matrices `[rows, columns]`, with gaps between columns and between matrices.
    fn new(rows: usize, columns: usize, transposed: bool, batch: usize, seed: usize) -> Self {
        let (height, width) = if transposed { (columns, rows) } else { (rows, columns) };
        let (leading, stride) = (height + 1, (height + 1) * width + 3);
        let values = (0..stride * batch).map(|i| ((i * 37 + seed * 11) % 23) as f64 - 11.0).collect();
        let matrix = Matrix { address: 0, leading: leading as i32, stride: stride as i64, transposed };
        Self { values, matrix }
    }

    fn place(&self, index: usize, row: usize, column: usize) -> usize {
        let (down, right) = if self.matrix.transposed { (column, row) } else { (row, column) };
        down + right * self.matrix.leading as usize + index * self.matrix.stride as usize
    }
}

/// What BLAS defines: every element of `c` that is none of the result's stays.
fn expected(product: &Product, a: &Stored, b: &Stored, c: &Stored) -> Vec<f64> {
    let mut result = c.values.clone();
    for index in 0..product.batch as usize {
        for row in 0..product.m as usize {
            for column in 0..product.n as usize {
                let term = |k| a.values[a.place(index, row, k)] * b.values[b.place(index, k, column)];
                let sum: f64 = (0..product.k as usize).map(term).sum();
                let place = c.place(index, row, column);
                let before = if product.beta == 0.0 { 0.0 } else { product.beta * c.values[place] };
                result[place] = product.alpha * sum + before;
            }
        }
    }
    result
}

fn on<T: Copy + Default>(rig: &Rig, product: &mut Product, parts: [&Stored; 3], narrow: fn(f64) -> T) -> Vec<T> {
    let [a, b, c] = parts.map(|part| rig.put(&part.values.iter().map(|x| narrow(*x)).collect::<Vec<T>>()));
    (product.a.address, product.b.address, product.c.address) = (a, b, c);
    // SAFETY: the device checks the addresses.
    unsafe { rig.host.multiply(product) }.unwrap();
    rig.get(c, parts[2].values.len())
}

fn product(element: Element, [m, n, k]: [usize; 3], batch: usize, parts: [&Stored; 3]) -> Product {
    let [a, b, c] = parts.map(|part| part.matrix);
    let [m, n, k, batch] = [m, n, k, batch].map(|size| size as i32);
    let (alpha, beta, precision, stream) = (1.0, 0.0, Precision::Fp32, DEFAULT_STREAM);
    Product { element, m, n, k, alpha, beta, a, b, c, batch, precision, stream }
}

#[test]
fn every_form_of_a_product_is_as_blas_defines_it() {
    let rig = Rig::new();
    for [m, n, k] in [[1, 1, 1], [3, 4, 5], [7, 9, 2], [5, 6, 0], [1, 13, 8]] {
        for (left, right) in [(false, false), (true, false), (false, true), (true, true)] {
            for (alpha, beta, batch) in [(1.0, 0.0, 1), (-2.0, 0.5, 3), (0.0, 1.0, 2)] {
                let a = Stored::new(m, k, left, batch, 1);
                let b = Stored::new(k, n, right, batch, 2);
                let c = Stored::new(m, n, false, batch, 3);
                let parts = [&a, &b, &c];
                let what = format!("[{m}, {k}] x [{k}, {n}], {left}, {right}, {alpha}, {beta}, {batch}");
                let mut double = Product { alpha, beta, ..product(Element::F64, [m, n, k], batch, parts) };
                let expected = expected(&double, &a, &b, &c);
                assert_eq!(on::<f64>(&rig, &mut double, parts, |x| x), expected, "{what}");
                let mut single = Product { element: Element::F32, ..double };
                let found = on::<f32>(&rig, &mut single, parts, |x| x as f32);
                assert!(found.iter().zip(&expected).all(|(found, expected)| f64::from(*found) == *expected), "{what}");
            }
        }
    }
}

#[test]
fn one_factor_may_serve_a_whole_batch_and_what_was_in_c_does_not_matter() {
    let rig = Rig::new();
    let (a, mut b, mut c) =
        (Stored::new(3, 4, false, 5, 1), Stored::new(4, 2, false, 1, 2), Stored::new(3, 2, false, 5, 3));
    b.matrix.stride = 0;
    c.values.fill(0.0);
    let mut form = product(Element::F64, [3, 2, 4], 5, [&a, &b, &c]);
    let expected = expected(&form, &a, &b, &c);
    c.values.fill(f64::NAN);
    let found = on::<f64>(&rig, &mut form, [&a, &b, &c], |x| x);
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        let gap = place % c.matrix.stride as usize >= 8 || place % c.matrix.stride as usize % 4 == 3;
        assert!(if gap { found.is_nan() } else { *found == expected }, "{place}: {found} is not {expected}");
    }
}

/// Mantissas keep 10 and 7 bits, to the nearest and from the middle to the even one.
#[test]
fn factors_are_rounded_as_by_tensor_cores() {
    let rig = Rig::new();
    let (tf32, bf16) = (f32::EPSILON * 8192.0, f32::EPSILON * 65536.0);
    let cases = [
        (Precision::Fp32, 1.0 + f32::EPSILON, 1.0 + f32::EPSILON),
        (Precision::Tf32, 1.0 + 0.5 * tf32, 1.0),
        (Precision::Tf32, 1.0 + 0.51 * tf32, 1.0 + tf32),
        (Precision::Tf32, 1.0 + 1.5 * tf32, 1.0 + 2.0 * tf32),
        (Precision::Tf32, -(1.0 + 1.25 * tf32), -(1.0 + tf32)),
        (Precision::Bf16, 1.0 + 0.5 * bf16, 1.0),
        (Precision::Bf16, 1.0 + 0.51 * bf16, 1.0 + bf16),
        (Precision::Bf16, 2.0 - 0.25 * bf16, 2.0),
        (Precision::Bf16, f32::INFINITY, f32::INFINITY),
    ];
    for (precision, given, expected) in cases {
        let [a, b, c] = [rig.put(&[given]), rig.put(&[1.0_f32]), rig.put(&[0.0_f32])];
        for (left, right) in [(a, b), (b, a)] {
            let of = |address: Address| Matrix { address, leading: 1, stride: 1, transposed: false };
            let one = Stored::new(1, 1, false, 1, 0);
            let form = product(Element::F32, [1, 1, 1], 1, [&one, &one, &one]);
            let form = Product { a: of(left), b: of(right), c: of(c), precision, ..form };
            // SAFETY: the device checks the addresses.
            unsafe { rig.host.multiply(&form) }.unwrap();
            assert_eq!(rig.get::<f32>(c, 1), [expected], "{given} in {precision:?}");
        }
    }
}

#[test]
fn a_product_that_makes_no_sense_is_refused() {
    let rig = Rig::new();
    let address = rig.put(&[0.0_f32; 12]);
    let matrix = |leading| Matrix { address, leading, stride: 0, transposed: false };
    let (a, b, c) = (matrix(3), matrix(2), matrix(3));
    let fine = Product { a, b, c, ..product(Element::F32, [3, 4, 2], 1, [&Stored::new(1, 1, false, 1, 0); 3]) };
    let cases = [
        (Product { m: -1, ..fine }, "m is -1"),
        (Product { batch: -2, ..fine }, "the batch is -2"),
        (Product { a: matrix(2), ..fine }, "a has 3 elements in a column and the next begins after 2"),
        (Product { b: Matrix { stride: -1, ..b }, ..fine }, "b has the stride -1"),
        (Product { c: Matrix { address: address + 2, ..c }, ..fine }, "c begins in the middle of an element"),
        (Product { c: matrix(4), ..fine }, "60 bytes at"),
        (Product { batch: 2, b: Matrix { stride: 5, ..b }, ..fine }, "52 bytes at"),
        (Product { element: Element::F64, ..fine }, "64 bytes at"),
        (Product { batch: 3, a: Matrix { stride: i64::MAX, ..a }, ..fine }, "a is too large"),
    ];
    // SAFETY: the device checks the addresses.
    unsafe {
        rig.host.multiply(&fine).unwrap();
        rig.host.multiply(&Product { m: 0, c: matrix(1), ..fine }).unwrap();
        for (product, reason) in cases {
            let failure = rig.host.multiply(&product).unwrap_err();
            assert_eq!((failure.call, failure.code), ("cublasGemmEx", INVALID_VALUE));
            assert!(failure.reason.contains(reason), "{failure} has no `{reason}`");
        }
    }
}
