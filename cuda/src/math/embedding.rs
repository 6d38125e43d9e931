//! Rows of a table, looked up by number, and rows added by their place.

use super::dense::{add, sum_columns};
use super::{Buffer, Indices, check, rows, table, threads};
use crate::code::Outcome;

/// `out[i] = table[indices[i]]`: `table` is `[rows, width]`, `out` `[indices, width]`.
///
/// # Errors
/// When sizes don't go together or an index is not below the number of rows, or the device fails; so for all functions
/// here.
pub fn look_up(from: Buffer, indices: &Indices, width: usize, out: Buffer) -> Outcome<()> {
    let good = from.len().is_multiple_of(width) && out.len() == indices.len() * width;
    check("look_up", width > 0 && good && indices.are_below(from.len() / width))?;
    let parameters = [out.into(), from.into(), indices.into(), width.into()];
    // SAFETY: `out` has a row of `width` numbers for each index, and each index names a row of the table.
    unsafe { rows("assay_look_up", indices.len(), threads(width), &parameters) }
}

/// `to[indices[i]] += gradient[i]`, where an index may come several times: the same rows are summed in the same order.
///
/// # Errors
/// As [`look_up`].
pub fn look_up_backward(gradient: Buffer, indices: &[u32], width: usize, to: Buffer) -> Outcome<()> {
    let good = to.len().is_multiple_of(width) && gradient.len() == indices.len() * width;
    let below = |row: &u32| (*row as usize) < to.len() / width;
    check("look_up_backward", width > 0 && good && indices.iter().all(below))?;
    let Occurrences { places, starts, rows } = Occurrences::of(indices);
    let lists = Indices::new(&[&places[..], &starts, &rows].concat())?;
    let [places, starts, distinct] =
        [lists.after(0), lists.after(places.len()), lists.after(places.len() + starts.len())];
    let parameters = [to.into(), gradient.into(), places, starts, distinct, width.into()];
    // SAFETY: there are a start for each distinct row and one more, the places they mark out are rows of the gradient,
    // and the distinct rows are rows of `to`, as checked above.
    unsafe { table("assay_look_up_backward", [rows.len(), width.div_ceil(32)], 256, &parameters) }
}

/// Where each index comes, sorted by index.
struct Occurrences {
    places: Vec<u32>,
    /// Where the places of each distinct index start, and where the last end.
    starts: Vec<u32>,
    rows: Vec<u32>,
}

impl Occurrences {
    fn of(indices: &[u32]) -> Self {
        let mut places: Vec<u32> = (0..).take(indices.len()).collect();
        places.sort_by_key(|place| indices[*place as usize]);
        let mut occurrences = Self { starts: Vec::new(), rows: Vec::new(), places };
        for (start, place) in (0..).zip(&occurrences.places) {
            let row = indices[*place as usize];
            if occurrences.rows.last() != Some(&row) {
                occurrences.rows.push(row);
                occurrences.starts.push(start);
            }
        }
        occurrences.starts.extend(u32::try_from(indices.len()));
        occurrences
    }
}

/// `out = x + table` in each sequence: `x` and `out` are sequences of `rows` rows of `width` numbers, of which the
/// first `rows` rows of the table are as wide.
///
/// # Errors
/// As [`look_up`].
pub fn add_positions(x: Buffer, positions: Buffer, [rows, width]: [usize; 2], out: Buffer) -> Outcome<()> {
    let count = rows * width;
    let good = x.len().is_multiple_of(count) && x.len() == out.len() && positions.len() >= count;
    check("add_positions", good)?;
    let batch = x.len().checked_div(count).unwrap_or(0);
    let parameters = [out.into(), x.into(), positions.into(), count.into(), batch.into()];
    // SAFETY: `x` and `out` have `batch` times `count` numbers, the table at least `count`.
    unsafe { table("assay_add_table", [count.div_ceil(4 * 256), batch.min(1 << 15)], 256, &parameters) }
}

/// Adds the derivatives of [`add_positions`] by `x` and, if it is learned, by the table.
///
/// # Errors
/// As [`look_up`].
pub fn add_positions_backward(
    gradient: Buffer,
    [rows, width]: [usize; 2],
    of_x: Buffer,
    of_positions: Option<Buffer>,
) -> Outcome<()> {
    let of_positions = of_positions.map(|to| to.part(0, rows * width)).transpose()?;
    check("add_positions_backward", gradient.len() == of_x.len() && gradient.len().is_multiple_of(rows * width))?;
    add(of_x, gradient)?;
    match of_positions {
        Some(to) if !to.is_empty() => sum_columns(to, gradient),
        _ => Ok(()),
    }
}
