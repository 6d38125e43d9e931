//! `assay kernel`: serves one notebook.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use kernel::{Session, protocol};

/// Serve one notebook; Jupyter calls this
#[derive(clap::Args)]
#[command(after_help = "\
Jupyter writes the connection file and starts this command itself; see `assay install`.
SIGINT interrupts the running cell, SIGTERM ends the kernel.
Set ASSAY_LOG=debug (or kernel=trace) to see on stderr what the kernel does.")]
pub(crate) struct Args {
    /// The connection file: where to listen, and the key that signs messages
    #[arg(long, short = 'f', value_name = "FILE")]
    connection_file: PathBuf,
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let own = std::env::current_exe().context("cannot find the assay executable")?;
    let folder = std::env::current_dir().context("the working folder is gone")?;
    let session = Arc::new(Session::new(own, folder));
    protocol::serve_with(&args.connection_file, session, |session| async move {
        session.warm_up().await;
    })?;
    Ok(())
}
