//! Which device a person wants, and opening it.

use std::env;
use std::path::PathBuf;
use std::str::FromStr;

use crate::driver::host::{Host, Limits};
use crate::gpu::{self, Gpu};

/// The variable that says which device to use.
pub const VARIABLE: &str = "ASSAY_DEVICE";

/// Which device to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The best GPU, or the processor where none can be used.
    #[default]
    Best,
    /// The processor: `cpu`.
    Cpu,
    /// This GPU: `cuda:1`; `cuda` is the first.
    Gpu(i32),
    /// A GPU played by the processor, for writing and testing kernels where there is none: `simulated`. It is slow.
    Simulated,
}

/// A choice that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{VARIABLE}={value:?} is no device: write cpu, cuda, cuda:0, cuda:1 ... or simulated, or leave it unset")]
pub struct ChoiceError {
    /// What it is set to.
    pub value: String,
}

impl FromStr for Choice {
    type Err = ChoiceError;

    fn from_str(value: &str) -> Result<Self, ChoiceError> {
        let number = || value.strip_prefix("cuda:")?.parse().ok().filter(|number| *number >= 0).map(Self::Gpu);
        match value {
            "" => Ok(Self::Best),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Gpu(0)),
            "simulated" => Ok(Self::Simulated),
            _ => number().ok_or_else(|| ChoiceError { value: value.to_owned() }),
        }
    }
}

impl Choice {
    /// What the environment says.
    ///
    /// # Errors
    /// When that is no device.
    pub fn of_environment() -> Result<Self, ChoiceError> {
        env::var_os(VARIABLE).unwrap_or_default().to_string_lossy().parse()
    }
}

/// Opens the simulated GPU.
///
/// # Errors
/// Why not, in a sentence.
pub fn open_simulated() -> Result<&'static Gpu, String> {
    let cache = kernel_folder().unwrap_or_else(|| env::temp_dir().join("assay-kernels"));
    gpu::open(Box::new(Host::new(Limits::in_folder(cache))), 0).map_err(|failure| failure.to_string())
}

/// Where compiled kernels are kept.
fn kernel_folder() -> Option<PathBuf> {
    crate::kernels::Cache::user().folder().map(|folder| folder.join("simulated"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_read_or_refused_by_name() {
        for (text, expected) in [
            ("", Choice::Best),
            ("cpu", Choice::Cpu),
            ("cuda", Choice::Gpu(0)),
            ("cuda:3", Choice::Gpu(3)),
            ("simulated", Choice::Simulated),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        for text in ["gpu", "cuda:", "cuda:-1", "CPU", "cuda:x"] {
            let error = text.parse::<Choice>().expect_err(text).to_string();
            assert!(error.contains(&format!("ASSAY_DEVICE={text:?}")) && error.contains("write cpu, cuda"), "{error}");
        }
    }
}
