//! lab's own tests, built with what cells link: `cargo test` at the root leaves `lab` out, so that Polars is
//! compiled once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::path::Path;
use std::process::Command;

#[test]
fn the_tests_of_lab_pass() {
    pass(&[]);
}

/// Kernels are compiled by the C++ compiler, and run on the processor. Products are computed as they stand, since what
/// they are compared with was.
#[test]
fn the_tests_of_lab_pass_on_the_simulated_gpu() {
    pass(&["--features", "gpu"]);
}

fn pass(more: &[&str]) {
    let arguments = ["env", "cargo", "test", "--release", "-p", "lab", "--lib"].iter().chain(more);
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command.env("ASSAY_DEVICE", if more.is_empty() { "cpu" } else { "simulated" }).env("ASSAY_PRECISION", "fp32");
    // Data sets that are too large to come along are beside the checkout, or tests that need them are skipped.
    let data_sets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if std::env::var_os("ASSAY_DATA").is_none() && data_sets.is_dir() {
        command.env("ASSAY_DATA", data_sets);
    }
    let output = command.args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let passed = said.lines().find_map(|line| line.strip_prefix("test result: ok. ")?.split(' ').next());
    assert!(passed.is_some_and(|count| count.parse::<u32>().unwrap() > 40), "{said}");
}
