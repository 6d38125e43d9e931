//! Executes a notebook cell by cell through a kernel, and writes it with what its cells showed.

use std::collections::VecDeque;
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
    /// Where the executed notebook goes, after each cell.
    pub output: PathBuf,
    /// The kernel; its working folder is the notebook's where none is given, as in nbclient.
    pub kernel: Launch,
    /// Interrupts the running cell, which fails then.
    pub interrupt: Arc<Notify>,
    /// What questions of cells are answered with, in order; one more than there are is given up.
    pub answers: Vec<String>,
    /// Ends the run at once: the cell fails, what was executed is written, and the kernel is ended.
    pub end: Arc<Notify>,
}

/// A notebook that was read and whose parameters fit, with nothing executed.
#[derive(Debug)]
pub struct Prepared {
    path: PathBuf,
    document: Document,
}

impl Prepared {
    /// A notebook that was made and not read; its cells run in the folder of `path`.
    pub fn new(path: PathBuf, document: Document) -> Self {
        Self { path, document }
    }

    /// Reads the notebook at `path` and puts `parameters`, by name, after its cell tagged `parameters`.
    ///
    /// # Errors
    /// When the file is no notebook, or a parameter does not fit.
    pub fn read(path: &Path, parameters: &[(String, String)]) -> Result<Self, RunError> {
        let mut document = Document::read(path)?;
        parameters::inject(&mut document, parameters)?;
        document.clear_outputs();
        Ok(Self { path: path.to_owned(), document })
    }
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
    /// Whether it was ended from outside.
    pub ended: bool,
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

/// Runs a notebook. It is written after each cell, whatever the cell did; a cell that fails is in the report.
///
/// # Errors
/// When the kernel does not start, or the executed notebook can't be written.
pub async fn run(
    prepared: Prepared,
    options: Options,
    progress: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Result<Report, RunError> {
    let Prepared { path, document } = prepared;
    // Before anything runs for hours: whether the result can be kept.
    document.write(&options.output)?;
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
    let Options { output, interrupt, end, answers, .. } = options;
    let answers = answers.into();
    let mut run = Run { document, outputs: Outputs::default(), kernel, interrupt, end, answers, past: Vec::new() };
    let info = run.kernel.info()["language_info"].clone();
    run.document.metadata_mut().insert("language_info".to_owned(), info);
    let mut report = Report { total: cells.len(), executed: 0, failure: None, ended: false };
    let mut written = Ok(());
    for (at, cell) in cells.into_iter().enumerate() {
        let position = Position { cell, number: at + 1, total: report.total };
        report.executed += 1;
        (report.failure, report.ended) = run.cell(position, progress).await;
        written = run.document.write(&output);
        if report.failure.is_some() || written.is_err() {
            break;
        }
    }
    if !report.ended {
        run.collect_late().await;
        // Written first: a kernel that is slow to end must not hold the result.
        written = written.and_then(|()| run.document.write(&output));
    }
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
    end: Arc<Notify>,
    answers: VecDeque<String>,
    /// Executions that have ended, whose threads may still print.
    past: Vec<(usize, Execution)>,
}

impl Run {
    async fn cell(
        &mut self,
        position: Position,
        progress: &mut (dyn FnMut(Progress<'_>) + Send),
    ) -> (Option<CellFailure>, bool) {
        let Position { cell, number, total } = position;
        let source = self.document.source(cell);
        progress(Progress::CellStarted { number, total, source: &source });
        let started = Instant::now();
        let may_fail = self.document.has_tag(cell, "raises-exception");
        let outcome = self.execute(cell, &source, may_fail, progress).await;
        outputs::finish(&mut self.document, cell);
        let (failure, ended) = match outcome {
            Ok(Some(reply)) if reply["status"] == "ok" || may_fail => (None, false),
            Ok(Some(reply)) => (Some(reply), false),
            Ok(None) => (Some(self.show_error(cell, "Ended", "the run was ended by a signal".to_owned())), true),
            Err(error) => {
                let reason = self.kernel.explain(error).to_string();
                (Some(self.show_error(cell, "KernelDied", reason)), false)
            }
        };
        let elapsed = started.elapsed();
        let failed = failure.is_some();
        progress(Progress::CellFinished { number, total, source: &source, elapsed, failed });
        (failure.map(|reply| cell_failure(number, source, &reply)), ended)
    }

    /// Executes a cell to its reply; `None` when the run is to end.
    async fn execute(
        &mut self,
        cell: usize,
        source: &str,
        may_fail: bool,
        progress: &mut (dyn FnMut(Progress<'_>) + Send),
    ) -> Result<Option<Value>, ClientError> {
        let options = ExecuteOptions {
            cell_id: self.document.cells()[cell]["id"].as_str().map(str::to_owned),
            stop_on_error: !may_fail,
            allow_stdin: !self.answers.is_empty(),
            ..ExecuteOptions::default()
        };
        let mut execution = self.kernel.client().execute(source, options)?;
        let (interrupt, end) = (self.interrupt.clone(), self.end.clone());
        let mut line = String::new();
        loop {
            let event = tokio::select! {
                event = execution.next() => event?,
                () = interrupt.notified() => {
                    self.kernel.client().interrupt().await?;
                    continue;
                }
                () = end.notified() => return Ok(None),
            };
            let Some(event) = event else { break };
            if event.msg_type == "input_request" {
                match self.answers.pop_front() {
                    Some(answer) => self.kernel.client().answer_input(&answer)?,
                    None => self.kernel.client().interrupt().await?,
                }
                continue;
            }
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
        Ok(Some(reply))
    }

    fn take(&mut self, cell: usize, event: &Event) {
        if event.msg_type == "execute_input" {
            self.document.cells_mut()[cell]["execution_count"] = event.content["execution_count"].clone();
        } else {
            self.outputs.apply(&mut self.document, cell, event);
        }
    }

    /// What ended the cell from outside stands under it as its error.
    fn show_error(&mut self, cell: usize, name: &str, reason: String) -> Value {
        let content = json!({ "ename": name, "evalue": reason, "traceback": [reason] });
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
