use cuda::math::dense::{affine, affine_backward, sum_columns};

use crate::rig::{Before, close, device, empty, get, gradient, numbers, put};

/// Of `x` `[rows, from]`, weight `[to, from]` and bias `[to]`.
fn formula(inputs: &[Vec<f64>]) -> Vec<f64> {
    let [x, weight, bias] = inputs else { panic!("three inputs") };
    let from = weight.len() / bias.len();
    let dot = |x: &[f64], weight: &[f64]| x.iter().zip(weight).map(|(x, weight)| x * weight).sum::<f64>();
    let row = |x: &[f64]| weight.chunks(from).zip(bias).map(|(weight, bias)| dot(x, weight) + bias).collect::<Vec<_>>();
    x.chunks(from).flat_map(row).collect()
}

#[test]
fn a_linear_map_and_its_gradients() {
    let _device = device();
    for [rows, from, to] in [[1, 1, 1], [3, 5, 4], [70, 3, 33], [2, 40, 1]] {
        let inputs = [numbers(rows * from, 1), numbers(to * from, 2), numbers(to, 3)];
        let of_out = numbers(rows * to, 4);
        let [x, weight, bias] = [0, 1, 2].map(|i| put(&inputs[i]));
        let out = empty(rows * to);
        affine(x.buffer(), weight.buffer(), bias.buffer(), out.buffer()).unwrap();
        close("affine", &get(&out), &formula(&inputs));
        let into = [0, 1, 2].map(|i| Before::new(inputs[i].len()));
        let buffers = [into[0].buffer(), into[1].buffer(), into[2].buffer()];
        affine_backward(put(&of_out).buffer(), [x.buffer(), weight.buffer()], buffers).unwrap();
        let expected = gradient(&formula, &inputs, &of_out);
        into.iter().zip(&expected).for_each(|(into, expected)| into.check("affine's gradient", expected));
    }
}

#[test]
fn columns_are_summed_in_strips() {
    let _device = device();
    for (rows, columns) in [(0, 3), (1, 1), (1, 100), (9, 31), (65, 32), (1000, 5), (3000, 40)] {
        let x = numbers(rows * columns, 1);
        let sums = Before::new(columns);
        sum_columns(sums.buffer(), put(&x).buffer()).unwrap();
        let expected: Vec<f64> =
            (0..columns).map(|column| x.iter().skip(column).step_by(columns).sum::<f64>()).collect();
        sums.check(&format!("{rows} rows of {columns}"), &expected);
    }
}
