//! Turns a process into a cell host. The environment's library does the work; it has the standard library
//! that cells share, this binary has another.

use std::path::Path;

use libloading::{Library, Symbol};

/// Loads the environment and runs cells until the kernel goes; returns the exit code.
///
/// # Errors
/// When the library is not there or is none of ours.
pub fn cell_host(library: &Path) -> Result<i32, libloading::Error> {
    // SAFETY: the library is an environment that `assay env build` made from this binary's own sources; its
    // initialisers are those of Rust's standard library and of the crates in the lockfile.
    let library = unsafe { Library::new(library)? };
    // SAFETY: `lab` defines this symbol with exactly this type.
    let main: Symbol<'_, extern "C" fn() -> i32> = unsafe { library.get(b"assay_cell_host")? };
    let code = main();
    // Threads of user code may still run in it.
    std::mem::forget(library);
    Ok(code)
}
