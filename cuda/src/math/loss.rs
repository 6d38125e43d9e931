//! Losses. Each writes its gradient by what was predicted, and itself into a buffer of one number.

use super::{Buffer, Indices, Parameter, Room, check, claim, each, fours, rows, threads};
use crate::code::Outcome;

/// Cross-entropy between the softmax of scores and classes, in nats.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CrossEntropy<'a> {
    /// The share of the target that is spread evenly over all classes (Szegedy et al., *Rethinking the Inception
    /// Architecture*, 2016, section 7).
    pub label_smoothing: f64,
    /// How much each class counts; all the same when empty.
    pub class_weights: &'a [f32],
    /// Rows of this class don't count; it need not be one of the classes.
    pub ignored: Option<u32>,
    /// The sum rather than the mean, which is weighted as the classes are.
    pub sum: bool,
}

impl CrossEntropy<'_> {
    /// Of `scores`, `[rows, classes]`, with a class for each row.
    ///
    /// # Errors
    /// When sizes don't go together, a class is none, or no row counts, or the device fails; so for all functions here.
    pub fn loss(&self, scores: Buffer, classes: &[u32], gradient: Buffer, loss: Buffer) -> Outcome<()> {
        const NAME: &str = "cross_entropy";
        let width = scores.len().checked_div(classes.len()).unwrap_or(0);
        let weights = self.class_weights;
        let sizes = scores.len() == width * classes.len() && scores.len() == gradient.len() && loss.len() == 1;
        check(NAME, width > 0 && sizes && (weights.is_empty() || weights.len() == width))?;
        let counts = |class: &&u32| Some(**class) != self.ignored;
        let counted = || classes.iter().filter(counts).map(|class| *class as usize);
        check(NAME, counted().all(|class| class < width))?;
        let weight = |class: usize| weights.get(class).map_or(1.0, |weight| f64::from(*weight));
        let count: f64 = counted().map(weight).sum();
        check(NAME, count > 0.0)?;

        let scale = if self.sum { 1.0 } else { 1.0 / count };
        let (even, all) = (self.label_smoothing / width as f64, (0..width).map(weight).sum::<f64>());
        let [sharp, even, all, factor] =
            [1.0 - self.label_smoothing, even, all, scale].map(|x| Parameter::from(x as f32));
        let (losses, classes, weights) = (Room::new(classes.len())?, Indices::new(classes)?, uploaded(weights)?);
        let [ignores, ignored] = [u32::from(self.ignored.is_some()), self.ignored.unwrap_or(0)].map(Parameter::from);
        let to = [losses.buffer(), gradient, scores].map(Parameter::from);
        let parameters = [
            to[0],
            to[1],
            to[2],
            (&classes).into(),
            address(weights.as_ref()),
            width.into(),
            ignores,
            ignored,
            sharp,
            even,
            all,
            factor,
        ];
        // SAFETY: scores and gradient have a row of `width` numbers for each class of `classes`, which is below `width`
        // where it is looked at; there are `width` weights or none, and a loss for each row.
        unsafe { rows("assay_cross_entropy", classes.len(), threads(width), &parameters) }?;
        total(losses.buffer(), scale, loss)
    }
}

/// How far a number is from another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distance {
    /// The square of the difference.
    Squared,
    /// Its size; where there is none, the gradient is 0.
    Absolute,
    /// Half the square up to this difference, and a line that continues it (Huber, *Robust Estimation of a Location
    /// Parameter*, 1964).
    Huber(f32),
}

impl Distance {
    /// The mean over all numbers.
    ///
    /// # Errors
    /// As [`CrossEntropy::loss`].
    pub fn loss(self, predicted: Buffer, wanted: Buffer, gradient: Buffer, loss: Buffer) -> Outcome<()> {
        let count = predicted.len();
        check("a distance", count > 0 && wanted.len() == count && gradient.len() == count && loss.len() == 1)?;
        let (kind, delta) = match self {
            Self::Squared => (0u32, 0.0),
            Self::Absolute => (1, 0.0),
            Self::Huber(delta) => (2, delta),
        };
        let losses = Room::new(count.div_ceil(4 * 256))?;
        let scale = 1.0 / count as f64;
        let parameters = [
            losses.buffer().into(),
            gradient.into(),
            predicted.into(),
            wanted.into(),
            kind.into(),
            delta.into(),
            (scale as f32).into(),
            count.into(),
        ];
        // SAFETY: all three have `count` numbers, and there is a loss for each block of 256 threads of four numbers.
        unsafe { fours("assay_distance", count, &parameters) }?;
        total(losses.buffer(), scale, loss)
    }
}

/// Binary cross-entropy between the sigmoid of scores and targets from 0 to 1, in nats: the mean over all numbers, or the
/// sum. `weights` is how much a yes counts: one number for all, one for each place of the last axis, or none for 1.
///
/// # Errors
/// As [`CrossEntropy::loss`].
pub fn binary_cross_entropy(
    scores: Buffer,
    wanted: Buffer,
    weights: &[f32],
    sum: bool,
    gradient: Buffer,
    loss: Buffer,
) -> Outcome<()> {
    let (count, period) = (scores.len(), weights.len().max(1));
    let sizes = wanted.len() == count && gradient.len() == count && loss.len() == 1;
    check("binary_cross_entropy", count > 0 && sizes && count.is_multiple_of(period))?;
    let scale = if sum { 1.0 } else { 1.0 / count as f64 };
    let (losses, weights) = (Room::new(count.div_ceil(4 * 256))?, uploaded(weights)?);
    let parameters = [
        losses.buffer().into(),
        gradient.into(),
        scores.into(),
        wanted.into(),
        address(weights.as_ref()),
        period.into(),
        (scale as f32).into(),
        count.into(),
    ];
    // SAFETY: as in `Distance::loss`, and there are `period` weights or none.
    unsafe { each("assay_binary", count.div_ceil(4), &parameters) }?;
    total(losses.buffer(), scale, loss)
}

/// The place of the first number that is no probability, from 0 to 1, and what it is. Waits for the device, but copies a
/// number for every 4,096 only.
///
/// # Errors
/// As [`CrossEntropy::loss`].
pub fn improbable(numbers: Buffer) -> Outcome<Option<(usize, f32)>> {
    const SIZE: usize = 4096;
    let (count, blocks) = (numbers.len(), numbers.len().div_ceil(SIZE));
    let left = Room::new(blocks)?;
    let parameters = [left.buffer().into(), numbers.into(), SIZE.into(), count.into()];
    // SAFETY: there are `count` numbers, and a place for each block of `SIZE` of them.
    unsafe { rows("assay_improbable", blocks, 256, &parameters) }?;
    let left = left.buffer().download()?;
    let Some(block) = left.iter().position(|left| *left > 0.0) else { return Ok(None) };
    let place = (block + 1) * SIZE - left[block] as usize;
    Ok(numbers.part(place, 1)?.download()?.first().map(|number| (place, *number)))
}

/// `to += scale[0] gradient`: the chain rule, from a loss's gradient to that of what was predicted.
///
/// # Errors
/// As [`CrossEntropy::loss`].
pub fn add_scaled(to: Buffer, gradient: Buffer, scale: Buffer) -> Outcome<()> {
    check("add_scaled", to.len() == gradient.len() && scale.len() == 1)?;
    let add = u32::from(!claim(to)?);
    let parameters = [to.into(), gradient.into(), scale.into(), add.into(), to.len().into()];
    // SAFETY: both have as many numbers, and the scale is one.
    unsafe { fours("assay_add_scaled", to.len(), &parameters) }
}

/// Weights on the device, if there are any.
fn uploaded(weights: &[f32]) -> Outcome<Option<Room>> {
    if weights.is_empty() { Ok(None) } else { Room::with(weights).map(Some) }
}

fn address(weights: Option<&Room>) -> Parameter {
    weights.map_or(Parameter::Address(0), |weights| weights.buffer().into())
}

/// Writes the sum of all losses, times the scale, to `loss`, which is one number.
pub(super) fn total(losses: Buffer, scale: f64, loss: Buffer) -> Outcome<()> {
    let parameters = [loss.into(), losses.into(), Parameter::Double(scale), losses.len().into()];
    // SAFETY: `loss` is one number, which all callers have checked, and `losses` has as many as are said.
    unsafe { rows("assay_total", 1, 256, &parameters) }
}
