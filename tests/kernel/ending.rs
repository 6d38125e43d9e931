//! The end of the process that runs cells, and what happens in it between cells.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use kernel::client::{ExecuteOptions, Kernel};
use serde_json::Value;

use crate::{ASSAY, check, start};

/// What a query gives, as JSON.
fn sql(folder: &Path, query: &str) -> String {
    let mut command = Command::new(ASSAY);
    let output =
        command.args(["sql", query, "--format", "json"]).env("ASSAY_DB", folder.join("assay.db")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn rows(folder: &Path, query: &str) -> Vec<Value> {
    let text = sql(folder, query);
    match serde_json::from_str(&text).unwrap() {
        Value::Array(rows) => rows,
        other => panic!("{other}"),
    }
}

const LOGS: &str =
    "let run = Run::start(\"left-open\", &(\"lr\", 0.1))?;\nfor i in 0..1000 { run.log(\"loss\", i, f64::from(i)); }";

/// Every value is there, and the run says how it ended.
fn all_is_stored(folder: &Path) {
    let points = rows(folder, "select count(*) as n from points");
    assert_eq!(points[0]["n"], 1000, "{points:?}");
    let runs = rows(folder, "select status, error from runs");
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0]["status"], "finished", "{runs:?}");
    assert!(runs[0]["error"].as_str().unwrap().contains("the session ended"), "{runs:?}");
}

#[tokio::test]
async fn what_was_logged_is_stored_by_a_shutdown() {
    let folder = tempfile::tempdir().unwrap();
    let kernel = start(folder.path()).await;
    assert_eq!(check::execute(&kernel, LOGS).await.error(), None);
    kernel.shutdown().await;
    all_is_stored(folder.path());
}

#[tokio::test]
async fn what_was_logged_is_stored_by_a_restart_of_the_session() {
    let folder = tempfile::tempdir().unwrap();
    let kernel = start(folder.path()).await;
    assert_eq!(check::execute(&kernel, LOGS).await.error(), None);
    assert_eq!(check::execute(&kernel, ":restart").await.error(), None);
    all_is_stored(folder.path());
    assert_eq!(check::execute(&kernel, "1 + 1").await.result(), Some("2"));
    kernel.shutdown().await;
}

#[tokio::test]
async fn what_was_logged_is_stored_when_the_kernel_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let kernel = start(folder.path()).await;
    let pid = check::execute(&kernel, "std::os::unix::process::parent_id()").await.result().unwrap().to_owned();
    assert_eq!(check::execute(&kernel, LOGS).await.error(), None);
    assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
    // The process of the cells ends by itself.
    let began = Instant::now();
    while rows(folder.path(), "select status from runs")[0]["status"] == "running" {
        assert!(began.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    all_is_stored(folder.path());
}

#[tokio::test]
async fn a_cell_that_is_running_is_ended_and_its_run_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let kernel = start(folder.path()).await;
    let code =
        format!("{LOGS}\nprintln!(\"ready\");\nloop {{ std::thread::sleep(std::time::Duration::from_millis(5)); }}");
    let mut execution = kernel.client().execute(&code, ExecuteOptions::default()).unwrap();
    while let Some(event) = execution.next().await.unwrap() {
        if event.content["text"].as_str().is_some_and(|text| text.contains("ready")) {
            break;
        }
    }
    kernel.shutdown().await;
    assert_eq!(rows(folder.path(), "select count(*) as n from points")[0]["n"], 1000);
    assert_ne!(rows(folder.path(), "select status from runs")[0]["status"], "crashed");
}

/// Whether the process is there and no zombie.
fn lives(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(" Z"))
}

#[tokio::test]
async fn programs_that_cells_started_end_with_the_kernel_and_inherit_nothing_of_ours() {
    let folder = tempfile::tempdir().unwrap();
    let kernel = start(folder.path()).await;
    let seen = check::execute(&kernel, "std::process::Command::new(\"sleep\").arg(\"1000\").spawn()?.id()").await;
    let pid = seen.result().unwrap().to_owned();
    assert!(lives(&pid));
    // What the test itself hands down, to `ls` as to the kernel, is not ours.
    let given = Command::new("ls").arg("/proc/self/fd").output().unwrap();
    let list = "String::from_utf8(std::process::Command::new(\"ls\").arg(\"/proc/self/fd\").output()?.stdout)?";
    let seen = check::execute(&kernel, list).await;
    assert_eq!(seen.result(), Some(format!("{:?}", String::from_utf8(given.stdout).unwrap()).as_str()));
    kernel.shutdown().await;
    assert!(!lives(&pid), "the program of the cell is still there");
}

/// Starts a program in a session of its own, as daemons are; its number.
async fn start_daemon(kernel: &Kernel) -> String {
    let code = "std::process::Command::new(\"setsid\").args([\"sleep\", \"1000\"]).spawn()?.id()";
    let pid = check::execute(kernel, code).await.result().unwrap().to_owned();
    // It has left the group once it is what it is to be.
    while std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap() != "sleep\n" {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    pid
}

#[tokio::test]
async fn programs_that_left_the_group_of_the_cells_end_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let kernel = start(folder.path()).await;
    let pid = start_daemon(&kernel).await;
    assert_eq!(check::execute(&kernel, ":restart").await.error(), None);
    assert!(!lives(&pid), "after :restart");

    let pid = start_daemon(&kernel).await;
    let crash = check::execute(&kernel, "std::process::abort()").await;
    assert!(crash.error().is_some());
    assert!(!lives(&pid), "after a crash");

    let pid = start_daemon(&kernel).await;
    assert!(Command::new("kill").args(["-9", &kernel.process_id().to_string()]).status().unwrap().success());
    let began = Instant::now();
    while lives(&pid) {
        assert!(began.elapsed() < Duration::from_secs(30), "after the kernel was killed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let kernel = start(folder.path()).await;
    let pid = start_daemon(&kernel).await;
    kernel.shutdown().await;
    assert!(!lives(&pid), "after a shutdown");
}

#[tokio::test]
async fn what_threads_show_after_their_cell_is_shown_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let kernel = start(folder.path()).await;
    let code = "use std::thread;
let shows = |n: u32| {
    let mut data = serde_json::Map::new();
    data.insert(\"text/plain\".to_owned(), format!(\"late {n}\").into());
    lab::host::display(data, None, false);
};
let threads = [1, 2, 3].map(|n| thread::spawn(move || {
    thread::sleep(std::time::Duration::from_millis(300));
    shows(n);
    // No cell runs: there is no one to ask.
    input(\"?\").is_err()
}));";
    let mut execution = kernel.client().execute(code, ExecuteOptions::default()).unwrap();
    let (_, reply) = execution.finish().await.unwrap();
    assert_eq!(reply["status"], "ok", "{reply}");
    let mut shown = Vec::new();
    while shown.len() < 3 {
        let event = execution.late(Duration::from_secs(30)).await.expect("it is shown while no cell runs");
        if event.msg_type == "display_data" {
            shown.push(event.content["data"]["text/plain"].as_str().unwrap().to_owned());
        }
    }
    shown.sort();
    assert_eq!(shown, ["late 1", "late 2", "late 3"]);
    let seen = check::execute(&kernel, "threads.map(|thread| thread.join().unwrap())").await;
    assert_eq!(seen.result(), Some("[true, true, true]"));
    kernel.shutdown().await;
}

#[tokio::test]
async fn destructors_may_show_panic_and_take_their_time() {
    let folder = tempfile::tempdir().unwrap();
    let kernel = start(folder.path()).await;
    let define = |field: &str, body: &str| {
        format!("struct Noisy({field});\nimpl Drop for Noisy {{ fn drop(&mut self) {{ {body} }} }}")
    };
    let shows = "lab::host::display(Default::default(), None, false); println!(\"dropped\");";
    check::execute(&kernel, "let kept = 7;").await;
    check::execute(&kernel, &define("u8", shows)).await;
    check::execute(&kernel, "let a = Noisy(1);").await;
    // The type is another one now: its value is dropped, which shows something.
    let seen = check::execute(&kernel, &define("u16", "panic!(\"from the destructor\")")).await;
    assert_eq!(seen.error(), None);
    assert_eq!(check::execute(&kernel, "kept").await.result(), Some("7"));
    check::execute(&kernel, "let b = Noisy(1);").await;
    let seen = check::execute(&kernel, &define("u32", "")).await;
    assert!(seen.stderr().contains("the destructor of `b` panicked: from the destructor"), "{seen:?}");
    assert_eq!(check::execute(&kernel, "kept + 1").await.result(), Some("8"));
    kernel.shutdown().await;
}

#[tokio::test]
async fn a_process_that_forked_and_died_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let kernel = start(folder.path()).await;
    let code = "unsafe extern \"C\" { fn fork() -> i32; }\nif unsafe { fork() } == 0 { std::thread::sleep(std::time::Duration::from_secs(600)); }\nstd::process::abort();";
    let seen = tokio::time::timeout(Duration::from_secs(60), check::execute(&kernel, code)).await.unwrap();
    assert!(seen.error().is_some_and(|error| error.contains("SIGABRT")), "{seen:?}");
    assert_eq!(check::execute(&kernel, "2 + 2").await.result(), Some("4"));
    kernel.shutdown().await;
}

/// Runs a cell and presses the button once it says that it is ready.
async fn stop(kernel: &Kernel, code: &str) {
    let mut execution = kernel.client().execute(code, ExecuteOptions::default()).unwrap();
    while let Some(event) = execution.next().await.unwrap() {
        if event.content["text"].as_str().is_some_and(|text| text.contains("ready")) {
            kernel.client().interrupt().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_run_that_the_button_drops_is_stopped_and_one_that_it_leaves_goes_on() {
    const TRAIN: &str = "fn train() -> Result<(), Box<dyn std::error::Error>> { let run = Run::start(\"dropped\", &1)?;\n\
        run.log(\"loss\", 0, 1.0); println!(\"ready\"); loop { std::thread::sleep(std::time::Duration::from_millis(5)); } }";
    const KEPT: &str = "let run = Run::start(\"kept\", &1)?;\nprintln!(\"ready\");\nloop { run.log(\"loss\", 0, 1.0); \
        std::thread::sleep(std::time::Duration::from_millis(5)); }";
    let folder = tempfile::tempdir().unwrap();
    let kernel = start(folder.path()).await;
    assert_eq!(check::execute(&kernel, TRAIN).await.error(), None);
    stop(&kernel, "train()?;").await;
    stop(&kernel, KEPT).await;
    let runs = rows(folder.path(), "select name, status, error from runs order by started_ms");
    assert_eq!((&runs[0]["status"], &runs[0]["error"]), (&"stopped".into(), &Value::Null), "{runs:?}");
    assert_eq!(runs[1]["status"], "running", "{runs:?}");
    let cells =
        rows(folder.path(), "select outcome, line from cells where run = (select run from runs where name = 'kept')");
    let ends: Vec<_> = cells.iter().map(|cell| (cell["outcome"].clone(), cell["line"].clone())).collect();
    let stopped = |line: i32| ("interrupted".into(), line.into());
    assert_eq!(ends, [("ok".into(), 0.into()), stopped(1), stopped(3)]);
    // Nothing follows: that was its end.
    kernel.shutdown().await;
    let runs = rows(folder.path(), "select status from runs where name = 'kept'");
    assert_eq!(runs[0]["status"], "stopped", "{runs:?}");
}

#[tokio::test]
async fn a_new_process_records_what_ran_in_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let kernel = start(folder.path()).await;
    let cells = [
        "fn two() -> i32 { 2 }",
        "let a = two();",
        "std::process::abort();",
        "Err::<(), _>(std::io::Error::other(\"no\"))?;",
    ];
    for cell in cells {
        check::execute(&kernel, cell).await;
    }
    assert_eq!(check::execute(&kernel, "Run::start(\"r\", &two())?.finish()?;").await.error(), None);
    kernel.shutdown().await;
    let cells = rows(folder.path(), "select outcome, is_earlier, message from cells order by position");
    let cells: Vec<_> = cells.iter().map(|cell| (cell["outcome"].as_str(), cell["is_earlier"].as_i64())).collect();
    let before = [(Some("ok"), Some(1)), (Some("ok"), Some(1)), (None, Some(1))];
    assert_eq!(cells, [before.as_slice(), &[(Some("error"), Some(0)), (Some("ok"), Some(0))]].concat());
}

#[tokio::test]
async fn what_the_person_answered_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let kernel = start(folder.path()).await;
    let code = "let run = Run::start(\"r\", &input(\"rate? \")?)?; run.finish()?;";
    let options = ExecuteOptions { allow_stdin: true, ..ExecuteOptions::default() };
    let mut execution = kernel.client().execute(code, options).unwrap();
    while let Some(event) = execution.next().await.unwrap() {
        if event.msg_type == "input_request" {
            kernel.client().answer_input("0.1").unwrap();
        }
    }
    kernel.shutdown().await;
    let uses = rows(folder.path(), "select kind, name, value, cell from uses");
    assert_eq!(uses, [serde_json::json!({"kind": "answer", "name": "rate? ", "value": "0.1", "cell": 0})]);
}
