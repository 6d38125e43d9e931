//! Dropout (Srivastava et al., *Dropout: A Simple Way to Prevent Neural Networks from Overfitting*, 2014).

use super::{Buffer, Parameter, check, fours};
use crate::code::Outcome;

/// What is dropped, and what becomes of it and of the rest. The same rule always drops the same numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// How likely a number is dropped: from 0 to below 1.
    pub share: f64,
    /// What is kept is multiplied with this,
    pub scale: f32,
    /// and this is added.
    pub shift: f32,
    /// What is dropped becomes this.
    pub dropped: f32,
    /// So many numbers, one after the other, are dropped or kept together.
    pub group: usize,
    /// Which of all possible draws it is.
    pub key: u64,
}

impl Rule {
    /// The key in two halves, the group, and the least word of 32 random bits that keeps.
    fn draw(&self) -> [Parameter; 4] {
        let [low, high] = halves(self.key);
        [low.into(), high.into(), self.group.into(), least(self.share).into()]
    }

    fn fits(&self, function: &'static str, x: Buffer, out: Buffer) -> Outcome<()> {
        let good = (0.0..1.0).contains(&self.share) && self.group > 0 && x.len().is_multiple_of(self.group);
        check(function, good && x.len() == out.len())
    }
}

/// The low and the high 32 bits.
pub(super) fn halves(key: u64) -> [u32; 2] {
    [key as u32, (key >> 32) as u32]
}

/// Of all words of 32 bits, this share is below it.
pub(super) fn least(share: f64) -> u32 {
    (share * 2f64.powi(32)) as u32
}

/// `out = x scale + shift` where `x` is kept, and `dropped` elsewhere.
///
/// # Errors
/// When sizes don't go together, the share is none, or the device fails; so for all functions here.
pub fn drop_out(rule: &Rule, x: Buffer, out: Buffer) -> Outcome<()> {
    rule.fits("drop_out", x, out)?;
    let [low, high, group, least] = rule.draw();
    let becomes = [rule.scale, rule.shift, rule.dropped];
    let [scale, shift, dropped] = becomes.map(Parameter::from);
    let parameters = [out.into(), x.into(), low, high, group, least, scale, shift, dropped, x.len().into()];
    // SAFETY: both have as many numbers.
    unsafe { fours("assay_drop", x.len(), &parameters) }
}

/// `to += gradient scale` where [`drop_out`] kept the number.
///
/// # Errors
/// As [`drop_out`].
pub fn drop_out_backward(rule: &Rule, gradient: Buffer, to: Buffer) -> Outcome<()> {
    rule.fits("drop_out_backward", gradient, to)?;
    let [low, high, group, least] = rule.draw();
    let parameters = [to.into(), gradient.into(), low, high, group, least, rule.scale.into(), to.len().into()];
    // SAFETY: both have as many numbers.
    unsafe { fours("assay_drop_backward", to.len(), &parameters) }
}
