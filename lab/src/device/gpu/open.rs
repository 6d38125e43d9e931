//! Opening the GPU that was chosen, when it is first needed.

use cuda::choice;
use cuda::code::{Failure, NO_DEVICE, Outcome};
use cuda::gpu::{Gpu, gpu};
use cuda::kernels::{Sources, provide};
use tracker::context::{DeviceMemory, measure_device_memory};

/// dfdx's kernels: name and text of each file.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/kernels.rs"));

/// Has the GPU opened when the first tensor is made on it. To be called before, and as often as you like.
#[inline(never)]
pub(crate) fn prepare() {
    cuda::trampoline::keep();
    cuda::gpu::open_later(open);
}

fn open() -> Outcome<()> {
    let failed = |reason: String| {
        let reason = format!("{reason}; with ASSAY_DEVICE=cpu everything runs on the processor");
        Failure::because("cuInit", NO_DEVICE, reason)
    };
    let files = FILES.iter().map(|(name, text)| (String::from(*name), String::from(*text)));
    provide(Sources::of(files));
    super::note(choice::open(Box::new(say)).map_err(|error| failed(error.to_string()))?);
    measure_device_memory(measured);
    Ok(())
}

/// What runs log of the GPU's memory.
#[allow(clippy::cast_precision_loss)] // bytes of a device are far below 2^52
fn measured() -> DeviceMemory {
    let megabytes = |bytes: usize| bytes as f64 / 1e6;
    // It is open, or this would not be asked.
    let of = |gpu: &'static Gpu| DeviceMemory {
        gpu: u32::try_from(gpu.ordinal).unwrap_or(0),
        used: megabytes(gpu.memory.usage().used),
        peak: megabytes(gpu.memory.recent_peak()),
    };
    gpu().map_or(DeviceMemory { gpu: 0, used: 0.0, peak: 0.0 }, of)
}

/// A line under the cell: kernels are compiled at their first use on a machine, which takes seconds.
fn say(what: &str) {
    eprintln!("{what}");
}
