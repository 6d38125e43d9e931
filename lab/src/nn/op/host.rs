//! An op on the tape, on the processor.

use dfdx::shapes::HasShape;
use dfdx::tensor::{Gradients, TensorFromVec};

use super::{Flat, Op, add_to, values};
use crate::device::{Dev, DevError};

/// Where a tensor's gradient is, without holding its values.
type Place = Box<dyn Fn(&mut Gradients<f32, Dev>) -> Result<&mut Vec<f32>, DevError>>;

/// An op on the tape.
pub(super) struct Node {
    op: Box<dyn Op>,
    inputs: Vec<(Place, usize)>,
    output: Place,
}

impl Node {
    pub(super) fn forward(mut op: Box<dyn Op>, inputs: &[Flat], len: usize) -> Result<(Self, Flat), DevError> {
        let values = op.forward(inputs.iter().map(values).collect())?;
        let device = inputs.first().map_or_else(Dev::default, |input| input.device().clone());
        let output = device.try_tensor_from_vec(values, (len,))?;
        let places = inputs.iter().map(|input| (place(input), input.shape().0)).collect();
        Ok((Self { op, inputs: places, output: place(&output) }, output))
    }

    /// Gradients are taken out of dfdx's map while the op adds to them. One that two inputs share is
    /// taken by the first; the second starts from zero and is added to it afterwards.
    pub(super) fn backward(&mut self, gradients: &mut Gradients<f32, Dev>) -> Result<(), DevError> {
        let gradient = std::mem::take((self.output)(gradients)?);
        let mut taken = Vec::with_capacity(self.inputs.len());
        for (place, len) in &self.inputs {
            let values = std::mem::take(place(gradients)?);
            taken.push(if values.len() == *len { values } else { vec![0.0; *len] });
        }
        let mut slices: Vec<&mut [f32]> = taken.iter_mut().map(Vec::as_mut_slice).collect();
        let done = self.op.backward(&gradient, &mut slices);
        for ((place, _), values) in self.inputs.iter().zip(taken) {
            let there = place(gradients)?;
            if there.is_empty() {
                *there = values;
            } else {
                add_to(there, &values);
            }
        }
        *(self.output)(gradients)? = gradient;
        done
    }
}

fn place(tensor: &Flat) -> Place {
    let ghost = tensor.ghost();
    Box::new(move |gradients| Ok(&mut **gradients.get_or_alloc_mut(&ghost)?))
}
