//! Notebooks executed against the echo kernel.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kernel::notebook::{Document, Options, Prepared, Progress, Report, RunError, run};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::process::launch;

fn code(source: &str, tags: &[&str]) -> Value {
    json!({
        "cell_type": "code", "execution_count": 9, "id": "c", "metadata": { "tags": tags },
        "outputs": [{ "name": "stdout", "output_type": "stream", "text": ["stale"] }],
        "source": source.split_inclusive('\n').collect::<Vec<_>>(),
    })
}

fn text(source: &str) -> Value {
    json!({ "cell_type": "markdown", "id": "m", "metadata": {}, "source": [source] })
}

/// Runs cells in a folder of their own.
async fn executed(
    folder: &Path,
    cells: Vec<Value>,
    change: impl FnOnce(&mut Options),
) -> (Result<Report, RunError>, Vec<String>) {
    executed_with(folder, cells, &[], change).await
}

/// The same with parameters.
async fn executed_with(
    folder: &Path,
    cells: Vec<Value>,
    parameters: &[(&str, &str)],
    change: impl FnOnce(&mut Options),
) -> (Result<Report, RunError>, Vec<String>) {
    let path = folder.join("in.ipynb");
    let root = json!({ "cells": cells, "metadata": { "mine": 1 }, "nbformat": 4, "nbformat_minor": 5 });
    Document::from_value(root).unwrap().write(&path).unwrap();
    let mut options = Options {
        output: folder.join("out.ipynb"),
        kernel: launch(),
        answers: Vec::new(),
        interrupt: Arc::new(Notify::new()),
        end: Arc::new(Notify::new()),
    };
    change(&mut options);
    let mut seen = Vec::new();
    let parameters: Vec<_> = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let prepared = match Prepared::read(&path, &parameters) {
        Ok(prepared) => prepared,
        Err(error) => return (Err(error), seen),
    };
    let report = run(prepared, options, &mut |progress| {
        seen.push(match progress {
            Progress::Starting { total } => format!("{total} cells"),
            Progress::CellStarted { number, total, .. } => format!("{number}/{total}"),
            Progress::Printed { line } => line.trim_end().to_owned(),
            Progress::CellFinished { failed, .. } => if failed { "failed" } else { "done" }.to_owned(),
        });
    })
    .await;
    (report, seen)
}

fn outputs(folder: &Path) -> Vec<Value> {
    let document = Document::read(&folder.join("out.ipynb")).unwrap();
    document.cells().iter().filter(|cell| cell["cell_type"] == "code").map(|cell| cell["outputs"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notebook_is_executed_in_its_folder_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let cells =
        vec![text("# Title"), code(":stdout a\n:print b", &[]), code("", &[]), code("value", &[]), code(":pwd", &[])];
    let (report, seen) = executed(folder.path(), cells, |_| {}).await;
    let report = report.unwrap();
    assert_eq!((report.executed, report.total, report.failure), (3, 3, None));
    assert_eq!(seen[..4], ["3 cells", "1/3", "b", "done"]);
    let outputs = outputs(folder.path());
    assert_eq!(outputs[0], json!([{ "name": "stdout", "output_type": "stream", "text": ["a\n", "b"] }]));
    assert_eq!(outputs[1], json!([]), "a stale output is removed");
    assert_eq!(
        outputs[2],
        json!([{ "data": { "text/plain": ["value"] }, "execution_count": 2, "metadata": {}, "output_type": "execute_result" }])
    );
    let here = folder.path().canonicalize().unwrap();
    assert_eq!(outputs[3][0]["text"], json!([here.to_str().unwrap()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_failing_cell_ends_the_run_and_its_outputs_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let cells = vec![code("one", &[]), code(":stdout so far\n:error Odd reason", &[]), code("never", &[])];
    let (report, _) = executed(folder.path(), cells, |_| {}).await;
    let report = report.unwrap();
    let failure = report.failure.unwrap();
    assert_eq!((failure.number, failure.ename.as_str(), failure.evalue.as_str()), (2, "Odd", "reason"));
    let outputs = outputs(folder.path());
    assert_eq!(outputs[1][0]["text"], json!(["so far\n"]));
    assert_eq!(outputs[1][1]["output_type"], "error");
    assert_eq!(outputs[2], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_allow_an_error_and_skip_a_cell() {
    let folder = tempfile::tempdir().unwrap();
    let cells =
        vec![code(":error A b", &["raises-exception"]), code(":error C d", &["skip-execution"]), code("end", &[])];
    let (report, _) = executed(folder.path(), cells, |_| {}).await;
    assert_eq!(report.unwrap().failure, None);
    assert_eq!(outputs(folder.path())[2][0]["data"]["text/plain"], json!(["end"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_shadow_and_the_environment_reaches_the_cells() {
    let folder = tempfile::tempdir().unwrap();
    let cells = vec![code("let epochs = 10;", &["parameters"]), code(":env ASSAY_DB", &[])];
    let (report, _) = executed_with(folder.path(), cells, &[("epochs", "3")], |options| {
        options.kernel.envs.push(("ASSAY_DB".into(), "/some/where.db".into()));
    })
    .await;
    assert_eq!(report.unwrap().total, 3);
    let outputs = outputs(folder.path());
    assert_eq!(outputs[1][0]["data"]["text/plain"], json!(["// Parameters\n", "let epochs = 3;"]));
    assert_eq!(outputs[2][0]["text"], json!(["/some/where.db"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_parameter_stops_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let cells = vec![code("let a = 1;", &["parameters"])];
    let (report, seen) = executed_with(folder.path(), cells, &[("b", "3")], |_| {}).await;
    assert!(matches!(report, Err(RunError::Parameter(_))));
    assert!(seen.is_empty() && !folder.path().join("out.ipynb").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_fails_the_cell_and_the_notebook_is_still_written() {
    let folder = tempfile::tempdir().unwrap();
    let interrupt = Arc::new(Notify::new());
    let presser = interrupt.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(2)).await;
        presser.notify_one();
    });
    let (report, _) =
        executed(folder.path(), vec![code(":stdout x\n:sleep", &[])], |options| options.interrupt = interrupt).await;
    assert_eq!(report.unwrap().failure.unwrap().ename, "Interrupted");
    assert_eq!(outputs(folder.path())[0][1]["ename"], "Interrupted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kernel_that_dies_fails_its_cell_and_the_notebook_is_still_written() {
    let folder = tempfile::tempdir().unwrap();
    let (report, _) = executed(folder.path(), vec![code(":stdout x\n:wait 300\n:exit", &[])], |_| {}).await;
    assert_eq!(report.unwrap().failure.unwrap().ename, "KernelDied");
    assert_eq!(outputs(folder.path())[0][0]["text"], json!(["x\n"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn displays_are_updated_across_cells_and_late_text_goes_under_its_cell() {
    let folder = tempfile::tempdir().unwrap();
    let cells = vec![code(":show id one\n:late 100 tardy", &[]), code(":update id two\n:wait 300", &[])];
    let (report, _) = executed(folder.path(), cells, |_| {}).await;
    report.unwrap();
    let outputs = outputs(folder.path());
    assert_eq!(outputs[0][0]["data"]["text/plain"], json!(["two"]));
    assert_eq!(outputs[0][1]["text"], json!(["tardy\n"]));
    assert_eq!(outputs[1], json!([]));
}
