//! The largest or the mean of what a window sees, channel by channel.

use super::{Buffer, Parameter, Window, check, table, threads};
use crate::code::Outcome;

/// The largest number that the window sees at each place, of equals the first: from `x`, `[planes, height, width]`, to
/// `out`, `[planes, places down, places across]`. `at`, as large, is filled with where it was, for
/// [`largest_backward`]. The window's channels don't matter.
///
/// # Errors
/// When sizes don't go together, or the device fails; so for all functions here.
pub fn largest(window: &Window, x: Buffer, out: Buffer, at: Buffer) -> Outcome<()> {
    let (window, planes) = sizes("largest", window, x, out)?;
    check("largest", at.len() == out.len())?;
    // SAFETY: there are so many planes of all three, whose sizes the window has.
    unsafe { planes.start("assay_largest", planes.places, &[out.into(), at.into(), x.into(), window]) }
}

/// Adds the gradient of each place to where the largest number was.
///
/// # Errors
/// As [`largest`].
pub fn largest_backward(window: &Window, gradient: Buffer, at: Buffer, to: Buffer) -> Outcome<()> {
    let (window, planes) = sizes("largest_backward", window, to, gradient)?;
    check("largest_backward", at.len() == gradient.len())?;
    // SAFETY: as in `largest`; what `at` holds is only compared.
    unsafe { planes.start("assay_largest_backward", planes.cells, &[to.into(), gradient.into(), at.into(), window]) }
}

/// The mean of what the window sees, over the padding's zeros too; `x` and `out` as in [`largest`].
///
/// # Errors
/// As [`largest`].
pub fn mean(window: &Window, x: Buffer, out: Buffer) -> Outcome<()> {
    let share = share(window);
    let (window, planes) = sizes("mean", window, x, out)?;
    // SAFETY: as in `largest`.
    unsafe { planes.start("assay_mean", planes.places, &[out.into(), x.into(), window, share]) }
}

/// Adds its share of the gradient of each place to all that the window sees there.
///
/// # Errors
/// As [`largest`].
pub fn mean_backward(window: &Window, gradient: Buffer, to: Buffer) -> Outcome<()> {
    let share = share(window);
    let (window, planes) = sizes("mean_backward", window, to, gradient)?;
    // SAFETY: as in `largest`.
    unsafe { planes.start("assay_mean_backward", planes.cells, &[to.into(), gradient.into(), window, share]) }
}

/// What one cell counts in the mean.
fn share(window: &Window) -> Parameter {
    (1.0 / (window.kernel[0] * window.kernel[1]) as f32).into()
}

/// How many planes there are, and how many cells and places each has.
#[derive(Clone, Copy)]
struct Planes {
    count: usize,
    cells: usize,
    places: usize,
}

impl Planes {
    /// Starts a kernel with a column of blocks for so many numbers of each plane.
    ///
    /// # Safety
    /// As for `table`.
    unsafe fn start(self, kernel: &'static str, numbers: usize, parameters: &[Parameter]) -> Outcome<()> {
        // SAFETY: the caller's word.
        unsafe { table(kernel, [self.count, Window::blocks(numbers)], threads(numbers), parameters) }
    }
}

fn sizes(function: &'static str, window: &Window, x: Buffer, out: Buffer) -> Outcome<(Parameter, Planes)> {
    let parameter = window.parameter(function)?;
    let (cells, places) = (window.plane(), window.count());
    let count = x.len() / cells;
    check(function, x.len() == count * cells && out.len() == count * places)?;
    Ok((parameter, Planes { count, cells, places }))
}
