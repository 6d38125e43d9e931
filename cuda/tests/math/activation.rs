use cuda::math::activation::{Curve, activate, activate_backward};

use crate::rig::{Before, close, device, empty, get, gradient, numbers, put, refused};

/// The error function: its series, whose terms are small enough for |x| < 3.
fn erf(x: f64) -> f64 {
    let term = |sum: (f64, f64), n: i32| {
        let power = -sum.1 * x * x / f64::from(n);
        (sum.0 + power / f64::from(2 * n + 1), power)
    };
    std::f64::consts::FRAC_2_SQRT_PI * (1..80).fold((x, x), term).0
}

fn formula(curve: Curve, x: f64) -> f64 {
    match curve {
        Curve::Relu => x.max(0.0),
        Curve::Gelu => x * 0.5 * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2)),
        Curve::FastGelu => 0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3))).tanh()),
        Curve::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Curve::Tanh => x.tanh(),
    }
}

const CURVES: [Curve; 5] = [Curve::Relu, Curve::Gelu, Curve::FastGelu, Curve::Sigmoid, Curve::Tanh];

#[test]
fn values_and_gradients_are_those_of_the_formula() {
    let _device = device();
    for curve in CURVES {
        for count in [0, 1, 3, 4, 257, 1030] {
            let (x, of_y) = (numbers(count, 1), numbers(count, 2));
            let all = |x: &[Vec<f64>]| -> Vec<f64> { x[0].iter().map(|x| formula(curve, *x)).collect() };
            let (on, y, to) = (put(&x), empty(count), Before::new(count));
            activate(curve, on.buffer(), y.buffer()).unwrap();
            close(&format!("{curve:?} of {count}"), &get(&y), &all(std::slice::from_ref(&x)));
            activate_backward(curve, put(&of_y).buffer(), on.buffer(), to.buffer()).unwrap();
            to.check(&format!("gradient of {curve:?}"), &gradient(&all, &[x], &of_y)[0]);
        }
    }
}

#[test]
fn numbers_that_do_not_begin_where_four_do_are_taken_too() {
    let _device = device();
    let x = put(&numbers(20, 1));
    let part = x.buffer().part(3, 13).unwrap();
    let y = empty(13);
    activate(Curve::Tanh, part, y.buffer()).unwrap();
    let expected: Vec<f64> = get(&x)[3..16].iter().map(|x| x.tanh()).collect();
    close("a part", &get(&y), &expected);
}

#[test]
fn nan_stays_and_zero_has_no_slope() {
    let _device = device();
    let (x, y, to) = (put(&[f64::NAN, 0.0, -1e30, 1e30]), empty(4), put(&[0.0; 4]));
    activate(Curve::Relu, x.buffer(), y.buffer()).unwrap();
    activate_backward(Curve::Relu, put(&[1.0; 4]).buffer(), x.buffer(), to.buffer()).unwrap();
    assert!(get(&y)[0].is_nan());
    assert_eq!(get(&to)[1..], [0.0, 0.0, 1.0]);
    for curve in CURVES {
        activate(curve, x.buffer(), y.buffer()).unwrap();
        assert!(get(&y)[2..].iter().all(|y| y.is_finite()), "{curve:?}");
    }
}

#[test]
fn other_sizes_are_refused() {
    let _device = device();
    let (x, y) = (put(&[1.0; 4]), put(&[1.0; 5]));
    refused("output", || activate(Curve::Relu, x.buffer(), y.buffer()));
    refused("gradient", || activate_backward(Curve::Relu, y.buffer(), x.buffer(), x.buffer()));
    refused("to", || activate_backward(Curve::Relu, x.buffer(), x.buffer(), y.buffer()));
}
