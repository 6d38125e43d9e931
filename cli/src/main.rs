//! The `assay` command: one file per verb.

mod compare;
mod runs;
mod show;
mod table;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// A Jupyter kernel for deep learning in Rust, and the tracker of what was trained.
#[derive(Parser)]
#[command(name = "assay", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Runs(runs::Args),
    Show(show::Args),
    Compare(compare::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().verb {
        Verb::Runs(args) => runs::run(args),
        Verb::Show(args) => show::run(args),
        Verb::Compare(args) => compare::run(args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
