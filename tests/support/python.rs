//! Python environments of the tests: each made once under the target folder, named by its requirements, and
//! shared by all test processes.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

const REMEDY: &str = "These tests need Python 3.9 or newer with its venv module \
    (Debian and Ubuntu: `apt install python3 python3-venv`; Fedora: `dnf install python3`; macOS: \
    `brew install python`), and the network once, to install these packages:";

/// The interpreter of the environment with these packages, which is made first where it is missing.
pub(crate) fn python(requirements: &str) -> PathBuf {
    let folder = folder(requirements);
    let ready = folder.join("ready");
    let interpreter = folder.join("bin").join("python");
    // Another process may be making it at this moment.
    let lock = File::create(folder.with_extension("lock")).expect("the target folder can be written");
    lock.lock().expect("the target folder supports file locks");
    if !ready.exists() {
        let _ = fs::remove_dir_all(&folder);
        make(&folder, &interpreter, requirements);
        fs::write(&ready, "").expect("the new environment can be written");
    }
    interpreter
}

fn folder(requirements: &str) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    requirements.hash(&mut hasher);
    // `<target>/tmp`, which cargo makes for integration tests.
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let target = temporary.parent().unwrap_or(temporary);
    target.join(format!("assay-python-{:016x}", hasher.finish()))
}

fn make(folder: &Path, interpreter: &Path, requirements: &str) {
    let python = std::env::var_os("ASSAY_TEST_PYTHON").unwrap_or_else(|| "python3".into());
    run(Command::new(python).args(["-m", "venv"]).arg(folder), requirements);
    let file = folder.join("requirements.txt");
    fs::write(&file, requirements).expect("the new environment can be written");
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    run(Command::new(interpreter).args(install).arg(&file), requirements);
}

fn run(command: &mut Command, requirements: &str) {
    match command.output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => panic!(
            "{command:?} failed:\n{}{}\n{REMEDY}\n{requirements}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        ),
        Err(error) => panic!("cannot run {command:?}: {error}\n{REMEDY}\n{requirements}"),
    }
}
