//! The simulated GPU for tests.

#![allow(dead_code, unreachable_pub)] // each test uses a part

pub(crate) mod operations;

use std::path::PathBuf;

use cuda::driver::host::{Host, Limits};
use cuda::gpu::{Gpu, open as open_gpu};
use cuda::kernels::{Sources, provide};

/// Makes the simulated GPU this process's device; kernels stay compiled from one run to the next.
pub(crate) fn open() -> &'static Gpu {
    provide(Sources::read(&dfdx()).expect("dfdx's kernels"));
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("kernels");
    open_gpu(Box::new(Host::new(Limits::in_folder(folder))), 0).expect("a simulated GPU")
}

/// Where cargo has the dfdx package.
pub(crate) fn dfdx() -> PathBuf {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .output()
        .expect("cargo");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let dfdx = packages.iter().find(|package| package["name"] == "dfdx").expect("dfdx");
    PathBuf::from(dfdx["manifest_path"].as_str().expect("a path")).parent().expect("a folder").to_owned()
}
