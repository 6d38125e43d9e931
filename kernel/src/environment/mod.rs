//! What cells link against: `lab` and everything behind it, built once into a folder that is named by the
//! hash of its sources, lockfile, toolchain and flags, and never changed afterwards.

mod build;
mod cargo;
mod extend;
mod members;
mod sources;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use build::{build, cargo, remove_others};
pub use cargo::Progress;
pub(crate) use extend::Extension;

/// Crates that a cell can name beside `lab`: the parts of it that people know by their own names.
/// (`tracker` is not: the prelude's has `runs()` beside what the crate has.)
const NAMED: [&str; 6] = ["chrono", "dfdx", "plotters", "polars", "serde", "serde_json"];

/// Why there is no environment.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    #[error("there is no home folder; set ASSAY_HOME to a folder that assay may write to")]
    NoHome,
    #[error("`{command}` does not run: {source}; install Rust {toolchain} with rustup (https://rustup.rs)")]
    NoCompiler { command: String, toolchain: String, source: std::io::Error },
    #[error("`{command}` failed: {message}; install Rust {toolchain} with `rustup toolchain install {toolchain}`")]
    Compiler { command: String, toolchain: String, message: String },
    #[error("the environment is not built yet; run `assay env build` (once per machine, about 20 minutes on 2 cores)")]
    NotBuilt { hash: String },
    #[error("the environment in {} is damaged: {message}; remove the folder and run `assay env build`", folder.display())]
    Damaged { folder: PathBuf, message: String },
    #[error("cannot write {}: {source}; free some space or set ASSAY_HOME to another folder", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error("cargo failed:\n{message}")]
    Cargo { message: String },
    #[error("`:dep {line}` is not a dependency; write it as in Cargo.toml, for example `:dep regex = \"1\"`")]
    NotADependency { line: String },
    #[error(
        "adding `{name}` would change what the running environment is built with ({changes}), so cells could not \
         share values any more; nothing was changed. Try another version or fewer features of `{name}`"
    )]
    Conflict { name: String, changes: String },
}

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
    lock_hash: String,
    /// Crate names and files under `deps`.
    externs: Vec<(String, String)>,
}

/// A built environment.
#[derive(Debug, Clone)]
pub struct Environment {
    folder: PathBuf,
    home: PathBuf,
    manifest: Manifest,
    externs: Vec<(String, PathBuf)>,
}

/// The compiler that cells are built with.
#[derive(Debug, Clone)]
struct Toolchain {
    rustc: PathBuf,
    cargo: PathBuf,
    sysroot: PathBuf,
    version: String,
    host: String,
}

impl Environment {
    /// Finds the environment that belongs to this binary and the installed toolchain.
    ///
    /// # Errors
    /// When it is not built, or there is no toolchain to build it with.
    pub fn find() -> Result<Self, EnvironmentError> {
        let home = home()?;
        let toolchain = Toolchain::find(&home)?;
        let hash = hash(&toolchain);
        Self::open(&home, &hash)
    }

    fn open(home: &Path, hash: &str) -> Result<Self, EnvironmentError> {
        let folder = home.join("environments").join(hash);
        let json = match std::fs::read(folder.join("environment.json")) {
            Ok(json) => json,
            Err(_) => return Err(EnvironmentError::NotBuilt { hash: hash.to_owned() }),
        };
        let manifest: Manifest = serde_json::from_slice(&json)
            .map_err(|error| EnvironmentError::Damaged { folder: folder.clone(), message: error.to_string() })?;
        let mut externs = vec![("lab".to_owned(), folder.join("liblab.so"))];
        externs.extend(manifest.externs.iter().map(|(name, file)| (name.clone(), folder.join("deps").join(file))));
        Ok(Self { folder, home: home.to_owned(), manifest, externs })
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

    /// Hash of the lockfile that fixed every dependency.
    pub fn lock_hash(&self) -> &str {
        &self.manifest.lock_hash
    }

    /// The library that the cell host loads.
    pub fn library(&self) -> PathBuf {
        self.folder.join("liblab.so")
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

impl Toolchain {
    /// Asks `rustc` and `cargo`, in a folder that pins the toolchain.
    fn find(home: &Path) -> Result<Self, EnvironmentError> {
        let folder = sources::pin_toolchain(home)?;
        let ask = |program: &str, arguments: &[&str]| -> Result<String, EnvironmentError> {
            let command = format!("{program} {}", arguments.join(" "));
            let toolchain = sources::channel();
            let output = Command::new(program).args(arguments).current_dir(&folder).output();
            let output = output.map_err(|source| EnvironmentError::NoCompiler {
                command: command.clone(),
                toolchain: toolchain.clone(),
                source,
            })?;
            if !output.status.success() {
                let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                return Err(EnvironmentError::Compiler { command, toolchain, message });
            }
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
        let sysroot = PathBuf::from(ask(&rustc, &["--print", "sysroot"])?.trim());
        let asked = ask(&rustc, &["-vV"])?;
        let mut lines = asked.lines();
        let version = lines.next().unwrap_or_default().to_owned();
        let host = lines.find_map(|line| line.strip_prefix("host: ")).unwrap_or_default().to_owned();
        // Past rustup's proxies: they take 30 ms a call.
        let program = |name: &str| {
            let direct = sysroot.join("bin").join(name);
            if direct.exists() { direct } else { PathBuf::from(name) }
        };
        Ok(Self { rustc: program("rustc"), cargo: program("cargo"), sysroot, version, host })
    }
}

/// The Rust version that cells are compiled with, for example `1.95.0`.
pub fn toolchain_name() -> String {
    sources::channel()
}

/// Where assay keeps what it builds: `ASSAY_HOME`, or `assay` in the user's data folder.
///
/// # Errors
/// When neither `ASSAY_HOME` nor `HOME` is set.
pub fn home() -> Result<PathBuf, EnvironmentError> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("ASSAY_HOME")
        .or_else(|| set("XDG_DATA_HOME").map(|data| data.join("assay")))
        .or_else(|| set("HOME").map(|home| home.join(".local/share/assay")))
        .ok_or(EnvironmentError::NoHome)
}

/// Names what the environment is made of.
fn hash(toolchain: &Toolchain) -> String {
    let mut hasher = Sha256::new();
    for text in [&toolchain.version, &toolchain.host, &cargo::FLAGS.join(" ")] {
        hasher.update(text.as_bytes());
        hasher.update([0]);
    }
    sources::hash_into(&mut hasher);
    short(hasher)
}

fn short(hasher: Sha256) -> String {
    hasher.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
