//! The functions of C's library that std's `f32` and `f64` are made of, and Rust's in their place: of `f32` the crate
//! `pxfm`'s, which are rounded correctly (where it differs from C at the ends, `libm`'s), of `f64` the crate `libm`'s,
//! within a unit in the last place. What C's library computes exactly (`sqrt`, `fma`, `floor`, `fmod` ..) stays.

use std::ffi::c_int;

macro_rules! functions {
    ($($name:literal: fn($($argument:ident: $type:ty),+) -> $result:ty = $by:expr;)*) => {
        &[$(($name, {
            extern "C" fn function($($argument: $type),+) -> $result {
                $by($($argument),+)
            }
            function as extern "C" fn($($type),+) -> $result as *const ()
        })),*]
    };
}

/// A symbol, and the function that takes its place.
pub(super) fn functions() -> &'static [(&'static str, *const ())] {
    functions! {
        "acosf": fn(x: f32) -> f32 = pxfm::f_acosf;
        "acoshf": fn(x: f32) -> f32 = pxfm::f_acoshf;
        "asinf": fn(x: f32) -> f32 = pxfm::f_asinf;
        "asinhf": fn(x: f32) -> f32 = pxfm::f_asinhf;
        "atan2f": fn(y: f32, x: f32) -> f32 = pxfm::f_atan2f;
        "atanf": fn(x: f32) -> f32 = pxfm::f_atanf;
        "atanhf": fn(x: f32) -> f32 = pxfm::f_atanhf;
        "cbrtf": fn(x: f32) -> f32 = pxfm::f_cbrtf;
        "cosf": fn(x: f32) -> f32 = pxfm::f_cosf;
        "coshf": fn(x: f32) -> f32 = pxfm::f_coshf;
        "erfcf": fn(x: f32) -> f32 = pxfm::f_erfcf;
        "erff": fn(x: f32) -> f32 = pxfm::f_erff;
        "exp10f": fn(x: f32) -> f32 = pxfm::f_exp10f;
        "exp2f": fn(x: f32) -> f32 = pxfm::f_exp2f;
        "expf": fn(x: f32) -> f32 = pxfm::f_expf;
        "expm1f": fn(x: f32) -> f32 = pxfm::f_expm1f;
        "hypotf": fn(x: f32, y: f32) -> f32 = libm::hypotf;
        "lgammaf_r": fn(x: f32, sign: &mut c_int) -> f32 = |x, sign: &mut c_int| both(libm::lgammaf_r(x), sign);
        "log10f": fn(x: f32) -> f32 = pxfm::f_log10f;
        "log1pf": fn(x: f32) -> f32 = pxfm::f_log1pf;
        "log2f": fn(x: f32) -> f32 = pxfm::f_log2f;
        "logf": fn(x: f32) -> f32 = pxfm::f_logf;
        "powf": fn(x: f32, y: f32) -> f32 = pxfm::f_powf;
        "sincosf": fn(x: f32, sin: &mut f32, cos: &mut f32) -> () =
            |x, sin: &mut f32, cos: &mut f32| (*sin, *cos) = (pxfm::f_sinf(x), pxfm::f_cosf(x));
        "sinf": fn(x: f32) -> f32 = pxfm::f_sinf;
        "sinhf": fn(x: f32) -> f32 = pxfm::f_sinhf;
        "tanf": fn(x: f32) -> f32 = pxfm::f_tanf;
        "tanhf": fn(x: f32) -> f32 = pxfm::f_tanhf;
        "tgammaf": fn(x: f32) -> f32 = libm::tgammaf;
        "acos": fn(x: f64) -> f64 = libm::acos;
        "acosh": fn(x: f64) -> f64 = libm::acosh;
        "asin": fn(x: f64) -> f64 = libm::asin;
        "asinh": fn(x: f64) -> f64 = libm::asinh;
        "atan": fn(x: f64) -> f64 = libm::atan;
        "atan2": fn(y: f64, x: f64) -> f64 = libm::atan2;
        "atanh": fn(x: f64) -> f64 = libm::atanh;
        "cbrt": fn(x: f64) -> f64 = libm::cbrt;
        "cos": fn(x: f64) -> f64 = libm::cos;
        "cosh": fn(x: f64) -> f64 = libm::cosh;
        "erf": fn(x: f64) -> f64 = libm::erf;
        "erfc": fn(x: f64) -> f64 = libm::erfc;
        "exp": fn(x: f64) -> f64 = libm::exp;
        "exp10": fn(x: f64) -> f64 = libm::exp10;
        "exp2": fn(x: f64) -> f64 = libm::exp2;
        "expm1": fn(x: f64) -> f64 = libm::expm1;
        "hypot": fn(x: f64, y: f64) -> f64 = libm::hypot;
        "lgamma_r": fn(x: f64, sign: &mut c_int) -> f64 = |x, sign: &mut c_int| both(libm::lgamma_r(x), sign);
        "log": fn(x: f64) -> f64 = libm::log;
        "log10": fn(x: f64) -> f64 = libm::log10;
        "log1p": fn(x: f64) -> f64 = libm::log1p;
        "log2": fn(x: f64) -> f64 = libm::log2;
        "pow": fn(x: f64, y: f64) -> f64 = libm::pow;
        "sin": fn(x: f64) -> f64 = libm::sin;
        "sincos": fn(x: f64, sin: &mut f64, cos: &mut f64) -> () =
            |x, sin: &mut f64, cos: &mut f64| (*sin, *cos) = (libm::sin(x), libm::cos(x));
        "sinh": fn(x: f64) -> f64 = libm::sinh;
        "tan": fn(x: f64) -> f64 = libm::tan;
        "tanh": fn(x: f64) -> f64 = libm::tanh;
        "tgamma": fn(x: f64) -> f64 = libm::tgamma;
    }
}

fn both<T>((value, sign): (T, c_int), to: &mut c_int) -> T {
    *to = sign;
    value
}
