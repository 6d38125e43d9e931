//! `assay cell-host`: the process that runs a notebook's cells. Kernels start it; people do not.

use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The environment's library
    library: PathBuf,
}

/// Runs the verb: never returns while there is a kernel.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    std::process::exit(kernel::cell_host(&args.library)?)
}
