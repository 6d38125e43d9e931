//! Functions of one number, for each of a buffer.

use super::{Buffer, check, claim, fours};
use crate::code::Outcome;

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Curve {
    /// max(x, 0).
    Relu,
    /// x Φ(x) (Hendrycks and Gimpel, *Gaussian Error Linear Units*, 2016).
    Gelu,
    /// The same with Φ approximated by tanh, as given there.
    FastGelu,
    /// 1 / (1 + exp(-x)).
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
}

/// `y = curve(x)`.
///
/// # Errors
/// When sizes don't go together, or the device fails; so for all functions here.
pub fn activate(curve: Curve, x: Buffer, y: Buffer) -> Outcome<()> {
    check("activate", x.len() == y.len())?;
    // SAFETY: both have as many numbers.
    unsafe { fours("assay_activate", x.len(), &[y.into(), x.into(), (curve as u32).into(), x.len().into()]) }
}

/// `to += gradient curve'(x)`.
///
/// # Errors
/// As [`activate`].
pub fn activate_backward(curve: Curve, gradient: Buffer, x: Buffer, to: Buffer) -> Outcome<()> {
    check("activate_backward", x.len() == gradient.len() && x.len() == to.len())?;
    let add = u32::from(!claim(to)?);
    let parameters = [to.into(), gradient.into(), x.into(), (curve as u32).into(), add.into(), x.len().into()];
    // SAFETY: all three have as many numbers.
    unsafe { fours("assay_activate_backward", x.len(), &parameters) }
}
