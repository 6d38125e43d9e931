//! Convolution as a product: each picture laid out as columns, times the kernels (Chellapilla, Puri and
//! Simard, *High Performance Convolutional Neural Networks for Document Processing*, 2006).

use dfdx::tensor::CpuError;

use super::window::Window;
use crate::nn::matrix::Matrices;
use crate::nn::op::{Op, add_to};
use crate::nn::parallel::{parallel, per_job};

/// Cross-correlation with zero padding, as every framework calls convolution. Inputs: pictures
/// `[batch, channels, height, width]`, kernels `[kernels, channels, height, width]`, biases `[kernels]`.
/// Output: `[batch, kernels, places down, places across]`.
pub(super) struct Convolution {
    window: Window,
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

    /// Some pictures as columns.
    fn columns(&self, pictures: &[f32]) -> Result<Matrices, CpuError> {
        let (rows, places) = (self.window.sees(), self.window.count());
        let count = pictures.len() / self.window.picture();
        let mut columns = vec![0.0; count * rows * places];
        let each = pictures.chunks_exact(self.window.picture()).zip(columns.chunks_exact_mut(rows * places));
        each.for_each(|(picture, columns)| self.window.unfold(picture, columns));
        Matrices::new(columns, [1, count, rows, places])
    }

    /// Writes the output for some pictures.
    fn convolve(&self, pictures: &[f32], bias: &[f32], output: &mut [f32]) -> Result<(), CpuError> {
        let columns = self.columns(pictures)?;
        let count = pictures.len() / self.window.picture();
        let weight = Matrices::repeated(self.weight.clone(), count, self.kernels, self.window.sees())?;
        weight.times(&columns)?.copy_to(output);
        for (plane, bias) in output.chunks_exact_mut(self.window.count()).zip(bias.iter().cycle()) {
            plane.iter_mut().for_each(|value| *value += bias);
        }
        Ok(())
    }

    /// Adds to the gradient of some pictures; gives their part of the kernels' and biases' gradients.
    fn differentiate(
        &self,
        pictures: &[f32],
        gradient: &[f32],
        to: &mut [f32],
    ) -> Result<(Vec<f32>, Vec<f32>), CpuError> {
        let (sees, places) = (self.window.sees(), self.window.count());
        let count = pictures.len() / self.window.picture();
        let columns = self.columns(pictures)?;
        let outer = Matrices::new(gradient.to_vec(), [1, count, self.kernels, places])?;

        let of_weights = outer.times(&columns.transposed()?)?.values(count * self.weight.len());
        let mut of_weight = vec![0.0; self.weight.len()];
        of_weights.chunks_exact(self.weight.len()).for_each(|part| add_to(&mut of_weight, part));

        let mut of_bias = vec![0.0; self.kernels];
        for (i, plane) in gradient.chunks_exact(places).enumerate() {
            of_bias[i % self.kernels] += plane.iter().sum::<f32>();
        }

        let weight = Matrices::repeated(self.weight.clone(), count, self.kernels, sees)?;
        let of_columns = weight.transposed()?.times(&outer)?.values(count * sees * places);
        let each = of_columns.chunks_exact(sees * places).zip(to.chunks_exact_mut(self.window.picture()));
        each.for_each(|(columns, picture)| self.window.fold(columns, picture));
        Ok((of_weight, of_bias))
    }
}

impl Op for Convolution {
    fn forward(&mut self, inputs: Vec<Vec<f32>>) -> Result<Vec<f32>, CpuError> {
        let [pictures, weight, bias]: [Vec<f32>; 3] = inputs.try_into().map_err(|_| CpuError::WrongNumElements)?;
        (self.pictures, self.weight) = (pictures, weight);
        let mut output = vec![0.0; self.pictures.len() / self.window.picture() * self.output()];
        let some = self.pictures_per_job();
        let pictures = self.pictures.chunks(some * self.window.picture());
        let jobs = pictures.zip(output.chunks_mut(some * self.output())).collect();
        let done = parallel(jobs, |(pictures, output)| self.convolve(pictures, &bias, output));
        done.into_iter().collect::<Result<(), _>>()?;
        Ok(output)
    }

    fn backward(&mut self, gradient: &[f32], gradients: &mut [&mut [f32]]) -> Result<(), CpuError> {
        let [to, of_weight, of_bias] = gradients else { return Err(CpuError::WrongNumElements) };
        let (some, size) = (self.pictures_per_job(), self.window.picture());
        let pictures = self.pictures.chunks(some * size).zip(to.chunks_mut(some * size));
        let jobs = pictures.zip(gradient.chunks(some * self.output())).collect();
        let parts =
            parallel(jobs, |((pictures, to), gradient): ((&[f32], _), _)| self.differentiate(pictures, gradient, to));
        for part in parts {
            let (weight, bias) = part?;
            add_to(of_weight, &weight);
            add_to(of_bias, &bias);
        }
        Ok(())
    }
}
