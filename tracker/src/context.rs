//! What the process knows about the notebook it serves; the kernel's child fills it, [`crate::Run`] reads it.
//!
//! The one piece of process-wide state in this crate: a cell calls `Run::start` with no session at hand.

mod notebook;

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::capture;
pub(crate) use notebook::{Listener, Ran, changes, is_in_cell, is_interrupted, line, listen, since, spot, uses};
pub use notebook::{
    Observer, Past, add_cell, answered, begin_cell, end_cell, hash_file, observe, read_file, seed, unseeded,
};

/// The surroundings of every run that this process starts from now on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// As `rustc -V` says it.
    pub toolchain: Option<String>,
    /// Hash of the environment that cells link against.
    pub environment: Option<String>,
    /// The folder with the sources of that environment.
    pub sources: Option<PathBuf>,
    /// The folder with the Cargo.lock of what cells link, added crates included, and the features.json; and the
    /// local.json, where crates of the person's own were added.
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
    device_memory: Option<fn() -> DeviceMemory>,
}

static STATE: Mutex<State> = Mutex::new(State {
    context: Context {
        toolchain: None,
        environment: None,
        sources: None,
        resolved: None,
        notebook: None,
        device: None,
    },
    device_memory: None,
});

/// Says what the surroundings are.
pub fn set(context: Context) {
    // As the process was started with them: its cells may set others.
    capture::variables();
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

/// The surroundings as last set.
pub fn current() -> Context {
    state().context.clone()
}

/// The state is whole between any two statements, so a panic elsewhere does not spoil it.
fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}
