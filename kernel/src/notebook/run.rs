//! Executes a notebook cell by cell through a kernel, and writes it with what its cells showed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::Notify;

use super::document::{Document, DocumentError};
use super::outputs::{self, Outputs};
use super::parameters::{self, ParameterError};
use crate::client::{ClientError, Event, ExecuteOptions, Execution, Kernel, Launch};

/// What threads print after the last cell is waited for this long.
const LATE: Duration = Duration::from_millis(50);

/// How a notebook is run.
#[derive(Debug)]
pub struct Options {
    /// Names and values for the cell tagged `parameters`.
    pub parameters: Vec<(String, String)>,
    /// Where the executed notebook goes.
    pub output: PathBuf,
    /// The kernel; its working folder is the notebook's where none is given, as in nbclient.
    pub kernel: Launch,
    /// Interrupts the running cell, which fails then.
    pub interrupt: Arc<Notify>,
}

/// What happens, as it happens. Cells are numbered from 1 among those that are executed.
#[derive(Debug)]
pub enum Progress<'a> {
    Starting {
        total: usize,
    },
    CellStarted {
        number: usize,
        total: usize,
        source: &'a str,
    },
    /// The last line that the cell printed, which may still grow.
    Printed {
        line: &'a str,
    },
    CellFinished {
        number: usize,
        total: usize,
        source: &'a str,
        elapsed: Duration,
        failed: bool,
    },
}

/// A notebook that was run, to its end or to its first failing cell.
#[derive(Debug)]
pub struct Report {
    pub total: usize,
    pub executed: usize,
    pub failure: Option<CellFailure>,
}

/// The cell that ended the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellFailure {
    pub number: usize,
    pub source: String,
    pub ename: String,
    pub evalue: String,
    /// May hold ANSI colours.
    pub traceback: Vec<String>,
}

/// Why a notebook could not be run at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// Whether the notebook at `path` can be read and takes these parameters: at once, before anything is built.
pub fn check(path: &Path, parameters: &[(String, String)]) -> Result<(), RunError> {
    let mut document = Document::read(path)?;
    parameters::inject(&mut document, parameters)?;
    Ok(())
}

/// Runs the notebook at `path`. The executed notebook is written whatever its cells did; a cell that fails
/// is in the report.
pub async fn run(
    path: &Path,
    options: Options,
    progress: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Result<Report, RunError> {
    let mut document = Document::read(path)?;
    parameters::inject(&mut document, &options.parameters)?;
    document.clear_outputs();
    let cells: Vec<usize> = (0..document.cells().len())
        .filter(|cell| document.is_code(*cell) && !document.has_tag(*cell, "skip-execution"))
        .filter(|cell| !document.source(*cell).trim().is_empty())
        .collect();
    progress(Progress::Starting { total: cells.len() });

    let mut launch = options.kernel;
    if launch.directory.is_none() {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        launch.directory = folder.map(Path::to_owned);
    }
    let kernel = launch.start().await?;
    document.metadata_mut().insert("language_info".to_owned(), kernel.info()["language_info"].clone());
    let mut run = Run { document, outputs: Outputs::default(), kernel, interrupt: options.interrupt, past: Vec::new() };
    let mut report = Report { total: cells.len(), executed: 0, failure: None };
    for (at, cell) in cells.into_iter().enumerate() {
        let position = Position { cell, number: at + 1, total: report.total };
        report.executed += 1;
        report.failure = run.cell(position, progress).await;
        // Whatever ends us later, what was computed so far is there.
        run.document.write(&options.output)?;
        if report.failure.is_some() {
            break;
        }
    }
    run.collect_late().await;
    // Written first: a kernel that is slow to end must not hold the result.
    let written = run.document.write(&options.output);
    run.kernel.shutdown().await;
    written?;
    Ok(report)
}

#[derive(Clone, Copy)]
struct Position {
    cell: usize,
    number: usize,
    total: usize,
}

struct Run {
    document: Document,
    outputs: Outputs,
    kernel: Kernel,
    interrupt: Arc<Notify>,
    /// Executions that have ended, whose threads may still print.
    past: Vec<(usize, Execution)>,
}

impl Run {
    async fn cell(
        &mut self,
        position: Position,
        progress: &mut (dyn FnMut(Progress<'_>) + Send),
    ) -> Option<CellFailure> {
        let Position { cell, number, total } = position;
        let source = self.document.source(cell);
        progress(Progress::CellStarted { number, total, source: &source });
        let started = Instant::now();
        let may_fail = self.document.has_tag(cell, "raises-exception");
        let outcome = self.execute(cell, &source, may_fail, progress).await;
        outputs::finish(&mut self.document, cell);
        let failure = match outcome {
            Ok(reply) if reply["status"] == "ok" || may_fail => None,
            Ok(reply) => Some(reply),
            Err(error) => Some(self.kernel_failed(cell, error)),
        };
        let elapsed = started.elapsed();
        let failed = failure.is_some();
        progress(Progress::CellFinished { number, total, source: &source, elapsed, failed });
        failure.map(|reply| cell_failure(number, source, &reply))
    }

    async fn execute(
        &mut self,
        cell: usize,
        source: &str,
        may_fail: bool,
        progress: &mut (dyn FnMut(Progress<'_>) + Send),
    ) -> Result<Value, ClientError> {
        let options = ExecuteOptions {
            cell_id: self.document.cells()[cell]["id"].as_str().map(str::to_owned),
            stop_on_error: !may_fail,
            ..ExecuteOptions::default()
        };
        let mut execution = self.kernel.client().execute(source, options)?;
        let interrupt = self.interrupt.clone();
        let mut line = String::new();
        loop {
            let event = tokio::select! {
                event = execution.next() => event?,
                () = interrupt.notified() => {
                    self.kernel.client().interrupt().await?;
                    continue;
                }
            };
            let Some(event) = event else { break };
            self.take(cell, &event);
            if event.msg_type == "stream" {
                follow(&mut line, event.content["text"].as_str().unwrap_or_default());
                progress(Progress::Printed { line: &line });
            }
        }
        let reply = execution.reply().cloned().unwrap_or_default();
        if let Some(count) = reply.get("execution_count").filter(|count| count.is_number()) {
            self.document.cells_mut()[cell]["execution_count"] = count.clone();
        }
        self.past.push((cell, execution));
        Ok(reply)
    }

    fn take(&mut self, cell: usize, event: &Event) {
        if event.msg_type == "execute_input" {
            self.document.cells_mut()[cell]["execution_count"] = event.content["execution_count"].clone();
        } else {
            self.outputs.apply(&mut self.document, cell, event);
        }
    }

    /// The kernel itself ended: the cell shows that as its error.
    fn kernel_failed(&mut self, cell: usize, error: ClientError) -> Value {
        let reason = self.kernel.explain(error).to_string();
        let content = json!({ "ename": "KernelDied", "evalue": reason, "traceback": [reason] });
        let event = Event { msg_type: "error".to_owned(), content: content.clone() };
        self.outputs.apply(&mut self.document, cell, &event);
        content
    }

    async fn collect_late(&mut self) {
        let mut patience = LATE;
        for (cell, mut execution) in std::mem::take(&mut self.past) {
            while let Some(event) = execution.late(patience).await {
                self.take(cell, &event);
            }
            outputs::finish(&mut self.document, cell);
            patience = Duration::ZERO;
        }
    }
}

fn cell_failure(number: usize, source: String, reply: &Value) -> CellFailure {
    let text = |field: &str| reply[field].as_str().unwrap_or_default().to_owned();
    let traceback = reply["traceback"].as_array().into_iter().flatten();
    CellFailure {
        number,
        source,
        ename: text("ename"),
        evalue: text("evalue"),
        traceback: traceback.filter_map(Value::as_str).map(str::to_owned).collect(),
    }
}

/// Keeps the last line that is not empty, as a terminal would show it: what follows a `\r` replaces it.
fn follow(line: &mut String, text: &str) {
    for piece in text.split_inclusive(['\n', '\r']) {
        if line.ends_with(['\n', '\r']) {
            line.clear();
        }
        line.push_str(piece);
    }
    // A line without an end must not grow for ever.
    if line.len() > 4096 {
        let cut = line.ceil_char_boundary(line.len() - 4096);
        line.drain(..cut);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_followed_across_pieces() {
        let mut line = String::new();
        for (text, expected) in
            [("a\nb", "b"), ("c", "bc"), ("\r10%", "10%"), ("\r20%\r30%", "30%"), ("\n", "30%\n"), ("new", "new")]
        {
            follow(&mut line, text);
            assert_eq!(line, expected);
        }
    }
}
