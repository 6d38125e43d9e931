//! Operations of our own on dfdx tensors: forward and backward from slices to slices, compiled once, here.
//!
//! dfdx keeps its tensors' values and its kernels to itself, but it lets others read a tensor
//! (`copy_into`), make one from a `Vec` without copying it, add a step to the tape, and reach a tensor's
//! gradient while that step runs. That is enough: an [`Op`] computes on plain numbers, and [`Inputs`]
//! ties it to the tape. What a cell instantiates is the thin part that knows shapes.

#[cfg(feature = "gpu")]
mod gpu;
#[cfg(not(feature = "gpu"))]
mod host;

use dfdx::shapes::{HasShape, Shape};
use dfdx::tensor::{NoneTape, PutTape, SplitTape, Tape, Tensor};
use dfdx::tensor_ops::ReshapeTo;

#[cfg(feature = "gpu")]
pub(crate) use gpu::Kernels;
#[cfg(feature = "gpu")]
use gpu::Node;
#[cfg(not(feature = "gpu"))]
use host::Node;

use crate::device::{Dev, DevError};

/// Any tensor as one row of numbers, in row-major order.
type Flat<T = NoneTape> = Tensor<(usize,), f32, Dev, T>;

/// An operation and its derivative, on numbers in row-major order.
///
/// ```
/// use lab::nn::{Inputs, Op};
/// use lab::dfdx::prelude::*;
///
/// /// y = x², keeping x for the derivative.
/// #[derive(Default)]
/// struct Square(Vec<f32>);
///
/// impl Op for Square {
///     fn forward(&mut self, mut inputs: Vec<Vec<f32>>) -> Result<Vec<f32>, DevError> {
///         self.0 = inputs.swap_remove(0);
///         Ok(self.0.iter().map(|x| x * x).collect())
///     }
///
///     fn backward(&mut self, gradient: &[f32], gradients: &mut [&mut [f32]]) -> Result<(), DevError> {
///         for ((sum, x), gradient) in gradients[0].iter_mut().zip(&self.0).zip(gradient) {
///             *sum += 2.0 * x * gradient;
///         }
///         Ok(())
///     }
/// }
///
/// let x = lab::device::device().tensor([1.0f32, 3.0]);
/// let shape = *x.shape();
/// let y = Inputs::of(x.leaky_trace())?.apply(Square::default(), shape)?;
/// assert_eq!(y.array(), [1.0, 9.0]);
/// assert_eq!(y.sum().backward().get(&x).array(), [2.0, 6.0]);
/// # Ok::<(), DevError>(())
/// ```
pub trait Op: 'static {
    /// Computes the output from the inputs, which are the op's own: it keeps of them what `backward` needs.
    ///
    /// # Errors
    /// When dfdx can't make a tensor.
    fn forward(&mut self, inputs: Vec<Vec<f32>>) -> Result<Vec<f32>, DevError>;

    /// Adds to `gradients[i]` the derivative of the loss by input `i`, given that by the output.
    /// Called at most once, after `forward`, and not at all without a tape.
    ///
    /// # Errors
    /// When dfdx can't make a tensor.
    fn backward(&mut self, gradient: &[f32], gradients: &mut [&mut [f32]]) -> Result<(), DevError>;

    /// The same by kernels. Without them, a GPU's numbers are copied to the processor and back.
    #[cfg(feature = "gpu")]
    #[doc(hidden)]
    #[allow(private_interfaces)]
    fn kernels(&mut self) -> Option<&mut dyn Kernels> {
        None
    }
}

/// The inputs of an [`Op`], and the tape that will record it.
pub struct Inputs<T> {
    flat: Vec<Flat>,
    tape: T,
}

impl<T: Tape<f32, Dev>> Inputs<T> {
    /// Starts with a tensor, whose tape goes on with the output.
    ///
    /// # Errors
    /// When dfdx can't make a tensor; so for all methods here.
    pub fn of<S: Shape>(x: Tensor<S, f32, Dev, T>) -> Result<Self, DevError> {
        let (x, tape) = x.split_tape();
        Self { flat: Vec::new(), tape }.and(&x)
    }

    /// Adds another input: a weight, or a tensor whose tape is the one that is here.
    ///
    /// # Errors
    /// As [`Inputs::of`].
    pub fn and<S: Shape>(mut self, x: &Tensor<S, f32, Dev>) -> Result<Self, DevError> {
        let shape = (x.shape().num_elements(),);
        // On the tape, because what was permuted or broadcast is moved here, and its gradient back.
        let (x, tape) = x.clone().put_tape(self.tape).try_reshape_like(&shape)?.split_tape();
        self.flat.push(x);
        Ok(Self { flat: self.flat, tape })
    }

    /// Runs the op; its output has this shape.
    ///
    /// # Errors
    /// An error when the op's output has not as many numbers as the shape.
    pub fn apply<S: Shape>(mut self, op: impl Op, shape: S) -> Result<Tensor<S, f32, Dev, T>, DevError> {
        let (mut node, output) = Node::forward(Box::new(op), &self.flat, shape.num_elements())?;
        if T::OWNS_TAPE {
            self.tape.add_backward_op(move |gradients| node.backward(gradients));
        }
        output.put_tape(self.tape).try_reshape_like(&shape)
    }
}

/// All numbers of a tensor, on the processor.
fn values(tensor: &Flat) -> Vec<f32> {
    let mut values = vec![0.0; tensor.shape().0];
    tensor.copy_into(&mut values);
    values
}

/// Adds one row of numbers to another.
pub(crate) fn add_to(sums: &mut [f32], values: &[f32]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value;
    }
}

#[cfg(test)]
mod tests {
    use dfdx::prelude::*;

    use super::*;
    use crate::device::wrong_size;

    /// a * b + c, number by number.
    #[derive(Default)]
    struct MulAdd(Vec<Vec<f32>>);

    impl Op for MulAdd {
        fn forward(&mut self, inputs: Vec<Vec<f32>>) -> Result<Vec<f32>, DevError> {
            self.0 = inputs;
            let [a, b, c] = &self.0[..] else { return Err(wrong_size()) };
            Ok(a.iter().zip(b).zip(c).map(|((a, b), c)| a * b + c).collect())
        }

        fn backward(&mut self, gradient: &[f32], gradients: &mut [&mut [f32]]) -> Result<(), DevError> {
            for (i, gradient) in gradient.iter().enumerate() {
                gradients[0][i] += gradient * self.0[1][i];
                gradients[1][i] += gradient * self.0[0][i];
                gradients[2][i] += gradient;
            }
            Ok(())
        }
    }

    type Row<T> = Tensor<Rank1<3>, f32, Dev, T>;

    fn mul_add<T: Tape<f32, Dev>>(a: Row<T>, b: &Row<NoneTape>, c: &Row<NoneTape>) -> Row<T> {
        let shape = *a.shape();
        let inputs = Inputs::of(a).and_then(|inputs| inputs.and(b)?.and(c)).expect("inputs");
        inputs.apply(MulAdd::default(), shape).expect("an output")
    }

    #[test]
    fn gradients_reach_every_input_and_go_on_through_the_tape() {
        let dev = crate::device::device();
        let (a, b, c) = (dev.tensor([1., 2., 3.]), dev.tensor([4., 5., 6.]), dev.tensor([7., 8., 9.]));
        let y = mul_add(a.leaky_trace() * 2.0, &b, &c);
        assert_eq!(y.array(), [15., 28., 45.]);
        let gradients = y.square().sum().backward();
        assert_eq!(gradients.get(&a).array(), [240., 560., 1080.]);
        assert_eq!(gradients.get(&b).array(), [60., 224., 540.]);
        assert_eq!(gradients.get(&c).array(), [30., 56., 90.]);
    }

    #[test]
    fn one_tensor_may_be_several_inputs() {
        let dev = crate::device::device();
        let a = dev.tensor([1., 2., 3.]);
        let gradients = mul_add(a.leaky_trace(), &a, &a).sum().backward();
        assert_eq!(gradients.get(&a).array(), [3., 5., 7.], "2a + 1");
    }

    #[test]
    fn what_was_broadcast_or_permuted_is_read_in_order_and_gets_its_gradient() {
        let dev = crate::device::device();
        let one: Tensor<Rank0, f32, _> = dev.tensor(2.0);
        let (b, c) = (dev.tensor([1., 2., 3.]), dev.tensor([0., 0., 0.]));
        let y = mul_add(one.leaky_trace().broadcast::<Rank1<3>, _>(), &b, &c);
        assert_eq!(y.array(), [2., 4., 6.]);
        assert_eq!(y.sum().backward().get(&one).array(), 6.0);

        let x = dev.tensor([[1., 2., 3.], [4., 5., 6.]]);
        let turned = x.leaky_trace().permute::<Rank2<3, 2>, _>();
        let (b, c) = (dev.tensor([1., 2., 3., 4., 5., 6.]), dev.zeros::<Rank1<6>>());
        let inputs = Inputs::of(turned).and_then(|inputs| inputs.and(&b)?.and(&c)).expect("inputs");
        let y = inputs.apply(MulAdd::default(), (Const::<6>,)).expect("an output");
        assert_eq!(y.array(), [1., 8., 6., 20., 15., 36.]);
        assert_eq!(y.sum().backward().get(&x).array(), [[1., 3., 5.], [2., 4., 6.]]);
    }

    #[test]
    fn without_a_tape_nothing_is_recorded_and_a_wrong_size_is_an_error() {
        let dev = crate::device::device();
        let a = dev.tensor([1., 2., 3.]);
        assert_eq!(mul_add(a.clone(), &a, &a).array(), [2., 6., 12.]);
        let inputs = Inputs::of(a.clone()).and_then(|inputs| inputs.and(&a)?.and(&a)).expect("inputs");
        let error = inputs.apply(MulAdd::default(), (Const::<4>,)).expect_err("three numbers are no four");
        assert_eq!(error.to_string(), wrong_size().to_string());
    }
}
