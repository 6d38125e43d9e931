//! Runs a Python test file against one kernel that is installed in a folder of its own: nothing of the
//! person's Jupyter is read or written.

use std::path::Path;
use std::process::Command;

use crate::python::python;

/// Runs `file` with pytest; panics with its whole output unless exactly `passed` tests pass and none is
/// skipped. `prefix` holds `share/jupyter/kernels`.
pub(crate) fn pytest(file: &Path, prefix: &Path, envs: &[(&str, &Path)], passed: usize) {
    let output = Command::new(python(include_str!("requirements.txt")))
        .args(["-m", "pytest", "--quiet", "-rA", "--tb=short", "-p", "no:cacheprovider"])
        .arg(file)
        .env("JUPYTER_PATH", prefix.join("share").join("jupyter"))
        .env("JUPYTER_DATA_DIR", prefix.join("data"))
        .env("JUPYTER_RUNTIME_DIR", prefix.join("runtime"))
        .env("JUPYTER_CONFIG_DIR", prefix.join("config"))
        .env("IPYTHONDIR", prefix.join("ipython"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .envs(envs.iter().copied())
        .current_dir(prefix)
        .output()
        .expect("python runs");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // The last line is pytest's summary, for example `13 passed in 4.21s`.
    let summary = said.lines().rfind(|line| line.contains(" passed")).unwrap_or_default();
    let count = summary.trim_matches(['=', ' ']).split(' ').next().and_then(|count| count.parse::<usize>().ok());
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("skipped") && !said.contains("SKIP"), "a test was skipped:\n{said}");
    assert_eq!(count, Some(passed), "{said}");
}
