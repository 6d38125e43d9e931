//! What can be found out about this machine, this process and its folder.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::model::Git;

/// Milliseconds since 1970 UTC.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The machine's name.
pub fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .map(|name| name.trim().to_owned())
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

/// Whether the process that started a run on this machine is gone. Where that cannot be known
/// (no /proc, or the start was not recorded), it is taken to be alive.
pub(crate) fn is_gone(pid: i64, started: Option<i64>) -> bool {
    let Some(started) = started else { return false };
    if process_start(i64::from(std::process::id())).is_none() {
        return false;
    }
    process_start(pid) != Some(started)
}

/// The commit of the repository around `folder`; `None` without git, a repository or a commit.
pub fn git(folder: &Path) -> Option<Git> {
    let commit = git_says(folder, &["rev-parse", "--verify", "HEAD"])?;
    // Untracked files do not count: the run database itself is usually one.
    let changes = git_says(folder, &["status", "--porcelain", "--untracked-files=no"])?;
    Some(Git { commit, dirty: !changes.is_empty() })
}

fn git_says(folder: &Path, args: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(args)
        // A look must not take the lock that the user's own git command may want.
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let said = output.status.success().then_some(output.stdout)?;
    Some(String::from_utf8_lossy(&said).trim().to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_a_reused_pid_is_told_apart() {
        let pid = i64::from(std::process::id());
        let started = process_start(pid);
        assert!(started.is_some());
        assert!(!is_gone(pid, started));
        assert!(is_gone(pid, started.map(|ticks| ticks - 1)));
        assert!(!is_gone(pid, None));
    }

    #[test]
    fn a_dead_process_is_gone_even_before_its_parent_looks() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let pid = i64::from(child.id());
        let started = process_start(pid);
        assert!(!is_gone(pid, started));
        drop(child.stdin.take());
        // The zombie stays until it is waited for; wait for the state without reaping it.
        while process_start(pid).is_some() {
            std::thread::yield_now();
        }
        assert!(is_gone(pid, started));
        child.wait().unwrap();
    }
}
