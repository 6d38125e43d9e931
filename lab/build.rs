//! Takes the text of dfdx's kernels into the library, which compiles them on the machine that has the GPU.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// How the folder of the dfdx package ends.
const MANIFEST: &str = "/dfdx-0.13.0/Cargo.toml\"";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_GPU").is_some() {
        let mut files = Vec::new();
        collect(&dfdx().join("src"), &mut files);
        files.sort();
        assert!(!files.is_empty(), "there are no kernels in the dfdx package");
        let entries = files.iter().map(|path| format!("({:?}, include_str!({path:?})),", name(path)));
        let text = format!("&[{}]", entries.collect::<String>());
        let to = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("kernels.rs");
        fs::write(&to, text).unwrap_or_else(|error| panic!("can't write {}: {error}", to.display()));
    }
}

/// Where cargo has the dfdx package. What this platform needs is there already, other than perhaps what only tests
/// use, so cargo may download; for the other platforms it would have to, on a fresh machine.
fn dfdx() -> PathBuf {
    let cargo = env::var_os("CARGO").expect("cargo sets CARGO");
    let platform = env::var_os("TARGET").expect("cargo sets TARGET");
    let mut command = Command::new(cargo);
    command.args(["metadata", "--format-version", "1", "--locked", "--filter-platform"]).arg(platform);
    let output = command.output();
    let output = output.expect("cargo can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
    let end = text.find(MANIFEST).expect("lab depends on dfdx 0.13.0");
    let start = text[..end].rfind('"').expect("a JSON string begins somewhere") + 1;
    Path::new(&text[start..end + MANIFEST.len() - 1]).parent().expect("a manifest is in a folder").to_owned()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("can't read {}: {error}", folder.display()));
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|end| end == "cu" || end == "cuh") {
            files.push(path);
        }
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
