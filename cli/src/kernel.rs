//! `assay kernel`: serves one notebook.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use kernel::{Session, protocol};
use tracing_subscriber::EnvFilter;

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
    log();
    let own = std::env::current_exe().context("cannot find the assay executable")?;
    let folder = std::env::current_dir().context("the working folder is gone")?;
    let session = Arc::new(Session::new(own, folder));
    protocol::serve_with(&args.connection_file, session, |session| async move {
        session.warm_up().await;
    })?;
    Ok(())
}

/// Stdout stays empty; Jupyter shows stderr in its own log.
fn log() {
    let filter = EnvFilter::try_from_env("ASSAY_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    // A second subscriber is refused, which is as good.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).try_init();
}
