//! Notebooks that end in each way, run by `assay run`: what the runs in them say of their ends and of their cells.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Once;

use serde_json::{Value, json};
use tracker::session::{Spot, Use};
use tracker::{Cell, Status};

use crate::child;
use crate::support::{Place, Raw, Said, line, said};

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
        cells: &["let lr = 0.5;", START, "run.log(\"loss\", 0, lr);\nrun.flush()?;\nstd::process::abort();"],
        runs: &[(Status::Crashed, "")],
        // As of the flush.
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
    let run = |log: &str, cells: &[&str]| {
        build();
        notebook(&place, cells);
        let mut command = place.command(&["run", "n.ipynb"]);
        command.envs([("ASSAY_DEVICE", "cpu"), ("ASSAY_LOG", log)]).output().unwrap();
    };
    run(
        "error",
        &[
            "let lr = 0.1;\nlet run = Run::start(\"r\", &lr)?;",
            "run.log(\"loss\", 0, 1.0);\nrun.flush()?;\nstd::process::abort();",
        ],
    );
    let uid = place.store().run("r").unwrap().uid;
    let resume = format!("let run = Run::resume(\"{uid}\")?;");
    run("warn", &["1", &resume, "2", "run.log(\"loss\", 1, 1.0);\nrun.finish()?;", "3"]);
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
    for (session, log) in [(0, "error"), (1, "warn")] {
        let found = store.environment_in(&run, session).unwrap();
        assert_eq!(found["variables"]["ASSAY_LOG"], log);
        assert_eq!(found["folder"], folder.to_str().unwrap());
    }
    let spots: Vec<_> = sessions.iter().map(|session| [session.began, session.ended]).collect();
    assert_eq!(spots, [[spot(0, 2), None], [spot(1, 1), spot(3, 2)]]);
    let cells: Vec<_> = store.cells(&run).unwrap().into_iter().map(|cell| (cell.session, cell.position)).collect();
    assert_eq!(cells, [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (1, 3)]);
}

#[test]
fn what_a_process_used_is_recorded_for_the_runs_that_were_open_and_those_that_follow() {
    let place = Place::new();
    let mut recorder = child::spawn("uses", &place.db());
    recorder.child.kill().unwrap();
    recorder.child.wait().unwrap();
    let store = place.store();
    let uses = |name: &str| {
        let sessions = store.sessions(&store.run(name).unwrap()).unwrap();
        let show = |used: &Use| {
            let value = used.value.as_deref().unwrap_or("-");
            format!("{} {} {value} {} {}", used.kind, used.name, used.size.unwrap_or(-1), used.cell.unwrap_or(-1))
        };
        sessions[0].uses.iter().map(show).collect::<Vec<_>>()
    };
    let first = [
        "seed device 7 -1 -1",
        "file data/train.csv abc 12 0",
        "unseeded shuffle - -1 0",
        "answer name? Ada -1 0",
        "answer name? Ada -1 0",
    ];
    let more = ["seed split 18446744073709551615 -1 0", "file data/test.csv def 3 0"];
    assert_eq!(uses("uses"), first);
    // It was killed, and lacks nothing.
    assert_eq!(store.run("second").unwrap().status, Status::Crashed);
    assert_eq!(uses("second"), [first.as_slice(), &more].concat());
    let page = place.out(&["show", "second"]);
    assert!(line(&page, "test.csv").contains("data/test.csv (3 B, sha256 def)"), "{page}");
    assert!(line(&page, "split").contains("split: 18446744073709551615"), "{page}");
    let rows = place.json(&["sql", "SELECT count(*) AS n FROM uses", "--format", "json"]);
    assert_eq!(rows[0]["n"], 12);
}

#[test]
fn cells_of_a_long_notebook_are_stored_once_whatever_number_of_runs_it_has() {
    let place = Place::new();
    let mut cells: Vec<String> = (0..40).map(|n| format!("let v{n} = {n}; // {}", "long ".repeat(700))).collect();
    cells.push("for n in 0..50 { Run::start(\"r\", &n)?.finish()?; }".to_owned());
    let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
    let said = run(&place, &cells);
    assert_eq!(said.code, 0, "{said:?}");
    let store = place.store();
    for run in store.find("").unwrap() {
        assert_eq!(store.cells(&run).unwrap().len(), 41);
    }
    drop(store);
    let mut raw = Raw::open(&place.db());
    assert_eq!(raw.count("SELECT count(*) FROM session_cell"), 41);
    assert_eq!(raw.count("SELECT count(*) FROM source WHERE text LIKE 'let v%'"), 40);
    // What a run takes by itself.
    let bytes = "SELECT sum(pgsize) FROM dbstat WHERE name NOT LIKE '%source%'";
    assert!(raw.count(bytes) < 50 * 20_000, "{}", raw.count(bytes));
}

#[test]
fn a_database_alone_has_the_sources_of_the_environment_and_the_surroundings() {
    let place = Place::new();
    fs::create_dir_all(place.folder().join("mine/src")).unwrap();
    fs::write(place.folder().join("mine/Cargo.toml"), "[package]\nname = \"mine\"\nedition = \"2024\"\n").unwrap();
    fs::write(place.folder().join("mine/src/lib.rs"), "pub fn two() -> i32 { 2 }").unwrap();
    let cells =
        [":dep mine = { path = \"mine\" }\nmine::two()", "let run = Run::start(\"r\", &mine::two())?; run.finish()?;"];
    let said = run(&place, &cells);
    assert_eq!(said.code, 0, "{said:?}");
    let store = place.store();
    let run = store.run("r").unwrap();
    let folder = place.folder().canonicalize().unwrap();
    assert_eq!(run.notebook.as_deref().map(Path::new), Some(place.folder().join("n.ipynb").as_path()));
    let sources = store.sources(&run).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for file in ["Cargo.lock", "lab/src/lib.rs", "tracker/src/lib.rs", "wire/src/lib.rs", "cuda/src/lib.rs"] {
        assert_eq!(sources[file], fs::read_to_string(root.join(file)).unwrap(), "{file}");
    }
    let found = store.environment(&run).unwrap();
    assert_eq!(found["folder"], folder.to_str().unwrap());
    assert_eq!(found["assay"], env!("CARGO_PKG_VERSION"));
    let variables = found["variables"].as_object().unwrap();
    assert_eq!(variables["ASSAY_DEVICE"], "cpu");
    for ours in ["ASSAY_GUARD", "ASSAY_CELLS", "ASSAY_ENVIRONMENT", "ASSAY_SOURCES", "ASSAY_TOOLCHAIN"] {
        assert!(!variables.contains_key(ours), "{ours}");
    }
    let threads = std::thread::available_parallelism().unwrap().get();
    assert_eq!((&found["rayon_threads"], &found["polars_threads"]), (&threads.into(), &threads.into()));
    let local: Value = serde_json::from_slice(&store.snapshot(&run, "local").unwrap().unwrap()).unwrap();
    let (id, mine) = local.as_object().unwrap().iter().next().unwrap();
    assert!(id.contains("/mine#"), "{id}");
    // As `sha256sum` says it.
    let hash = Command::new("sha256sum").arg(folder.join("mine/src/lib.rs")).output().unwrap();
    let hash = String::from_utf8(hash.stdout).unwrap();
    assert_eq!(mine["files"]["src/lib.rs"], hash.split(' ').next().unwrap());
}
