//! lab's own tests, built with what cells link: `cargo test` at the root leaves `lab` out, so that Polars is
//! compiled once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::path::Path;
use std::process::Command;

#[test]
fn the_tests_of_lab_pass() {
    assert!(passed(&mut lab("cpu"), &[]) > 40);
}

/// Kernels are compiled by the C++ compiler, and run on the processor. Products are computed as they stand, since what
/// they are compared with was.
#[test]
fn the_tests_of_lab_pass_on_the_simulated_gpu() {
    assert!(passed(&mut lab("simulated"), &[]) > 40);
}

/// As `tests/gpu/run` does on a real one: the build for the processor writes its values, the one for a GPU compares.
#[test]
fn the_simulated_gpu_computes_what_the_processor_does_at_each_precision() {
    let folder = tempfile::tempdir().unwrap();
    let values = folder.path().join("values.json");
    let write = ["device::trial::processor::values_are_written", "--ignored"];
    assert_eq!(passed(lab("cpu").env("ASSAY_VALUES", &values), &write), 1);
    let compare = ["device::trial", "--ignored", "--skip", "speed", "--test-threads", "1"];
    assert_eq!(passed(lab("simulated").env("ASSAY_VALUES", &values), &compare), 5);
}

/// lab's tests, built for a device.
fn lab(device: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command.args(["env", "cargo", "test", "--release", "-p", "lab", "--lib"]);
    if device != "cpu" {
        command.args(["--features", "gpu"]);
    }
    command.env("ASSAY_DEVICE", device).env("ASSAY_PRECISION", "fp32");
    // Data sets that are too large to come along are beside the checkout, or tests that need them are skipped.
    let data_sets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if std::env::var_os("ASSAY_DATA").is_none() && data_sets.is_dir() {
        command.env("ASSAY_DATA", data_sets);
    }
    command
}

/// Runs those that the arguments choose; how many passed, which must be all.
fn passed(tests: &mut Command, arguments: &[&str]) -> u32 {
    let output = tests.arg("--").args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let count = said.lines().find_map(|line| line.strip_prefix("test result: ok. ")?.split(' ').next());
    count.unwrap_or_else(|| panic!("{said}")).parse().unwrap()
}
