//! A window that slides over pictures: where it is, and pictures laid out as columns of what it sees.

/// Pictures of `channels x size`, seen through a window at `places`. Lengths are `[height, width]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) channels: usize,
    pub(crate) size: [usize; 2],
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    pub(crate) padding: [usize; 2],
    pub(crate) places: [usize; 2],
}

impl Window {
    /// Numbers in a picture.
    pub(crate) fn picture(&self) -> usize {
        self.channels * self.plane()
    }

    /// Numbers in one channel of a picture.
    pub(crate) fn plane(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// Numbers that the window sees at one place.
    pub(crate) fn sees(&self) -> usize {
        self.channels * self.kernel[0] * self.kernel[1]
    }

    /// How many places there are.
    pub(crate) fn count(&self) -> usize {
        self.places[0] * self.places[1]
    }

    /// Along an axis, the places at which cell `cell` of the window is inside the picture.
    pub(crate) fn inside(&self, axis: usize, cell: usize) -> std::ops::Range<usize> {
        let (stride, padding) = (self.stride[axis], self.padding[axis]);
        let first = padding.saturating_sub(cell).div_ceil(stride);
        let end = (self.size[axis] + padding).saturating_sub(cell).div_ceil(stride).min(self.places[axis]);
        first.min(end)..end
    }

    /// Lays out one picture: a row for each number that the window sees (channel, then height, then
    /// width, as a weight has them), a column for each place. Outside the picture there are zeros.
    pub(crate) fn unfold(&self, picture: &[f32], columns: &mut [f32]) {
        columns.fill(0.0);
        self.each_line(|place, at, len, stride| {
            let to = &mut columns[place..place + len];
            if stride == 1 {
                to.copy_from_slice(&picture[at..at + len]);
            } else {
                for (to, from) in to.iter_mut().zip(picture[at..].iter().step_by(stride)) {
                    *to = *from;
                }
            }
        });
    }

    /// The reverse: adds each number of the columns to where it came from.
    pub(crate) fn fold(&self, columns: &[f32], picture: &mut [f32]) {
        self.each_line(|place, at, len, stride| {
            let from = &columns[place..place + len];
            if stride == 1 {
                super::super::op::add_to(&mut picture[at..at + len], from);
            } else {
                for (to, from) in picture[at..].iter_mut().step_by(stride).zip(from) {
                    *to += from;
                }
            }
        });
    }

    /// Every run of places along a line of the picture: where it starts in the columns and in the picture,
    /// its length, and the step in the picture.
    fn each_line(&self, mut line: impl FnMut(usize, usize, usize, usize)) {
        let [height, width] = self.kernel;
        for row in 0..self.sees() {
            let (channel, y, x) = (row / (height * width), row / width % height, row % width);
            let across = self.inside(1, x);
            if across.is_empty() {
                continue;
            }
            let left = across.start * self.stride[1] + x - self.padding[1];
            for down in self.inside(0, y) {
                let top = down * self.stride[0] + y - self.padding[0];
                let at = channel * self.plane() + top * self.size[1] + left;
                let place = row * self.count() + down * self.places[1] + across.start;
                line(place, at, across.len(), self.stride[1]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(size: [usize; 2], kernel: [usize; 2], stride: usize, padding: usize) -> Window {
        let places = [0, 1].map(|axis| crate::nn::shape::places(size[axis], kernel[axis], stride, padding));
        Window { channels: 2, size, kernel, stride: [stride; 2], padding: [padding; 2], places }
    }

    /// What the window sees, number by number, from the definition.
    #[allow(clippy::cast_possible_wrap, clippy::cast_sign_loss)]
    fn seen(window: &Window, picture: &[f32], row: usize, place: usize) -> f32 {
        let [height, width] = window.kernel;
        let (channel, y, x) = (row / (height * width), row / width % height, row % width);
        let (down, across) = (place / window.places[1], place % window.places[1]);
        let y = (down * window.stride[0] + y) as isize - window.padding[0] as isize;
        let x = (across * window.stride[1] + x) as isize - window.padding[1] as isize;
        let inside = |at: isize, size: usize| at >= 0 && (at as usize) < size;
        if inside(y, window.size[0]) && inside(x, window.size[1]) {
            picture[channel * window.plane() + y as usize * window.size[1] + x as usize]
        } else {
            0.0
        }
    }

    #[test]
    fn columns_hold_what_the_window_sees_and_fold_is_the_transpose() {
        for (size, kernel, stride, padding) in [
            ([5, 4], [3, 3], 1, 0),
            ([5, 4], [3, 2], 2, 1),
            ([4, 6], [1, 4], 3, 2),
            ([2, 2], [3, 3], 2, 2),
            ([7, 3], [2, 3], 1, 1),
        ] {
            let window = window(size, kernel, stride, padding);
            let picture: Vec<f32> = (1u8..).map(f32::from).take(window.picture()).collect();
            let mut columns = vec![f32::NAN; window.sees() * window.count()];
            window.unfold(&picture, &mut columns);
            for (i, value) in columns.iter().enumerate() {
                assert_eq!(*value, seen(&window, &picture, i / window.count(), i % window.count()), "{window:?} {i}");
            }
            // <unfold(x), c> = <x, fold(c)> for all x and c: here, whole numbers, so without rounding.
            let other: Vec<f32> = (0..columns.len()).map(|i| f32::from((i % 7) as u8)).collect();
            let mut folded = vec![0.0; picture.len()];
            window.fold(&other, &mut folded);
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
            assert_eq!(dot(&columns, &other), dot(&picture, &folded), "{window:?}");
        }
    }
}
