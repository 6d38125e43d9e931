use cuda::math::loss::{CrossEntropy, Distance, add_scaled, binary_cross_entropy, improbable};

use crate::rig::{Before, close, device, empty, get, gradient, narrow, numbers, put, refused};

/// The loss by its definition, q being the target of each class.
fn cross_entropy(options: &CrossEntropy, scores: &[f64], classes: &[u32]) -> f64 {
    let width = scores.len() / classes.len();
    let weight = |class: usize| options.class_weights.get(class).map_or(1.0, |weight| f64::from(*weight));
    let row = |row: &[f64], own: usize| -> f64 {
        let sum = row.iter().map(|z| z.exp()).sum::<f64>().ln();
        let wanted = |class: usize| {
            let sharp = if class == own { 1.0 - options.label_smoothing } else { 0.0 };
            weight(class) * (sharp + options.label_smoothing / width as f64)
        };
        row.iter().enumerate().map(|(class, z)| wanted(class) * (sum - z)).sum()
    };
    let counted = || scores.chunks(width).zip(classes).filter(|(_, class)| Some(**class) != options.ignored);
    let loss: f64 = counted().map(|(scores, class)| row(scores, *class as usize)).sum();
    if options.sum { loss } else { loss / counted().map(|(_, class)| weight(*class as usize)).sum::<f64>() }
}

#[test]
fn cross_entropy_and_its_gradient() {
    let _device = device();
    let plain = CrossEntropy::default();
    for (rows, width) in [(1, 1), (1, 2), (5, 10), (3, 33), (2, 300), (40, 3)] {
        let weights: Vec<f32> = narrow(&numbers(width, 9)).iter().map(|weight| weight.abs() + 0.1).collect();
        let scores: Vec<f64> = numbers(rows * width, 1).iter().map(|score| 3.0 * score).collect();
        let classes: Vec<u32> = (0..rows).map(|row| ((row * 7 + 1) % width) as u32).collect();
        for options in [
            plain.clone(),
            CrossEntropy { label_smoothing: 0.1, ..plain.clone() },
            CrossEntropy { class_weights: &weights, sum: true, ..plain.clone() },
            CrossEntropy { class_weights: &weights, label_smoothing: 0.3, ignored: Some(0), sum: false },
        ] {
            if classes.iter().all(|class| Some(*class) == options.ignored) {
                continue;
            }
            let what = format!("{rows} rows of {width}, {options:?}");
            let (of_scores, loss) = (empty(rows * width), empty(1));
            options.loss(put(&scores).buffer(), &classes, of_scores.buffer(), loss.buffer()).unwrap();
            let formula = |x: &[Vec<f64>]| vec![cross_entropy(&options, &x[0], &classes)];
            // One class alone has no choice: the loss is 0.
            if width > 1 {
                close(&what, &get(&loss), &formula(std::slice::from_ref(&scores)));
                close(
                    &format!("gradient of {what}"),
                    &get(&of_scores),
                    &gradient(&formula, std::slice::from_ref(&scores), &[1.0])[0],
                );
            } else {
                assert_eq!((get(&loss), get(&of_scores)), (vec![0.0], vec![0.0]));
            }
        }
    }
}

#[test]
fn large_scores_and_ignored_rows_do_no_harm() {
    let _device = device();
    let scores = put(&[1e4, -1e4, 0.0, f64::NAN, f64::NAN, f64::NAN]);
    let (of_scores, loss) = (empty(6), empty(1));
    let options = CrossEntropy { ignored: Some(u32::MAX), ..CrossEntropy::default() };
    options.loss(scores.buffer(), &[1, u32::MAX], of_scores.buffer(), loss.buffer()).unwrap();
    assert_eq!((get(&loss), get(&of_scores)), (vec![2e4], vec![1.0, -1.0, 0.0, 0.0, 0.0, 0.0]));
}

#[test]
fn distances_and_their_gradients() {
    let _device = device();
    for count in [1, 5, 1024, 1030, 3000] {
        let (x, wanted) = (numbers(count, 1), numbers(count, 2));
        for kind in [Distance::Squared, Distance::Absolute, Distance::Huber(0.75)] {
            let one = |difference: f64| match kind {
                Distance::Squared => difference * difference,
                Distance::Absolute => difference.abs(),
                Distance::Huber(_) if difference.abs() <= 0.75 => 0.5 * difference * difference,
                Distance::Huber(_) => 0.75 * (difference.abs() - 0.375),
            };
            let mean = |x: &[Vec<f64>]| {
                vec![x[0].iter().zip(&wanted).map(|(x, wanted)| one(x - wanted)).sum::<f64>() / count as f64]
            };
            let (of_x, loss) = (empty(count), empty(1));
            kind.loss(put(&x).buffer(), put(&wanted).buffer(), of_x.buffer(), loss.buffer()).unwrap();
            close(&format!("{kind:?} of {count}"), &get(&loss), &mean(std::slice::from_ref(&x)));
            let slope = |(x, wanted): (&f64, &f64)| (one(x - wanted + 1e-6) - one(x - wanted - 1e-6)) / 2e-6;
            let expected: Vec<f64> = x.iter().zip(&wanted).map(|pair| slope(pair) / count as f64).collect();
            close(&format!("gradient of {kind:?}"), &get(&of_x), &expected);
        }
    }
    let (same, to, loss) = (put(&[2.0]), empty(1), empty(1));
    Distance::Absolute.loss(same.buffer(), same.buffer(), to.buffer(), loss.buffer()).unwrap();
    assert_eq!((get(&loss), get(&to)), (vec![0.0], vec![0.0]));
}

#[test]
fn binary_cross_entropy_and_its_gradient() {
    let _device = device();
    for (count, weights, sum) in
        [(1, vec![], false), (7, vec![2.5], true), (1029, vec![0.5, 1.0, 3.0], false), (2050, vec![], true)]
    {
        let scores: Vec<f64> = numbers(count, 1).iter().map(|x| 6.0 * x).collect();
        let wanted: Vec<f64> = numbers(count, 2).iter().map(|x| f64::from((x.abs() / 2.0) as f32)).collect();
        let one = |x: f64, t: f64, weight: f64| {
            let p = 1.0 / (1.0 + (-x).exp());
            -(weight * t * p.ln() + (1.0 - t) * (1.0 / (1.0 + x.exp())).ln())
        };
        let share = if sum { 1.0 } else { 1.0 / count as f64 };
        let at = |i: usize, x: f64| {
            share * one(x, wanted[i], f64::from(weights.get(i % weights.len().max(1)).copied().unwrap_or(1.0)))
        };
        let (of_scores, loss) = (empty(count), empty(1));
        let (x, t) = (put(&scores), put(&wanted));
        binary_cross_entropy(x.buffer(), t.buffer(), &weights, sum, of_scores.buffer(), loss.buffer()).unwrap();
        let total: f64 = scores.iter().enumerate().map(|(i, x)| at(i, *x)).sum();
        close(&format!("{count} answers"), &get(&loss), &[total]);
        let slope = |(i, x): (usize, &f64)| (at(i, x + 1e-6) - at(i, x - 1e-6)) / 2e-6;
        close("gradient", &get(&of_scores), &scores.iter().enumerate().map(slope).collect::<Vec<_>>());
    }
    let (scores, wanted, to, loss) = (put(&[-200.0, 200.0]), put(&[1.0, 0.0]), empty(2), empty(1));
    binary_cross_entropy(scores.buffer(), wanted.buffer(), &[], true, to.buffer(), loss.buffer()).unwrap();
    assert_eq!((get(&loss), get(&to)), (vec![400.0], vec![-1.0, 1.0]));
}

#[test]
fn the_first_number_that_is_no_probability_is_found() {
    let _device = device();
    for count in [0, 1, 300, 4096, 9000] {
        let numbers: Vec<f64> = numbers(count, 1).iter().map(|x| (x / 2.0).abs()).collect();
        assert_eq!(improbable(put(&numbers).buffer()).unwrap(), None, "{count}");
        for first in [0, 255, 299, 4095, 4096, 8999].into_iter().filter(|first| *first < count) {
            for wrong in [-1e-7, 1.0001, f64::INFINITY] {
                let mut numbers = numbers.clone();
                numbers[first] = wrong;
                // A later one is not the first.
                numbers[count - 1] = if first == count - 1 { wrong } else { 3.0 };
                let found = improbable(put(&numbers).buffer()).unwrap();
                assert_eq!(found, Some((first, wrong as f32)), "of {count}");
            }
        }
    }
    let (place, number) = improbable(put(&[0.0, -0.0, 1.0, f64::NAN]).buffer()).unwrap().unwrap();
    assert!(place == 3 && number.is_nan());
}

#[test]
fn a_gradient_goes_on_by_the_chain_rule() {
    let _device = device();
    for count in [0, 1, 6, 1030] {
        let (of_x, to) = (numbers(count, 1), Before::new(count));
        add_scaled(to.buffer(), put(&of_x).buffer(), put(&[-0.5]).buffer()).unwrap();
        to.check("scaled", &of_x.iter().map(|x| -0.5 * x).collect::<Vec<_>>());
    }
}

#[test]
fn other_sizes_and_classes_that_are_none_are_refused() {
    let _device = device();
    let [one, six, four, none] = [1, 6, 4, 0].map(|count| put(&numbers(count, 1)));
    let [one, six, four, none] = [one.buffer(), six.buffer(), four.buffer(), none.buffer()];
    let plain = CrossEntropy::default();
    refused("class", || plain.loss(six, &[0, 3], six, one));
    refused("no class", || plain.loss(none, &[], none, one));
    refused("classes", || plain.loss(six, &[0; 4], six, one));
    refused("gradient", || plain.loss(six, &[0; 2], four, one));
    refused("loss", || plain.loss(six, &[0; 2], six, four));
    refused("weights", || CrossEntropy { class_weights: &[1.0; 2], ..plain.clone() }.loss(six, &[0; 2], six, one));
    refused("all ignored", || CrossEntropy { ignored: Some(1), ..plain.clone() }.loss(six, &[1; 2], six, one));
    refused("wanted", || Distance::Squared.loss(six, four, six, one));
    refused("gradient of a distance", || Distance::Squared.loss(six, six, four, one));
    refused("nothing to be far", || Distance::Squared.loss(none, none, none, one));
    refused("answers", || binary_cross_entropy(six, four, &[], false, six, one));
    refused("weights of a yes", || binary_cross_entropy(six, six, &[1.0; 4], false, six, one));
    refused("gradient of answers", || binary_cross_entropy(six, six, &[], false, four, one));
    refused("to", || add_scaled(six, four, one));
    refused("scale", || add_scaled(six, six, four));
}
