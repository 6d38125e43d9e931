//! The dfdx package, whose kernels are compiled.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where cargo has it. On a fresh machine cargo downloads for this what no build has needed so far: not `--offline`.
pub(crate) fn dfdx() -> PathBuf {
    let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let arguments = ["metadata", "--format-version", "1", "--locked", "--filter-platform", &host];
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let output = output.expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let dfdx = packages.iter().find(|package| package["name"] == "dfdx").expect("dfdx");
    Path::new(dfdx["manifest_path"].as_str().expect("a path")).parent().expect("a folder").to_owned()
}
