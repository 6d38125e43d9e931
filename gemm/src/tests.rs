use super::*;

/// How a matrix lies: rows after each other, columns after each other, or as a part of something wider.
#[derive(Debug, Clone, Copy)]
enum Lies {
    Rows,
    Columns,
    Wider,
}

impl Lies {
    /// How far the next column and the next row are.
    fn steps(self, rows: usize, columns: usize) -> [isize; 2] {
        match self {
            Self::Rows => [1, columns.cast_signed()],
            Self::Columns => [rows.cast_signed(), 1],
            Self::Wider => [2, 2 * columns.cast_signed() + 3],
        }
    }
}

/// Numbers of both signs and many sizes, always the same.
fn numbers<T>(count: usize, seed: u64, of: impl Fn(f64) -> T) -> Vec<T> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        of((state >> 11) as f64 / (1u64 << 52) as f64 - 1.0)
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// The product's numbers as the crate's first page defines them.
fn defined<T: Number>(product: &Product<T>) -> Vec<T> {
    let number = |from: *const T, step: [isize; 2], row: usize, column: usize| {
        // SAFETY: the tests' matrices have room for it.
        unsafe { *from.offset(column.cast_signed() * step[0] + row.cast_signed() * step[1]) }
    };
    let Product { m, n, k, .. } = *product;
    let one = |row: usize, column: usize| {
        let before = number(product.dst, [product.dst_cs, product.dst_rs], row, column);
        let mut total = if product.read_dst { Some(before) } else { None };
        let length = block_length(k);
        for start in (0..k).step_by(length) {
            let sum = (start..(start + length).min(k)).fold(T::ZERO, |sum, k| {
                let left = number(product.lhs, [product.lhs_cs, product.lhs_rs], row, k);
                left.fused(number(product.rhs, [product.rhs_cs, product.rhs_rs], k, column), sum)
            });
            total = Some(total.map_or(sum, |total| total + sum));
        }
        total.unwrap_or(T::ZERO)
    };
    (0..m * n).map(|at| one(at / n, at % n)).collect()
}

fn sizes() -> Vec<[usize; 3]> {
    let mut sizes: Vec<[usize; 3]> = Vec::new();
    for k in [1, 2, 3, 7, 64, 511, 512, 513, 784, 1024, 1025, 2048] {
        sizes.extend([[1, 1, k], [1, 2, k], [2, 1, k], [1, 300, k], [300, 1, k], [5, 3, k], [17, 33, k], [64, 65, k]]);
    }
    sizes.extend([[128, 128, 784], [130, 70, 600], [300, 77, 2048], [257, 10, 128], [784, 128, 64], [16, 16, 2000]]);
    sizes
}

/// Compares every way to compute every product with its definition, and returns how many numbers there were.
fn compare<T: Number + Send + Sync + std::fmt::Debug>(of: impl Fn(f64) -> T + Copy, bits: impl Fn(T) -> u64) -> usize {
    let mut compared = 0;
    let ways: Vec<Isa> = [Isa::Avx2, Isa::Avx512].into_iter().filter(|isa| *isa <= Isa::of_machine()).collect();
    let lies = [Lies::Rows, Lies::Columns, Lies::Wider];
    for (number, [m, n, k]) in sizes().into_iter().enumerate() {
        for at in 0..6 {
            // Each way to lie, with each other, over the sizes.
            let (at, to) = (at + number, if at % 2 == 0 { Lies::Rows } else { lies[(at + number) % 3] });
            let [left, right] = [lies[at % 3], lies[at / 3 % 3]];
            let ([lhs_cs, lhs_rs], [rhs_cs, rhs_rs]) = (left.steps(m, k), right.steps(k, n));
            let [dst_cs, dst_rs] = to.steps(m, n);
            let room = |rows: usize, columns: usize| rows * (2 * columns + 3) + 2;
            let (a, b) = (numbers(room(m, k), 1 + number as u64, of), numbers(room(k, n), 77 + number as u64, of));
            let before = numbers(room(m, n), 5, of);
            let read_dst = at % 2 == 1;
            let mut dst = before.clone();
            let mut product = Product {
                m,
                n,
                k,
                dst: dst.as_mut_ptr(),
                dst_cs,
                dst_rs,
                read_dst,
                lhs: a.as_ptr(),
                lhs_cs,
                lhs_rs,
                rhs: b.as_ptr(),
                rhs_cs,
                rhs_rs,
                alpha: T::ONE,
                beta: T::ONE,
                parallelism: Parallelism::None,
            };
            let expected = defined(&product);
            for &isa in &ways {
                for parallelism in [Parallelism::None, Parallelism::Rayon(2), Parallelism::Rayon(3)] {
                    dst.clone_from(&before);
                    product.dst = dst.as_mut_ptr();
                    product.parallelism = parallelism;
                    // SAFETY: the matrices have room for all of it; the machine has `isa`.
                    unsafe { product.run(isa) };
                    for (at, &expected) in expected.iter().enumerate() {
                        let place = (at / n).cast_signed() * dst_rs + (at % n).cast_signed() * dst_cs;
                        let found = dst[place.unsigned_abs()];
                        assert!(
                            bits(found) == bits(expected),
                            "{m} x {k} x {n}, {left:?} {right:?} {to:?}, {isa:?} {parallelism:?}, number {at}: \
                             {found:?}, not {expected:?}"
                        );
                        compared += 1;
                    }
                }
            }
        }
    }
    compared
}

#[test]
#[allow(clippy::print_stderr)] // a machine on which nothing wider was compared should say so
fn every_way_gives_the_bits_of_the_definition() {
    if Isa::of_machine() < Isa::Avx512 {
        eprintln!("no AVX-512 here: nothing wider than AVX2 was compared");
    }
    #[allow(clippy::cast_possible_truncation)]
    let compared = compare(|number| number as f32, |number| u64::from(number.to_bits()));
    assert!(compared > 1_000_000);
    assert!(compare(|number| number, f64::to_bits) > 1_000_000);
}

#[test]
fn what_was_there_is_not_read_unless_asked_for() {
    for [m, n, k] in [[1, 1, 3], [1, 9, 3], [9, 1, 3], [4, 5, 2], [20, 30, 600]] {
        let (a, b, mut dst) = (vec![1.0f32; m * k], vec![1.0f32; k * n], vec![f32::NAN; m * n]);
        let (k_, n_) = (k.cast_signed(), n.cast_signed());
        // SAFETY: sizes and distances are those of the vectors.
        unsafe {
            gemm(
                m,
                n,
                k,
                dst.as_mut_ptr(),
                1,
                n_,
                false,
                a.as_ptr(),
                1,
                k_,
                b.as_ptr(),
                1,
                n_,
                0.0,
                1.0,
                false,
                false,
                false,
                Parallelism::None,
            );
        }
        #[allow(clippy::cast_precision_loss)]
        let expected = k as f32;
        assert_eq!(dst, vec![expected; m * n]);
    }
}

#[test]
fn blocks_are_even_and_at_most_512() {
    for (k, length) in [(1, 1), (512, 512), (513, 257), (784, 392), (1024, 512), (1025, 342), (0, 1)] {
        assert_eq!(block_length(k), length, "{k}");
    }
}
