//! Why there is no environment, or no more in it.

use std::io;
use std::path::PathBuf;

/// Why there is no environment.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    #[error("there is no home folder; set ASSAY_HOME to a folder that assay may write to")]
    NoHome,
    #[error(
        "{} belongs to another user, whose code your cells would run; set ASSAY_HOME to a folder of your own", path.display()
    )]
    Foreign { path: PathBuf },
    #[error(
        "other users may write to {}, and your cells would run what they put there; run `chmod {mode} {}` or set \
         ASSAY_HOME to a folder of your own", path.display(), path.display()
    )]
    Writable { path: PathBuf, mode: &'static str },
    #[error("`{command}` does not run: {source}; install Rust {toolchain} with rustup (https://rustup.rs)")]
    NoCompiler { command: String, toolchain: String, source: io::Error },
    #[error("`{command}` failed: {message}; install Rust {toolchain} with `rustup toolchain install {toolchain}`")]
    Compiler { command: String, toolchain: String, message: String },
    #[error("the environment is not built yet; run `assay env build` (once per machine, about 20 minutes on 2 cores)")]
    NotBuilt { hash: String },
    #[error("the environment in {} is damaged: {message}; remove the folder and run `assay env build`", folder.display())]
    Damaged { folder: PathBuf, message: String },
    #[error("cannot write {}: {source}; {}", path.display(), remedy(source))]
    Write { path: PathBuf, source: io::Error },
    #[error("{message}")]
    Cargo { message: String },
    #[error("the network cannot be reached, and what is needed is not in cargo's cache: {message}")]
    Network { message: String },
    #[error("the build was stopped")]
    Cancelled,
    #[error("`:dep {line}` is not a dependency; write it as in Cargo.toml, for example `:dep regex = \"1\"`")]
    NotADependency { line: String },
    #[error(
        "adding `{name}` would change what is loaded ({changes}), and variables could not live on; nothing was \
         changed. {remedy}"
    )]
    Conflict { name: String, changes: String, remedy: String },
    #[error(
        "`{name}` was added before, as `{earlier}`, and cannot be replaced while its values may be in use; \
         nothing was changed. `:restart` forgets it, and all variables"
    )]
    Replaced { name: String, earlier: String },
    #[error("`lab` is what cells already call assay's own crate; write `other_name = {{ package = \"lab\", .. }}`")]
    Reserved,
}

/// What helps against a folder that cannot be written to.
pub(crate) fn remedy(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some space or set ASSAY_HOME to another folder"
        }
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            "make it writable or set ASSAY_HOME to another folder"
        }
        _ => "set ASSAY_HOME to another folder",
    }
}
