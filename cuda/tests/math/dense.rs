use cuda::math::dense::{add, affine, affine_backward, sum, sum_columns};

use crate::rig::{Before, close, device, empty, get, gradient, numbers, put, refused};

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

#[test]
fn numbers_are_added_one_by_one() {
    let _device = device();
    for count in [0, 1, 4, 1027] {
        let (x, y) = (numbers(count, 1), numbers(count, 2));
        let (on, out, to) = (put(&x), empty(count), Before::new(count));
        sum(on.buffer(), put(&y).buffer(), out.buffer()).unwrap();
        close("sum", &get(&out), &x.iter().zip(&y).map(|(x, y)| x + y).collect::<Vec<_>>());
        add(to.buffer(), on.buffer()).unwrap();
        to.check("add", &x);
    }
}

#[test]
fn other_sizes_are_refused() {
    let _device = device();
    let [six, four, two] = [6, 4, 2].map(|count| put(&numbers(count, 1)));
    let [six, four, two] = [six.buffer(), four.buffer(), two.buffer()];
    let none = two.part(0, 0).unwrap();
    refused("x", || affine(four, six, two, six));
    refused("weight", || affine(six, four.part(0, 3).unwrap(), two, four));
    refused("no outputs", || affine(six, six, none, four));
    refused("gradient", || affine_backward(six, [six, six], [six, six, two]));
    refused("x of backward", || affine_backward(four, [four, six], [six, six, two]));
    refused("columns", || sum_columns(four, six));
    refused("no columns", || sum_columns(none, six));
    refused("add", || add(six, four));
    refused("sum", || sum(six, six, four));
    refused("sum of others", || sum(six, four, six));
}
