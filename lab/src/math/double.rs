//! Functions of `f64`, by the crate `libm`: for what is computed once a row or once a step, and where `f32` would not do.

pub(crate) use libm::{cos, exp, expm1 as exp_m1, log as ln, log1p as ln_1p, pow as powf, sin};
