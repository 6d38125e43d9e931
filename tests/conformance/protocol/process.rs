//! The kernel as a process: what starts, interrupts and ends it, and what it leaves behind.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kernel::client::{ClientError, ExecuteOptions, Kernel, Launch};
use kernel::kernelspec::{self, Place};

use crate::jupyter;

/// The echo example, which cargo builds with the tests, beside them.
pub(crate) fn echo_program() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let program = own.parent().and_then(Path::parent).unwrap().join("examples").join("echo");
    assert!(program.exists(), "{} is missing; `cargo build -p kernel --examples` makes it", program.display());
    program
}

pub(crate) fn launch() -> Launch {
    let program = echo_program().into_os_string();
    Launch::new([program, "kernel".into(), "--connection-file".into(), "{connection_file}".into()])
}

fn is_running(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:") && !line.contains('Z'))
}

fn connection_folder(pid: u32) -> PathBuf {
    let command = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap();
    let file = command.split('\0').find(|argument| argument.ends_with("connection.json")).unwrap();
    PathBuf::from(file).parent().unwrap().to_owned()
}

fn signal(pid: u32, name: &str) {
    let sent = std::process::Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().unwrap();
    assert!(sent.success());
}

async fn wait_until_gone(pid: u32) {
    let started = Instant::now();
    while is_running(pid) {
        assert!(started.elapsed() < Duration::from_secs(10), "process {pid} is still there");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn executed(kernel: &Kernel, code: &str) -> serde_json::Value {
    kernel.client().execute(code, ExecuteOptions::default()).unwrap().finish().await.unwrap().1
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_leaves_no_process_and_no_file() {
    let kernel = launch().start().await.unwrap();
    let pid = kernel.process_id();
    let folder = connection_folder(pid);
    assert!(folder.exists());
    assert_eq!(executed(&kernel, "x").await["status"], "ok");
    kernel.shutdown().await;
    assert!(!is_running(pid) && !folder.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kernel_that_is_dropped_in_mid_cell_is_gone_too() {
    let kernel = launch().start().await.unwrap();
    let pid = kernel.process_id();
    let folder = connection_folder(pid);
    let mut execution = kernel.client().execute(":sleep", ExecuteOptions::default()).unwrap();
    execution.next().await.unwrap();
    drop(kernel);
    assert!(!is_running(pid) && !folder.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn sigint_interrupts_the_cell_and_sigterm_ends_the_kernel() {
    let kernel = launch().start().await.unwrap();
    let pid = kernel.process_id();
    let mut execution = kernel.client().execute(":sleep", ExecuteOptions::default()).unwrap();
    execution.next().await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    signal(pid, "INT");
    assert_eq!(execution.finish().await.unwrap().1["ename"], "Interrupted");
    assert_eq!(executed(&kernel, "still here").await["status"], "ok");
    signal(pid, "TERM");
    wait_until_gone(pid).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kernel_whose_parent_died_ends() {
    // The shell starts the kernel, says its process id and dies.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("connection.json");
    std::fs::write(&file, serde_json::to_string(&crate::server::connection_info()).unwrap()).unwrap();
    let script = format!(
        "JPY_PARENT_PID=$$ {} --connection-file {} >/dev/null 2>&1 & echo $!; sleep 1",
        echo_program().display(),
        file.display()
    );
    let said = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    let pid: u32 = String::from_utf8(said.stdout).unwrap().trim().parse().unwrap();
    wait_until_gone(pid).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kernel_that_dies_is_an_error_with_its_last_words() {
    let kernel = launch().start().await.unwrap();
    let mut execution = kernel.client().execute(":exit", ExecuteOptions::default()).unwrap();
    assert!(matches!(execution.finish().await, Err(ClientError::KernelGone { .. })));

    let error = Launch::new(["sh", "-c", "echo no good >&2; exit 1"]).start().await.unwrap_err();
    assert!(error.to_string().contains("no good"), "{error}");
    let error = Launch::new(["/nowhere/at/all"]).start().await.unwrap_err();
    assert!(matches!(error, ClientError::Start { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kernel_that_never_answers_is_given_up() {
    let mut launch = Launch::new(["sleep", "60"]);
    launch.patience = Duration::from_millis(500);
    assert!(matches!(launch.start().await, Err(ClientError::NotReady { .. })));
}

/// The same protocol loop as seen by libzmq and Jupyter's own client.
#[test]
fn jupyter_kernel_test_passes_on_echo() {
    let prefix = tempfile::tempdir().unwrap();
    kernelspec::install(&Place::Prefix(prefix.path().to_owned()), "echo", &echo_program()).unwrap();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/conformance/test_echo.py");
    jupyter::pytest(&file.canonicalize().unwrap(), prefix.path(), &[], 13);
}
