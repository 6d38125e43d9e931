//! `assay install`: makes the kernel known to Jupyter.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use kernel::kernelspec::{self, Place};

/// Make the kernel known to Jupyter, as "Rust (assay)"
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  assay install                     for you, in every Jupyter you start
  assay install --sys-prefix        only in the active Python environment
  assay install --prefix /opt/conda --name rust-lab

Run it again after you moved the assay binary: the kernelspec holds its path.")]
pub(crate) struct Args {
    /// Install for your user; this is the default
    #[arg(long, group = "place")]
    user: bool,

    /// Install into the active Python environment (a virtual environment, conda, or that of python3)
    #[arg(long, group = "place")]
    sys_prefix: bool,

    /// Install into PREFIX/share/jupyter/kernels
    #[arg(long, value_name = "PREFIX", group = "place")]
    prefix: Option<PathBuf>,

    /// The kernelspec's name, as in `jupyter console --kernel NAME`
    #[arg(long, value_name = "NAME", default_value = "assay")]
    name: String,
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let place = match (args.prefix, args.sys_prefix) {
        (Some(prefix), _) => Place::Prefix(std::path::absolute(prefix)?),
        (None, true) => Place::SysPrefix,
        (None, false) => Place::User,
    };
    let own = std::env::current_exe().context("cannot find the assay executable")?;
    let folder = kernelspec::install(&place, &args.name, &own)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "installed the kernel `{}` in {}", args.name, folder.display())?;
    writeln!(out, "it starts {}", own.display())?;
    Ok(())
}
