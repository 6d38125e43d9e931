//! What the process knows about the notebook it serves; the kernel's child fills it, [`crate::Run`] reads it.
//!
//! The one piece of process-wide state in this crate: a cell calls `Run::start` with no session at hand.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::Cell;

/// The surroundings of every run that this process starts from now on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// As `rustc -V` says it.
    pub toolchain: Option<String>,
    /// Hash of the environment that cells link against.
    pub environment: Option<String>,
    /// The folder with the Cargo.lock of what cells link, added crates included, and the features.json.
    pub resolved: Option<PathBuf>,
    /// Path or name of the notebook.
    pub notebook: Option<String>,
    /// What computes, and how: `NVIDIA H100 (cuda:0), products in tf32`.
    pub device: Option<String>,
}

/// What this process holds of a GPU's memory, in MB.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeviceMemory {
    /// The number of the GPU.
    pub gpu: u32,
    /// In use now.
    pub used: f64,
    /// The most that was in use since this was asked before.
    pub peak: f64,
}

struct State {
    context: Context,
    cells: Vec<Cell>,
    device_memory: Option<fn() -> DeviceMemory>,
}

static STATE: Mutex<State> = Mutex::new(State {
    context: Context { toolchain: None, environment: None, resolved: None, notebook: None, device: None },
    cells: Vec::new(),
    device_memory: None,
});

/// Says what the surroundings are.
pub fn set(context: Context) {
    state().context = context;
}

/// Says where the lockfile of what cells link is from now on.
pub fn resolved_in(folder: PathBuf) {
    state().context.resolved = Some(folder);
}

/// Says what computes from now on.
pub fn computes_on(device: String) {
    state().context.device = Some(device);
}

/// Says how to find out what this process holds of a GPU's memory. It is asked when a run begins, every 10 s, and when
/// a run ends; runs log it as `system.gpu_process_memory_mb` and `system.gpu_process_memory_peak_mb`.
pub fn measure_device_memory(by: fn() -> DeviceMemory) {
    state().device_memory = Some(by);
}

/// What this process holds of a GPU's memory, if it holds any.
pub(crate) fn device_memory() -> Option<DeviceMemory> {
    let measure = state().device_memory?;
    Some(measure())
}

/// Notes a cell; call it before the cell runs, so that a run it starts holds its source.
pub fn record_cell(execution_count: i64, source: impl Into<String>) {
    state().cells.push(Cell { execution_count, source: source.into() });
}

/// The surroundings as last set.
pub fn current() -> Context {
    state().context.clone()
}

/// The cells noted so far, without the first `from`.
pub fn cells_from(from: usize) -> Vec<Cell> {
    state().cells.get(from..).unwrap_or_default().to_vec()
}

/// The state is whole between any two statements, so a panic elsewhere does not spoil it.
fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}
