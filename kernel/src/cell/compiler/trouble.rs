//! Tells a machine in trouble from a cell that is wrong: what rustc then says is of no use to anyone.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::Output;

use serde::Deserialize;

use super::error::CompileError;
use crate::environment::{Environment, toolchain_name};

/// More than any message of a full disk leaves room for.
const ROOM: usize = 256 << 10;

/// One of rustc's messages, as far as it matters here.
#[derive(Deserialize)]
struct Message {
    message: String,
    level: String,
    code: Option<Code>,
    spans: Vec<serde::de::IgnoredAny>,
    #[serde(default)]
    children: Vec<Message>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

impl Message {
    fn says(&self, words: &str) -> bool {
        self.message.contains(words) || self.children.iter().any(|child| child.says(words))
    }
}

/// # Errors
/// When the compiler failed because of the machine: the disk is full, or it is another compiler; or when it crashed.
pub(crate) fn check(output: &Output, environment: &Environment) -> Result<(), CompileError> {
    if output.status.success() {
        return Ok(());
    }
    match output.status.signal() {
        Some(libc::SIGSEGV) => return Err(CompileError::Crashed { signal: "a segmentation fault".to_owned() }),
        Some(libc::SIGBUS) if !is_full(environment) => {
            return Err(CompileError::Crashed { signal: "a bus error".to_owned() });
        }
        Some(libc::SIGABRT) => return Err(CompileError::Crashed { signal: "it aborted".to_owned() }),
        Some(libc::SIGKILL) => return Err(CompileError::Killed),
        _ => {}
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let mut about_the_cell = false;
    let mut full = false;
    for line in said.lines() {
        let Ok(message) = serde_json::from_str::<Message>(line) else {
            full |= line.contains("No space left on device");
            continue;
        };
        // A library was compiled by another compiler.
        if message.code.as_ref().is_some_and(|code| code.code == "E0514") {
            let rustc = environment.rustc().to_owned();
            return Err(CompileError::Replaced { rustc, toolchain: toolchain_name() });
        }
        if message.level.starts_with("error") && !message.spans.is_empty() {
            about_the_cell = true;
        } else {
            full |= message.says("No space left on device");
        }
    }
    // A linker that writes through a mapping dies of a full disk without a word.
    if full || !about_the_cell && is_full(environment) {
        let source = io::Error::from_raw_os_error(libc::ENOSPC);
        return Err(CompileError::Write { path: environment.cells(), source });
    }
    Ok(())
}

fn is_full(environment: &Environment) -> bool {
    let folder = environment.cells();
    let tried = tempfile::tempfile_in(folder).and_then(|mut file| io::Write::write_all(&mut file, &vec![0; ROOM]));
    tried.is_err_and(|error| matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
}
