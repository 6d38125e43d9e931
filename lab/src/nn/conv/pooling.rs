//! The largest or the mean of what a window sees, channel by channel.

use crate::device::{DevError, wrong_size};

use super::window::Window;
use crate::nn::op::Op;
use crate::nn::parallel::{parallel, per_job};

/// What a window that slides over each channel keeps. Input: `[batch, channels, height, width]`.
/// Output: `[batch, channels, places down, places across]`.
pub(super) enum Pooling {
    /// The largest; of equals, the first. Padding is never the largest. The gradient goes to where it was.
    Largest {
        window: Window,
        at: Vec<u32>,
        /// The same on a GPU.
        #[cfg(feature = "gpu")]
        there: Option<cuda::math::Room>,
    },
    /// The mean, over the padding's zeros too, as PyTorch does.
    Mean { window: Window },
}

impl Pooling {
    pub(super) fn largest(window: Window) -> Self {
        Self::Largest {
            window,
            at: Vec::new(),
            #[cfg(feature = "gpu")]
            there: None,
        }
    }

    pub(super) fn mean(window: Window) -> Self {
        Self::Mean { window }
    }
}

impl Op for Pooling {
    fn forward(&mut self, inputs: Vec<Vec<f32>>) -> Result<Vec<f32>, DevError> {
        let [input]: [Vec<f32>; 1] = inputs.try_into().map_err(|_| wrong_size())?;
        let (Self::Largest { window, .. } | Self::Mean { window }) = *self;
        let (plane, count) = (window.plane(), window.count());
        let some = per_job(plane);
        let mut output = vec![0.0; input.len() / plane * count];
        let parts = input.chunks(some * plane).zip(output.chunks_mut(some * count));
        match self {
            Self::Largest { at, .. } => {
                at.resize(output_len(input.len(), &window), 0);
                let jobs = parts.zip(at.chunks_mut(some * count)).collect();
                parallel(jobs, |((planes, output), at): ((&[f32], &mut [f32]), &mut [u32])| {
                    let outputs = output.chunks_exact_mut(count).zip(at.chunks_exact_mut(count));
                    planes.chunks_exact(plane).zip(outputs).for_each(|(plane, (to, at))| {
                        largest(&window, plane, to, at);
                    });
                });
            }
            Self::Mean { .. } => {
                parallel(parts.collect(), |(planes, output): (&[f32], &mut [f32])| {
                    let each = planes.chunks_exact(plane).zip(output.chunks_exact_mut(count));
                    each.for_each(|(plane, to)| mean(&window, plane, to));
                });
            }
        }
        Ok(output)
    }

    fn backward(&mut self, gradient: &[f32], gradients: &mut [&mut [f32]]) -> Result<(), DevError> {
        let [to] = gradients else { return Err(wrong_size()) };
        let (Self::Largest { window, .. } | Self::Mean { window }) = self;
        let planes = gradient.chunks_exact(window.count()).zip(to.chunks_exact_mut(window.plane()));
        match self {
            Self::Largest { window, at, .. } => {
                planes.zip(at.chunks_exact(window.count())).for_each(|((gradient, to), at)| {
                    gradient.iter().zip(at).for_each(|(gradient, at)| to[*at as usize] += gradient);
                })
            }
            Self::Mean { window } => planes.for_each(|(gradient, to)| spread(window, gradient, to)),
        }
        Ok(())
    }

    #[cfg(feature = "gpu")]
    fn kernels(&mut self) -> Option<&mut dyn crate::nn::op::Kernels> {
        Some(self)
    }
}

fn output_len(input: usize, window: &Window) -> usize {
    input / window.plane() * window.count()
}

/// Calls with each place and each cell of the picture that the window sees there, cell by cell.
fn each_seen(window: &Window, mut seen: impl FnMut(usize, usize)) {
    for y in 0..window.kernel[0] {
        for x in 0..window.kernel[1] {
            let across = window.inside(1, x);
            for down in window.inside(0, y) {
                let line = (down * window.stride[0] + y - window.padding[0]) * window.size[1];
                for across in across.clone() {
                    seen(down * window.places[1] + across, line + across * window.stride[1] + x - window.padding[1]);
                }
            }
        }
    }
}

#[allow(clippy::cast_possible_truncation)] // a picture has far fewer than 2^32 numbers
fn largest(window: &Window, plane: &[f32], to: &mut [f32], at: &mut [u32]) {
    to.fill(f32::NEG_INFINITY);
    each_seen(window, |place, cell| {
        // NaN is kept once seen, so that it is not lost on the way to the loss.
        if plane[cell] > to[place] || plane[cell].is_nan() {
            (to[place], at[place]) = (plane[cell], cell as u32);
        }
    });
}

#[allow(clippy::cast_precision_loss)] // a window has few cells
fn mean(window: &Window, plane: &[f32], to: &mut [f32]) {
    let share = 1.0 / (window.kernel[0] * window.kernel[1]) as f32;
    each_seen(window, |place, cell| to[place] += plane[cell] * share);
}

#[allow(clippy::cast_precision_loss)]
fn spread(window: &Window, gradient: &[f32], to: &mut [f32]) {
    let share = 1.0 / (window.kernel[0] * window.kernel[1]) as f32;
    each_seen(window, |place, cell| to[cell] += gradient[place] * share);
}
