//! What cells link against: `lab` and everything behind it, built once into a folder that is named by the
//! hash of its sources, lockfile, toolchain and flags, and never changed afterwards.

mod build;
mod cancel;
mod cargo;
mod device;
mod error;
mod extend;
mod line;
mod local;
mod lock;
mod members;
mod owner;
mod progress;
mod project;
mod refusal;
mod sources;
mod toolchain;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use build::{build, cargo, remove_others};
pub use cancel::Cancel;
pub use device::{Chosen, Device, chosen};
pub use error::EnvironmentError;
pub(crate) use error::remedy;
pub(crate) use extend::{Addition, Extension};
pub(crate) use lock::sweep_unfinished;
pub use progress::Progress;
use toolchain::Toolchain;

/// Crates that a cell can name beside `lab`: the parts of it that people know by their own names.
/// (`tracker` is not: the prelude's has `runs()` beside what the crate has.)
const NAMED: [&str; 6] = ["chrono", "dfdx", "plotters", "polars", "serde", "serde_json"];

/// What `environment.json` says of a built environment.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Manifest {
    hash: String,
    rustc: PathBuf,
    sysroot: PathBuf,
    /// The machine that cells are compiled for, as rustc names it.
    host: String,
    /// `rustc --version`.
    toolchain: String,
    /// Crate names and files under `deps`.
    externs: Vec<(String, String)>,
}

/// A built environment.
#[derive(Debug, Clone)]
pub struct Environment {
    device: Device,
    folder: PathBuf,
    home: PathBuf,
    manifest: Manifest,
    externs: Vec<(String, PathBuf)>,
}

impl Environment {
    /// Finds the environment that belongs to this binary, the installed toolchain and the device that was chosen.
    ///
    /// # Errors
    /// When it is not built, or there is no toolchain to build it with.
    pub fn find() -> Result<Self, EnvironmentError> {
        let home = home()?;
        let toolchain = Toolchain::find(&home)?;
        Self::open(&home, &toolchain, chosen().device)
    }

    fn open(home: &Path, toolchain: &Toolchain, device: Device) -> Result<Self, EnvironmentError> {
        let hash = hash(toolchain, device);
        let folder = home.join("environments").join(&hash);
        let json = match std::fs::read(folder.join("environment.json")) {
            Ok(json) => json,
            Err(_) => return Err(EnvironmentError::NotBuilt { hash }),
        };
        let mut manifest: Manifest = serde_json::from_slice(&json)
            .map_err(|error| EnvironmentError::Damaged { folder: folder.clone(), message: error.to_string() })?;
        // The same compiler, as the hash tells, but it may have moved.
        manifest.rustc.clone_from(&toolchain.rustc);
        manifest.sysroot.clone_from(&toolchain.sysroot);
        let mut externs = vec![("lab".to_owned(), folder.join(device.library()))];
        externs.extend(manifest.externs.iter().map(|(name, file)| (name.clone(), folder.join("deps").join(file))));
        Ok(Self { device, folder, home: home.to_owned(), manifest, externs })
    }

    /// Where its tensors are.
    pub fn device(&self) -> Device {
        self.device
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn hash(&self) -> &str {
        &self.manifest.hash
    }

    /// `rustc --version` of the compiler it was built with.
    pub fn toolchain(&self) -> &str {
        &self.manifest.toolchain
    }

    /// The library that the cell host loads.
    pub fn library(&self) -> PathBuf {
        self.folder.join(self.device.library())
    }

    /// The sources that it was built from, as this binary carries them.
    pub(crate) fn sources(&self) -> PathBuf {
        self.folder.join(sources::FOLDER)
    }

    pub(crate) fn rustc(&self) -> &Path {
        &self.manifest.rustc
    }

    /// Where the standard library is that cells and environment share.
    pub(crate) fn sysroot_lib(&self) -> PathBuf {
        self.manifest.sysroot.join("lib/rustlib").join(&self.manifest.host).join("lib")
    }

    pub(crate) fn deps(&self) -> PathBuf {
        self.folder.join("deps")
    }

    /// The names of methods that the crates in it define, one a line; see `assist::members`.
    pub(crate) fn members(&self) -> PathBuf {
        self.folder.join("members.txt")
    }

    pub(crate) fn externs(&self) -> &[(String, PathBuf)] {
        &self.externs
    }

    /// Compiled cells that define nothing.
    pub(crate) fn cells(&self) -> PathBuf {
        self.home.join("cells").join(self.hash()).join("plain")
    }

    /// Compiled cells that later ones link against.
    pub(crate) fn items(&self) -> PathBuf {
        self.home.join("cells").join(self.hash()).join("items")
    }
}

/// The Rust version that cells are compiled with, for example `1.95.0`.
pub fn toolchain_name() -> String {
    sources::channel()
}

/// Where assay keeps what it builds: `ASSAY_HOME`, or `assay` in the user's data folder.
///
/// # Errors
/// When neither `ASSAY_HOME` nor `HOME` is set, or others than this user may write there.
pub fn home() -> Result<PathBuf, EnvironmentError> {
    let home = named_home()?;
    owner::check(&home)?;
    Ok(home)
}

fn named_home() -> Result<PathBuf, EnvironmentError> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("ASSAY_HOME")
        .or_else(|| set("XDG_DATA_HOME").map(|data| data.join("assay")))
        .or_else(|| set("HOME").map(|home| home.join(".local/share/assay")))
        .ok_or(EnvironmentError::NoHome)
}

/// Names what the environment is made of.
fn hash(toolchain: &Toolchain, device: Device) -> String {
    let mut hasher = Sha256::new();
    for text in [&toolchain.version, &toolchain.host, cargo::FLAGS.join(" ").as_str(), device.package()] {
        hasher.update(text.as_bytes());
        hasher.update([0]);
    }
    sources::hash_into(&mut hasher);
    short(hasher)
}

fn short(hasher: Sha256) -> String {
    hasher.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
