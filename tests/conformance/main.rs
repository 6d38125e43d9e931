//! The real kernel against Jupyter's own tools: jupyter_kernel_test with nothing skipped, and nbclient.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

#[path = "../support/jupyter.rs"]
mod jupyter;
#[path = "../support/python.rs"]
mod python;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const ASSAY: &str = env!("CARGO_BIN_EXE_assay");

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/conformance").join(name).canonicalize().unwrap()
}

fn assay(arguments: &[&str]) {
    let output = Command::new(ASSAY).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "assay {arguments:?}: {said}");
}

/// The environment that cells link against, built before a test's clock starts.
fn environment() {
    static BUILT: OnceLock<()> = OnceLock::new();
    // Its progress goes to the terminal: the first time, it takes a while.
    BUILT.get_or_init(|| assert!(Command::new(ASSAY).args(["env", "build"]).status().unwrap().success()));
}

/// A folder with nothing but our kernelspec, called `assay-test`.
fn installed() -> tempfile::TempDir {
    let prefix = tempfile::tempdir().unwrap();
    assay(&["install", "--prefix", prefix.path().to_str().unwrap(), "--name", "assay-test"]);
    prefix
}

#[test]
fn jupyter_kernel_test_passes_with_nothing_skipped() {
    environment();
    let prefix = installed();
    let database = prefix.path().join("assay.db");
    jupyter::pytest(&file("test_assay.py"), prefix.path(), &[("ASSAY_DB", &database)], 14);
}

#[test]
fn nbclient_executes_a_notebook() {
    environment();
    let prefix = installed();
    let database = prefix.path().join("assay.db");
    let envs = [("ASSAY_DB", database.as_path()), ("ASSAY", Path::new(ASSAY))];
    jupyter::pytest(&file("test_nbclient.py"), prefix.path(), &envs, 6);
}

#[test]
fn install_says_where_it_wrote() {
    let prefix = tempfile::tempdir().unwrap();
    let output =
        Command::new(ASSAY).args(["install", "--name", "mine", "--prefix"]).arg(prefix.path()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let folder = prefix.path().join("share/jupyter/kernels/mine");
    assert!(said.contains(folder.to_str().unwrap()), "{said}");
    assert!(folder.join("kernel.json").exists());
}
