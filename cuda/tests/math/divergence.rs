//! Losses of distributions and focal losses.

use cuda::code::Outcome;
use cuda::math::Buffer;
use cuda::math::divergence::{divergence, divergence_of_scores};
use cuda::math::focal::{binary_focal, focal};

use crate::rig::{close, device, empty, get, gradient, numbers, put, refused};

/// A loss and its gradient by `x` are those of the formula.
fn check(
    what: &str,
    x: &[f64],
    on_device: impl Fn(Buffer, Buffer, Buffer) -> Outcome<()>,
    formula: impl Fn(&[f64]) -> f64,
) {
    let (of_x, loss) = (empty(x.len()), empty(1));
    on_device(put(x).buffer(), of_x.buffer(), loss.buffer()).unwrap();
    close(what, &get(&loss), &[formula(x)]);
    let expected = gradient(&|x| vec![formula(&x[0])], &[x.to_vec()], &[1.0]);
    close(&format!("gradient of {what}"), &get(&of_x), &expected[0]);
}

/// The logarithms of a row's softmax.
fn log_softmax(row: &[f64]) -> Vec<f64> {
    let sum = row.iter().map(|z| z.exp()).sum::<f64>().ln();
    row.iter().map(|z| z - sum).collect()
}

/// Probabilities, some of them 0.
fn wanted(count: usize) -> Vec<f64> {
    numbers(count, 6).iter().map(|x| f64::from((x / 2.0).max(0.0) as f32)).collect()
}

fn far(logs: &[f64], wanted: &[f64]) -> f64 {
    logs.iter().zip(wanted).map(|(log, t)| if *t > 0.0 { t * (t.ln() - log) } else { 0.0 }).sum()
}

#[test]
fn distributions_and_their_gradients() {
    let _device = device();
    for (rows, width) in [(1, 2), (5, 3), (3, 33), (2, 300), (500, 3)] {
        let (x, wanted) = (numbers(rows * width, 1), wanted(rows * width));
        let t = put(&wanted);
        let what = format!("{rows} rows of {width}");
        check(&what, &x, |x, to, loss| divergence(x, t.buffer(), width, to, loss), |x| far(x, &wanted) / rows as f64);
        check(
            &format!("scores of {what}"),
            &x,
            |x, to, loss| divergence_of_scores(x, t.buffer(), width, to, loss),
            |x| {
                x.chunks(width).zip(wanted.chunks(width)).map(|(x, t)| far(&log_softmax(x), t)).sum::<f64>()
                    / rows as f64
            },
        );
    }
}

#[test]
fn focal_losses_and_their_gradients() {
    let _device = device();
    for (rows, width) in [(1, 2), (5, 10), (3, 33), (300, 4)] {
        let x = numbers(rows * width, 1);
        let classes: Vec<u32> = (0..rows).map(|row| ((row * 7 + 1) % width) as u32).collect();
        for gamma in [0.0, 0.5, 2.0] {
            let one = |(row, class): (&[f64], &u32)| {
                let log = log_softmax(row)[*class as usize];
                -(1.0 - log.exp()).powf(gamma) * log
            };
            check(
                &format!("{rows} rows of {width}, gamma {gamma}"),
                &x,
                |x, to, loss| focal(x, &classes, gamma, to, loss),
                |x| x.chunks(width).zip(&classes).map(one).sum::<f64>() / rows as f64,
            );
        }
    }
    for count in [1, 6, 1030] {
        let (x, wanted) = (numbers(count, 1), wanted(count));
        let t = put(&wanted);
        for (alpha, gamma) in [(0.25, 2.0), (0.5, 0.0), (0.9, 0.5)] {
            let one = |(x, t): (&f64, &f64)| {
                let p = 1.0 / (1.0 + (-x).exp());
                let entropy = -(t * p.ln() + (1.0 - t) * (1.0 - p).ln());
                let wrong: f64 = p * (1.0 - t) + (1.0 - p) * t;
                (alpha * t + (1.0 - alpha) * (1.0 - t)) * wrong.powf(gamma) * entropy
            };
            check(
                &format!("{count} answers, alpha {alpha}, gamma {gamma}"),
                &x,
                |x, to, loss| binary_focal(x, t.buffer(), [alpha, gamma], to, loss),
                |x| x.iter().zip(&wanted).map(one).sum::<f64>() / count as f64,
            );
        }
    }
}

/// What is sure costs nothing, even where 0 would be taken to a power below 0.
#[test]
fn what_is_sure_stays_finite() {
    let _device = device();
    let (scores, to, loss) = (put(&[300.0, -300.0]), empty(2), empty(1));
    focal(scores.buffer(), &[0], 0.5, to.buffer(), loss.buffer()).unwrap();
    assert_eq!((get(&loss), get(&to)), (vec![0.0], vec![0.0, 0.0]));
    binary_focal(scores.buffer(), put(&[1.0, 0.0]).buffer(), [0.5, 0.5], to.buffer(), loss.buffer()).unwrap();
    assert_eq!((get(&loss), get(&to)), (vec![0.0], vec![0.0, 0.0]));
    focal(scores.buffer(), &[1], 2.0, to.buffer(), loss.buffer()).unwrap();
    assert_eq!((get(&loss), get(&to)), (vec![600.0], vec![1.0, -1.0]));
}

#[test]
fn other_sizes_and_classes_that_are_none_are_refused() {
    let _device = device();
    let [six, four, one] = [6, 4, 1].map(|count| put(&numbers(count, 1)));
    let [six, four, one] = [six.buffer(), four.buffer(), one.buffer()];
    let none = one.part(0, 0).unwrap();
    for function in [divergence, divergence_of_scores] {
        refused("wanted", || function(six, four, 2, six, one));
        refused("width", || function(six, six, 4, six, one));
        refused("no width", || function(six, six, 0, six, one));
        refused("gradient", || function(six, six, 2, four, one));
        refused("loss", || function(six, six, 2, six, four));
        refused("nothing", || function(none, none, 2, none, one));
    }
    refused("class", || focal(six, &[0, 3], 2.0, six, one));
    refused("classes", || focal(six, &[0; 4], 2.0, six, one));
    refused("no classes", || focal(six, &[], 2.0, six, one));
    refused("gradient of scores", || focal(six, &[0; 2], 2.0, four, one));
    refused("answers", || binary_focal(six, four, [0.5, 2.0], six, one));
    refused("no answers", || binary_focal(none, none, [0.5, 2.0], none, one));
}
