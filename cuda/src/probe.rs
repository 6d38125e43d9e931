//! What this machine has for computing on a GPU, and what is missing.

use std::fs;

use crate::code::{self, Failure, Outcome};
use crate::driver::Properties;
use crate::library::{self, Found, Kind, Missing, Opened, Version, driver::Inspect};
use crate::nvrtc::Nvrtc;

/// The first CUDA that we work with, which came with driver 525.
const OLDEST_DRIVER: Version = Version { major: 12, minor: 0 };

/// The first compute capability, 7.5: Turing, which newer compilers still compile for.
pub const OLDEST_CAPABILITY: u32 = 75;

/// What was found. Without a problem, all of it is there.
#[derive(Debug, Default)]
pub struct Probe {
    /// The driver.
    pub driver: Option<Found>,
    /// The driver's own number, 580.82, where the system tells it.
    pub release: Option<String>,
    /// The GPUs, by number.
    pub devices: Vec<Properties>,
    /// cuBLAS.
    pub blas: Option<Found>,
    /// NVRTC.
    pub nvrtc: Option<Found>,
    /// Why nothing can be computed on a GPU.
    pub problem: Option<Problem>,
}

/// Why nothing can be computed on a GPU, with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// There is no driver: most machines.
    #[error("no NVIDIA driver")]
    NoDriver,
    /// There is a driver and no GPU, or none that this process may see.
    #[error("no GPU; is CUDA_VISIBLE_DEVICES set?")]
    NoDevice,
    /// The driver's library can't be used.
    #[error("{0}; install the NVIDIA driver again")]
    Driver(Missing),
    /// The driver is older than our kernels need.
    #[error("the NVIDIA driver is too old; update it to 525 or newer (this one is {found})")]
    OldDriver {
        /// Its number, as far as it is known.
        found: String,
    },
    /// The driver does not work.
    #[error("the NVIDIA driver does not work: {0}")]
    Failed(Failure),
    /// No GPU is new enough.
    #[error("{name} is too old: it has compute capability {}.{}, and 7.5 (Turing, 2018) is the first", capability / 10, capability % 10)]
    OldDevice {
        /// What the first calls itself.
        name: String,
        /// 61 for 6.1.
        capability: u32,
    },
    /// Libraries are missing.
    #[error("{}; `pip install {}`", list(missing.iter().map(ToString::to_string), "; "), list(missing.iter().filter_map(|it| library::wheel(it.kind(), *major)), " "))]
    Libraries {
        /// Which, and why: cuBLAS, NVRTC or both.
        missing: Vec<Missing>,
        /// The driver's major version of CUDA.
        major: i32,
    },
    /// The compiler is older than the GPU.
    #[error("{0}")]
    Compiler(Failure),
}

impl Probe {
    /// The GPU to compute on: the newest, then the one with the most memory.
    #[must_use]
    pub fn best(&self) -> Option<usize> {
        let ranked = self.devices.iter().enumerate().filter(|(_, device)| device.capability >= OLDEST_CAPABILITY);
        // The first of equals, as CUDA counts from the best.
        ranked.rev().max_by_key(|(_, device)| (device.capability, device.memory)).map(|(index, _)| index)
    }
}

/// Looks. Without a driver this takes no time; with one it starts the driver and opens the libraries, which a process
/// that computes needs anyway. Prints nothing.
#[must_use]
pub fn probe() -> Probe {
    let mut probe = Probe::default();
    probe.problem = probe.look().err();
    probe
}

impl Probe {
    fn look(&mut self) -> Result<(), Problem> {
        let driver = library::open_driver().map_err(|missing| match missing {
            Missing::Nowhere { .. } => Problem::NoDriver,
            other => Problem::Driver(other),
        })?;
        let version = driver.found.version;
        self.driver = Some(driver.found.clone());
        self.release = release();
        if version < OLDEST_DRIVER {
            let release = self.release.as_deref().map(|release| format!("{release}, ")).unwrap_or_default();
            return Err(Problem::OldDriver { found: format!("{release}CUDA {version}") });
        }
        self.devices = devices(&driver)?;
        let Some(best) = self.best() else {
            let device = self.devices.first().ok_or(Problem::NoDevice)?;
            return Err(Problem::OldDevice { name: device.name.clone(), capability: device.capability });
        };
        let nvrtc = self.libraries(version)?;
        nvrtc.target(self.devices[best].capability).map_err(Problem::Compiler)?;
        Ok(())
    }

    fn libraries(&mut self, driver: Version) -> Result<Nvrtc, Problem> {
        let blas = library::open_blas(driver).map(|opened| opened.found);
        let nvrtc = Nvrtc::open(driver, blas.as_ref().ok().map(|found| found.version));
        self.blas = blas.as_ref().ok().cloned();
        self.nvrtc = nvrtc.as_ref().ok().map(|nvrtc| nvrtc.found().clone());
        match (blas, nvrtc) {
            (Ok(_), Ok(nvrtc)) => Ok(nvrtc),
            (blas, nvrtc) => {
                let missing = [blas.err(), nvrtc.err()].into_iter().flatten().collect();
                Err(Problem::Libraries { missing, major: driver.major })
            }
        }
    }
}

fn devices(driver: &Opened) -> Result<Vec<Properties>, Problem> {
    let broken = |problem| Missing::Broken { kind: Kind::Driver, path: driver.found.path.clone(), problem };
    let inspect = Inspect::of(driver).map_err(|problem| Problem::Driver(broken(problem)))?;
    let all = || -> Outcome<Vec<Properties>> {
        inspect.init()?;
        (0..inspect.devices()?).map(|device| inspect.properties(device)).collect()
    };
    match all() {
        Ok(devices) if devices.is_empty() => Err(Problem::NoDevice),
        Err(failure) if failure.code == code::NO_DEVICE => Err(Problem::NoDevice),
        outcome => outcome.map_err(Problem::Failed),
    }
}

/// The number of the driver's kernel module: `580.82.07`. None where the system has no such file.
#[must_use]
pub fn release() -> Option<String> {
    let text = fs::read_to_string("/sys/module/nvidia/version").ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn list(parts: impl Iterator<Item = String>, between: &str) -> String {
    parts.collect::<Vec<_>>().join(between)
}
