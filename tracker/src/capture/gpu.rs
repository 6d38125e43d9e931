//! NVIDIA's GPUs, asked through the library of their driver (NVML). It is opened when it is wanted and nothing is
//! linked; where there is none, there are no GPUs, and nothing is said.

use nvml_wrapper::enum_wrappers::device::TemperatureSensor;
use nvml_wrapper::{Device, Nvml};

/// The driver's library, opened.
pub(crate) struct Gpus(Nvml);

/// What one GPU says of itself at a moment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reading {
    /// Its number, as `nvidia-smi` counts.
    pub(crate) gpu: u32,
    /// Metrics by name; what the GPU does not know is left out.
    pub(crate) metrics: Vec<(&'static str, f64)>,
}

impl Gpus {
    /// `None` where there is no driver, or it does not answer. May take a second.
    pub(crate) fn open() -> Option<Self> {
        Nvml::init().ok().map(Self)
    }

    /// The driver's version, such as `550.54.15`.
    pub(crate) fn driver(&self) -> Option<String> {
        self.0.sys_driver_version().ok()
    }

    /// The newest CUDA that the driver runs, such as `12.4`.
    pub(crate) fn cuda(&self) -> Option<String> {
        let version = self.0.sys_cuda_driver_version().ok()?;
        let [major, minor] = [nvml_wrapper::cuda_driver_version_major, nvml_wrapper::cuda_driver_version_minor];
        Some(format!("{}.{}", major(version), minor(version)))
    }

    /// The models, in the order of their numbers.
    pub(crate) fn names(&self) -> Vec<String> {
        self.devices().filter_map(|(_, gpu)| gpu.name().ok()).collect()
    }

    /// What each GPU does now.
    pub(crate) fn read(&self) -> Vec<Reading> {
        self.devices().map(|(number, gpu)| Reading { gpu: number, metrics: metrics(&gpu) }).collect()
    }

    fn devices(&self) -> impl Iterator<Item = (u32, Device<'_>)> {
        let count = self.0.device_count().unwrap_or(0);
        (0..count).filter_map(|number| Some((number, self.0.device_by_index(number).ok()?)))
    }
}

fn metrics(gpu: &Device<'_>) -> Vec<(&'static str, f64)> {
    let memory = gpu.memory_info().ok();
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let metrics = [
        ("system.gpu_percent", gpu.utilization_rates().ok().map(|rates| f64::from(rates.gpu))),
        ("system.gpu_memory_mb", memory.as_ref().map(|memory| megabytes(memory.used))),
        ("system.gpu_memory_total_mb", memory.as_ref().map(|memory| megabytes(memory.total))),
        ("system.gpu_celsius", gpu.temperature(TemperatureSensor::Gpu).ok().map(f64::from)),
        ("system.gpu_watts", gpu.power_usage().ok().map(|milliwatts| f64::from(milliwatts) / 1e3)),
    ];
    metrics.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
