//! Cells and sequences of cells as data, each with what it must lead to, run through the real kernel.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod cases;
mod check;
mod dependencies;
mod failing;
mod home;
mod living;
mod training;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use kernel::client::{Kernel, Launch};

const ASSAY: &str = env!("CARGO_BIN_EXE_assay");

/// A kernel of the binary under test, in a folder of its own.
async fn start(folder: &Path) -> Kernel {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        // Its progress goes to the terminal: the first time, it takes a while.
        assert!(Command::new(ASSAY).args(["env", "build"]).status().unwrap().success());
    });
    let mut launch = Launch::new([ASSAY, "kernel", "--connection-file", "{connection_file}"]);
    launch.directory = Some(folder.to_owned());
    launch.envs.push(("ASSAY_DB".into(), folder.join("assay.db").into()));
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
