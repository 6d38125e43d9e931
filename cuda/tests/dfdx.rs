//! dfdx's GPU device computes what its CPU device does, through our functions, on the simulated GPU: there is none
//! here. The kernels are dfdx's own, compiled by the C++ compiler.

mod support;

use cuda::driver::Precision;
use dfdx::optim::{Adam, AdamConfig};
use dfdx::prelude::*;
use support::open;

/// Both devices, with the same seed.
fn devices() -> (Cuda, Cpu) {
    open().set_precision(Precision::Fp32);
    (Cuda::seed_from_u64(7), Cpu::seed_from_u64(7))
}

fn close(what: &str, ours: &[f32], theirs: &[f32]) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert!((ours - theirs).abs() <= 1e-5 * theirs.abs().max(1.0), "{what}: {ours} instead of {theirs}");
    }
}

/// The same computation on both devices: its values, and the gradient of their sum by the input.
macro_rules! same {
    ($what:literal, $shape:ty, |$x:ident| $body:expr) => {{
        let (gpu, cpu) = devices();
        let numbers: Tensor<$shape, f32, _> = cpu.sample_normal();
        let on_gpu = gpu.tensor_from_vec(numbers.as_vec(), *numbers.shape());
        let cpu_result = {
            let $x = numbers.leaky_trace();
            $body
        };
        let gpu_result = {
            let $x = on_gpu.leaky_trace();
            $body
        };
        close($what, &gpu_result.as_vec(), &cpu_result.as_vec());
        let cpu_gradient = cpu_result.square().sum::<Rank0, _>().backward().get(&numbers);
        let gpu_gradient = gpu_result.square().sum::<Rank0, _>().backward().get(&on_gpu);
        close(concat!($what, ": gradient"), &gpu_gradient.as_vec(), &cpu_gradient.as_vec());
    }};
}

#[test]
fn elements_and_sums() {
    same!("relu", Rank2<5, 300>, |x| x.relu());
    same!("gelu", Rank2<5, 300>, |x| x.fast_gelu());
    same!("exp and scalar", Rank2<5, 300>, |x| x.exp() * 0.5 + 1.0);
    same!("sum over rows", Rank2<5, 300>, |x| x.sum::<Rank1<300>, _>());
    same!("sum over columns", Rank2<5, 300>, |x| x.sum::<Rank1<5>, _>());
    // dfdx can't sum what has no axis on a GPU, so the mean gets one.
    same!("mean of all", Rank3<3, 4, 70>, |x| x.mean::<Rank0, _>().broadcast::<Rank1<2>, _>());
    same!("max", Rank2<5, 300>, |x| x.max::<Rank1<5>, _>());
    same!("softmax", Rank2<5, 300>, |x| x.softmax::<Axis<1>>());
    same!("log softmax", Rank3<2, 3, 40>, |x| x.log_softmax::<Axis<2>>());
    same!("normalize", Rank2<5, 300>, |x| x.normalize::<Axis<1>>(1e-5));
}

#[test]
fn shapes() {
    same!("permute and reshape", Rank3<2, 3, 4>, |x| x.permute::<Rank3<4, 2, 3>, _>().reshape::<Rank2<8, 3>>());
    // What dfdx 0.13.0 gets wrong on a GPU, and we mend.
    same!("broadcast and moved", Rank1<7>, |x| x.broadcast::<Rank2<5, 7>, _>().contiguous());
    same!("broadcast", Rank1<7>, |x| x.broadcast::<Rank2<5, 7>, _>());
    same!("slice", Rank2<6, 5>, |x| x.slice((1..4, 2..)).realize::<(Const<3>, Const<3>)>());
    same!("concat", Rank2<2, 3>, |x| {
        let x = x.reshape_like(&(2, Const::<3>));
        let y = x.device().ones_like(&(4, Const::<3>));
        (x, y).concat_along(Axis::<0>)
    });
    same!("stack", Rank1<3>, |x| {
        let y = x.device().ones::<Rank1<3>>().put_tape(Default::default());
        [x, y].stack()
    });
}

#[test]
fn products() {
    same!("matrix by matrix", Rank2<30, 40>, |x| {
        let y = x.device().tensor_from_vec((0..40 * 20).map(|i| (i % 7) as f32).collect(), (Const::<40>, Const::<20>));
        x.matmul(y)
    });
    same!("matrix by its transpose", Rank2<30, 40>, |x| {
        let y = x.with_empty_tape().exp();
        x.matmul(y.permute::<Rank2<40, 30>, _>())
    });
    same!("batches", Rank3<3, 8, 9>, |x| {
        let y = x.with_empty_tape().exp();
        x.matmul(y.permute::<Rank3<3, 9, 8>, _>())
    });
    same!("vector by matrix", Rank1<40>, |x| {
        let y = x.device().tensor_from_vec((0..40 * 20).map(|i| (i % 5) as f32).collect(), (Const::<40>, Const::<20>));
        x.matmul(y)
    });
}

type Model = (Linear<6, 12>, ReLU, Linear<12, 3>);

/// Losses of some steps with an optimizer of dfdx's.
macro_rules! train {
    ($device:expr) => {{
        let device = $device;
        let mut model = device.build_module::<Model, f32>();
        let (x, y) = (device.sample_normal::<Rank2<10, 6>>(), device.sample_uniform::<Rank2<10, 3>>());
        let mut optimizer = Adam::new(&model, AdamConfig { lr: 0.05, ..Default::default() });
        let step = |_| {
            let loss = mse_loss(model.forward(x.leaky_trace()), y.clone());
            let value = loss.as_vec()[0];
            optimizer.update(&mut model, &loss.backward()).expect("an update");
            value
        };
        (0..20).map(step).collect::<Vec<f32>>()
    }};
}

#[test]
fn training_follows_the_same_curve() {
    let (gpu, cpu) = devices();
    let (ours, theirs) = (train!(&gpu), train!(&cpu));
    assert!(theirs[19] < 0.5 * theirs[0], "it learns: {theirs:?}");
    close("losses", &ours, &theirs);
}
