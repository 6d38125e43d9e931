//! The compiler that cells and the environment are built with.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{EnvironmentError, sources};

/// A Rust toolchain.
#[derive(Debug, Clone)]
pub(super) struct Toolchain {
    pub(super) rustc: PathBuf,
    pub(super) cargo: PathBuf,
    pub(super) sysroot: PathBuf,
    /// `rustc --version`.
    pub(super) version: String,
    pub(super) host: String,
}

impl Toolchain {
    /// Asks `rustc` and `cargo`, in a folder that pins the toolchain.
    pub(super) fn find(home: &Path) -> Result<Self, EnvironmentError> {
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
                // rustup's own advice follows; ours is enough.
                let said = String::from_utf8_lossy(&output.stderr);
                let first = said.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
                let message = first.trim_start_matches("error: ").to_owned();
                return Err(EnvironmentError::Compiler { command, toolchain, message });
            }
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let rustc = std::env::var("RUSTC").ok().filter(|set| !set.is_empty()).unwrap_or_else(|| "rustc".to_owned());
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
