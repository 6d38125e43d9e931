//! dfdx's operations on a GPU against the same on the CPU in `f64`: values, and the gradient of the sum of their squares.

use dfdx::prelude::*;

/// An operation's name, and what compares it: the GPU, and how large an error may be, as [`close`] has it.
pub(crate) type Operation = (&'static str, fn(&Cuda, f64));

/// Whether each number is near what it should be. Errors are shares of the largest number of the result, or of 1 where
/// all are smaller: where large terms cancel, a small number has no small error of its own.
pub(crate) fn close(what: &str, ours: &[f32], theirs: &[f64], error: f64) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let scale = theirs.iter().fold(1.0f64, |most, number| most.max(number.abs()));
    for (at, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        let off = (f64::from(*ours) - theirs).abs() / scale;
        assert!(off <= error, "{what}: [{at}] is {ours} instead of {theirs}, off by {off:.1e} of {scale:.3}");
    }
}

/// Numbers from -2 to 2 that are the same everywhere and exact in both types.
fn numbers(count: usize) -> Vec<f32> {
    (0..count as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 20) as f32 / 1024.0 - 2.0).collect()
}

macro_rules! operations {
    ($($what:literal, $shape:ty, |$x:ident| $body:expr;)*) => {
        /// All of them.
        pub(crate) fn operations() -> Vec<Operation> {
            vec![$(($what, |gpu, error| {
                let cpu = Cpu::default();
                let shape = <$shape>::default();
                let numbers = numbers(shape.num_elements());
                let wide = numbers.iter().copied().map(f64::from).collect();
                let on_gpu: Tensor<$shape, f32, _> = gpu.tensor_from_vec(numbers, shape);
                let on_cpu: Tensor<$shape, f64, _> = cpu.tensor_from_vec(wide, shape);
                let ours = { let $x = on_gpu.leaky_trace(); $body };
                let theirs = { let $x = on_cpu.leaky_trace(); $body };
                close($what, &ours.as_vec(), &theirs.as_vec(), error);
                let ours = ours.square().sum::<Rank0, _>().backward().get(&on_gpu);
                let theirs = theirs.square().sum::<Rank0, _>().backward().get(&on_cpu);
                close(concat!($what, ": gradient"), &ours.as_vec(), &theirs.as_vec(), error);
            }),)*]
        }
    };
}

operations! {
    "relu", Rank2<5, 300>, |x| x.relu();
    "fast gelu", Rank2<5, 300>, |x| x.fast_gelu();
    "accurate gelu", Rank2<5, 300>, |x| x.accurate_gelu();
    "sigmoid", Rank2<5, 300>, |x| x.sigmoid();
    "tanh", Rank2<5, 300>, |x| x.tanh();
    "sin and cos", Rank2<5, 300>, |x| x.sin().cos();
    "exp, ln, sqrt", Rank2<5, 300>, |x| (x.exp() + 1.0).ln().sqrt();
    "abs, powi, negate", Rank2<5, 300>, |x| x.abs().powi(3).negate();
    "clamp", Rank2<5, 300>, |x| x.clamp(-1.0, 1.5);
    "recip", Rank2<5, 300>, |x| (x.square() + 1.0).recip();
    "scalars", Rank2<5, 300>, |x| (x * 0.5 + 1.0) / 3.0 - 0.25;
    "add, sub, mul, div", Rank2<5, 300>, |x| {
        let y = x.with_empty_tape().square() + 1.0;
        let (z, w) = (x.with_empty_tape().cos() + 2.0, x.with_empty_tape().sin());
        let v = x.with_empty_tape().exp();
        (x + w) * z / y - v
    };
    "maximum and minimum", Rank2<5, 300>, |x| {
        let (y, z) = (x.with_empty_tape().sin(), x.with_empty_tape().cos() + 2.0);
        x.maximum(y).minimum(z)
    };
    "huber", Rank2<5, 300>, |x| {
        let y = x.with_empty_tape().sin();
        x.huber_error(y, 0.5)
    };
    "binary cross-entropy", Rank2<5, 300>, |x| {
        let y = x.with_empty_tape().sigmoid();
        x.bce_with_logits(y)
    };
    "sum over rows", Rank2<5, 300>, |x| x.sum::<Rank1<300>, _>();
    "sum over columns", Rank2<5, 300>, |x| x.sum::<Rank1<5>, _>();
    // dfdx can't sum what has no axis on a GPU, so the mean gets one.
    "mean of all", Rank3<3, 4, 70>, |x| x.mean::<Rank0, _>().broadcast::<Rank1<2>, _>();
    "variance", Rank2<5, 300>, |x| x.var::<Rank1<5>, _>();
    "max", Rank2<5, 300>, |x| x.max::<Rank1<5>, _>();
    "min", Rank2<5, 300>, |x| x.min::<Rank1<300>, _>();
    "log-sum-exp", Rank2<5, 300>, |x| x.logsumexp::<Rank1<5>, _>();
    "softmax", Rank2<5, 300>, |x| x.softmax::<Axis<1>>();
    "log softmax", Rank3<2, 3, 40>, |x| x.log_softmax::<Axis<2>>();
    "normalize", Rank2<5, 300>, |x| x.normalize::<Axis<1>>(1e-5);
    "permute and reshape", Rank3<2, 3, 4>, |x| x.permute::<Rank3<4, 2, 3>, _>().reshape::<Rank2<8, 3>>();
    // What dfdx 0.13.0 gets wrong on a GPU, and we mend.
    "broadcast and moved", Rank1<7>, |x| x.broadcast::<Rank2<5, 7>, _>().contiguous();
    "broadcast", Rank1<7>, |x| x.broadcast::<Rank2<5, 7>, _>();
    "slice", Rank2<6, 5>, |x| x.slice((1..4, 2..)).realize::<(Const<3>, Const<3>)>();
    "concat", Rank2<2, 3>, |x| {
        let x = x.reshape_like(&(2, Const::<3>));
        let y = x.device().ones_like(&(4, Const::<3>));
        (x, y).concat_along(Axis::<0>)
    };
    "stack", Rank1<3>, |x| {
        let y = x.device().ones::<Rank1<3>>().put_tape(Default::default());
        [x, y].stack()
    };
    "select", Rank2<6, 5>, |x| {
        let rows = x.device().tensor([4usize, 0, 4]);
        x.gather(rows)
    };
    "matrix by matrix", Rank2<30, 40>, |x| {
        let y = x.with_empty_tape().cos().reshape::<Rank2<40, 30>>();
        x.matmul(y)
    };
    "matrix by its transpose", Rank2<30, 40>, |x| {
        let y = x.with_empty_tape().cos();
        x.matmul(y.permute::<Rank2<40, 30>, _>())
    };
    "batches of matrices", Rank3<3, 8, 9>, |x| {
        let y = x.with_empty_tape().cos();
        x.matmul(y.permute::<Rank3<3, 9, 8>, _>())
    };
    "vector by matrix", Rank1<40>, |x| {
        let y = x.with_empty_tape().cos().broadcast::<Rank2<20, 40>, _>().permute::<Rank2<40, 20>, _>();
        x.matmul(y.contiguous())
    };
}
