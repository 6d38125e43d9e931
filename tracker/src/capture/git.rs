//! The commit of the working folder, and what differs from it.

use serde::Serialize;
use std::path::Path;
use std::process::{Command, Stdio};

/// The commit that the working folder was at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Git {
    pub commit: String,
    /// Tracked files differed from the commit.
    pub dirty: bool,
}

/// The commit of the repository around `folder`; `None` without git, a repository or a commit.
pub fn git(folder: &Path) -> Option<Git> {
    let commit = git_says(folder, &["rev-parse", "--verify", "HEAD"])?;
    let commit = String::from_utf8_lossy(&commit).trim().to_owned();
    // Untracked files do not count: the run database itself is usually one.
    let changes = git_says(folder, &["status", "--porcelain", "--untracked-files=no"])?;
    Some(Git { commit, dirty: !changes.is_empty() })
}

/// What `git apply` needs to get from the commit to the tracked files as they are.
pub(super) fn diff(folder: &Path) -> Option<Vec<u8>> {
    git_says(folder, &["diff", "--binary", "--no-color", "--no-ext-diff", "HEAD"])
}

fn git_says(folder: &Path, args: &[&str]) -> Option<Vec<u8>> {
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
    Some(said)
}
