//! The dfdx package, whose kernels are compiled.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where cargo has it. Cargo may download: on a fresh machine it has only what was built so far, and the workspace
/// has more; but nothing for the other platforms.
pub(crate) fn dfdx() -> PathBuf {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let arguments = ["metadata", "--format-version", "1", "--locked", "--filter-platform", &platform];
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let output = output.expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let dfdx = packages.iter().find(|package| package["name"] == "dfdx").expect("dfdx");
    Path::new(dfdx["manifest_path"].as_str().expect("a path")).parent().expect("a folder").to_owned()
}
