//! What can be found out about this machine, this process and its folder.

mod found;
mod git;
mod gpu;
mod machine;
mod program;
mod sources;

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

pub(crate) use found::{Facts, Found, Snapshot};
pub use git::{Git, git};
pub(crate) use gpu::{Gpus, Reading};
pub(crate) use program::{rustc, variables};
pub(crate) use sources::Sources;

/// A JSON object of what is known.
fn object<const N: usize>(parts: [(&str, Option<Value>); N]) -> String {
    let parts = parts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    format!("{:#}\n", Value::Object(parts.collect()))
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

/// Milliseconds since 1970 UTC.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The machine's name.
pub fn host() -> String {
    read("/proc/sys/kernel/hostname")
        .or_else(|| std::env::var("HOSTNAME").ok().map(|name| name.trim().to_owned()))
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "unknown".to_owned())
}

/// When a process started, in clock ticks since boot. `None` where there is no /proc, or no such
/// process, or one that is dead and waits for its parent.
pub fn process_start(pid: i64) -> Option<i64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command name may hold anything, so fields are counted from its closing bracket.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// Where a process id of this process means something: the machine, since when it runs, and the namespace of
/// process ids. A part that cannot be found out is empty.
pub(crate) fn machine() -> &'static str {
    static MACHINE: OnceLock<String> = OnceLock::new();
    MACHINE.get_or_init(|| {
        let read = |path: &str| read(path).unwrap_or_default();
        let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        let (machine, boot) = (read("/etc/machine-id"), read("/proc/sys/kernel/random/boot_id"));
        format!("{machine}/{boot}/{}", namespace.display())
    })
}

/// Whether the process that started a run on a machine of this name is gone. Where that cannot be known (another
/// machine or container, no /proc, the start was not recorded), it is taken to be alive.
pub(crate) fn is_gone(pid: i64, started: Option<i64>, machine: Option<&str>) -> bool {
    let Some(started) = started else { return false };
    match machine.map_or(Place::Here, |machine| place(machine, self::machine())) {
        Place::Here => {}
        Place::BeforeBoot => return true,
        Place::Elsewhere => return false,
    }
    if process_start(i64::from(std::process::id())).is_none() {
        return false;
    }
    process_start(pid) != Some(started)
}

/// Where a process was started, seen from here.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    Here,
    /// On this machine, which was started again since.
    BeforeBoot,
    Elsewhere,
}

fn place(theirs: &str, ours: &str) -> Place {
    let parts = |machine: &str| {
        let mut parts = machine.splitn(3, '/').map(str::to_owned);
        [parts.next(), parts.next(), parts.next()].map(Option::unwrap_or_default)
    };
    let ([machine, boot, namespace], [our_machine, our_boot, our_namespace]) = (parts(theirs), parts(ours));
    if machine != our_machine {
        Place::Elsewhere
    } else if boot != our_boot {
        // Without an id of the machine it may be another one of the same name.
        if machine.is_empty() { Place::Elsewhere } else { Place::BeforeBoot }
    } else if namespace != our_namespace {
        Place::Elsewhere
    } else {
        Place::Here
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_process_is_looked_for_only_where_its_id_means_something() {
        let cases = [
            ("m/b/n", Place::Here),
            ("m/old/n", Place::BeforeBoot),
            ("m/old/other", Place::BeforeBoot),
            ("m/b/other", Place::Elsewhere),
            ("other/b/n", Place::Elsewhere),
            ("/old/n", Place::Elsewhere),
            ("", Place::Elsewhere),
        ];
        for (theirs, expected) in cases {
            assert_eq!(place(theirs, "m/b/n"), expected, "{theirs}");
        }
        assert_eq!(place("/old/n", "/b/n"), Place::Elsewhere);
        assert_eq!(place(machine(), machine()), Place::Here);
    }

    #[test]
    fn this_process_lives_and_a_reused_pid_is_told_apart() {
        let pid = i64::from(std::process::id());
        let started = process_start(pid);
        assert!(started.is_some());
        assert!(!is_gone(pid, started, Some(machine())));
        assert!(is_gone(pid, started.map(|ticks| ticks - 1), None));
        assert!(!is_gone(pid, None, None));
    }

    #[test]
    fn a_dead_process_is_gone_even_before_its_parent_looks() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let pid = i64::from(child.id());
        let started = process_start(pid);
        assert!(!is_gone(pid, started, Some(machine())));
        drop(child.stdin.take());
        // The zombie stays until it is waited for; wait for the state without reaping it.
        while process_start(pid).is_some() {
            std::thread::yield_now();
        }
        assert!(is_gone(pid, started, Some(machine())));
        child.wait().unwrap();
    }
}
