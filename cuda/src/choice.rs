//! Which device a person wants, and opening it.

use std::env;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;

use crate::driver::Driver;
use crate::driver::host::{Host, Limits};
use crate::driver::nvidia::Nvidia;
use crate::gpu::{self, Gpu};
use crate::kernels::{Cache, Compiler, Progress};
use crate::library;
use crate::nvrtc::Nvrtc;
use crate::probe::{OLDEST_CAPABILITY, Problem, probe};

/// The variable that says which device to use.
pub const VARIABLE: &str = "ASSAY_DEVICE";

/// The variable that says how products are computed: `fp32`, `tf32` or `bf16`.
pub const PRECISION: &str = "ASSAY_PRECISION";

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

/// Why the device that was chosen is not the one that computes.
#[derive(Debug, thiserror::Error)]
pub enum NoGpu {
    /// The choice is none.
    #[error(transparent)]
    Choice(#[from] ChoiceError),
    /// No GPU can be used here.
    #[error(transparent)]
    Problem(#[from] Problem),
    /// There are GPUs, but not this one.
    #[error("there is no cuda:{wanted} here, only cuda:0 to cuda:{last}; set {VARIABLE} to one of them")]
    Number {
        /// The one that was chosen.
        wanted: i32,
        /// The last that there is.
        last: usize,
    },
    /// It was there a moment ago.
    #[error("the GPU can't be used: {reason}")]
    Lost {
        /// Why.
        reason: String,
    },
}

/// Which GPU the choice means: `None` for the processor, also where there is simply no GPU and none was asked for.
///
/// # Errors
/// When one was asked for, or is there, and can't be used: why, and what to do about it.
pub fn resolve(choice: Choice) -> Result<Option<i32>, NoGpu> {
    let wanted = match choice {
        Choice::Cpu => return Ok(None),
        Choice::Simulated => return Ok(Some(0)),
        Choice::Gpu(number) => Some(number),
        Choice::Best => None,
    };
    let probe = probe();
    match (&probe.problem, wanted) {
        (Some(Problem::NoDriver | Problem::NoDevice), None) => return Ok(None),
        (Some(problem), _) => return Err(problem.clone().into()),
        (None, _) => {}
    }
    let best = probe.best().and_then(|best| i32::try_from(best).ok());
    let number = wanted.or(best).ok_or(Problem::NoDevice)?;
    match usize::try_from(number).ok().and_then(|number| probe.devices.get(number)) {
        Some(device) if device.capability >= OLDEST_CAPABILITY => Ok(Some(number)),
        Some(device) => Err(Problem::OldDevice { name: device.name.clone(), capability: device.capability }.into()),
        None => Err(NoGpu::Number { wanted: number, last: probe.devices.len().saturating_sub(1) }),
    }
}

/// Makes the GPU that the environment chooses this process's device. What takes a while is told to `progress`.
///
/// # Errors
/// When there is none, or it can't be used.
pub fn open(progress: Progress) -> Result<&'static Gpu, NoGpu> {
    let choice = Choice::of_environment()?;
    let number = resolve(choice)?.ok_or(Problem::NoDevice)?;
    let lost = |reason: String| NoGpu::Lost { reason };
    let driver: Box<dyn Driver> = if choice == Choice::Simulated {
        let folder =
            simulated_folder().map_err(|error| lost(format!("no folder for its kernels can be made: {error}")))?;
        Box::new(Host::new(Limits::in_folder(folder)))
    } else {
        Box::new(nvidia(number, progress).map_err(lost)?)
    };
    let gpu = gpu::open(driver, number).map_err(|failure| lost(failure.to_string()))?;
    if let Some(precision) = env::var_os(PRECISION) {
        gpu.set_precision(precision.to_string_lossy().parse().map_err(lost)?);
    }
    Ok(gpu)
}

fn nvidia(device: i32, progress: Progress) -> Result<Nvidia, String> {
    let driver = library::open_driver().map_err(|missing| missing.to_string())?;
    let blas = library::open_blas(driver.found.version).map_err(|missing| missing.to_string())?;
    let nvrtc = Nvrtc::open(driver.found.version, Some(blas.found.version)).map_err(|missing| missing.to_string())?;
    Nvidia::new(&driver, &blas, Compiler::new(nvrtc, Cache::user(), progress), device)
}

/// Where the simulated GPU keeps its compiled kernels.
fn simulated_folder() -> io::Result<PathBuf> {
    let folder = Cache::user().folder().map(|folder| folder.join("simulated"));
    // A name that others could know in advance would let them put code of theirs there.
    let private = || tempfile::Builder::new().prefix("assay-kernels-").tempdir().map(tempfile::TempDir::keep);
    folder.map_or_else(private, Ok)
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
