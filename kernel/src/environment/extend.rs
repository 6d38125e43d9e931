//! Crates that a notebook adds: each a library of its own beside the environment, which stays as it is, so
//! that variables live on.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::cargo::{self, Features, Progress};
use super::{Environment, EnvironmentError, Toolchain, build, short, sources};

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
    /// Its file under `deps`.
    file: String,
    line: String,
}

impl Extension {
    /// Builds the crate that `line` names, or finds it built. `earlier` are those already added.
    ///
    /// # Errors
    /// When cargo cannot resolve or build it, or it would change what is loaded.
    pub(crate) fn add(
        environment: &Environment,
        earlier: &[Self],
        line: &str,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<Self, EnvironmentError> {
        let (package, requirement) = parse(line)?;
        let key = key(environment, earlier, &requirement);
        let folder = environment.home.join("environments").join(format!("{}-{key}", environment.hash()));
        if let Some(extension) = Self::open(&folder) {
            return Ok(extension);
        }
        let target = environment.home.join("build");
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source: io::Error| EnvironmentError::Write { path, source }
        };
        fs::create_dir_all(&target).map_err(at(&target))?;
        let _lock = build::lock(&target).map_err(at(&target))?;
        let toolchain = Toolchain::find(&environment.home)?;
        let krate = format!("ext_{key}");
        let name = package.replace('-', "_");
        // In the environment's own workspace: elsewhere, cargo would take `lab` for another package.
        let workspace = target.join("src");
        let mut members: Vec<String> = earlier.iter().map(|extension| extension.manifest.krate.clone()).collect();
        members.push(krate.clone());
        sources::write_workspace(&workspace, &members)?;
        write_project(&workspace, &krate, &name, &requirement, environment, earlier).map_err(at(&workspace))?;
        let base = fs::read(environment.folder.join(build::FEATURES)).map_err(at(environment.folder()))?;
        let base: Features = serde_json::from_slice(&base).map_err(|error| EnvironmentError::Damaged {
            folder: environment.folder.clone(),
            message: error.to_string(),
        })?;
        if let Some(changes) = changes(&base, &cargo::features(&toolchain, &workspace)?) {
            return Err(EnvironmentError::Conflict { name: package, changes });
        }
        let built = cargo::build(&toolchain, &workspace, &krate, &target, progress)?;
        let part = folder.with_extension("part");
        if part.exists() {
            fs::remove_dir_all(&part).map_err(at(&part))?;
        }
        let manifest = Manifest { krate, name, file: String::new(), line: line.to_owned() };
        collect(environment, &built, manifest, &part).map_err(at(&part))?;
        fs::rename(&part, &folder).map_err(at(&folder))?;
        Self::open(&folder).ok_or_else(|| EnvironmentError::Damaged {
            folder: folder.clone(),
            message: "what was just built cannot be read".to_owned(),
        })
    }

    fn open(folder: &Path) -> Option<Self> {
        let json = fs::read(folder.join("extension.json")).ok()?;
        Some(Self { folder: folder.to_owned(), manifest: serde_json::from_slice(&json).ok()? })
    }

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
}

/// The package's name and its line in Cargo.toml.
fn parse(line: &str) -> Result<(String, String), EnvironmentError> {
    let (name, requirement) = line.split_once('=').unwrap_or((line, "\"*\""));
    let (name, requirement) = (name.trim(), requirement.trim());
    let named = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if !named || requirement.is_empty() || requirement.contains('\n') {
        return Err(EnvironmentError::NotADependency { line: line.to_owned() });
    }
    Ok((name.to_owned(), format!("{name} = {requirement}")))
}

fn key(environment: &Environment, earlier: &[Extension], requirement: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(environment.hash());
    for extension in earlier {
        hasher.update(&extension.manifest.krate);
    }
    hasher.update(requirement);
    short(hasher)
}

fn write_project(
    workspace: &Path,
    krate: &str,
    name: &str,
    requirement: &str,
    environment: &Environment,
    earlier: &[Extension],
) -> io::Result<()> {
    let project = workspace.join("extensions").join(krate);
    fs::create_dir_all(project.join("src"))?;
    let mut dependencies = "lab = { path = \"../../lab\" }\n".to_owned();
    let mut code = "pub extern crate lab;\n".to_owned();
    for other in earlier.iter().map(|extension| &extension.manifest.krate) {
        dependencies.push_str(&format!("{other} = {{ path = \"../{other}\" }}\n"));
        code.push_str(&format!("pub extern crate {other};\n"));
    }
    code.push_str(&format!("pub extern crate {name};\n"));
    let manifest = format!(
        "[package]\nname = \"{krate}\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[lib]\ncrate-type = [\"dylib\"]\n\n[dependencies]\n{dependencies}{requirement}\n"
    );
    fs::write(project.join("Cargo.toml"), manifest)?;
    fs::write(project.join("src/lib.rs"), code)?;
    // Versions stay what they are in the environment.
    fs::copy(environment.folder.join("Cargo.lock"), workspace.join("Cargo.lock"))?;
    Ok(())
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

fn collect(
    environment: &Environment,
    built: &BTreeSet<cargo::Artifact>,
    mut manifest: Manifest,
    folder: &Path,
) -> io::Result<()> {
    let deps = folder.join("deps");
    fs::create_dir_all(&deps)?;
    let library = format!("lib{}.so", manifest.krate);
    for cargo::Artifact { krate: name, file, .. } in built {
        let Some(file_name) = file.file_name() else { continue };
        if file_name == library.as_str() {
            fs::copy(file, folder.join(&library))?;
        } else if file_name != "liblab.so" && !file_name.to_string_lossy().starts_with("libext_") {
            let known = environment.deps().join(file_name).exists();
            if *name == manifest.name && file.extension().is_some_and(|end| end == "rlib") {
                manifest.file = file_name.to_string_lossy().into_owned();
                build::link(file, &deps.join(file_name))?;
            } else if !known {
                build::link(file, &deps.join(file_name))?;
            }
        }
    }
    fs::write(folder.join("extension.json"), serde_json::to_vec_pretty(&manifest)?)
}
