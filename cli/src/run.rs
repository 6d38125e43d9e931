//! `assay run`: executes a notebook without a front end.

pub(crate) mod display;
mod new_runs;
pub(crate) mod signals;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use kernel::client::Launch;
use kernel::notebook::{self, CellFailure, Options, Prepared};

use self::display::Display;
use self::new_runs::NewRuns;
use self::signals::Signals;

/// Execute a notebook from top to bottom, without Jupyter
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  assay run notebooks/01-digits.ipynb
  assay run notebooks/01-digits.ipynb --param epochs=20 --param lr=0.01
  assay run report.ipynb --output report.executed.ipynb --db experiments.db

Parameters replace values as in papermill: a cell tagged `parameters` holds them as
`let epochs = 10;`, and a new cell after it holds the values given here.

The executed notebook is written even when a cell fails; its outputs show how far it came.
It is written after each cell, and when the run is ended by a signal.
Ctrl-C interrupts the running cell; pressed again, or with SIGTERM, it ends the run.

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
    // Before anything is built, which may take half an hour.
    let prepared = Prepared::read(&args.notebook, &args.parameters)?;
    // Here, where it can be watched, rather than inside the first cell.
    crate::env::build()?;
    let earlier = NewRuns::before(&database)?;
    let mut kernel = Launch::assay()?;
    kernel.envs.push(("ASSAY_DB".into(), database.clone().into()));
    // As Jupyter's server does: runs record which notebook they belong to.
    kernel.envs.push(("JPY_SESSION_NAME".into(), std::path::absolute(&args.notebook)?.into()));
    let signals = Signals::default();
    let (interrupt, end) = (signals.interrupt.clone(), signals.end.clone());
    let options = Options { output: output.clone(), kernel, interrupt, answers: Vec::new(), end };

    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let mut display = Display::new();
    let report = runtime.block_on(async {
        let passed_on = tokio::spawn(signals.clone().pass_on());
        let report = notebook::run(prepared, options, &mut |progress| display.show(progress)).await;
        passed_on.abort();
        report
    });
    display.end();
    let report = report?;
    if report.ended {
        display::print_line(&format!("ended by a signal; the notebook up to this cell is in {}", output.display()))?;
        std::process::exit(signals.code());
    }
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
