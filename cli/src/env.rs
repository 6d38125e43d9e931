//! `assay env`: what cells link against.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use kernel::environment::{self, Cancel, Environment, Progress};
use kernel::guard;

/// Without a terminal, a build is heard of this often.
const QUIET: Duration = Duration::from_secs(30);

/// The environment that cells link against: lab, dfdx and Polars, built once per machine
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  assay env build     build it now; later builds find it done
  assay env path      where it is
  assay env remove    remove the environments of other versions of assay

It is kept in ASSAY_HOME (by default ~/.local/share/assay) and shared by all kernels.")]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Build the environment, or find it built
    Build,
    /// Print the environment's folder
    Path,
    /// Remove environments and compiled cells that this version of assay does not use
    Remove,
    /// Run cargo on the environment's sources, for work on lab: `assay env cargo test -p lab --lib`
    Cargo {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        arguments: Vec<String>,
    },
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let line = match args.verb {
        Verb::Build => build()?.folder().display().to_string(),
        Verb::Path => Environment::find()?.folder().display().to_string(),
        Verb::Remove => {
            let freed = environment::remove_others()?;
            format!("{:.1} MB freed", freed as f64 / 1e6)
        }
        Verb::Cargo { arguments } => {
            guard::start(&std::env::current_exe()?);
            let status = environment::cargo(&arguments)?;
            if !status.success() {
                anyhow::bail!("cargo {} ended with {status}", arguments.join(" "));
            }
            return Ok(());
        }
    };
    writeln!(std::io::stdout().lock(), "{line}")?;
    Ok(())
}

/// Builds the environment with a progress bar; at once where it is there. Ctrl-C ends this process, and the
/// guard everything under it.
pub(crate) fn build() -> anyhow::Result<Environment> {
    if let Ok(environment) = Environment::find() {
        return Ok(environment);
    }
    guard::start(&std::env::current_exe()?);
    let started = Instant::now();
    let mut bar = None;
    let mut said = Instant::now();
    let terminal = std::io::stderr().is_terminal();
    let mut show = |progress: &Progress| {
        if terminal {
            show(bar.get_or_insert_with(new_bar), progress);
        } else if bar.is_none() || said.elapsed() >= QUIET {
            bar = Some(ProgressBar::hidden());
            said = Instant::now();
            eprintln!("building the environment, once per machine: {progress}");
        }
    };
    let environment = environment::build(&mut show, &Cancel::default())?;
    if let Some(bar) = bar {
        bar.finish_and_clear();
        eprintln!("environment built in {}", HumanDuration(started.elapsed()));
    }
    Ok(environment)
}

fn new_bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    let template = "building the environment, once per machine  {wide_bar} {pos}/{len}  {elapsed}\n{msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn show(bar: &ProgressBar, progress: &Progress) {
    match progress {
        Progress::Building { done, total, what } => {
            bar.set_length(*total);
            bar.set_position(*done);
            bar.set_message(what.chars().take(70).collect::<String>());
        }
        other => bar.set_message(other.to_string()),
    }
}
