//! How fast it is, as one line of JSON that `tests/gpu/peer.py` puts beside PyTorch's figures.

use std::time::Instant;

use cuda::driver::Precision;
use cuda::gpu::Gpu;
use dfdx::optim::{Adam, AdamConfig};
use dfdx::prelude::*;
use serde_json::{Map, Value, json};

use super::Model;

pub(super) fn report(gpu: &'static Gpu) {
    let mut products = Map::new();
    for precision in [Precision::Fp32, Precision::Tf32, Precision::Bf16] {
        gpu.set_precision(precision);
        products.insert(format!("4096 {}", precision.name()), json!(teraflops::<4096>()));
        products.insert(format!("8192 {}", precision.name()), json!(teraflops::<8192>()));
    }
    gpu.set_precision(Precision::Tf32);
    let (seconds, counts) = step(gpu);
    let report = json!({
        "gpu": gpu.properties.name,
        "driver": gpu.driver.describe(),
        "products_tflops": products,
        "mlp_step_ms": seconds * 1e3,
        "per_mlp_step": counts,
    });
    println!("{report}");
}

/// Multiplies square matrices until a second is over.
fn teraflops<const N: usize>() -> f64 {
    let device = Cuda::default();
    let numbers: Vec<f32> = (0..N * N).map(|i| (i % 13) as f32 / 13.0).collect();
    let a: Tensor<Rank2<N, N>, f32, _> = device.tensor(numbers);
    let multiply = || drop(a.clone().matmul(a.clone()));
    (0..3).for_each(|_| multiply());
    device.synchronize();
    let (start, mut count) = (Instant::now(), 0u32);
    while start.elapsed().as_secs_f64() < 1.0 {
        (0..10).for_each(|_| multiply());
        device.synchronize();
        count += 10;
    }
    2.0 * (N as f64).powi(3) * f64::from(count) / start.elapsed().as_secs_f64() / 1e12
}

/// Seconds of a training step, and what was asked of the device in one. The loss is not read, as in the peer.
fn step(gpu: &'static Gpu) -> (f64, Value) {
    const STEPS: u32 = 1000;
    let device = Cuda::default();
    let mut model = device.build_module::<Model, f32>();
    let x: Tensor<Rank2<64, 784>, f32, _> = device.sample_uniform();
    let y: Tensor<Rank2<64, 10>, f32, _> = device.sample_uniform();
    let mut optimizer = Adam::new(&model, AdamConfig { lr: 1e-3, ..Default::default() });
    let mut gradients = Some(model.alloc_grads());
    let mut run = |steps: u32| {
        for _ in 0..steps {
            let scores = model.forward(x.trace(gradients.take().expect("gradients")));
            let mut after = cross_entropy_with_logits_loss(scores, y.clone()).backward();
            optimizer.update(&mut model, &after).expect("an update");
            model.zero_grads(&mut after);
            gradients = Some(after);
        }
        device.synchronize();
    };
    run(100);
    let (before, start) = (gpu.counts.all(), Instant::now());
    run(STEPS);
    let seconds = start.elapsed().as_secs_f64() / f64::from(STEPS);
    let counts = gpu
        .counts
        .all()
        .into_iter()
        .zip(before)
        .map(|((name, after), (_, before))| (name.to_owned(), json!((after - before) as f64 / f64::from(STEPS))));
    (seconds, Value::Object(counts.collect()))
}
