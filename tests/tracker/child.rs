//! This test binary again as another process that records.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use tracker::context::{self, Context};
use tracker::{Outcome, Run};

const TASK: &str = "ASSAY_TEST_TASK";

/// Does nothing in an ordinary test run; [`spawn`] starts it with a task.
#[test]
fn body() {
    let Ok(task) = std::env::var(TASK) else {
        return;
    };
    if task == "refused" {
        println!("refused={}", Run::start(&task, &()).err().unwrap());
        return;
    }
    if task == "cells" {
        context::set(Context {
            toolchain: Some("rustc 1.95.0".into()),
            environment: Some("e5f".into()),
            sources: std::env::var_os("ASSAY_TEST_SOURCES").map(Into::into),
            resolved: std::env::var_os("ASSAY_TEST_RESOLVED").map(Into::into),
            notebook: Some("digits.ipynb".into()),
            device: None,
        });
        context::begin_cell(1, "let x = 1;");
    }
    if task == "uses" {
        context::seed("device", 7);
        context::begin_cell(1, "let x = 1;");
        context::read_file("data/train.csv", 12, "abc");
    }
    let run = Run::start(&task, &()).unwrap();
    match task.as_str() {
        "hang" => {
            (0..100).for_each(|step| run.log("loss", step, 1.0 / f64::from(step + 1)));
            run.flush().unwrap();
            tell(run.uid());
            // Until it is killed, or the parent is gone and closes the pipe.
            let _ = std::io::stdin().read_line(&mut String::new());
        }
        "write" => {
            tell(run.uid());
            for part in [0..2500, 2500..5000] {
                let _ = std::io::stdin().read_line(&mut String::new());
                part.for_each(|step| run.log("loss", step, step));
            }
            run.finish().unwrap();
        }
        "finish" => {
            tell(run.uid());
            let _ = std::io::stdin().read_line(&mut String::new());
            (0..2500).for_each(|step| run.log("loss", step, step));
            assert!(run.finish().is_err());
            println!("refused");
            let _ = std::io::stdin().read_line(&mut String::new());
        }
        "flush" => {
            tell(run.uid());
            let _ = std::io::stdin().read_line(&mut String::new());
            run.log("loss", 0, 1.0);
            assert!(run.flush().is_err());
            println!("refused");
            let _ = std::io::stdin().read_line(&mut String::new());
            run.finish().unwrap();
        }
        "cells" => {
            tell(run.uid());
            context::end_cell(Outcome::Ok, None);
            context::begin_cell(2, "train(x);\nplot();");
            run.finish().unwrap();
            context::end_cell(Outcome::Ok, None);
            context::begin_cell(3, "later");
        }
        "uses" => {
            let first = run.uid().to_owned();
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| (0..1000).for_each(|_| context::unseeded("shuffle")));
                }
            });
            context::answered("name?", "Ada");
            context::answered("name?", "Ada");
            run.finish().unwrap();
            context::seed("split", u64::MAX);
            let second = Run::start("second", &()).unwrap();
            second.flush().unwrap();
            context::read_file("data/test.csv", 3, "def");
            second.flush().unwrap();
            tell(&first);
            // Until it is killed.
            let _ = std::io::stdin().read_line(&mut String::new());
        }
        "burst" => {
            tell(run.uid());
            let _ = std::io::stdin().read_line(&mut String::new());
            for part in 0..10 {
                (part * 1000..(part + 1) * 1000).for_each(|step| run.log("loss", step, step));
                run.flush().unwrap();
                println!("ack {}", (part + 1) * 1000);
            }
            run.finish().unwrap();
        }
        "stream" => {
            tell(run.uid());
            crate::stream::log(&run, &tracker::default_path());
        }
        "exit" => {
            (0..100).for_each(|step| run.log("loss", step, step));
            tell(run.uid());
            std::process::exit(0);
        }
        other => panic!("no task {other}"),
    }
}

fn tell(uid: &str) {
    println!("uid={uid}");
    std::io::stdout().flush().unwrap();
}

/// A recording process.
pub(crate) struct Recorder {
    pub(crate) child: Child,
    /// Kept open: a test that prints to a closed pipe fails.
    pub(crate) out: BufReader<ChildStdout>,
    pub(crate) err: BufReader<ChildStderr>,
    pub(crate) uid: String,
}

/// Starts a process with a task and waits until its run has begun.
pub(crate) fn spawn(task: &str, db: &Path) -> Recorder {
    spawn_by(Command::new(std::env::current_exe().unwrap()), task, db)
}

/// The same by a command that this binary's path and arguments are given to.
pub(crate) fn spawn_by(mut command: Command, task: &str, db: &Path) -> Recorder {
    let mut child = command
        .args(["--exact", "child::body", "--nocapture"])
        .env(TASK, task)
        .env("ASSAY_DB", db)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let err = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("uid=") {
        line.clear();
        assert_ne!(out.read_line(&mut line).unwrap(), 0, "the child ended early");
    }
    let (_, uid) = line.trim().rsplit_once("uid=").unwrap();
    Recorder { uid: uid.to_owned(), child, err, out }
}
