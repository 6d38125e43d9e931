//! What this machine is, as JSON: system, processor and what it can do, memory, GPUs and their driver.

use std::sync::OnceLock;

use serde_json::{Value, json};

use super::gpu::Gpus;
use super::{object, read};

/// What of a processor decides how fast tensors are multiplied, as Linux calls it on x86-64 and on ARM.
const FLAGS: [&str; 25] = [
    "sse4_2",
    "avx",
    "avx2",
    "fma",
    "f16c",
    "bmi2",
    "avx_vnni",
    "avx512f",
    "avx512bw",
    "avx512dq",
    "avx512vl",
    "avx512_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "amx_tile",
    "amx_bf16",
    "amx_int8",
    "asimd",
    "asimdhp",
    "asimddp",
    "i8mm",
    "bf16",
    "sve",
    "sve2",
    "sme",
];

/// Only what can be found out is in it. It does not change while a process runs, and drivers may take a second to
/// say what they are.
pub(super) fn description() -> &'static str {
    static DESCRIPTION: OnceLock<String> = OnceLock::new();
    DESCRIPTION.get_or_init(|| {
        let cpu = read("/proc/cpuinfo").unwrap_or_default();
        let gpus = Gpus::open();
        object([
            ("system", Some(json!(std::env::consts::OS))),
            ("os", os()),
            ("kernel", read("/proc/sys/kernel/osrelease").map(Value::from)),
            ("architecture", Some(json!(std::env::consts::ARCH))),
            ("cpu", field(&cpu, "model name").map(Value::from)),
            (
                "cpus",
                Some(cpu.lines().filter(|line| line.starts_with("processor")).count())
                    .filter(|n| *n > 0)
                    .map(Value::from),
            ),
            ("cpu_flags", field(&cpu, "flags").or_else(|| field(&cpu, "Features")).map(|all| flags(&all).into())),
            ("memory_kib", memory().map(Value::from)),
            ("gpus", gpus.as_ref().map(Gpus::names).filter(|names| !names.is_empty()).map(Value::from)),
            ("gpu_driver", gpus.as_ref().and_then(Gpus::driver).map(Value::from)),
            ("cuda", gpus.as_ref().and_then(Gpus::cuda).map(Value::from)),
        ])
    })
}

/// The value of the first `name : value` line.
fn field(text: &str, name: &str) -> Option<String> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.into_iter().find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
}

/// Those of a processor's flags that matter, in our order.
fn flags(all: &str) -> String {
    let known = |flag: &&&str| all.split_whitespace().any(|word| word == **flag);
    FLAGS.iter().filter(known).copied().collect::<Vec<_>>().join(" ")
}

/// The distribution's name and version.
fn os() -> Option<Value> {
    let release = read("/etc/os-release")?;
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(name.trim_matches(['"', '\'']).into())
}

fn memory() -> Option<u64> {
    field(&read("/proc/meminfo")?, "MemTotal")?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::flags;

    #[test]
    fn of_the_flags_those_that_matter_are_kept_as_whole_words() {
        assert_eq!(flags("fpu sse4_2 fma avx2 avx512vl avx512_vnni_not xavx"), "sse4_2 avx2 fma avx512vl");
        assert_eq!(flags("fp asimd sve"), "asimd sve");
    }
}
