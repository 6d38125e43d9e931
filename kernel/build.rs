//! Puts the sources of the environment into the binary: an installed `assay` builds it anywhere.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What the environment is built from, below the workspace's root.
const PARTS: [&str; 7] = ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "lab", "migrations", "tracker", "wire"];

fn main() -> io::Result<()> {
    let root = Path::new(&env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("..").canonicalize()?;
    let mut files = Vec::new();
    for part in PARTS {
        println!("cargo::rerun-if-changed={}", root.join(part).display());
        collect(&root.join(part), &mut files)?;
    }
    files.sort();
    let mut code = String::from("pub(super) static SOURCES: &[(&str, &[u8])] = &[\n");
    for file in files {
        let name = file.strip_prefix(&root).unwrap_or(&file);
        code.push_str(&format!("    ({name:?}, include_bytes!({file:?})),\n"));
    }
    code.push_str("];\n");
    fs::write(Path::new(&env::var_os("OUT_DIR").unwrap_or_default()).join("sources.rs"), code)
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if path.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        collect(&entry?.path(), files)?;
    }
    Ok(())
}
