//! The same on a GPU.

use cuda::code::Outcome;
use cuda::math::{Buffer, Room, convolution, pooling, sizes};

use super::convolution::Convolution;
use super::pooling::Pooling;
use super::window::Window;
use crate::nn::op::Kernels;

impl From<Window> for cuda::math::Window {
    fn from(window: Window) -> Self {
        let Window { channels, size, kernel, stride, padding, places } = window;
        Self { channels, size, kernel, stride, padding, places }
    }
}

impl Kernels for Convolution {
    fn forward(&mut self, inputs: &[Buffer], output: Buffer) -> Outcome<()> {
        let [pictures, weight, bias] = *inputs else { return Err(sizes("convolve")) };
        convolution::convolve(&self.window.into(), [pictures, weight, bias], output)
    }

    fn backward(&mut self, inputs: &[Buffer], gradient: Buffer, gradients: &[Buffer]) -> Outcome<()> {
        let ([pictures, weight, _], [of_pictures, of_weight, of_bias]) = (inputs, gradients) else {
            return Err(sizes("convolve"));
        };
        let to = [*of_pictures, *of_weight, *of_bias];
        convolution::convolve_backward(&self.window.into(), gradient, [*pictures, *weight], to)
    }
}

impl Kernels for Pooling {
    fn forward(&mut self, inputs: &[Buffer], output: Buffer) -> Outcome<()> {
        let [x] = *inputs else { return Err(sizes("pooling")) };
        match self {
            Self::Largest { window, there, .. } => {
                let at = there.insert(Room::new(output.len())?);
                pooling::largest(&(*window).into(), x, output, at.buffer())
            }
            Self::Mean { window } => pooling::mean(&(*window).into(), x, output),
        }
    }

    fn backward(&mut self, _: &[Buffer], gradient: Buffer, gradients: &[Buffer]) -> Outcome<()> {
        let [to] = *gradients else { return Err(sizes("pooling")) };
        match self {
            Self::Largest { window, there: Some(at), .. } => {
                pooling::largest_backward(&(*window).into(), gradient, at.buffer(), to)
            }
            Self::Largest { .. } => Err(sizes("pooling")),
            Self::Mean { window } => pooling::mean_backward(&(*window).into(), gradient, to),
        }
    }
}
