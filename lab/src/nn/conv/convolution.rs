//! Convolution as a product: each picture laid out as columns, times the kernels (Chellapilla, Puri and
//! Simard, *High Performance Convolutional Neural Networks for Document Processing*, 2006).

use crate::device::{DevError, wrong_size};

use super::window::Window;
use crate::nn::matrix::Matrix;
use crate::nn::op::{Op, add_to};
use crate::nn::parallel::{parallel, per_job};

/// Cross-correlation with zero padding, as every framework calls convolution. Inputs: pictures
/// `[batch, channels, height, width]`, kernels `[kernels, channels, height, width]`, biases `[kernels]`.
/// Output: `[batch, kernels, places down, places across]`.
pub(super) struct Convolution {
    pub(super) window: Window,
    kernels: usize,
    pictures: Vec<f32>,
    weight: Vec<f32>,
}

impl Convolution {
    pub(super) fn new(window: Window, kernels: usize) -> Self {
        Self { window, kernels, pictures: Vec::new(), weight: Vec::new() }
    }

    /// Numbers in the output for one picture.
    fn output(&self) -> usize {
        self.kernels * self.window.count()
    }

    /// Pictures in a job.
    fn pictures_per_job(&self) -> usize {
        per_job(self.window.sees() * self.window.count())
    }

    /// Room for one picture's columns, which stay in the cache from one picture to the next.
    fn room(&self) -> Vec<f32> {
        vec![0.0; self.window.sees() * self.window.count()]
    }

    fn weight(&self) -> Matrix<'_> {
        Matrix::new(&self.weight, self.window.sees())
    }

    /// Writes the output for some pictures.
    fn convolve(&self, pictures: &[f32], bias: &[f32], output: &mut [f32]) {
        let (mut columns, places) = (self.room(), self.window.count());
        let each = pictures.chunks_exact(self.window.picture()).zip(output.chunks_exact_mut(self.output()));
        for (picture, output) in each {
            self.window.unfold(picture, &mut columns);
            output.chunks_exact_mut(places).zip(bias).for_each(|(plane, bias)| plane.fill(*bias));
            self.weight().times(Matrix::new(&columns, places)).add_to(output, places);
        }
    }

    /// Adds to the gradient of some pictures; gives their part of the kernels' and biases' gradients.
    fn differentiate(&self, pictures: &[f32], gradient: &[f32], to: &mut [f32]) -> (Vec<f32>, Vec<f32>) {
        let (mut columns, sees, places) = (self.room(), self.window.sees(), self.window.count());
        let (mut of_weight, mut of_bias) = (vec![0.0; self.weight.len()], vec![0.0; self.kernels]);
        let size = self.window.picture();
        let pictures = pictures.chunks_exact(size).zip(to.chunks_exact_mut(size));
        for ((picture, to), gradient) in pictures.zip(gradient.chunks_exact(self.output())) {
            for (sum, plane) in of_bias.iter_mut().zip(gradient.chunks_exact(places)) {
                *sum += plane.iter().sum::<f32>();
            }
            let gradient = Matrix::new(gradient, places);
            self.window.unfold(picture, &mut columns);
            gradient.times(Matrix::new(&columns, places).transposed()).add_to(&mut of_weight, sees);
            self.weight().transposed().times(gradient).write(&mut columns, places);
            self.window.fold(&columns, to);
        }
        (of_weight, of_bias)
    }
}

impl Op for Convolution {
    fn forward(&mut self, inputs: Vec<Vec<f32>>) -> Result<Vec<f32>, DevError> {
        let [pictures, weight, bias]: [Vec<f32>; 3] = inputs.try_into().map_err(|_| wrong_size())?;
        (self.pictures, self.weight) = (pictures, weight);
        let mut output = vec![0.0; self.pictures.len() / self.window.picture() * self.output()];
        let some = self.pictures_per_job();
        let pictures = self.pictures.chunks(some * self.window.picture());
        let jobs = pictures.zip(output.chunks_mut(some * self.output())).collect();
        parallel(jobs, |(pictures, output)| self.convolve(pictures, &bias, output));
        Ok(output)
    }

    fn backward(&mut self, gradient: &[f32], gradients: &mut [&mut [f32]]) -> Result<(), DevError> {
        let [to, of_weight, of_bias] = gradients else { return Err(wrong_size()) };
        let (some, size) = (self.pictures_per_job(), self.window.picture());
        let pictures = self.pictures.chunks(some * size).zip(to.chunks_mut(some * size));
        let jobs = pictures.zip(gradient.chunks(some * self.output())).collect();
        let parts =
            parallel(jobs, |((pictures, to), gradient): ((&[f32], _), _)| self.differentiate(pictures, gradient, to));
        for (weight, bias) in parts {
            add_to(of_weight, &weight);
            add_to(of_bias, &bias);
        }
        Ok(())
    }

    #[cfg(feature = "gpu")]
    fn kernels(&mut self) -> Option<&mut dyn crate::nn::op::Kernels> {
        Some(self)
    }
}
