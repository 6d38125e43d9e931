//! What this machine is, as JSON: processor and what it can do, memory, system, GPUs and their driver.

use serde_json::{Map, Value, json};

/// Only what can be found out is in it.
pub(super) fn description() -> String {
    let cpu = read("/proc/cpuinfo").unwrap_or_default();
    let parts = [
        ("system", Some(json!(std::env::consts::OS))),
        ("architecture", Some(json!(std::env::consts::ARCH))),
        ("kernel", read("/proc/sys/kernel/osrelease").map(Value::from)),
        ("cpu", field(&cpu, "model name").map(Value::from)),
        ("cpus", std::thread::available_parallelism().ok().map(|count| json!(count.get()))),
        ("cpu_flags", field(&cpu, "flags").or_else(|| field(&cpu, "Features")).map(Value::from)),
        ("memory_kib", memory().map(Value::from)),
        ("gpu_driver", read("/proc/driver/nvidia/version").and_then(|text| text.lines().next().map(Value::from))),
        ("gpus", Some(gpus()).filter(|gpus| !gpus.is_empty()).map(Value::from)),
    ];
    let parts = parts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    format!("{:#}\n", Value::Object(parts.collect::<Map<_, _>>()))
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

/// The value of the first `name : value` line.
fn field(text: &str, name: &str) -> Option<String> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.into_iter().find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
}

fn memory() -> Option<u64> {
    field(&read("/proc/meminfo")?, "MemTotal")?.split_whitespace().next()?.parse().ok()
}

/// The names of the GPUs that NVIDIA's driver knows.
fn gpus() -> Vec<String> {
    let folders = std::fs::read_dir("/proc/driver/nvidia/gpus").into_iter().flatten().flatten();
    let model = |folder: std::fs::DirEntry| {
        let text = std::fs::read_to_string(folder.path().join("information")).ok()?;
        field(&text, "Model")
    };
    folders.filter_map(model).collect()
}
