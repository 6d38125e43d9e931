//! How far a build is, as cargo says it.

use std::fmt;
use std::io::{BufReader, Read};

/// What a build is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Another process is building; only one can at a time.
    Waiting,
    Resolving,
    /// The crate that has come last, if any.
    Downloading(String),
    /// The network failed, and what is needed is not here.
    Retrying,
    Building {
        /// Crates built.
        done: u64,
        /// Crates in all.
        total: u64,
        /// What is being built.
        what: String,
    },
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting => f.write_str("waiting for another build"),
            Self::Resolving => f.write_str("resolving"),
            Self::Downloading(what) if what.is_empty() => f.write_str("downloading"),
            Self::Downloading(what) => write!(f, "downloading {what}"),
            Self::Retrying => f.write_str("the network does not answer, trying again"),
            Self::Building { done, total, what } => {
                write!(f, "{done}/{total} crates")?;
                let what: String = what.chars().take(60).collect();
                if what.is_empty() { Ok(()) } else { write!(f, ": {what}") }
            }
        }
    }
}

/// Reads what cargo says, its bar included, which it redraws with carriage returns; returns everything that is
/// not about progress.
pub(super) fn watch(stderr: impl Read, progress: &mut dyn FnMut(&Progress)) -> String {
    let mut said = String::new();
    let mut last = None;
    let mut line = Vec::new();
    for byte in BufReader::new(stderr).bytes().map_while(Result::ok) {
        if byte != b'\r' && byte != b'\n' {
            line.push(byte);
            continue;
        }
        let text = String::from_utf8_lossy(&line).replace("\u{1b}[K", "");
        line.clear();
        if let Some(now) = step(&text) {
            if last.as_ref() != Some(&now) {
                progress(&now);
                last = Some(now);
            }
        } else if byte == b'\n' && !text.starts_with("   Compiling ") {
            // Of crates, the bar has told already.
            said.push_str(text.trim_end());
            said.push('\n');
        }
    }
    said.push_str(&String::from_utf8_lossy(&line));
    said
}

fn step(text: &str) -> Option<Progress> {
    // Cargo aligns its verbs; what compilers and build scripts say is not indented like this.
    let (verb, rest) = text.strip_prefix("  ")?.trim_start().split_once(' ')?;
    match verb {
        "Updating" | "Locking" | "Adding" | "Fetch" => Some(Progress::Resolving),
        "Blocking" => Some(Progress::Waiting),
        "Downloading" => Some(Progress::Downloading(String::new())),
        "Downloaded" => Some(Progress::Downloading(rest.to_owned())),
        "Building" => bar(rest),
        _ => None,
    }
}

/// Parses `[===>   ] 12/345: polars-core, syn`.
fn bar(text: &str) -> Option<Progress> {
    let (_, rest) = text.split_once("] ")?;
    let (counts, what) = rest.split_once(": ").unwrap_or((rest, ""));
    let (done, total) = counts.trim().split_once('/')?;
    Some(Progress::Building { done: done.parse().ok()?, total: total.parse().ok()?, what: what.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::{Progress, watch};

    #[test]
    fn progress_is_told_and_the_rest_is_kept() {
        let text = "    Updating crates.io index\n       Fetch [==>   ] 1 complete; 0 pending\r  Downloaded itoa v1.0.15\n   \
                    Compiling itoa v1.0.15\n    Building [=====>     ] 1/2: itoa    \rerror: no\n  --> x.rs\n";
        let mut seen = Vec::new();
        let said = watch(text.as_bytes(), &mut |progress| seen.push(progress.to_string()));
        assert_eq!(seen, ["resolving", "downloading itoa v1.0.15", "1/2 crates: itoa"]);
        assert_eq!(said, "error: no\n  --> x.rs\n");
        assert_eq!(Progress::Waiting.to_string(), "waiting for another build");
    }
}
