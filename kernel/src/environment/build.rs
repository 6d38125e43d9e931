//! Builds the environment with cargo, in one place, by one process at a time.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::cancel::Cancel;
use super::cargo::{self, Artifact, Cargo, Features, Network};
use super::{Device, Environment, EnvironmentError, Manifest, NAMED, Progress, Toolchain, chosen, hash, home, sources};
use super::{lock, members};

/// What cargo resolved for the environment; a crate that is added must leave it so.
pub(super) const FEATURES: &str = "features.json";

/// Builds the environment of this binary, or finds it built. `progress` is told how far it is; `cancel` ends it.
///
/// # Errors
/// When there is no toolchain, no space, or cargo fails; nothing half-built is left to be found, and what cargo
/// has built so far is not built again.
pub fn build(progress: &mut dyn FnMut(&Progress), cancel: &Cancel) -> Result<Environment, EnvironmentError> {
    let home = home()?;
    let toolchain = Toolchain::find(&home)?;
    let device = chosen().device;
    match Environment::open(&home, &toolchain, device) {
        Err(EnvironmentError::NotBuilt { .. }) => {}
        found => return found,
    }
    let target = home.join("build");
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source: io::Error| EnvironmentError::Write { path, source }
    };
    let _lock = lock::take(&target, progress, cancel)?;
    match Environment::open(&home, &toolchain, device) {
        Err(EnvironmentError::NotBuilt { .. }) => {}
        found => return found,
    }
    lock::sweep(&home);
    let source = target.join("src");
    sources::write_workspace(&source, &[])?;
    let cargo = Cargo { toolchain: &toolchain, source: &source, target: &target, cancel };
    progress(&Progress::Resolving);
    let built = cargo.build(device.package(), Network::Yes, progress)?;
    let features = cargo.resolve(progress)?.features();
    let hash = hash(&toolchain, device);
    let folder = home.join("environments").join(&hash);
    let part = Part::new(&folder).map_err(at(&folder))?;
    collect(&toolchain, device, &source, &built, &features, &part.0).map_err(at(&part.0))?;
    part.finish(&folder).map_err(at(&folder))?;
    Environment::open(&home, &toolchain, device)
}

/// A folder that is put together; removed unless it is finished.
pub(super) struct Part(pub(super) PathBuf);

impl Part {
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        let mut path = folder.as_os_str().to_owned();
        path.push(".part");
        let part = Self(path.into());
        // A leftover of a build that was killed.
        if part.0.exists() {
            fs::remove_dir_all(&part.0)?;
        }
        Ok(part)
    }

    /// Gives the folder its name: complete or absent.
    pub(super) fn finish(self, folder: &Path) -> io::Result<()> {
        fs::rename(&self.0, folder)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // It is not there any more when it was finished.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn collect(
    toolchain: &Toolchain,
    device: Device,
    source: &Path,
    built: &BTreeSet<Artifact>,
    features: &Features,
    folder: &Path,
) -> io::Result<()> {
    let deps = folder.join("deps");
    fs::create_dir_all(&deps)?;
    let mut externs = Vec::new();
    for Artifact { krate: name, file, .. } in built {
        let Some(file_name) = file.file_name() else { continue };
        if *name == device.krate() {
            // Cargo writes the next build to the same file.
            fs::copy(file, folder.join(file_name))?;
            continue;
        }
        if !is_for_cells(toolchain, file) {
            continue;
        }
        link(file, &deps.join(file_name))?;
        if NAMED.contains(&name.as_str()) && file.extension().is_some_and(|end| end == "rlib") {
            externs.push((name.clone(), file_name.to_string_lossy().into_owned()));
        }
    }
    fs::write(folder.join("members.txt"), members::of(built.iter().map(|artifact| artifact.source.as_path())))?;
    fs::copy(source.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    fs::write(folder.join(FEATURES), serde_json::to_vec(features)?)?;
    sources::keep(folder)?;
    let manifest = Manifest {
        hash: hash(toolchain, device),
        rustc: toolchain.rustc.clone(),
        sysroot: toolchain.sysroot.clone(),
        host: toolchain.host.clone(),
        toolchain: toolchain.version.clone(),
        externs,
    };
    fs::write(folder.join("environment.json"), serde_json::to_vec_pretty(&manifest)?)
}

/// What only build scripts use may have other features; of the host's libraries cells need the macros.
pub(super) fn is_for_cells(toolchain: &Toolchain, file: &Path) -> bool {
    file.components().any(|part| part.as_os_str() == toolchain.host.as_str())
        || file.extension().is_some_and(|end| end == "so")
}

/// Files of dependencies carry a hash in their names and are never written again.
pub(super) fn link(from: &Path, to: &Path) -> io::Result<()> {
    if fs::hard_link(from, to).is_err() {
        fs::copy(from, to)?;
    }
    Ok(())
}

/// Runs `cargo ARGUMENTS..` where the environment is built: its workspace, compiler, flags and target folder.
///
/// # Errors
/// When there is no toolchain or the sources cannot be written.
pub fn cargo(arguments: &[String]) -> Result<std::process::ExitStatus, EnvironmentError> {
    let home = home()?;
    let toolchain = Toolchain::find(&home)?;
    let target = home.join("build");
    let source = target.join("src");
    let mut told = |progress: &Progress| tracing::warn!("{progress}");
    let _lock = lock::take(&target, &mut told, &Cancel::default())?;
    sources::write_workspace(&source, &[])?;
    cargo::other(&toolchain, &source, &target, arguments)
}

/// Removes environments and compiled cells of other versions; returns the bytes that were freed.
///
/// # Errors
/// When there is no toolchain to tell which environment is in use, or a folder cannot be removed.
pub fn remove_others() -> Result<u64, EnvironmentError> {
    let home = home()?;
    let toolchain = Toolchain::find(&home)?;
    let keep = Device::ALL.map(|device| hash(&toolchain, device));
    let mut freed = 0;
    for place in [home.join("environments"), home.join("cells")] {
        let Ok(entries) = fs::read_dir(&place) else { continue };
        let kept = |name: &str| keep.iter().any(|hash| name.starts_with(hash.as_str()));
        for entry in entries.flatten().filter(|entry| !kept(&entry.file_name().to_string_lossy())) {
            freed += size(&entry.path());
            fs::remove_dir_all(entry.path())
                .map_err(|source| EnvironmentError::Write { path: entry.path(), source })?;
        }
    }
    Ok(freed)
}

fn size(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return fs::symlink_metadata(path).map_or(0, |data| data.len()) };
    entries.flatten().map(|entry| size(&entry.path())).sum()
}
