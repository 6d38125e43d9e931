//! Spread, orthogonality, what is left alone, and the same seed giving the same weights.

use dfdx::prelude::*;

use super::*;
use crate::device::device;
use crate::nn::{Conv2D, LayerNorm};

/// Standard deviation and largest absolute value.
fn spread(values: &[f32]) -> (f64, f64) {
    let squares: f64 = values.iter().map(|value| f64::from(*value).powi(2)).sum();
    ((squares / values.len() as f64).sqrt(), values.iter().map(|value| f64::from(value.abs())).fold(0.0, f64::max))
}

#[test]
fn spreads_are_those_of_the_formulas() {
    // Fan-in 8 * 9 = 72, fan-out 128 * 9 = 1152.
    let mut layer = device().build_module::<Conv2D<8, 128, 3, 1, 1>, f32>();
    let (fan_in, fan_out) = (72.0f64, 1152.0f64);
    type How = fn(&mut Conv2D<8, 128, 3, 1, 1>, u64);
    let cases: [(How, f64, bool); 6] = [
        (xavier_uniform, (2.0 / (fan_in + fan_out)).sqrt(), true),
        (xavier_normal, (2.0 / (fan_in + fan_out)).sqrt(), false),
        (kaiming_uniform, (2.0 / fan_in).sqrt(), true),
        (kaiming_normal, (2.0 / fan_in).sqrt(), false),
        (|model, seed| normal(model, 0.02, seed), 0.02, false),
        (|model, seed| uniform(model, 0.3, seed), 0.3 / 3.0f64.sqrt(), true),
    ];
    for (i, (how, deviation, bounded)) in cases.into_iter().enumerate() {
        how(&mut layer, 1);
        let values = layer.weight.as_vec();
        let (got, most) = spread(&values);
        assert!((got / deviation - 1.0).abs() < 0.03, "case {i}: {got}, not {deviation}");
        let bound = deviation * 3.0f64.sqrt();
        assert_eq!(most <= bound * 1.000_001, bounded, "case {i}: {most} and {bound}");
        let mean: f32 = values.iter().sum::<f32>() / values.len() as f32;
        assert!(f64::from(mean.abs()) < deviation * 0.05, "case {i}: {mean}");
        assert!(layer.bias.as_vec().iter().all(|bias| *bias == 0.0), "case {i}");
    }
}

#[test]
fn orthogonal_lines_have_length_gain() {
    for (rows, columns) in [(4usize, 12usize), (12, 4), (6, 6)] {
        let values = orthogonal::orthogonal(&mut draw::generator(3), rows, columns, 2.0);
        let lines = rows.min(columns);
        let at = |line: usize, i: usize| {
            f64::from(if rows <= columns { values[line * columns + i] } else { values[i * columns + line] })
        };
        for a in 0..lines {
            for b in 0..lines {
                let dot: f64 = (0..rows.max(columns)).map(|i| at(a, i) * at(b, i)).sum();
                let expected = if a == b { 4.0 } else { 0.0 };
                assert!((dot - expected).abs() < 1e-5, "{rows} x {columns}: lines {a} and {b}: {dot}");
            }
        }
    }
}

#[test]
fn a_seed_gives_the_same_weights_and_scales_are_left() {
    type Model = (Linear<4, 3>, LayerNorm<3>, Linear<3, 3>);
    let mut one = device().build_module::<Model, f32>();
    one.1.weight.copy_from(&[1., 2., 3.]);
    let mut two = one.clone();
    kaiming_normal(&mut one, 7);
    kaiming_normal(&mut two, 7);
    assert_eq!(one.2.weight.array(), two.2.weight.array());
    assert_eq!(one.1.weight.array(), [1., 2., 3.]);
    assert_ne!(one.0.weight.as_vec()[..9], one.2.weight.as_vec()[..], "each tensor has numbers of its own");
    kaiming_normal(&mut two, 8);
    assert_ne!(one.0.weight.array(), two.0.weight.array());
    // These numbers must never change: they are part of what a seed means.
    let mut row: Tensor<Rank1<3>, f32, Dev> = device().zeros();
    normal(&mut row, 1.0, 1);
    crate::nn::check::close("draw", &row.as_vec(), &EXPECTED, 1e-6);
    zeros(&mut row);
    assert_eq!(row.array(), [0.0; 3]);
}

const EXPECTED: [f32; 3] = [1.8553017, 0.6146176, 1.032341];
