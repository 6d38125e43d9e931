//! The `assay` command: one file per verb.

mod cell_host;
mod compare;
mod doctor;
mod env;
mod export;
mod guard;
mod install;
mod keep;
mod kernel;
mod replay;
mod report;
mod run;
mod runs;
mod selected;
mod show;
mod sql;
mod table;
mod top;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A Jupyter kernel for deep learning in Rust, and the tracker of what was trained.
#[derive(Parser)]
#[command(name = "assay", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Run(run::Args),
    Replay(replay::Args),
    Runs(runs::Args),
    Show(show::Args),
    Compare(compare::Args),
    Top(top::Args),
    Report(report::Args),
    Sql(sql::Args),
    Export(export::Args),
    Delete(keep::Delete),
    Undelete(keep::Undelete),
    Gc(keep::Gc),
    Vacuum(keep::Vacuum),
    Backup(keep::Backup),
    Merge(keep::Merge),
    Install(install::Args),
    Env(env::Args),
    Doctor(doctor::Args),
    Kernel(kernel::Args),
    #[command(hide = true)]
    CellHost(cell_host::Args),
    #[command(hide = true)]
    Guard(guard::Args),
}

fn main() -> ExitCode {
    log();
    let outcome = match Cli::parse().verb {
        Verb::Run(args) => run::run(args),
        Verb::Replay(args) => replay::run(args),
        Verb::Runs(args) => runs::run(args),
        Verb::Show(args) => show::run(args),
        Verb::Compare(args) => compare::run(args),
        Verb::Top(args) => top::run(args),
        Verb::Report(args) => report::run(args),
        Verb::Sql(args) => sql::run(args),
        Verb::Export(args) => export::run(args),
        Verb::Delete(args) => keep::delete(args),
        Verb::Undelete(args) => keep::undelete(args),
        Verb::Gc(args) => keep::gc(args),
        Verb::Vacuum(args) => keep::vacuum(args),
        Verb::Backup(args) => keep::backup(args),
        Verb::Merge(args) => keep::merge(args),
        Verb::Install(args) => install::run(args),
        Verb::Env(args) => env::run(args),
        Verb::Doctor(args) => doctor::run(args),
        Verb::Kernel(args) => kernel::run(args),
        Verb::CellHost(args) => cell_host::run(args),
        Verb::Guard(args) => guard::run(args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Our errors name their cause themselves.
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// `ASSAY_LOG=debug` shows what the kernel does; by default only what went wrong.
fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("ASSAY_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
