//! Builds the environment with cargo, in one place, by one process at a time.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::cargo::{self, Artifact, Features, Progress};
use super::members;
use super::{Environment, EnvironmentError, Manifest, NAMED, Toolchain, hash, home, short, sources};

/// What cargo resolved for the environment; a crate that is added must leave it so.
pub(super) const FEATURES: &str = "features.json";

/// Builds the environment of this binary, or finds it built. `progress` is told how far it is.
///
/// # Errors
/// When there is no toolchain, no space, or cargo fails; nothing half-built is left to be found.
pub fn build(progress: &mut dyn FnMut(&Progress)) -> Result<Environment, EnvironmentError> {
    let home = home()?;
    let toolchain = Toolchain::find(&home)?;
    let hash = hash(&toolchain);
    if let Ok(environment) = Environment::open(&home, &hash) {
        return Ok(environment);
    }
    let target = home.join("build");
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source: io::Error| EnvironmentError::Write { path, source }
    };
    fs::create_dir_all(&target).map_err(at(&target))?;
    progress(&Progress { done: 0, total: 0, what: "waiting for another build".to_owned() });
    let _lock = lock(&target).map_err(at(&target))?;
    if let Ok(environment) = Environment::open(&home, &hash) {
        return Ok(environment);
    }
    let source = target.join("src");
    sources::write_workspace(&source, &[])?;
    let built = cargo::build(&toolchain, &source, "lab", &target, progress)?;
    let folder = home.join("environments").join(&hash);
    let part = home.join("environments").join(format!("{hash}.part"));
    // A leftover of a build that was killed.
    if part.exists() {
        fs::remove_dir_all(&part).map_err(at(&part))?;
    }
    let features = cargo::features(&toolchain, &source)?;
    collect(&toolchain, &hash, &source, &built, &features, &part).map_err(at(&part))?;
    fs::rename(&part, &folder).map_err(at(&folder))?;
    Environment::open(&home, &hash)
}

/// One build at a time; the lock goes with the file.
pub(super) fn lock(target: &Path) -> io::Result<File> {
    let file = File::create(target.join("lock"))?;
    file.lock()?;
    Ok(file)
}

fn collect(
    toolchain: &Toolchain,
    hash: &str,
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
        if name == "lab" {
            // Cargo writes the next build to the same file.
            fs::copy(file, folder.join(file_name))?;
            continue;
        }
        // What only build scripts use may have other features; of the host's libraries cells need the macros.
        let for_cells = file.components().any(|part| part.as_os_str() == toolchain.host.as_str());
        if !for_cells && file.extension().is_none_or(|end| end != "so") {
            continue;
        }
        link(file, &deps.join(file_name))?;
        if NAMED.contains(&name.as_str()) && file.extension().is_some_and(|end| end == "rlib") {
            externs.push((name.clone(), file_name.to_string_lossy().into_owned()));
        }
    }
    fs::write(folder.join("members.txt"), members::of(built.iter().map(|artifact| artifact.source.as_path())))?;
    let lock = fs::read(source.join("Cargo.lock"))?;
    fs::write(folder.join("Cargo.lock"), &lock)?;
    fs::write(folder.join(FEATURES), serde_json::to_vec(features)?)?;
    let mut hasher = Sha256::new();
    hasher.update(&lock);
    let manifest = Manifest {
        hash: hash.to_owned(),
        rustc: toolchain.rustc.clone(),
        sysroot: toolchain.sysroot.clone(),
        host: toolchain.host.clone(),
        toolchain: toolchain.version.clone(),
        lock_hash: short(hasher),
        externs,
    };
    fs::write(folder.join("environment.json"), serde_json::to_vec_pretty(&manifest)?)
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
    fs::create_dir_all(&target).map_err(|source| EnvironmentError::Write { path: target.clone(), source })?;
    let _lock = lock(&target).map_err(|source| EnvironmentError::Write { path: target.clone(), source })?;
    sources::write_workspace(&source, &[])?;
    cargo::other(&toolchain, &source, &target, arguments)
}

/// Removes environments and compiled cells of other versions; returns the bytes that were freed.
///
/// # Errors
/// When there is no toolchain to tell which environment is in use, or a folder cannot be removed.
pub fn remove_others() -> Result<u64, EnvironmentError> {
    let home = home()?;
    let keep = hash(&Toolchain::find(&home)?);
    let mut freed = 0;
    for place in [home.join("environments"), home.join("cells")] {
        let Ok(entries) = fs::read_dir(&place) else { continue };
        for entry in entries.flatten().filter(|entry| !entry.file_name().to_string_lossy().starts_with(&keep)) {
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
