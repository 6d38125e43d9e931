//! Runs cargo: the same compiler, flags and target folder for all that cells link against.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};

use serde::Deserialize;

use super::cancel::Cancel;
use super::{EnvironmentError, Progress, Toolchain, progress, refusal, sources};
use crate::guard;

/// The compiler's flags. `prefer-dynamic`: the environment and the cells share one standard library.
pub(super) const FLAGS: [&str; 2] = ["-C", "prefer-dynamic"];

/// How cargo is run: whose compiler, where, and who is told and asked meanwhile.
pub(super) struct Cargo<'a> {
    pub(super) toolchain: &'a Toolchain,
    /// The workspace.
    pub(super) source: &'a Path,
    pub(super) target: &'a Path,
    pub(super) cancel: &'a Cancel,
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    package_id: String,
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
    /// The package's id.
    pub(super) package: String,
    /// The folder of its Cargo.toml.
    pub(super) source: PathBuf,
}

/// Whether cargo may ask the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Network {
    Yes,
    /// One try: what is needed may be in cargo's cache.
    Once,
    No,
}

impl Cargo<'_> {
    /// Builds a package of the workspace; returns every library behind it.
    pub(super) fn build(
        &self,
        package: &str,
        network: Network,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<BTreeSet<Artifact>, EnvironmentError> {
        let mut command = self.command(network);
        command
            .args(["build", "-p", package, "--lib", "--release", "--message-format=json-render-diagnostics"])
            .args(["--target", &self.toolchain.host])
            .arg("--target-dir")
            .arg(self.target);
        self.run(command, artifacts, progress)
    }

    /// What cargo resolves for the workspace. Without a network, what is in cargo's cache is enough where all of
    /// it is there: 0.1 s, against 10 s of cargo's own attempts.
    pub(super) fn resolve(&self, progress: &mut dyn FnMut(&Progress)) -> Result<Resolved, EnvironmentError> {
        progress(&Progress::Resolving);
        match self.metadata(Network::Once, progress) {
            Err(EnvironmentError::Network { .. }) => {}
            resolved => return resolved,
        }
        match self.metadata(Network::No, progress) {
            // The network may have failed only once.
            Err(EnvironmentError::Cargo { .. }) => {
                progress(&Progress::Retrying);
                self.metadata(Network::Yes, progress)
            }
            resolved => resolved,
        }
    }

    fn metadata(&self, network: Network, progress: &mut dyn FnMut(&Progress)) -> Result<Resolved, EnvironmentError> {
        let mut command = self.command(network);
        command.args(["metadata", "--format-version", "1", "--filter-platform", &self.toolchain.host]);
        let read = |mut stdout: ChildStdout| {
            let mut json = Vec::new();
            // What is cut short does not parse.
            let _ = stdout.read_to_end(&mut json);
            json
        };
        let json = self.run(command, read, progress)?;
        serde_json::from_slice(&json)
            .map_err(|error| EnvironmentError::Cargo { message: format!("cargo metadata: {error}") })
    }

    fn command(&self, network: Network) -> Command {
        let mut command = command(self.toolchain, self.source);
        command
            .env("CARGO_TERM_PROGRESS_WHEN", "always")
            .env("CARGO_TERM_PROGRESS_WIDTH", "200")
            .env("TMPDIR", self.target.join("tmp"));
        match network {
            Network::Yes => &mut command,
            Network::Once => command.env("CARGO_NET_RETRY", "0"),
            Network::No => command.env("CARGO_NET_OFFLINE", "true"),
        };
        command
    }

    /// Runs cargo to its end, or until the build is cancelled; `read` reads its output.
    fn run<T: Send + 'static>(
        &self,
        mut command: Command,
        read: impl FnOnce(ChildStdout) -> T + Send + 'static,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<T, EnvironmentError> {
        self.cancel.check()?;
        let temporary = self.target.join("tmp");
        std::fs::create_dir_all(&temporary).map_err(|source| EnvironmentError::Write { path: temporary, source })?;
        let start = |source| not_started(self.toolchain, source);
        guard::mark(&mut command);
        let mut child = command.spawn().map_err(start)?;
        let watched = self.cancel.watch(child.id());
        let stdout = child.stdout.take();
        let output = std::thread::spawn(move || stdout.map(read));
        let said = child.stderr.take().map(|stderr| progress::watch(stderr, progress)).unwrap_or_default();
        // From here on it only ends; its number may become another's.
        drop(watched);
        let status = child.wait().map_err(start)?;
        self.cancel.check()?;
        match output.join() {
            Ok(Some(output)) if status.success() => Ok(output),
            _ => Err(refusal::explain(&said, self.target)),
        }
    }
}

/// Package ids and their features.
pub(super) type Features = BTreeMap<String, BTreeSet<String>>;

/// What `cargo metadata` says.
#[derive(Deserialize)]
pub(super) struct Resolved {
    resolve: Resolve,
    workspace_members: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    features: BTreeSet<String>,
    deps: Vec<Dependency>,
}

/// A dependency of a package.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Dependency {
    /// What code calls it.
    pub(super) name: String,
    /// Its package's id.
    pub(super) pkg: String,
}

impl Resolved {
    /// The features of each package.
    pub(super) fn features(&self) -> Features {
        self.resolve.nodes.iter().map(|node| (node.id.clone(), node.features.clone())).collect()
    }

    /// What the member in `folder` depends on that is not ours.
    pub(super) fn added_by(&self, member: &str) -> Option<&Dependency> {
        let mark = format!("/{member}#");
        let node = self.resolve.nodes.iter().find(|node| node.id.contains(&mark))?;
        node.deps.iter().find(|dependency| !self.is_ours(&dependency.pkg))
    }

    /// Whether a package is a member of our workspace.
    pub(super) fn is_ours(&self, package: &str) -> bool {
        self.workspace_members.contains(package)
    }
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
    let mut command = command(toolchain, source);
    guard::mark(&mut command);
    command
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
                let (krate, package) = (target.name.clone(), message.package_id.clone());
                found.insert(Artifact { krate, file, package, source });
            }
        }
    }
    found
}
