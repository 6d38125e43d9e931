//! Puts the sources of the environment into the binary: an installed `assay` builds it anywhere.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What the environment is built from, below the workspace's root.
const PARTS: [&str; 10] = [
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
    "cuda/Cargo.toml",
    "cuda/src",
    "gemm",
    "lab",
    "migrations",
    "tracker",
    "wire",
];

fn main() -> io::Result<()> {
    // Relative throughout: checkouts that share a target folder share what this writes.
    let root = Path::new("..");
    let mut files = Vec::new();
    for part in PARTS {
        println!("cargo::rerun-if-changed=../{part}");
        collect(&root.join(part), &mut files)?;
    }
    files.sort();
    let mut code = String::from("pub(super) static SOURCES: &[(&str, &[u8])] = &[\n");
    for file in files {
        let name = file.strip_prefix(root).unwrap_or(&file);
        let path = Path::new("/..").join(name);
        code.push_str(&format!("    ({name:?}, include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {path:?}))),\n"));
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
