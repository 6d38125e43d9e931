//! Two environments: in one, `lab` computes on the processor, in the other on a GPU. They are built from the same
//! sources, and share all that both link.

use std::sync::OnceLock;

use cuda::choice::{Choice, resolve};

/// Where the tensors of an environment are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    /// In the processor's memory.
    Cpu,
    /// On a GPU, which `lab` chooses as [`chosen`] did.
    Gpu,
}

/// What this process uses.
#[derive(Debug)]
pub struct Chosen {
    pub device: Device,
    /// Why it is not the GPU that is there, or that was asked for: one sentence with the remedy.
    pub reason: Option<String>,
}

/// The device that `ASSAY_DEVICE` asks for, or the best that there is; looked for once.
pub fn chosen() -> &'static Chosen {
    static CHOSEN: OnceLock<Chosen> = OnceLock::new();
    CHOSEN.get_or_init(|| {
        let found = Choice::of_environment().map_err(Into::into).and_then(resolve);
        match found {
            Ok(Some(_)) => Chosen { device: Device::Gpu, reason: None },
            Ok(None) => Chosen { device: Device::Cpu, reason: None },
            Err(error) => Chosen { device: Device::Cpu, reason: Some(format!("{error}. Computing on the CPU")) },
        }
    })
}

impl Device {
    pub(super) const ALL: [Self; 2] = [Self::Cpu, Self::Gpu];

    /// The package that is built.
    pub(super) fn package(self) -> &'static str {
        match self {
            Self::Cpu => "lab",
            Self::Gpu => GPU_PACKAGE,
        }
    }

    /// The crate that is built, which cells call `lab`.
    pub(super) fn krate(self) -> String {
        self.package().replace('-', "_")
    }

    /// Its file.
    pub(super) fn library(self) -> String {
        format!("lib{}.so", self.krate())
    }
}

/// The same sources as `lab`, with the feature `gpu`. It is a package of its own because cargo writes the library of
/// one package always to the same file.
pub(super) const GPU_PACKAGE: &str = "lab-gpu";

/// Its manifest, made of that of `lab`.
pub(super) fn manifest(lab: &str) -> String {
    lab.replace("name = \"lab\"", &format!("name = \"{GPU_PACKAGE}\"\nbuild = \"../lab/build.rs\""))
        .replace("[lib]", "[lib]\nname = \"lab_gpu\"\npath = \"../lab/src/lib.rs\"")
        .replace("gpu = []", "default = [\"gpu\"]\ngpu = []")
}
