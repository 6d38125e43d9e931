//! Cells and sequences of cells as data, each with what it must lead to, run through the real kernel.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod cases;
mod check;
mod dependencies;
mod failing;
mod gpu;
mod home;
mod interrupting;
mod living;
mod training;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use kernel::client::{Kernel, Launch};

const ASSAY: &str = env!("CARGO_BIN_EXE_assay");

/// A kernel of the binary under test, in a folder of its own.
async fn start(folder: &Path) -> Kernel {
    start_on(folder, "cpu").await
}

/// The same on a device, as `ASSAY_DEVICE` names it.
async fn start_on(folder: &Path, device: &str) -> Kernel {
    static BUILT: Mutex<Vec<String>> = Mutex::new(Vec::new());
    {
        let mut built = BUILT.lock().unwrap();
        if !built.iter().any(|known| known == device) {
            // Its progress goes to the terminal: the first time, it takes a while.
            let build = Command::new(ASSAY).args(["env", "build"]).env("ASSAY_DEVICE", device).status();
            assert!(build.unwrap().success());
            built.push(device.to_owned());
        }
    }
    let mut launch = Launch::new([ASSAY, "kernel", "--connection-file", "{connection_file}"]);
    launch.directory = Some(folder.to_owned());
    launch.envs.push(("ASSAY_DB".into(), folder.join("assay.db").into()));
    launch.envs.push(("ASSAY_DEVICE".into(), device.into()));
    launch.start().await.unwrap()
}

/// Runs every case of a file in one kernel, with `:restart` in between; reports all that failed.
async fn run(file: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/kernel/cases").join(file);
    let folder = tempfile::tempdir().unwrap();
    let kernel = start(folder.path()).await;
    let mut failures = Vec::new();
    // The execution count before the case's first cell.
    let mut before = 0;
    for case in cases::read(&path) {
        check::execute(&kernel, ":restart").await;
        before += 1;
        let start = before;
        for (number, cell) in case.cells.iter().enumerate() {
            let seen = check::execute(&kernel, &cell.source).await;
            before += 1;
            if let Err(why) = seen.check(&cell.expected, start) {
                failures.push(format!("{}, cell {}:\n{why}\n{seen:#?}", case.name, number + 1));
                break;
            }
        }
    }
    kernel.shutdown().await;
    assert!(failures.is_empty(), "{} failed in {file}:\n{}", failures.len(), failures.join("\n\n"));
}

macro_rules! files {
    ($($name:ident),* $(,)?) => {
        $(#[tokio::test]
        async fn $name() {
            run(concat!(stringify!($name), ".txt")).await;
        })*

        #[test]
        fn every_file_of_cases_is_run() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/kernel/cases");
            let mut found: Vec<_> =
                std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            found.sort();
            let mut listed = vec![$(concat!(stringify!($name), ".txt").to_owned()),*];
            listed.sort();
            assert_eq!(found, listed);
        }
    };
}

files!(
    closures,
    commands,
    control,
    crashes,
    display,
    errors,
    impls,
    items,
    lab,
    large,
    levels,
    macros,
    modules,
    moves,
    names,
    output,
    redefinition,
    rerun,
    syntax,
    threads,
    values,
    variables
);
