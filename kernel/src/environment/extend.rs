//! Crates that a notebook adds: each a library of its own beside the environment, which stays as it is, so
//! that variables live on.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::build::{self, FEATURES, Part};
use super::cancel::Cancel;
use super::cargo::{Artifact, Cargo, Dependency, Features, Network, Resolved};
use super::line::Line;
use super::local::LOCAL;
use super::project::{Project, Written};
use super::{Environment, EnvironmentError, NAMED, Progress, Toolchain, local, lock, short, sources};

/// A crate that was added, built.
#[derive(Debug, Clone)]
pub(crate) struct Extension {
    folder: PathBuf,
    manifest: Manifest,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Manifest {
    /// The library's crate name.
    krate: String,
    /// What cells call the added crate.
    name: String,
    /// Its package's id.
    package: String,
    /// Its file under `deps`.
    file: String,
    /// As it stands in Cargo.toml.
    requirement: String,
}

/// What is to be added, and to what.
#[derive(Debug)]
pub(crate) struct Addition<'a> {
    pub(crate) environment: &'a Environment,
    /// Those already added, in order.
    pub(crate) earlier: &'a [Extension],
    /// What follows `:dep`.
    pub(crate) line: &'a str,
    /// Where relative paths start.
    pub(crate) folder: &'a Path,
}

impl Extension {
    /// The crate that must be loaded, and its library.
    pub(crate) fn library(&self) -> (String, PathBuf) {
        (self.manifest.krate.clone(), self.folder.join(format!("lib{}.so", self.manifest.krate)))
    }

    /// What cells call the added crate, and its file.
    pub(crate) fn named(&self) -> (String, PathBuf) {
        (self.manifest.name.clone(), self.deps().join(&self.manifest.file))
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn deps(&self) -> PathBuf {
        self.folder.join("deps")
    }

    fn open(folder: &Path) -> Option<Self> {
        let json = fs::read(folder.join("extension.json")).ok()?;
        Some(Self { folder: folder.to_owned(), manifest: serde_json::from_slice(&json).ok()? })
    }
}

impl Addition<'_> {
    /// Builds the crate, or finds it built; `None` when cells can name it already.
    ///
    /// # Errors
    /// When cargo cannot resolve or build it, or it would change what is loaded; nothing is changed then.
    pub(crate) fn add(
        &self,
        progress: &mut dyn FnMut(&Progress),
        cancel: &Cancel,
    ) -> Result<Option<Extension>, EnvironmentError> {
        let line = Line::parse(self.line, self.folder)?;
        let before = self.earlier.iter().position(|other| other.manifest.requirement == line.requirement);
        if let Some(at) = before {
            // What is here may have changed; what has a version has not.
            return if line.is_local { self.compare_with(at, progress, cancel) } else { Ok(None) };
        }
        let mut key = self.key(&line.requirement);
        if !line.is_local
            && let Some(extension) = Extension::open(&self.home_of(&key))
        {
            return Ok(Some(extension));
        }
        let home = &self.environment.home;
        let target = home.join("build");
        let _lock = lock::take(&target, progress, cancel)?;
        lock::sweep(home);
        // Whoever had the lock may have built it.
        if !line.is_local
            && let Some(extension) = Extension::open(&self.home_of(&key))
        {
            return Ok(Some(extension));
        }
        let toolchain = Toolchain::find(home)?;
        // In the environment's own workspace: elsewhere, cargo would take `lab` for another package.
        let source = target.join("src");
        let cargo = Cargo { toolchain: &toolchain, source: &source, target: &target, cancel };
        let provisional = self.write_workspace(&source, &key, &line, None)?;
        let resolved = cargo.resolve(progress)?;
        let missing = || EnvironmentError::NotADependency { line: self.line.to_owned() };
        let added = resolved.added_by(&library(&key)).ok_or_else(missing)?;
        if self.is_there(&line, added, &resolved)? {
            return Ok(None);
        }
        drop(provisional);
        let mut written = self.write_workspace(&source, &key, &line, Some(&added.name))?;
        let mut built = cargo.build(&library(&key), Network::No, progress)?;
        if line.is_local {
            // Named by what it holds: cells that were compiled with other sources must not be found.
            key = contents(&key, &built, &resolved).map_err(at(&target))?;
            if let Some(extension) = Extension::open(&self.home_of(&key)) {
                return Ok(Some(extension));
            }
            drop(written);
            written = self.write_workspace(&source, &key, &line, Some(&added.name))?;
            built = cargo.build(&library(&key), Network::No, progress)?;
        }
        self.compare(&toolchain, &built)?;
        let folder = self.home_of(&key);
        let manifest = Manifest {
            krate: library(&key),
            name: added.name.clone(),
            package: added.pkg.clone(),
            file: String::new(),
            requirement: line.requirement,
        };
        let part = Part::new(&folder).map_err(at(&folder))?;
        self.collect(&toolchain, &built, &resolved, manifest, &part.0).map_err(at(&part.0))?;
        part.finish(&folder).map_err(at(&folder))?;
        written.keep();
        Ok(Some(Extension::open(&folder).ok_or_else(|| damaged(&folder, "what was just built cannot be read"))?))
    }

    /// Adds once more what was added as number `at`.
    fn compare_with(
        &self,
        at: usize,
        progress: &mut dyn FnMut(&Progress),
        cancel: &Cancel,
    ) -> Result<Option<Extension>, EnvironmentError> {
        let loaded = &self.earlier[at].manifest;
        let again = Self { earlier: &self.earlier[..at], ..*self }.add(progress, cancel)?;
        match again {
            Some(again) if again.manifest.krate != loaded.krate => {
                Err(EnvironmentError::Replaced { name: loaded.name.clone(), earlier: loaded.requirement.clone() })
            }
            _ => Ok(None),
        }
    }

    fn key(&self, requirement: &str) -> String {
        let mut hasher = Sha256::new();
        // What an extension's folder holds.
        hasher.update("2");
        hasher.update(self.environment.hash());
        for extension in self.earlier {
            hasher.update(&extension.manifest.krate);
        }
        hasher.update(requirement);
        short(hasher)
    }

    fn home_of(&self, key: &str) -> PathBuf {
        self.environment.home.join("environments").join(format!("{}-{key}", self.environment.hash()))
    }

    /// What was resolved for all that is loaded.
    fn base(&self) -> &Path {
        self.earlier.last().map_or(self.environment.folder(), Extension::folder)
    }

    /// Writes the workspace with the crates that were added before and the new one.
    fn write_workspace(
        &self,
        source: &Path,
        key: &str,
        line: &Line,
        name: Option<&str>,
    ) -> Result<Written, EnvironmentError> {
        let krate = library(key);
        let earlier: Vec<&str> = self.earlier.iter().map(|other| other.manifest.krate.as_str()).collect();
        let members: Vec<String> = earlier.iter().chain([&krate.as_str()]).map(|member| (*member).to_owned()).collect();
        sources::write_workspace(source, &members)?;
        let lab = self.environment.device.package();
        let write = || -> io::Result<Written> {
            // Theirs may be gone.
            for (at, Extension { manifest, .. }) in self.earlier.iter().enumerate() {
                let (krate, name, requirement) = (&manifest.krate, Some(manifest.name.as_str()), &manifest.requirement);
                Project { krate, name, requirement, earlier: earlier[..at].to_vec(), lab }.write(source)?.keep();
            }
            let project =
                Project { krate: &krate, name, requirement: &line.requirement, earlier: earlier.clone(), lab };
            let written = project.write(source)?;
            // Versions stay what they are in what is loaded.
            fs::copy(self.base().join("Cargo.lock"), source.join("Cargo.lock"))?;
            Ok(written)
        };
        write().map_err(at(source))
    }

    /// Whether cells can name the crate as it was resolved.
    fn is_there(&self, line: &Line, added: &Dependency, resolved: &Resolved) -> Result<bool, EnvironmentError> {
        let base = fs::read(self.base().join(FEATURES)).map_err(at(self.base()))?;
        let base: Features = serde_json::from_slice(&base).map_err(|error| damaged(self.base(), &error.to_string()))?;
        let named = NAMED.contains(&added.name.as_str());
        if let Some(changes) = changes(&base, &resolved.features()) {
            let remedy = if named {
                format!("Without `:dep`, cells can name `{}` as it is", added.name)
            } else {
                format!("Another version of `{}`, or fewer features (`default-features = false`), may do", line.name)
            };
            return Err(EnvironmentError::Conflict { name: line.name.clone(), changes, remedy });
        }
        match self.earlier.iter().find(|other| other.manifest.name == added.name) {
            // What is local is compared once it is built.
            Some(other) if other.manifest.package == added.pkg => Ok(!line.is_local),
            Some(other) => Err(EnvironmentError::Replaced {
                name: added.name.clone(),
                earlier: other.manifest.requirement.clone(),
            }),
            None => Ok(named && base.contains_key(&added.pkg)),
        }
    }

    /// Whether what was built has left alone what is loaded.
    fn compare(&self, toolchain: &Toolchain, built: &BTreeSet<Artifact>) -> Result<(), EnvironmentError> {
        for artifact in built.iter().filter(|artifact| build::is_for_cells(toolchain, &artifact.file)) {
            let Some(file_name) = artifact.file.file_name() else { continue };
            if file_name == self.environment.device.library().as_str()
                && differs(&self.environment.library(), &artifact.file)?
            {
                let changes = "all of `lab`, which was built anew".to_owned();
                let folder = self.environment.folder().display();
                let remedy = format!("Remove {folder} and run `assay env build`");
                return Err(EnvironmentError::Conflict { name: self.line.to_owned(), changes, remedy });
            }
            // What has a version is in a file of its own.
            for other in self.earlier.iter().filter(|_| is_local(&artifact.package)) {
                let loaded = other.deps().join(file_name);
                if loaded.exists() && differs(&loaded, &artifact.file)? {
                    let earlier = other.manifest.requirement.clone();
                    return Err(EnvironmentError::Replaced { name: artifact.krate.clone(), earlier });
                }
            }
        }
        Ok(())
    }

    fn collect(
        &self,
        toolchain: &Toolchain,
        built: &BTreeSet<Artifact>,
        resolved: &Resolved,
        mut manifest: Manifest,
        folder: &Path,
    ) -> io::Result<()> {
        let deps = folder.join("deps");
        fs::create_dir_all(&deps)?;
        let library = format!("lib{}.so", manifest.krate);
        for artifact in built.iter().filter(|artifact| build::is_for_cells(toolchain, &artifact.file)) {
            let file = &artifact.file;
            let Some(file_name) = file.file_name() else { continue };
            if file_name == library.as_str() {
                fs::copy(file, folder.join(&library))?;
                continue;
            }
            if resolved.is_ours(&artifact.package) || file_name.to_string_lossy().starts_with("libext_") {
                continue;
            }
            // A macro crate is a `.so`; of others, the `.rlib` stands beside an `.rmeta`.
            let is_added = artifact.package == manifest.package && file.extension().is_some_and(|end| end != "rmeta");
            if is_added {
                manifest.file = file_name.to_string_lossy().into_owned();
            }
            if is_local(&artifact.package) {
                // Written again when its sources change.
                fs::copy(file, deps.join(file_name))?;
            } else if is_added || !self.environment.deps().join(file_name).exists() {
                build::link(file, &deps.join(file_name))?;
            }
        }
        let workspace = self.environment.home.join("build/src");
        fs::copy(workspace.join("Cargo.lock"), folder.join("Cargo.lock"))?;
        // The members themselves are named after what they hold.
        let mut features = resolved.features();
        let mut local = local::read(self.base());
        for package in features.keys().filter(|package| is_local(package) && !resolved.is_ours(package)) {
            local::add(&mut local, package)?;
        }
        fs::write(folder.join(LOCAL), serde_json::to_vec_pretty(&local)?)?;
        features.retain(|package, _| !package.contains("/extensions/"));
        fs::write(folder.join(FEATURES), serde_json::to_vec(&features)?)?;
        fs::write(folder.join("extension.json"), serde_json::to_vec_pretty(&manifest)?)
    }
}

/// The crate name of the library that links what was added.
fn library(key: &str) -> String {
    format!("ext_{key}")
}

/// What `extended` has differently of the packages in `base`.
fn changes(base: &Features, extended: &Features) -> Option<String> {
    let differs = base.iter().filter_map(|(id, features)| {
        let package = id.rsplit(['#', '/']).next().unwrap_or(id);
        let Some(now) = extended.get(id) else { return Some(format!("another version of {package}")) };
        let more: Vec<&str> = now.difference(features).map(String::as_str).collect();
        (!more.is_empty()).then(|| format!("{package} with {}", more.join(", ")))
    });
    let differs: Vec<String> = differs.take(3).collect();
    (!differs.is_empty()).then(|| differs.join("; "))
}

/// A hash of what was built from folders of the person's, and of what it was asked for as.
fn contents(key: &str, built: &BTreeSet<Artifact>, resolved: &Resolved) -> io::Result<String> {
    let mut hasher = Sha256::new();
    hasher.update(key);
    for artifact in built.iter().filter(|it| is_local(&it.package) && !resolved.is_ours(&it.package)) {
        hasher.update(fs::read(&artifact.file)?);
    }
    Ok(short(hasher))
}

fn differs(loaded: &Path, built: &Path) -> Result<bool, EnvironmentError> {
    let size = |path: &Path| fs::metadata(path).map(|data| data.len()).map_err(at(path));
    let bytes = |path: &Path| fs::read(path).map_err(at(path));
    Ok(size(loaded)? != size(built)? || bytes(loaded)? != bytes(built)?)
}

fn is_local(package: &str) -> bool {
    package.starts_with("path+")
}

fn damaged(folder: &Path, message: &str) -> EnvironmentError {
    EnvironmentError::Damaged { folder: folder.to_owned(), message: message.to_owned() }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> EnvironmentError {
    let path = path.to_owned();
    move |source| EnvironmentError::Write { path, source }
}
