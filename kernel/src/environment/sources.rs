//! The sources of the environment, as this binary carries them.

use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::EnvironmentError;
use super::device::{self, GPU_PACKAGE};

include!(concat!(env!("OUT_DIR"), "/sources.rs"));

/// The pinned toolchain's name, for example `1.95.0`.
pub(super) fn channel() -> String {
    let pin = SOURCES.iter().find(|(name, _)| *name == "rust-toolchain.toml").map(|(_, bytes)| *bytes);
    let pin = String::from_utf8_lossy(pin.unwrap_or_default());
    pin.lines().find_map(|line| line.strip_prefix("channel = ")).unwrap_or_default().trim_matches('"').to_owned()
}

/// A folder in which rustup's commands are those of the pinned toolchain.
pub(super) fn pin_toolchain(home: &Path) -> Result<PathBuf, EnvironmentError> {
    let folder = home.join("toolchain");
    let pin: Vec<_> = SOURCES.iter().filter(|(name, _)| *name == "rust-toolchain.toml").collect();
    for (name, bytes) in pin {
        write(&folder.join(name), bytes)?;
    }
    Ok(folder)
}

pub(super) fn hash_into(hasher: &mut Sha256) {
    for (name, bytes) in SOURCES {
        hasher.update(name.as_bytes());
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    }
}

/// Writes the workspace that cargo builds: ours, without the members that the environment does not need. It
/// is always the same folder: cargo tells a changed source by its time, at its path. `more` are members that
/// are written by the caller, in the folder `extensions`.
pub(super) fn write_workspace(folder: &Path, more: &[String]) -> Result<(), EnvironmentError> {
    for part in ["cuda", "gemm", "lab", "migrations", "tracker", "wire"] {
        remove_others(folder, &folder.join(part))?;
    }
    let more: String = more.iter().map(|member| format!(", \"extensions/{member}\"")).collect();
    for (name, bytes) in SOURCES {
        let path = folder.join(name);
        if *name == "Cargo.toml" {
            let manifest = String::from_utf8_lossy(bytes);
            let members = |line: &str| match line.split_once(" = [") {
                Some(("members", _)) => {
                    format!(r#"members = ["cuda", "gemm", "lab", "{GPU_PACKAGE}", "tracker", "wire"{more}]"#)
                }
                Some(("default-members", _)) => r#"default-members = ["lab"]"#.to_owned(),
                _ => line.to_owned(),
            };
            let manifest: Vec<String> = manifest.lines().map(members).collect();
            write(&path, manifest.join("\n").as_bytes())?;
        } else {
            if *name == "lab/Cargo.toml" {
                let manifest = device::manifest(&String::from_utf8_lossy(bytes));
                write(&folder.join(GPU_PACKAGE).join("Cargo.toml"), manifest.as_bytes())?;
            }
            write(&path, bytes)?;
        }
    }
    Ok(())
}

/// Removes the files of other versions.
fn remove_others(root: &Path, folder: &Path) -> Result<(), EnvironmentError> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            remove_others(root, &path)?;
        } else if !SOURCES.iter().any(|(name, _)| root.join(name) == path) {
            std::fs::remove_file(&path).map_err(|source| EnvironmentError::Write { path, source })?;
        }
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), EnvironmentError> {
    write_changed(path, bytes).map_err(|source| EnvironmentError::Write { path: path.to_owned(), source })
}

/// Writes what differs, so that cargo sees no change where there is none.
pub(super) fn write_changed(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if std::fs::read(path).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, bytes)
}
