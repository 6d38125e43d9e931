//! Opening the GPU that was chosen, when it is first needed.

use cuda::choice;
use cuda::code::{Failure, NO_DEVICE, Outcome};
use cuda::kernels::{Sources, provide};

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
    Ok(())
}

/// A line under the cell: kernels are compiled at their first use on a machine, which takes seconds.
fn say(what: &str) {
    eprintln!("{what}");
}
