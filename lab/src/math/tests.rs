//! Against functions of `f64`, over all exponents.

use super::*;

/// All signs and exponents, and some fractions of each; then a close grid around 0.
fn all() -> impl Iterator<Item = f32> {
    let fractions = (0..4096u32).map(|part| part << 11 | part >> 1);
    let sides = fractions.flat_map(|fraction| (0..512u32).map(move |head| f32::from_bits(head << 23 | fraction)));
    sides.filter(|x| x.is_finite()).chain((-1_000_000..1_000_000).map(|at: i32| at as f32 * 1e-5))
}

/// The largest distance from `exact`, in units in the last place of it.
fn worst(
    name: &str,
    numbers: impl Iterator<Item = f32>,
    function: impl Fn(f32) -> f32,
    exact: impl Fn(f64) -> f64,
) -> f64 {
    let mut worst = (0.0, 0.0);
    for x in numbers {
        let (got, exact) = (f64::from(function(x)), exact(f64::from(x)));
        // Below the normal numbers, of the least of them.
        let unit = 2f64.powi((exact.abs().log2().floor() as i32).max(-126) - 23);
        let distance = (got - exact).abs() / unit;
        assert!(!distance.is_nan(), "{name}({x}) is {got}, not {exact}");
        if distance > worst.0 {
            worst = (distance, x);
        }
    }
    worst.0
}

#[test]
fn functions_are_right_to_the_last_places() {
    let not_above_0 = all().filter(|x| *x <= 0.0 && *x >= -87.0);
    let found = worst("exp", not_above_0, exp, f64::exp);
    assert!(found < 2.0, "exp: {found}");
    let found = worst("tanh", all(), tanh, f64::tanh);
    assert!(found < 2.0, "tanh: {found}");
    let found = worst("sigmoid", all().filter(|x| *x >= -87.0), sigmoid, |x| 1.0 / (1.0 + (-x).exp()));
    assert!(found < 3.0, "sigmoid: {found}");
}

#[test]
fn ends_and_zeros_are_exact() {
    let end = f32::INFINITY;
    assert_eq!([exp(0.0), exp(-0.0), exp(-88.0), exp(-end)], [1.0, 1.0, 0.0, 0.0]);
    assert_eq!([tanh(end), tanh(-end), tanh(40.0), tanh(-3e38)], [1.0, -1.0, 1.0, -1.0]);
    assert_eq!([tanh(0.0), tanh(-0.0)].map(f32::to_bits), [0.0f32, -0.0].map(f32::to_bits));
    assert_eq!([sigmoid(end), sigmoid(-end), sigmoid(0.0), sigmoid(-0.0)], [1.0, 0.0, 0.5, 0.5]);
    assert!([exp(f32::NAN), tanh(f32::NAN), sigmoid(f32::NAN)].iter().all(|value| value.is_nan()));
}

/// What C's functions promise at the ends, and a distance of at most a unit elsewhere, for each in the table.
#[test]
fn what_takes_the_place_of_c_does_as_c_does() {
    let special = [0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 3.0, 1e-40, 1e30, -1e30];
    let ends = [f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    let between = (-400..400).map(|at| f64::from(at) * 0.0731);
    let numbers: Vec<f64> = special.into_iter().chain(ends).chain(between).collect();
    let library = libloading::os::unix::Library::this();
    for &(name, ours) in table::functions() {
        // SAFETY: C's functions by their names; each is called with the types that the table says.
        unsafe {
            let Ok(c) = library.get::<*const ()>(name.as_bytes()) else { continue };
            let c = *c;
            for &x in &numbers {
                let (got, wanted) = match name {
                    "sincosf" | "sincos" | "lgammaf_r" | "lgamma_r" => continue,
                    "powf" | "hypotf" | "atan2f" => {
                        let call = |function: *const ()| {
                            let function: extern "C" fn(f32, f32) -> f32 = std::mem::transmute(function);
                            numbers.iter().map(|y| f64::from(function(x as f32, *y as f32))).collect::<Vec<_>>()
                        };
                        (call(ours), call(c))
                    }
                    "pow" | "hypot" | "atan2" => {
                        let call = |function: *const ()| {
                            let function: extern "C" fn(f64, f64) -> f64 = std::mem::transmute(function);
                            numbers.iter().map(|y| function(x, *y)).collect::<Vec<_>>()
                        };
                        (call(ours), call(c))
                    }
                    _ if name.ends_with('f') && name != "erf" => {
                        let call = |function: *const ()| {
                            let function: extern "C" fn(f32) -> f32 = std::mem::transmute(function);
                            vec![f64::from(function(x as f32))]
                        };
                        (call(ours), call(c))
                    }
                    _ => {
                        let call = |function: *const ()| {
                            let function: extern "C" fn(f64) -> f64 = std::mem::transmute(function);
                            vec![function(x)]
                        };
                        (call(ours), call(c))
                    }
                };
                let digits = if name.ends_with('f') && name != "erf" { 6e-7 } else { 2e-15 };
                for (at, (got, wanted)) in got.iter().zip(&wanted).enumerate() {
                    let same = got == wanted
                        || got.is_nan() && wanted.is_nan()
                        || (got - wanted).abs() <= digits * wanted.abs() + 1e-44;
                    assert!(same, "{name}({x}, {}) is {got}, not {wanted}", numbers[at]);
                }
            }
        }
    }
}
