//! `assay run`: executes a notebook without a front end.

mod display;
mod new_runs;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use kernel::client::Launch;
use kernel::notebook::{self, CellFailure, Options};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use self::display::Display;
use self::new_runs::NewRuns;

/// How long a run that is terminated may take to end.
const TERMINATION: Duration = Duration::from_secs(5);
/// The exit code then, as shells have it.
const TERMINATED: i32 = 143;

/// Execute a notebook from top to bottom, without Jupyter
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  assay run notebooks/01-digits.ipynb
  assay run notebooks/01-digits.ipynb --param epochs=20 --param lr=0.01
  assay run report.ipynb --output report.executed.ipynb --db experiments.db

Parameters replace values as in papermill: a cell tagged `parameters` holds them as
`let epochs = 10;`, and a new cell after it holds the values given here.

The executed notebook is written after each cell, also when a cell fails or the run is ended;
its outputs show how far it came. Ctrl-C interrupts the running cell; pressed again, it ends
the kernel at once. SIGTERM interrupts it too and ends after at most 5 seconds.

Exit codes: 0 when every cell succeeded, 1 when a cell failed or the notebook could not be run,
2 when the arguments are wrong, 130 after a second Ctrl-C, 143 after SIGTERM.")]
pub(crate) struct Args {
    /// The notebook; its cells run in its folder
    #[arg(value_name = "NOTEBOOK")]
    notebook: PathBuf,

    /// A value for the cell tagged `parameters`; may be repeated
    #[arg(long = "param", short = 'p', value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,

    /// Where the executed notebook goes [default: out/NOTEBOOK in the working folder]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// The database of runs [default: assay.db in the working folder]
    #[arg(long, value_name = "FILE", env = "ASSAY_DB", hide_env_values = true)]
    db: Option<PathBuf>,
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let database = std::path::absolute(args.db.filter(|db| !db.as_os_str().is_empty()).unwrap_or("assay.db".into()))?;
    let output = match args.output {
        Some(output) => output,
        None => default_output(&args.notebook)?,
    };
    notebook::check(&args.notebook, &args.parameters)?;
    // Here, where it can be watched, rather than inside the first cell.
    crate::env::build()?;
    let earlier = NewRuns::before(&database)?;
    let mut kernel = Launch::assay()?;
    kernel.envs.push(("ASSAY_DB".into(), database.clone().into()));
    // As Jupyter's server does: runs record which notebook they belong to.
    kernel.envs.push(("JPY_SESSION_NAME".into(), std::path::absolute(&args.notebook)?.into()));
    let interrupt = Arc::new(Notify::new());
    let options = Options { parameters: args.parameters, output: output.clone(), kernel, interrupt: interrupt.clone() };

    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let mut display = Display::new();
    let ended = Arc::new(AtomicBool::new(false));
    let report = runtime.block_on(async {
        tokio::spawn(terminations(interrupt.clone(), ended.clone()));
        let interrupts = tokio::spawn(interrupts(interrupt));
        let report = notebook::run(&args.notebook, options, &mut |progress| display.show(progress)).await;
        interrupts.abort();
        report
    });
    display.end();
    if ended.load(Ordering::Relaxed) {
        display::print_line(&format!("ended by a signal; the notebook up to here is in {}", output.display()))?;
        std::process::exit(TERMINATED);
    }
    let report = report?;
    match report.failure {
        Some(failure) => {
            display::print_failure(&failure)?;
            display::print_line(&format!("the notebook up to this cell is in {}", output.display()))?;
            Err(failed(&failure, report.total))
        }
        None => {
            display::print_line(&format!(
                "executed {} cells; the notebook is in {}",
                report.executed,
                output.display()
            ))?;
            earlier.compare(&database)
        }
    }
}

fn failed(failure: &CellFailure, total: usize) -> anyhow::Error {
    anyhow::anyhow!("cell {} of {total} failed", failure.number)
}

/// Has the running cell interrupted by SIGTERM, after which the run ends as after a cell that fails; not for ever.
async fn terminations(interrupt: Arc<Notify>, ended: Arc<AtomicBool>) {
    let Ok(mut signals) = signal(SignalKind::terminate()) else { return };
    if signals.recv().await.is_some() {
        ended.store(true, Ordering::Relaxed);
        interrupt.notify_one();
        tokio::time::sleep(TERMINATION).await;
        // What was executed before the running cell is written.
        std::process::exit(TERMINATED);
    }
}

/// Passes the first Ctrl-C on to the running cell; a second one means it.
async fn interrupts(interrupt: Arc<Notify>) {
    let mut pressed = false;
    while tokio::signal::ctrl_c().await.is_ok() {
        if pressed {
            // The kernel sees that its parent is gone, and ends.
            std::process::exit(130);
        }
        pressed = true;
        interrupt.notify_one();
    }
}

fn default_output(notebook: &Path) -> anyhow::Result<PathBuf> {
    let Some(name) = notebook.file_name() else { bail!("{} is not a file", notebook.display()) };
    let mut output = PathBuf::from("out").join(name);
    output.set_extension("ipynb");
    if output.exists() && notebook.exists() && output.canonicalize()? == notebook.canonicalize()? {
        bail!("{} would be overwritten by its own result; name another file with --output", notebook.display());
    }
    Ok(output)
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("it must be NAME=VALUE".to_owned()),
    }
}
