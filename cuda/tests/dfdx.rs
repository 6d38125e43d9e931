//! dfdx's GPU device computes what its CPU device does, through our functions, on the simulated GPU: there is none
//! here. The kernels are dfdx's own, compiled by the C++ compiler.

mod support;

use cuda::driver::Precision;
use dfdx::optim::{Adam, AdamConfig};
use dfdx::prelude::*;
use support::open;
use support::operations::{close, operations};

#[test]
fn operations_are_those_of_the_cpu() {
    open().set_precision(Precision::Fp32);
    let gpu = Cuda::default();
    operations().into_iter().for_each(|(_, compare)| compare(&gpu, 1e-5));
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
    open().set_precision(Precision::Fp32);
    let (ours, theirs) = (train!(&Cuda::seed_from_u64(7)), train!(&Cpu::seed_from_u64(7)));
    assert!(theirs[19] < 0.5 * theirs[0], "it learns: {theirs:?}");
    let theirs: Vec<f64> = theirs.into_iter().map(f64::from).collect();
    close("losses", &ours, &theirs, 1e-5);
}
