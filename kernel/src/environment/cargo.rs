//! Runs cargo: the same compiler, flags and target folder for all that cells link against.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use super::{EnvironmentError, Toolchain, sources};

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
    #[serde(default)]
    manifest_path: PathBuf,
    target: Option<Target>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// A library that cargo built or found built.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Artifact {
    /// The crate's name.
    pub(super) krate: String,
    pub(super) file: PathBuf,
    /// The folder of its Cargo.toml.
    pub(super) source: PathBuf,
}

/// Builds the package in `source`; returns every library behind it: crate name and file.
pub(super) fn build(
    toolchain: &Toolchain,
    source: &Path,
    package: &str,
    target: &Path,
    progress: &mut dyn FnMut(&Progress),
) -> Result<BTreeSet<Artifact>, EnvironmentError> {
    let mut command = command(toolchain, source);
    command
        .args(["build", "-p", package, "--lib", "--release", "--message-format=json-render-diagnostics"])
        .args(["--target", &toolchain.host])
        .arg("--target-dir")
        .arg(target)
        .env("CARGO_TERM_PROGRESS_WHEN", "always")
        .env("CARGO_TERM_PROGRESS_WIDTH", "200");
    let start = |source| not_started(toolchain, source);
    let mut child = command.spawn().map_err(start)?;
    let stdout = child.stdout.take();
    let files = std::thread::spawn(move || stdout.map(artifacts).unwrap_or_default());
    let errors = child.stderr.take().map(|stderr| watch(stderr, progress)).unwrap_or_default();
    let status = child.wait().map_err(start)?;
    let files = files.join().unwrap_or_default();
    if status.success() { Ok(files) } else { Err(EnvironmentError::Cargo { message: errors }) }
}

/// What cargo resolved for the package in `source`: the features of each package, by its id.
pub(super) fn features(toolchain: &Toolchain, source: &Path) -> Result<Features, EnvironmentError> {
    let mut command = command(toolchain, source);
    command.args(["metadata", "--format-version", "1", "--filter-platform", &toolchain.host]);
    let output = command.output().map_err(|source| not_started(toolchain, source))?;
    if !output.status.success() {
        return Err(EnvironmentError::Cargo { message: String::from_utf8_lossy(&output.stderr).trim().to_owned() });
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout)
        .map_err(|error| EnvironmentError::Cargo { message: format!("cargo metadata: {error}") })?;
    Ok(metadata.resolve.nodes.into_iter().map(|node| (node.id, node.features)).collect())
}

/// Package ids and their features.
pub(super) type Features = std::collections::BTreeMap<String, BTreeSet<String>>;

#[derive(Deserialize)]
struct Metadata {
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    features: BTreeSet<String>,
}

/// Runs any cargo command on the sources of the environment, with its compiler, flags and target folder; its
/// output goes to the terminal. For those who work on `lab`: nothing that is built for cells is built twice.
pub(super) fn other(
    toolchain: &Toolchain,
    source: &Path,
    target: &Path,
    arguments: &[String],
) -> Result<std::process::ExitStatus, EnvironmentError> {
    let mut path = toolchain.sysroot.join("bin").into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    command(toolchain, source)
        .args(arguments)
        .env("PATH", path)
        .env("CARGO_BUILD_TARGET", &toolchain.host)
        .env("CARGO_TARGET_DIR", target)
        .stdout(Stdio::inherit())
        .stderr(Stdio::inherit())
        .status()
        .map_err(|source| not_started(toolchain, source))
}

fn not_started(toolchain: &Toolchain, source: std::io::Error) -> EnvironmentError {
    EnvironmentError::NoCompiler {
        command: toolchain.cargo.display().to_string(),
        toolchain: sources::channel(),
        source,
    }
}

fn command(toolchain: &Toolchain, source: &Path) -> Command {
    let mut command = Command::new(&toolchain.cargo);
    for (name, _) in std::env::vars_os() {
        // What an outer cargo says of its own build must not leak into this one.
        if name.to_str().is_some_and(leaks) {
            command.env_remove(&name);
        }
    }
    command
        .env("RUSTC", &toolchain.rustc)
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"))
        .env("SQLX_OFFLINE", "true")
        .current_dir(source)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn leaks(name: &str) -> bool {
    let of_cargo = name.starts_with("CARGO")
        && name != "CARGO_HOME"
        && !["CARGO_NET", "CARGO_HTTP", "CARGO_REGISTR"].iter().any(|kept| name.starts_with(kept));
    of_cargo || matches!(name, "RUSTFLAGS" | "RUSTC_WRAPPER" | "RUSTC_WORKSPACE_WRAPPER" | "DATABASE_URL")
}

fn artifacts(stdout: impl Read) -> BTreeSet<Artifact> {
    let mut found = BTreeSet::new();
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        let Ok(message) = serde_json::from_str::<Message>(&line) else { continue };
        let Some(target) = message.target.filter(|_| message.reason == "compiler-artifact") else { continue };
        for file in message.filenames {
            if file.extension().is_some_and(|end| end == "rlib" || end == "rmeta" || end == "so") {
                let source = message.manifest_path.parent().unwrap_or(Path::new("")).to_owned();
                found.insert(Artifact { krate: target.name.clone(), file, source });
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
