//! `assay guard`: the process that cleans up after a kernel that was killed. Kernels start it; people do not.

#[derive(clap::Args)]
pub(crate) struct Args {}

/// Runs the verb: returns when the process that started it is gone and cleaned up after.
pub(crate) fn run(Args {}: Args) -> anyhow::Result<()> {
    kernel::guard::serve(kernel::sweep::unfinished);
    Ok(())
}
