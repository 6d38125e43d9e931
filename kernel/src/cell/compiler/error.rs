//! Why no compiler ran.

use std::path::PathBuf;

use crate::environment::remedy;

/// Why no compiler ran.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompileError {
    #[error(
        "cannot start the compiler {}: {source}; install Rust {toolchain} with rustup (https://rustup.rs) and \
         restart the kernel", rustc.display()
    )]
    Start { rustc: PathBuf, toolchain: String, source: std::io::Error },
    #[error("cannot write {}: {source}; {}", path.display(), remedy(source))]
    Write { path: PathBuf, source: std::io::Error },
    #[error(
        "the compiler {} is another one than the environment was built with ({toolchain}); restart the kernel, \
         which builds the environment for it, or put Rust {toolchain} back", rustc.display()
    )]
    Replaced { rustc: PathBuf, toolchain: String },
    #[error(
        "the compiler crashed ({signal}) and nothing was run: this cell is most likely nested more deeply than its \
         stack allows; give parts of long or nested expressions and types names of their own with `let`, `fn` or `type`"
    )]
    Crashed { signal: String },
    #[error(
        "the compiler was killed (signal 9) and nothing was run, most likely since memory ran out; split the cell, or \
         free memory"
    )]
    Killed,
    #[error("the compiler's answer was given up: {0}")]
    Abandoned(#[from] tokio::task::JoinError),
}
