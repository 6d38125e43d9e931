//! What a process uses while it records: processor, memory, disk, and what the machine's GPUs do. Sampled every 10 s
//! by the thread that stores.
//!
//! Read from /proc, and from the GPUs' driver (`gpus`); what is not there is not sampled.

use std::time::{Duration, Instant};

use super::gpus::GpuUsage;
use crate::context;

/// The metrics begin with this, so that tables can leave them out.
pub(crate) const PREFIX: &str = "system.";

pub(super) const EVERY: Duration = Duration::from_secs(10);

pub(super) struct Usage {
    last: Option<Counters>,
    next: Instant,
    device_next: Instant,
    /// From the first sample on.
    gpus: Option<GpuUsage>,
}

/// A value of a metric.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    pub(super) name: &'static str,
    /// The number of the GPU that it is about.
    pub(super) gpu: Option<u32>,
    pub(super) value: f64,
}

/// What only goes up.
struct Counters {
    at: Instant,
    /// Clock ticks of this process, in user and system mode.
    ticks: f64,
    read: f64,
    written: f64,
}

impl Usage {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self { last: None, next: now, device_next: now, gpus: None }
    }

    /// Metrics since the last sample, when it is time for one; and what the GPUs have answered since it was asked.
    pub(super) fn sample(&mut self) -> Vec<Sample> {
        let now = Instant::now();
        let mut samples = Vec::new();
        if now >= self.next {
            self.next = now + EVERY;
            let of_process = self.of_process().into_iter();
            samples.extend(of_process.map(|(name, value)| Sample { name, gpu: None, value }));
            // Started with the first sample, which nothing is logged of: by the second, the driver is there.
            match &self.gpus {
                Some(gpus) => gpus.ask(),
                None => self.gpus = GpuUsage::start(),
            }
        }
        for reading in self.gpus.iter().flat_map(GpuUsage::said) {
            let gpu = Some(reading.gpu);
            samples.extend(reading.metrics.into_iter().map(|(name, value)| Sample { name, gpu, value }));
        }
        samples
    }

    /// Whether it is time for [`Usage::of_device`] again.
    pub(super) fn wants_device(&self) -> bool {
        Instant::now() >= self.device_next
    }

    /// What the process holds of its GPU's memory. The peak is that since the last time.
    pub(super) fn of_device(&mut self) -> Vec<Sample> {
        self.device_next = Instant::now() + EVERY;
        let Some(memory) = context::device_memory() else { return Vec::new() };
        let sample = |name, value| Sample { name, gpu: Some(memory.gpu), value };
        vec![
            sample("system.gpu_process_memory_mb", memory.used),
            sample("system.gpu_process_memory_peak_mb", memory.peak),
        ]
    }

    fn of_process(&mut self) -> Vec<(&'static str, f64)> {
        let Some(counters) = Counters::now() else { return Vec::new() };
        let mut metrics = Vec::new();
        if let Some(last) = &self.last {
            let seconds = (counters.at - last.at).as_secs_f64();
            metrics.push(("system.cpu_percent", (counters.ticks - last.ticks) / ticks_per_second() / seconds * 100.0));
            metrics.push(("system.disk_read_mb_per_s", (counters.read - last.read) / 1e6 / seconds));
            metrics.push(("system.disk_write_mb_per_s", (counters.written - last.written) / 1e6 / seconds));
            metrics.extend(resident().map(|bytes| ("system.memory_mb", bytes / 1e6)));
            metrics.extend(machine_memory().map(|part| ("system.machine_memory_percent", part * 100.0)));
        }
        self.last = Some(counters);
        metrics
    }
}

impl Counters {
    fn now() -> Option<Self> {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        let (_, rest) = stat.rsplit_once(')')?;
        let fields: Vec<f64> = rest.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
        let io = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
        let ticks = fields.get(10)? + fields.get(11)?;
        let count = |name| field(&io, name).unwrap_or(0.0);
        Some(Self { at: Instant::now(), ticks, read: count("read_bytes"), written: count("write_bytes") })
    }
}

/// The number of a `name: number` line.
fn field(text: &str, name: &str) -> Option<f64> {
    let (_, value) = text.lines().filter_map(|line| line.split_once(':')).find(|(key, _)| *key == name)?;
    value.split_whitespace().next()?.parse().ok()
}

fn ticks_per_second() -> f64 {
    // SAFETY: it asks for a number.
    let ticks = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    if ticks > 0 { ticks as f64 } else { 100.0 }
}

fn resident() -> Option<f64> {
    Some(field(&std::fs::read_to_string("/proc/self/status").ok()?, "VmRSS")? * 1024.0)
}

fn machine_memory() -> Option<f64> {
    let memory = std::fs::read_to_string("/proc/meminfo").ok()?;
    Some(1.0 - field(&memory, "MemAvailable")? / field(&memory, "MemTotal")?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_says_what_the_process_used_since_the_last() {
        let mut usage = Usage::new();
        assert!(usage.sample().is_empty());
        assert!(usage.sample().is_empty());
        let began = Instant::now();
        let mut sum = 0_u64;
        while began.elapsed() < Duration::from_millis(200) {
            sum = std::hint::black_box(sum + 1);
        }
        usage.next = Instant::now();
        let metrics = usage.sample();
        let of = |name: &str| metrics.iter().find(|sample| sample.name == name).unwrap().value;
        assert!(of("system.cpu_percent") > 5.0, "{metrics:?}");
        assert!(of("system.memory_mb") > 1.0 && (0.0..100.0).contains(&of("system.machine_memory_percent")));
        assert!(metrics.iter().all(|it| it.name.starts_with(PREFIX) && it.value >= 0.0), "{metrics:?}");
    }
}
