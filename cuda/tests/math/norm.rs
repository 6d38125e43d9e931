use cuda::math::norm::{normalize, normalize_backward};

use crate::rig::{Before, close, device, empty, get, gradient, numbers, put, refused};

const EPSILON: f64 = 1e-5;

fn formula(inputs: &[Vec<f64>]) -> Vec<f64> {
    let [x, weight, bias] = inputs else { panic!("three inputs") };
    let row = |row: &[f64]| -> Vec<f64> {
        let mean = row.iter().sum::<f64>() / row.len() as f64;
        let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / row.len() as f64;
        let normal = row.iter().map(|x| (x - mean) / (variance + EPSILON).sqrt());
        normal.zip(weight).zip(bias).map(|((normal, weight), bias)| normal * weight + bias).collect()
    };
    x.chunks(weight.len()).flat_map(row).collect()
}

#[test]
fn rows_are_normalized_and_gradients_flow_to_all_three_inputs() {
    let _device = device();
    for (rows, size) in [(0, 4), (1, 7), (3, 1), (5, 33), (2, 300), (200, 3)] {
        let what = format!("{rows} rows of {size}");
        let inputs = [numbers(rows * size, 1), numbers(size, 2), numbers(size, 3)];
        let of_out = numbers(rows * size, 4);
        let [x, weight, bias] = [0, 1, 2].map(|i| put(&inputs[i]));
        let (out, statistics) = (empty(rows * size), empty(2 * rows));
        let on = [x.buffer(), weight.buffer(), bias.buffer()];
        normalize(on, EPSILON as f32, out.buffer(), statistics.buffer()).unwrap();
        close(&what, &get(&out), &formula(&inputs));

        let to = [0, 1, 2].map(|i| Before::new(inputs[i].len()));
        let buffers = [to[0].buffer(), to[1].buffer(), to[2].buffer()];
        normalize_backward(put(&of_out).buffer(), [on[0], on[1]], statistics.buffer(), buffers).unwrap();
        let expected = gradient(&formula, &inputs, &of_out);
        for (i, input) in ["x", "weight", "bias"].into_iter().enumerate() {
            // One number alone is its own mean: its slope is 0, and so is the result, but for rounding.
            if size > 1 || input != "x" {
                to[i].check(&format!("{what}: gradient of {input}"), &expected[i]);
            }
        }
    }
}

/// A mean far from 0 must not swallow the variance.
#[test]
fn a_large_mean_does_no_harm() {
    let _device = device();
    let x: Vec<f64> = numbers(64, 1).iter().map(|x| f64::from((x + 1000.0) as f32)).collect();
    let inputs = [x, vec![1.0; 64], vec![0.0; 64]];
    let [x, weight, bias] = [0, 1, 2].map(|i| put(&inputs[i]));
    let (out, statistics) = (empty(64), empty(2));
    normalize([x.buffer(), weight.buffer(), bias.buffer()], 1e-5, out.buffer(), statistics.buffer()).unwrap();
    let error = get(&out).iter().zip(formula(&inputs)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(error < 1e-3, "{error}");
}

#[test]
fn other_sizes_are_refused() {
    let _device = device();
    let [six, four, three, two, none] = [6, 4, 3, 2, 0].map(|count| put(&numbers(count, 1)));
    let [six, four, three, two, none] = [six.buffer(), four.buffer(), three.buffer(), two.buffer(), none.buffer()];
    refused("rows", || normalize([six, four, four], 0.0, six, two));
    refused("bias", || normalize([six, three, two], 0.0, six, four));
    refused("no size", || normalize([six, none, none], 0.0, six, two));
    refused("statistics", || normalize([six, three, three], 0.0, six, two));
    refused("output", || normalize([six, three, three], 0.0, four, four));
    refused("gradient", || normalize_backward(four, [six, three], four, [six, three, three]));
    refused("weight", || normalize_backward(six, [six, two], four, [six, three, three]));
}
