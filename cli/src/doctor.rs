//! `assay doctor`: what this machine has, and what to do about what it lacks.

use std::io::Write;

use cuda::driver::Properties;
use cuda::kernels::Cache;
use cuda::library::{Found, VARIABLE};
use cuda::probe::{OLDEST_CAPABILITY, Probe, Problem, probe};
use kernel::environment::Environment;

/// Say what was found on this machine: the environment, the GPU and NVIDIA's libraries
#[derive(clap::Args)]
#[command(after_help = format!("\
Examples:
  assay doctor
  {VARIABLE}=/opt/nvidia/lib assay doctor    with libraries in a folder of your own

cuBLAS and NVRTC are searched in the folders of {VARIABLE}, in a CUDA toolkit (CUDA_PATH,
CUDA_HOME, /usr/local/cuda, the loader's path), in the packages that pip installs, and beside PyTorch."))]
pub(crate) struct Args {}

/// Runs the verb. A machine that lacks something is no failure: cells run on the CPU.
pub(crate) fn run(_: Args) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match Environment::find() {
        Ok(environment) => writeln!(out, "environment: {}", environment.folder().display())?,
        Err(error) => writeln!(out, "environment: {error}")?,
    }
    for line in gpu(&probe()) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Without a driver one line, as most machines have none.
fn gpu(probe: &Probe) -> Vec<String> {
    let Some(driver) = &probe.driver else {
        let reason = probe.problem.as_ref().unwrap_or(&Problem::NoDriver);
        return vec![format!("GPU: none ({reason}); everything runs on the CPU")];
    };
    let release = probe.release.as_deref().map(|release| format!("{release}, ")).unwrap_or_default();
    let mut lines: Vec<_> = probe.devices.iter().enumerate().map(|(index, it)| device(index, it)).collect();
    lines.push(format!("driver: {release}CUDA {} ({})", driver.version, driver.path.display()));
    for (name, found) in [("cuBLAS", &probe.blas), ("NVRTC", &probe.nvrtc)] {
        lines.extend(found.as_ref().map(|found| library(name, found)));
    }
    if let Some(folder) = Cache::user().folder() {
        lines.push(format!("compiled kernels: {}", folder.display()));
    }
    match &probe.problem {
        Some(problem) => lines.push(format!("problem: {problem}; until then everything runs on the CPU")),
        None => lines.extend(probe.best().map(|best| format!("cells run on GPU {best}"))),
    }
    lines
}

fn device(index: usize, device: &Properties) -> String {
    let Properties { name, capability, memory } = device;
    let unsupported = if *capability < OLDEST_CAPABILITY { ", too old" } else { "" };
    #[allow(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let gigabytes = *memory as f64 / f64::from(1 << 30);
    let (major, minor) = (capability / 10, capability % 10);
    format!("GPU {index}: {name}, compute capability {major}.{minor}, {gigabytes:.1} GiB{unsupported}")
}

fn library(name: &str, found: &Found) -> String {
    format!("{name}: {} ({})", found.version, found.path.display())
}
