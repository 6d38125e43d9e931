//! Losses of pairs of embeddings. Each writes the gradients of both, and itself into a buffer of one number.

use super::loss::total;
use super::{Buffer, Indices, Parameter, Room, Rows, Sizes, check, multiply, rows, threads};
use crate::code::Outcome;

/// The contrastive loss of the rows of two embeddings, `[rows, width]`: d² / 2 for those that belong together, and
/// max(0, `margin` - d)² / 2 for the others, with d their distance; the mean over the rows (Hadsell, Chopra and LeCun,
/// *Dimensionality Reduction by Learning an Invariant Mapping*, 2006, equation 4). `same` says what belongs together.
///
/// # Errors
/// When sizes don't go together, or the device fails; so for all functions here.
pub fn contrastive(
    [first, second]: [Buffer; 2],
    same: &[bool],
    margin: f64,
    gradients: [Buffer; 2],
    loss: Buffer,
) -> Outcome<()> {
    let width = first.len().checked_div(same.len()).unwrap_or(0);
    let sizes = first.len() == width * same.len() && alike(first, second, gradients) && loss.len() == 1;
    check("contrastive", width > 0 && sizes)?;
    let scale = 1.0 / same.len() as f64;
    let flags: Vec<u32> = same.iter().map(|same| u32::from(*same)).collect();
    let (losses, flags) = (Room::new(same.len())?, Indices::new(&flags)?);
    let [to, into_first, into_second, first, second] =
        [losses.buffer(), gradients[0], gradients[1], first, second].map(Parameter::from);
    let [margin, share] = [margin, scale].map(|number| Parameter::from(number as f32));
    let parameters = [to, into_first, into_second, first, second, (&flags).into(), width.into(), margin, share];
    // SAFETY: all four have a row of `width` numbers for each flag, and there is a loss for each.
    unsafe { rows("assay_contrastive", same.len(), threads(width), &parameters) }?;
    total(losses.buffer(), scale, loss)
}

/// NT-Xent of two embeddings, `[rows, width]`: each row must find the one at its place in the other embedding among all
/// other rows of both, by cosine similarity / `temperature`; the mean cross-entropy (Chen et al., *A Simple Framework
/// for Contrastive Learning*, 2020, equation 1). Products are computed at the device's precision; there is room for one
/// of all rows with all.
///
/// # Errors
/// As [`contrastive`].
pub fn nt_xent(
    [first, second]: [Buffer; 2],
    width: usize,
    temperature: f64,
    gradients: [Buffer; 2],
    loss: Buffer,
) -> Outcome<()> {
    let sizes = !first.is_empty() && alike(first, second, gradients) && loss.len() == 1;
    check("nt_xent", sizes && width > 0 && first.len().is_multiple_of(width))?;
    let half = first.len() / width;
    let (count, cold) = (2 * half, 1.0 / temperature);
    let (units, slopes) = (Room::new(count * width)?, Room::new(count * width)?);
    let (lengths, losses, products) = (Room::new(count)?, Room::new(count)?, Room::new(count * count)?);

    let [scaled, long, slope] = [&units, &lengths, &slopes].map(|room| Parameter::from(room.buffer()));
    let parameters = [scaled, long, first.into(), second.into(), half.into(), width.into()];
    // SAFETY: both have `half` rows of `width` numbers, and there is room for the rows of both and their lengths.
    unsafe { rows("assay_units", count, threads(width), &parameters) }?;

    let [all, common] = [Rows::of(units.buffer(), width), Rows::of(products.buffer(), count)];
    multiply(all, all.transposed(), common, Sizes { rows: count, inner: width, columns: count, batch: 1 }, 0.0)?;
    let [cold, share] = [cold, cold / count as f64].map(|number| Parameter::from(number as f32));
    let parameters = [losses.buffer().into(), products.buffer().into(), count.into(), cold, share];
    // SAFETY: there is a product for each pair of `count` rows, and a loss for each row.
    unsafe { rows("assay_choices", count, threads(count), &parameters) }?;

    // A product is one of two rows, so each gets a part from its own choice and from the other's.
    let sizes = Sizes { rows: count, inner: count, columns: width, batch: 1 };
    multiply(common, all, Rows::of(slopes.buffer(), width), sizes, 0.0)?;
    multiply(common.transposed(), all, Rows::of(slopes.buffer(), width), sizes, 1.0)?;
    let [of_first, of_second] = gradients.map(Parameter::from);
    let parameters = [of_first, of_second, slope, scaled, long, half.into(), width.into()];
    // SAFETY: as above, and both gradients have `half` rows.
    unsafe { rows("assay_units_backward", count, threads(width), &parameters) }?;
    total(losses.buffer(), 1.0 / count as f64, loss)
}

/// Whether both embeddings and their gradients are of one size.
fn alike(first: Buffer, second: Buffer, gradients: [Buffer; 2]) -> bool {
    [second, gradients[0], gradients[1]].iter().all(|other| other.len() == first.len())
}
