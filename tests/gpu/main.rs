//! What of `cuda` needs a GPU: `cargo test --release --test gpu`, or on a machine without Rust what `tests/gpu/pack`
//! packs, with what of lab does (`lab/src/device/trial`). Without a GPU it says so and counts what it left out; with
//! `ASSAY_DEVICE=simulated` it runs, slowly.

#[path = "../../cuda/tests/support/operations.rs"]
mod operations;
#[path = "../../cuda/tests/support/package.rs"]
mod package;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::atomic::Ordering::Relaxed;

use cuda::choice::{Choice, open, resolve};
use cuda::driver::Precision;
use cuda::gpu::Gpu;
use cuda::kernels::{Sources, provide};
use dfdx::optim::{Adam, AdamConfig};
use dfdx::prelude::*;
use operations::{close, operations};

/// A check, which panics.
type Check = (&'static str, fn(&'static Gpu));

const CHECKS: [Check; 6] = [
    ("operations in fp32", |gpu| all_operations(gpu, Precision::Fp32, 1e-5)),
    ("operations in tf32", |gpu| all_operations(gpu, Precision::Tf32, 3e-3)),
    ("operations in bf16", |gpu| all_operations(gpu, Precision::Bf16, 1e-2)),
    ("losses of 50 steps are those of the CPU", same_curve),
    ("thousands of steps take no more memory", steady_memory),
    ("two processes at once", two_processes),
];

/// Set for the processes that this one starts.
const CHILD: &str = "ASSAY_GPU_TEST_CHILD";

/// Where dfdx's kernels are on a machine without cargo.
const SOURCES: &str = "ASSAY_DFDX";

fn main() -> ExitCode {
    let choice = Choice::of_environment().expect("ASSAY_DEVICE");
    match resolve(choice) {
        Ok(Some(_)) => {}
        Ok(None) => return skipped("no GPU here"),
        Err(reason) => return skipped(&reason.to_string()),
    }
    provide(Sources::read(&dfdx_folder()).expect("dfdx's kernels"));
    let gpu = open(Box::new(|what| eprintln!("{what}"))).expect("a GPU");
    eprintln!("{}, {}", gpu.properties.name, gpu.driver.describe());
    if std::env::var_os(CHILD).is_some() {
        same_curve(gpu);
        return ExitCode::SUCCESS;
    }
    let failed = CHECKS.iter().filter(|(name, check)| {
        let passed = catch_unwind(AssertUnwindSafe(|| check(gpu))).is_ok();
        println!("{name} ... {}", if passed { "ok" } else { "FAILED" });
        !passed
    });
    let failed = failed.count();
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn skipped(reason: &str) -> ExitCode {
    println!("{reason}, {} skipped", CHECKS.len());
    ExitCode::SUCCESS
}

fn dfdx_folder() -> PathBuf {
    std::env::var_os(SOURCES).map_or_else(package::dfdx, Into::into)
}

fn all_operations(gpu: &'static Gpu, precision: Precision, error: f64) {
    gpu.set_precision(precision);
    let device = Cuda::default();
    let off = |compare: fn(&Cuda, f64)| catch_unwind(AssertUnwindSafe(|| compare(&device, error))).is_err();
    let off: Vec<&str> = operations().into_iter().filter(|(_, compare)| off(*compare)).map(|(name, _)| name).collect();
    assert!(off.is_empty(), "off: {off:?}");
}

type Model = (Linear<784, 128>, ReLU, Linear<128, 10>);

/// The losses of training the article's classifier on made-up digits.
macro_rules! losses {
    ($device:expr, $steps:expr) => {{
        let device = $device;
        let mut model = device.build_module::<Model, f32>();
        let pixels = (0..64 * 784).map(|i| ((i * 7919) % 251) as f32 / 251.0).collect::<Vec<_>>();
        let x: Tensor<Rank2<64, 784>, f32, _> = device.tensor(pixels);
        let classes = (0..64 * 10).map(|i| if i % 10 == (i / 10 * 3) % 10 { 1.0f32 } else { 0.0 }).collect::<Vec<_>>();
        let y: Tensor<Rank2<64, 10>, f32, _> = device.tensor(classes);
        let mut optimizer = Adam::new(&model, AdamConfig { lr: 1e-3, ..Default::default() });
        let mut gradients = model.alloc_grads();
        (0..$steps)
            .map(|_| {
                let scores = model.forward(x.trace(std::mem::replace(&mut gradients, Gradients::leaky())));
                let loss = cross_entropy_with_logits_loss(scores, y.clone());
                let value = f64::from(loss.as_vec()[0]);
                gradients = loss.backward();
                optimizer.update(&mut model, &gradients).expect("an update");
                model.zero_grads(&mut gradients);
                value
            })
            .collect::<Vec<f64>>()
    }};
}

fn same_curve(gpu: &'static Gpu) {
    gpu.set_precision(Precision::Fp32);
    let ours: Vec<f32> = losses!(&Cuda::seed_from_u64(7), 50).into_iter().map(|loss| loss as f32).collect();
    let theirs = losses!(&Cpu::seed_from_u64(7), 50);
    assert!(theirs[49] < 0.5 * theirs[0], "it learns: {theirs:?}");
    close("losses", &ours, &theirs, 1e-4);
}

fn steady_memory(gpu: &'static Gpu) {
    let steps = if gpu.properties.name.starts_with("Simulated") { 40 } else { 10_000 };
    let device = Cuda::seed_from_u64(7);
    drop(losses!(&device, 10));
    let before = gpu.memory.usage();
    drop(losses!(&device, steps));
    let after = gpu.memory.usage();
    assert_eq!((after.reserved, after.used), (before.reserved, before.used), "after {steps} more steps");
    assert!(gpu.counts.launches.load(Relaxed) > 0);
}

fn two_processes(_: &'static Gpu) {
    let this = std::env::current_exe().expect("this program");
    let start = || Command::new(&this).env(CHILD, "1").spawn().expect("a process");
    let children = [start(), start()];
    for mut child in children {
        assert!(child.wait().expect("an end").success());
    }
}
