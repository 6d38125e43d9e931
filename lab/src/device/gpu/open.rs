//! Opening the GPU that was chosen, when the first tensor is about to be made on it.

use std::sync::Once;

use cuda::choice::{Choice, open_simulated};
use cuda::kernels::{Sources, provide};

/// dfdx's kernels: name and text of each file.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/kernels.rs"));

/// Makes the GPU this process's device, once.
///
/// # Panics
/// When it can't be used.
#[inline(never)]
pub(super) fn open() {
    static OPENED: Once = Once::new();
    OPENED.call_once(|| {
        cuda::trampoline::keep();
        if let Err(reason) = try_open() {
            panic!("{reason}; ASSAY_DEVICE=cpu starts the kernel without a GPU");
        }
    });
}

fn try_open() -> Result<(), String> {
    let files = FILES.iter().map(|(name, text)| (String::from(*name), String::from(*text)));
    provide(Sources::of(files).map_err(|error| error.to_string())?);
    match Choice::of_environment().map_err(|error| error.to_string())? {
        Choice::Simulated => open_simulated().map(drop),
        Choice::Best | Choice::Gpu(_) => Err("no GPU yet".to_owned()),
        Choice::Cpu => Err("this lab is the one for GPUs".to_owned()),
    }
}
