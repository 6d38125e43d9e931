//! A window that slides over pictures.

use super::{Parameter, check};
use crate::code::Outcome;

/// Pictures of `channels` times `size`, seen through a window at `places`. Lengths are `[height, width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How many planes a picture has.
    pub channels: usize,
    /// Of a plane.
    pub size: [usize; 2],
    /// Of the window.
    pub kernel: [usize; 2],
    /// From one place to the next.
    pub stride: [usize; 2],
    /// Zeros on either side of a picture.
    pub padding: [usize; 2],
    /// How many places there are.
    pub places: [usize; 2],
}

impl Window {
    /// Numbers in one channel of a picture.
    #[must_use]
    pub fn plane(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// Numbers that the window sees at one place.
    #[must_use]
    pub fn sees(&self) -> usize {
        self.channels * self.kernel[0] * self.kernel[1]
    }

    /// How many places there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.places[0] * self.places[1]
    }

    /// As a kernel takes it: with sizes for which 31 bits do, and none of them 0 but the padding.
    pub(super) fn parameter(&self, function: &'static str) -> Outcome<Parameter> {
        let Self { channels, size, kernel, stride, padding, places } = *self;
        let words = [[channels, 1], size, kernel, stride, padding, places];
        let reach = |axis: usize| {
            let last = places[axis].checked_mul(stride[axis]).and_then(|last| last.checked_add(kernel[axis]));
            last.zip(size[axis].checked_add(padding[axis])).map(|(last, end)| last.max(end))
        };
        let narrow = |size: Option<usize>| size.is_some_and(|size| (1..1 << 31).contains(&size));
        let product = |sizes: &[usize]| narrow(sizes.iter().try_fold(1usize, |all, size| all.checked_mul(*size)));
        let good = product(&size) && product(&places) && product(&[channels, kernel[0], kernel[1]]);
        check(function, good && product(&[stride[0], stride[1]]) && narrow(reach(0)) && narrow(reach(1)))?;
        let word = |axis: usize, of: usize| words[of][axis] as u32; // below 2^31, as just checked
        let mut parameter = [0; 12];
        parameter[0] = word(0, 0);
        (1..6).for_each(|of| (0..2).for_each(|axis| parameter[2 * of - 1 + axis] = word(axis, of)));
        Ok(Parameter::Words(parameter))
    }

    /// How many blocks share a plane of so many numbers.
    pub(super) fn blocks(numbers: usize) -> usize {
        numbers.div_ceil(1024).min(1 << 15)
    }
}
