//! An op on the tape, on a GPU: by its kernels, or by the processor where it has none.

use cuda::code::Outcome;
use cuda::math::Buffer;
use dfdx::shapes::HasShape;
use dfdx::tensor::{Gradients, TensorFromVec, ZerosTensor};

use super::{Flat, Op, values};
use crate::device::{Dev, DevError, Numbers, buffer, buffer_of, edit, failed};

/// An op by kernels.
pub(crate) trait Kernels {
    /// Computes the output, which holds anything before.
    fn forward(&mut self, inputs: &[Buffer], output: Buffer) -> Outcome<()>;

    /// Adds to `gradients[i]` the derivative of the loss by input `i`. Two of them may be the same buffer.
    fn backward(&mut self, inputs: &[Buffer], gradient: Buffer, gradients: &[Buffer]) -> Outcome<()>;
}

/// Where a tensor's gradient is, without holding its values.
type Place = Box<dyn Fn(&mut Gradients<f32, Dev>) -> Result<&mut Numbers, DevError>>;

/// An op on the tape.
pub(super) struct Node {
    op: Box<dyn Op>,
    inputs: Vec<Flat>,
    /// Where they are, for kernels.
    buffers: Vec<Buffer>,
    places: Vec<Place>,
    output: Place,
}

impl Node {
    pub(super) fn forward(mut op: Box<dyn Op>, inputs: &[Flat], len: usize) -> Result<(Self, Flat), DevError> {
        let device = inputs.first().map_or_else(Dev::default, |input| input.device().clone());
        let mut buffers = Vec::new();
        let output = match op.kernels() {
            Some(kernels) => {
                let output = cuda::gpu::unfilled(|| device.try_zeros_like(&(len,)))?;
                buffers = inputs.iter().map(buffer).collect::<Result<_, _>>()?;
                kernels.forward(&buffers, buffer(&output)?).map_err(failed)?;
                output
            }
            None => device.try_tensor_from_vec(op.forward(inputs.iter().map(values).collect())?, (len,))?,
        };
        let places = inputs.iter().map(place).collect();
        let node = Self { op, inputs: inputs.to_vec(), buffers, places, output: place(&output) };
        Ok((node, output))
    }

    pub(super) fn backward(&mut self, gradients: &mut Gradients<f32, Dev>) -> Result<(), DevError> {
        let output = (self.output)(gradients)?;
        if let Some(kernels) = self.op.kernels() {
            let gradient = buffer_of(output);
            let to = self.places.iter().map(|place| place(gradients).map(buffer_of));
            let to = to.collect::<Result<Vec<_>, _>>()?;
            return kernels.backward(&self.buffers, gradient, &to).map_err(failed);
        }
        let gradient = edit(output, |numbers| numbers.to_vec())?;
        let mut added: Vec<Vec<f32>> = self.inputs.iter().map(|input| vec![0.0; input.shape().0]).collect();
        let mut slices: Vec<&mut [f32]> = added.iter_mut().map(Vec::as_mut_slice).collect();
        self.op.backward(&gradient, &mut slices)?;
        for (place, added) in self.places.iter().zip(&added) {
            edit(place(gradients)?, |numbers| super::add_to(numbers, added))?;
        }
        Ok(())
    }
}

fn place(tensor: &Flat) -> Place {
    let ghost = tensor.ghost();
    Box::new(move |gradients| gradients.get_or_alloc_mut(&ghost))
}
