//! The path to NVIDIA's libraries, through libraries of their names and with their prototypes that this test compiles:
//! there is no GPU on a test machine. They are found, opened, and called by our driver; what they are given they check.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

#[path = "../support/mod.rs"]
mod support;

use std::path::Path;
use std::process::Command;

use cuda::choice::open;
use cuda::driver::Precision;
use cuda::kernels::{Sources, provide};
use cuda::library::{function, open_driver};
use dfdx::prelude::*;

const CHILD: &str = "ASSAY_NVIDIA_TEST_CHILD";

fn compile(folder: &Path) {
    for (name, what) in [("libcuda.so.1", "DRIVER"), ("libcublas.so.12", "BLAS"), ("libnvrtc.so.12", "NVRTC")] {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/nvidia/fake.c");
        let mut compiler = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()));
        let made = compiler.args(["-shared", "-fPIC", "-O1", "-w"]).arg(format!("-D{what}")).arg(source).arg("-o");
        assert!(made.arg(folder.join(name)).status().unwrap().success(), "{name}");
    }
}

/// What a process of its own does whose libraries these are.
fn child(name: &str, variables: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    compile(folder.path());
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([name, "--exact", "--nocapture", "--include-ignored"]).env(CHILD, "1");
    command.env("ASSAY_CUDA_LIBRARIES", folder.path()).env("XDG_CACHE_HOME", folder.path()).env_remove("ASSAY_DEVICE");
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    said
}

#[test]
fn what_is_found_computes() {
    for (precision, compute) in [("", "77"), ("fp32", "68"), ("bf16", "75")] {
        let mut variables = vec![("FAKE_COMPUTE", compute)];
        if !precision.is_empty() {
            variables.push(("ASSAY_PRECISION", precision));
        }
        let said = child("in_a_process_with_these_libraries", &variables);
        assert!(said.contains("compiling GPU kernels: exp.cu"), "{said}");
    }
}

#[test]
#[ignore = "run by what_is_found_computes"]
fn in_a_process_with_these_libraries() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    provide(Sources::read(&support::dfdx()).unwrap());
    let gpu = open(Box::new(|what| println!("{what}"))).unwrap();
    assert_eq!((gpu.properties.name.as_str(), gpu.properties.capability), ("Fake GPU", 90));
    assert!(gpu.driver.describe().contains("12.9"), "{}", gpu.driver.describe());
    if std::env::var_os("ASSAY_PRECISION").is_none() {
        assert_eq!(gpu.precision(), Precision::Tf32, "the default from 8.0 on");
    }

    let device = Cuda::default();
    // A launch, with its parameters; an upload large enough to go through pinned memory, and back.
    let ones: Tensor<Rank1<5>, f32, _> = device.ones();
    assert_eq!(ones.exp().array(), [2.0; 5], "what the fake's kernel does");
    let numbers: Vec<f32> = (0..100_000).map(|i| i as f32).collect();
    let large: Tensor<Rank1<100_000>, f32, _> = device.tensor(numbers.clone());
    assert_eq!(large.as_vec(), numbers);
    // Products, by rows and batched.
    let a: Tensor<Rank2<2, 3>, f32, _> = device.tensor([[1., 2., 3.], [4., 5., 6.]]);
    let b: Tensor<Rank2<3, 2>, f32, _> = device.tensor([[1., 0.], [0., 1.], [1., 1.]]);
    assert_eq!(a.clone().matmul(b).array(), [[4., 5.], [10., 11.]]);
    let batch: Tensor<Rank3<2, 1, 2>, f32, _> = device.tensor([[[1., 2.]], [[3., 4.]]]);
    let turned: Tensor<Rank3<2, 2, 1>, f32, _> = device.tensor([[[1.], [1.]], [[2.], [0.]]]);
    assert_eq!(batch.matmul(turned).array(), [[[3.]], [[6.]]]);

    let driver = open_driver().unwrap();
    // SAFETY: the fake's own function, without arguments.
    let pinned: unsafe extern "C" fn() -> i32 = unsafe { function(driver.library, c"fakeUploadsFromPinned") }.unwrap();
    // SAFETY: as above.
    assert_eq!(unsafe { pinned() }, 1, "the large one alone");

    // What the driver refuses is an error with its words, and the next thing works.
    let full: Result<Tensor<Rank1<100_000_000>, f32, _>, _> = device.try_zeros();
    let Err(error) = full else { panic!("there is no room for it") };
    assert!(error.to_string().contains("no room on the GPU for 381.5 MiB"), "{error}");
    assert!(error.to_string().contains("128.0 MiB of 1.0 GiB free"), "{error}");
    let Err(error) = a.clone().try_tanh() else { panic!("the fake has no such kernel") };
    assert!(error.to_string().contains("cuModuleGetFunction"), "{error}");
    assert_eq!(a.array(), [[1., 2., 3.], [4., 5., 6.]]);
}
