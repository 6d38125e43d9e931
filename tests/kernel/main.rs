//! Cells and sequences of cells as data, each with what it must lead to, run through the real kernel.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod cases;
mod check;
mod damage;
mod deep;

mod dependencies;
mod ending;
mod failing;
mod generator;
mod gpu;
mod home;
mod interrupting;
mod living;
mod reordered;
mod swapped;
mod training;
mod twice;

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
    start_with(folder, device, &[]).await
}

/// The same with variables of the environment.
async fn start_with(folder: &Path, device: &str, variables: &[(&str, &str)]) -> Kernel {
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
    launch.envs.extend(variables.iter().map(|(name, value)| (name.into(), value.into())));
    launch.start().await.unwrap()
}

/// How the cells of a file are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Usual,
    /// All at this level.
    Level(u8),
    /// Each cell is optimised before its first call: `force`, or `mix`.
    Swapped(&'static str),
}

/// Runs every case of a file in one kernel, with `:restart` in between; reports all that failed. What each cell led to.
async fn run(file: &str, way: Way) -> Vec<(String, check::Seen)> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/kernel/cases").join(file);
    let folder = tempfile::tempdir().unwrap();
    let kernel = match way {
        Way::Swapped(mode) => start_with(folder.path(), "cpu", &[("ASSAY_SWAP", mode)]).await,
        _ => start(folder.path()).await,
    };
    let (mut all, mut failures) = (Vec::new(), Vec::new());
    // The execution count before the case's first cell.
    let mut before = 0;
    for case in cases::read(&path) {
        if case.is_usual_only && way != Way::Usual {
            continue;
        }
        check::execute(&kernel, ":restart").await;
        before += 1;
        if let Way::Level(level) = way {
            check::execute(&kernel, &format!(":opt {level}")).await;
            before += 1;
        }
        let start = before;
        for (number, cell) in case.cells.iter().enumerate() {
            let seen = check::execute(&kernel, &cell.source).await;
            before += 1;
            let name = format!("{}, cell {}", case.name, number + 1);
            if let Err(why) = seen.check(&cell.expected, start) {
                failures.push(format!("{name}:\n{why}\n{seen:#?}"));
                break;
            }
            all.push((name, seen));
        }
    }
    kernel.shutdown().await;
    assert!(failures.is_empty(), "{} failed in {file}, {way:?}:\n{}", failures.len(), failures.join("\n\n"));
    all
}

/// Runs every case plain, optimised, and with both kinds of code mixed: each cell prints and shows the same.
async fn compare(file: &str) {
    let plain = run(file, Way::Level(0)).await;
    for way in [Way::Level(3), Way::Swapped("force"), Way::Swapped("mix")] {
        let other = run(file, way).await;
        assert_eq!(plain.len(), other.len());
        let differs = plain.iter().zip(&other).filter(|((_, plain), (_, other))| !plain.leads_to_the_same_as(other));
        let differs: Vec<_> = differs.collect();
        assert!(differs.is_empty(), "{file}, {way:?}: {differs:#?}");
    }
}

macro_rules! files {
    ($($name:ident),* $(,)?) => {
        $(#[tokio::test]
        async fn $name() {
            run(concat!(stringify!($name), ".txt"), Way::Usual).await;
        })*

        /// The same cells, each optimised before its first call: what they lead to is the same.
        mod forced {
            use super::{Way, run};

            $(#[tokio::test]
            async fn $name() {
                run(concat!(stringify!($name), ".txt"), Way::Swapped("force")).await;
            })*
        }

        /// The same cells in four ways, compared with each other. They take long:
        /// `cargo test --release --test kernel every_way -- --ignored`.
        mod every_way {
            use super::compare;

            $(#[tokio::test]
            #[ignore = "runs all cases four times"]
            async fn $name() {
                compare(concat!(stringify!($name), ".txt")).await;
            })*
        }

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
    functions,
    impls,
    items,
    kept,
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
    swap,
    syntax,
    threads,
    unchanged,
    values,
    variables,
    versions
);
