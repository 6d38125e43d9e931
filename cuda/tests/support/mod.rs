//! The simulated GPU for tests.

#![allow(dead_code, unreachable_pub)] // each test uses a part

pub(crate) mod operations;
mod package;

use std::path::PathBuf;

use cuda::driver::host::{Host, Limits};
use cuda::gpu::{Gpu, open as open_gpu};
use cuda::kernels::{Sources, provide};
pub(crate) use package::dfdx;

/// Makes the simulated GPU this process's device; kernels stay compiled from one run to the next.
pub(crate) fn open() -> &'static Gpu {
    provide(Sources::read(&dfdx()).expect("dfdx's kernels"));
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("kernels");
    open_gpu(Box::new(Host::new(Limits::in_folder(folder))), 0).expect("a simulated GPU")
}
