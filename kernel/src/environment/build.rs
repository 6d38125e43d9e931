//! Builds the environment with cargo, in one place, by one process at a time.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Environment, EnvironmentError, Manifest, NAMED, Toolchain, hash, home, short, sources};

/// The compiler's flags. `prefer-dynamic`: the environment and the cells share one standard library.
pub(super) const FLAGS: [&str; 2] = ["-C", "prefer-dynamic"];

/// How far a build is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Crates built.
    pub done: u64,
    /// Crates in all; 0 until cargo has counted them.
    pub total: u64,
    /// What is being built.
    pub what: String,
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    target: Option<Target>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

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
    let lock = File::create(target.join("lock")).map_err(at(&target))?;
    progress(&Progress { done: 0, total: 0, what: "waiting for another build".to_owned() });
    lock.lock().map_err(at(&target))?;
    if let Ok(environment) = Environment::open(&home, &hash) {
        return Ok(environment);
    }
    let source = target.join("src").join(&hash);
    sources::write_workspace(&source)?;
    let built = cargo(&toolchain, &source, &target, progress)?;
    let folder = home.join("environments").join(&hash);
    let part = home.join("environments").join(format!("{hash}.part"));
    // A leftover of a build that was killed.
    if part.exists() {
        fs::remove_dir_all(&part).map_err(at(&part))?;
    }
    collect(&toolchain, &hash, &source, &built, &part).map_err(at(&part))?;
    fs::rename(&part, &folder).map_err(at(&folder))?;
    Environment::open(&home, &hash)
}

/// Runs cargo; returns every library that it built or found built: crate name and file.
fn cargo(
    toolchain: &Toolchain,
    source: &Path,
    target: &Path,
    progress: &mut dyn FnMut(&Progress),
) -> Result<BTreeSet<(String, PathBuf)>, EnvironmentError> {
    let mut command = Command::new(&toolchain.cargo);
    command.args(["rustc", "-p", "lab", "--lib", "--release", "--message-format=json-render-diagnostics"]);
    command.args(["--target", &toolchain.host]).arg("--target-dir").arg(target);
    // Found by the loader wherever the cell host is started.
    command.arg("--").arg("-C").arg(format!("link-arg=-Wl,-rpath,{}", toolchain.sysroot.join("lib").display()));
    for (name, _) in std::env::vars_os() {
        // What an outer cargo says of its own build must not leak into this one.
        let leaks = name.to_str().is_some_and(|name| {
            (name.starts_with("CARGO") && name != "CARGO_HOME" && !name.starts_with("CARGO_NET") && !name.starts_with("CARGO_HTTP"))
                || matches!(name, "RUSTFLAGS" | "RUSTC_WRAPPER" | "RUSTC_WORKSPACE_WRAPPER" | "DATABASE_URL")
        });
        if leaks {
            command.env_remove(&name);
        }
    }
    command
        .env("RUSTC", &toolchain.rustc)
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"))
        .env("SQLX_OFFLINE", "true")
        .env("CARGO_TERM_PROGRESS_WHEN", "always")
        .env("CARGO_TERM_PROGRESS_WIDTH", "200")
        .current_dir(source)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let start = |source| EnvironmentError::NoCompiler {
        command: toolchain.cargo.display().to_string(),
        toolchain: sources::channel(),
        source,
    };
    let mut child = command.spawn().map_err(start)?;
    let stdout = child.stdout.take();
    let files = std::thread::spawn(move || stdout.map(artifacts).unwrap_or_default());
    let errors = child.stderr.take().map(|stderr| watch(stderr, progress)).unwrap_or_default();
    let status = child.wait().map_err(start)?;
    let files = files.join().unwrap_or_default();
    if status.success() { Ok(files) } else { Err(EnvironmentError::Cargo { message: errors }) }
}

fn artifacts(stdout: impl Read) -> BTreeSet<(String, PathBuf)> {
    let mut found = BTreeSet::new();
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        let Ok(message) = serde_json::from_str::<Message>(&line) else { continue };
        let Some(target) = message.target.filter(|_| message.reason == "compiler-artifact") else { continue };
        for file in message.filenames {
            if file.extension().is_some_and(|end| end == "rlib" || end == "rmeta" || end == "so") {
                found.insert((target.name.clone(), file));
            }
        }
    }
    found
}

/// Reads cargo's progress bar, which it redraws with carriage returns; returns everything else it said.
fn watch(stderr: impl Read, progress: &mut dyn FnMut(&Progress)) -> String {
    let mut said = String::new();
    let mut last = Progress { done: 0, total: 0, what: String::new() };
    let mut line = Vec::new();
    for byte in BufReader::new(stderr).bytes().map_while(Result::ok) {
        if byte != b'\r' && byte != b'\n' {
            line.push(byte);
            continue;
        }
        let text = String::from_utf8_lossy(&line).replace("\u{1b}[K", "");
        line.clear();
        if let Some(now) = bar(&text) {
            if now != last {
                progress(&now);
                last = now;
            }
        } else if !text.trim().is_empty() && !text.trim_start().starts_with("Compiling") {
            said.push_str(&text);
            said.push('\n');
        }
    }
    said
}

/// Parses `Building [===>   ] 12/345: polars-core, syn`.
fn bar(text: &str) -> Option<Progress> {
    let (_, rest) = text.split_once("] ")?;
    let (counts, what) = rest.split_once(": ").unwrap_or((rest, ""));
    let (done, total) = counts.trim().split_once('/')?;
    Some(Progress { done: done.parse().ok()?, total: total.parse().ok()?, what: what.trim().to_owned() })
}

fn collect(
    toolchain: &Toolchain,
    hash: &str,
    source: &Path,
    built: &BTreeSet<(String, PathBuf)>,
    folder: &Path,
) -> io::Result<()> {
    let deps = folder.join("deps");
    fs::create_dir_all(&deps)?;
    let mut externs = Vec::new();
    for (name, file) in built {
        let Some(file_name) = file.file_name() else { continue };
        if name == "lab" {
            // Cargo writes the next build to the same file.
            fs::copy(file, folder.join(file_name))?;
            continue;
        }
        let to = deps.join(file_name);
        if fs::hard_link(file, &to).is_err() {
            fs::copy(file, &to)?;
        }
        if NAMED.contains(&name.as_str()) && file.extension().is_some_and(|end| end == "rlib") {
            externs.push((name.clone(), file_name.to_string_lossy().into_owned()));
        }
    }
    let lock = fs::read(source.join("Cargo.lock"))?;
    fs::write(folder.join("Cargo.lock"), &lock)?;
    let mut hasher = Sha256::new();
    hasher.update(&lock);
    let manifest = Manifest {
        hash: hash.to_owned(),
        rustc: toolchain.rustc.clone(),
        sysroot: toolchain.sysroot.clone(),
        toolchain: toolchain.version.clone(),
        lock_hash: short(hasher),
        externs,
    };
    fs::write(folder.join("environment.json"), serde_json::to_vec_pretty(&manifest)?)
}
