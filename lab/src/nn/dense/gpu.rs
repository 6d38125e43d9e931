//! The same on a GPU.

use cuda::code::Outcome;
use cuda::math::{Buffer, Indices, Room, activation, dense, embedding, norm, sizes};

use super::Sum;
use super::activation::Activate;
use super::affine::Affine;
use super::embedding::LookUp;
use super::norm::{EPSILON, Normalize};
use crate::nn::op::Kernels;

impl Kernels for Affine {
    fn forward(&mut self, inputs: &[Buffer], output: Buffer) -> Outcome<()> {
        let [x, weight, bias] = *inputs else { return Err(sizes("affine")) };
        dense::affine(x, weight, bias, output)
    }

    fn backward(&mut self, inputs: &[Buffer], gradient: Buffer, gradients: &[Buffer]) -> Outcome<()> {
        let ([x, weight, _], [of_x, of_weight, of_bias]) = (inputs, gradients) else { return Err(sizes("affine")) };
        dense::affine_backward(gradient, [*x, *weight], [*of_x, *of_weight, *of_bias])
    }
}

impl Kernels for Sum {
    fn forward(&mut self, inputs: &[Buffer], output: Buffer) -> Outcome<()> {
        let [x, y] = *inputs else { return Err(sizes("sum")) };
        dense::sum(x, y, output)
    }

    fn backward(&mut self, _: &[Buffer], gradient: Buffer, gradients: &[Buffer]) -> Outcome<()> {
        gradients.iter().try_for_each(|to| dense::add(*to, gradient))
    }
}

impl Kernels for Activate {
    fn forward(&mut self, inputs: &[Buffer], output: Buffer) -> Outcome<()> {
        let [x] = *inputs else { return Err(sizes("activate")) };
        activation::activate(self.curve, x, output)
    }

    fn backward(&mut self, inputs: &[Buffer], gradient: Buffer, gradients: &[Buffer]) -> Outcome<()> {
        let ([x], [to]) = (inputs, gradients) else { return Err(sizes("activate")) };
        activation::activate_backward(self.curve, gradient, *x, *to)
    }
}

impl Kernels for Normalize {
    fn forward(&mut self, inputs: &[Buffer], output: Buffer) -> Outcome<()> {
        let [x, weight, bias] = *inputs else { return Err(sizes("normalize")) };
        let statistics = self.statistics.insert(Room::new(2 * x.len() / self.size.max(1))?);
        norm::normalize([x, weight, bias], EPSILON, output, statistics.buffer())
    }

    fn backward(&mut self, inputs: &[Buffer], gradient: Buffer, gradients: &[Buffer]) -> Outcome<()> {
        let ([x, weight, _], [of_x, of_weight, of_bias], Some(statistics)) = (inputs, gradients, &self.statistics)
        else {
            return Err(sizes("normalize"));
        };
        norm::normalize_backward(gradient, [*x, *weight], statistics.buffer(), [*of_x, *of_weight, *of_bias])
    }
}

impl LookUp {
    /// The tokens as kernels take them. No vocabulary has 2^32 of them.
    #[allow(clippy::cast_possible_truncation)]
    fn indices(&self) -> Vec<u32> {
        self.tokens.iter().map(|token| *token as u32).collect()
    }
}

impl Kernels for LookUp {
    fn forward(&mut self, inputs: &[Buffer], output: Buffer) -> Outcome<()> {
        let [table] = *inputs else { return Err(sizes("look_up")) };
        embedding::look_up(table, &Indices::new(&self.indices())?, self.dim, output)
    }

    fn backward(&mut self, _: &[Buffer], gradient: Buffer, gradients: &[Buffer]) -> Outcome<()> {
        let [to] = *gradients else { return Err(sizes("look_up")) };
        embedding::look_up_backward(gradient, &self.indices(), self.dim, to)
    }
}
