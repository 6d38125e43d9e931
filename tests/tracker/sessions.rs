//! Notebooks that end in each way, run by `assay run`: what the runs in them say of their ends and of their cells.

use std::fs;
use std::process::Command;
use std::sync::Once;

use serde_json::json;
use tracker::session::Spot;
use tracker::{Cell, Status};

use crate::support::{Place, Said, said};

/// Builds what cells link, once.
fn build() {
    static BUILT: Once = Once::new();
    BUILT.call_once(|| {
        let build =
            Command::new(env!("CARGO_BIN_EXE_assay")).args(["env", "build"]).env("ASSAY_DEVICE", "cpu").status();
        assert!(build.unwrap().success());
    });
}

fn notebook(place: &Place, cells: &[&str]) {
    let cells: Vec<_> = cells
        .iter()
        .enumerate()
        .map(|(at, source)| {
            let id = format!("c{at}");
            json!({"cell_type": "code", "id": id, "metadata": {}, "execution_count": null, "outputs": [], "source": source})
        })
        .collect();
    let metadata = json!({"kernelspec": {"display_name": "Rust (assay)", "language": "rust", "name": "assay"}});
    let notebook = json!({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5});
    fs::write(place.folder().join("n.ipynb"), notebook.to_string()).unwrap();
}

/// Runs a notebook of these cells.
fn run(place: &Place, cells: &[&str]) -> Said {
    build();
    notebook(place, cells);
    said(place.command(&["run", "n.ipynb"]).env("ASSAY_DEVICE", "cpu").output().unwrap())
}

/// Each cell's outcome, with the line where there is one that is not the last.
fn outcomes(cells: &[Cell]) -> String {
    let one = |cell: &Cell| {
        let outcome = cell.outcome.map_or("-", |outcome| outcome.as_str());
        format!("{outcome}@{}", cell.line.unwrap_or(-1))
    };
    cells.iter().map(one).collect::<Vec<_>>().join(" ")
}

struct Case {
    cells: &'static [&'static str],
    /// Of each run: its status, and what its error holds.
    runs: &'static [(Status, &'static str)],
    /// Of the cells of the first run, as [`outcomes`] has them.
    outcomes: &'static str,
}

const START: &str = "let run = Run::start(\"r\", &1)?;";

const TRAIN: &str = "fn train(n: i32) -> Result<i32, Box<dyn std::error::Error>> {\n    let run = Run::start(\"r\", &n)?;\n    run.log(\"loss\", 0, 1.0);\n    \
    let n = n.to_string().parse::<i32>()?;\n    if n > 1 { anyhow_like()?; }\n    Ok(n)\n}\n\
    fn anyhow_like() -> std::io::Result<()> { Err(std::io::Error::other(\"no more\")) }";

const CASES: &[Case] = &[
    // A run that is a variable stays when its cell panics; nothing follows.
    Case {
        cells: &["let run = Run::start(\"r\", &1)?;\nrun.log(\"loss\", 0, 1.0);\nlet v: Vec<i32> = vec![];\nv[3]"],
        runs: &[(Status::Failed, "index out of bounds")],
        outcomes: "panicked@4",
    },
    Case {
        cells: &[START, "run.log(\"loss\", 0, 1.0);\nErr::<(), _>(std::io::Error::other(\"nope\"))?;"],
        runs: &[(Status::Failed, "nope")],
        outcomes: "ok@1 error@2",
    },
    // An error in a cell that has nothing to do with it.
    Case {
        cells: &[START, "run.log(\"loss\", 0, 1.0);", "Err::<(), _>(std::io::Error::other(\"nope\"))?;"],
        runs: &[(Status::Finished, "left open")],
        outcomes: "ok@1 ok@1 error@1",
    },
    Case {
        cells: &["let lr = 0.5;", START, "run.log(\"loss\", 0, lr);\nstd::process::abort();"],
        runs: &[(Status::Crashed, "")],
        outcomes: "ok@1 ok@1 -@2",
    },
    Case {
        cells: &[START, "for i in 0..10 { run.log(\"loss\", i, f64::from(i)); }"],
        runs: &[(Status::Finished, "left open")],
        outcomes: "ok@1 ok@1",
    },
    // The error leaves a function and drops the run.
    Case {
        cells: &[TRAIN, "for n in 0..3 { train(n)?; }", "1"],
        runs: &[(Status::Finished, ""), (Status::Finished, ""), (Status::Failed, "no more")],
        outcomes: "ok@0 error@1",
    },
    // It ended well before the error.
    Case {
        cells: &[TRAIN, "train(1)?;\nErr::<(), _>(std::io::Error::other(\"nope\"))?;"],
        runs: &[(Status::Finished, "")],
        outcomes: "ok@0 error@2",
    },
    Case {
        cells: &[
            "fn train() { let run = Run::start(\"r\", &1).unwrap(); panic!(\"lost {}\", run.name()); }",
            "train();",
        ],
        runs: &[(Status::Failed, "lost r")],
        outcomes: "ok@0 panicked@1",
    },
    // One that takes the place of another ends it well.
    Case {
        cells: &[START, "let run = Run::start(\"s\", &1)?;\nErr::<(), _>(std::io::Error::other(\"nope\"))?;"],
        runs: &[(Status::Finished, ""), (Status::Failed, "nope")],
        outcomes: "ok@1 error@2",
    },
    Case {
        cells: &["let run = Run::start(\"r\", &1)?;\nrun.finish()?;\npanic!(\"later\")"],
        runs: &[(Status::Finished, "")],
        outcomes: "panicked@3",
    },
];

#[test]
fn a_run_says_how_it_ended_and_its_cells_do() {
    for case in CASES {
        let place = Place::new();
        let said = run(&place, case.cells);
        let store = place.store();
        let mut runs = store.find("").unwrap();
        runs.sort_by_key(|run| run.id);
        let ends: Vec<_> = runs.iter().map(|run| (run.status, run.error.clone().unwrap_or_default())).collect();
        assert_eq!(ends.len(), case.runs.len(), "{:?}: {ends:?}\n{said:?}", case.cells);
        for ((status, error), (wanted, part)) in ends.iter().zip(case.runs) {
            assert!(status == wanted && error.contains(part), "{:?}: {ends:?}", case.cells);
            assert_eq!(error.is_empty(), part.is_empty(), "{:?}: {ends:?}", case.cells);
        }
        let cells = store.cells(&runs[0]).unwrap();
        assert_eq!(outcomes(&cells), case.outcomes, "{:?}", case.cells);
        let sources: Vec<_> = cells.iter().map(|cell| cell.source.as_str()).collect();
        assert_eq!(sources, case.cells[..sources.len()], "in their order");
    }
}

fn spot(cell: i64, line: i64) -> Option<Spot> {
    Some(Spot { cell, line: Some(line) })
}

#[test]
fn a_run_that_is_resumed_has_a_session_for_each_process() {
    let place = Place::new();
    run(
        &place,
        &["let lr = 0.1;\nlet run = Run::start(\"r\", &lr)?;", "run.log(\"loss\", 0, 1.0);\nstd::process::abort();"],
    );
    let uid = place.store().run("r").unwrap().uid;
    let resume = format!("let run = Run::resume(\"{uid}\")?;");
    run(&place, &["1", &resume, "2", "run.log(\"loss\", 1, 1.0);\nrun.finish()?;", "3"]);
    let store = place.store();
    let run = store.run("r").unwrap();
    assert_eq!((run.status, run.metrics[0].points), (Status::Finished, 2));
    let sessions = store.sessions(&run).unwrap();
    let folder = place.folder().canonicalize().unwrap();
    for session in &sessions {
        assert_eq!(session.folder.as_deref(), folder.to_str());
        assert_eq!(session.assay.as_deref(), Some(env!("CARGO_PKG_VERSION")));
    }
    assert_ne!((sessions[0].pid, &sessions[0].uid), (sessions[1].pid, &sessions[1].uid));
    assert_eq!((sessions[0].status, sessions[1].status), (None, Some(Status::Finished)));
    let spots: Vec<_> = sessions.iter().map(|session| [session.began, session.ended]).collect();
    assert_eq!(spots, [[spot(0, 2), None], [spot(1, 1), spot(3, 2)]]);
    let cells: Vec<_> = store.cells(&run).unwrap().into_iter().map(|cell| (cell.session, cell.position)).collect();
    assert_eq!(cells, [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (1, 3)]);
}
