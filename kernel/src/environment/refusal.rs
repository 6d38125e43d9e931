//! What cargo says when it fails, cut down to the lines that tell a person what to do.

use std::path::Path;

use super::EnvironmentError;

/// How much of one compiler message is shown.
const LINES: usize = 14;

/// What `said` on cargo's standard error comes down to; it was building in `target`.
pub(super) fn explain(said: &str, target: &Path) -> EnvironmentError {
    if is_full(said) {
        let source = std::io::Error::from_raw_os_error(libc::ENOSPC);
        return EnvironmentError::Write { path: target.to_owned(), source };
    }
    if is_network(said) {
        return EnvironmentError::Network { message: causes(last_block(said)).pop().unwrap_or_default() };
    }
    let mut message = essential(said);
    if said.contains("you're using offline mode") {
        message.push_str("\ncargo is offline here, and it is not in cargo's cache");
    }
    EnvironmentError::Cargo { message }
}

fn is_full(said: &str) -> bool {
    // A linker that writes through a mapping dies of a full disk without a word.
    const SIGNS: [&str; 3] =
        ["No space left on device (os error 28)", ": No space left on device", "ld terminated with signal 7"];
    SIGNS.iter().any(|sign| said.contains(sign))
}

/// Whether the network failed: then what is in cargo's cache may be enough.
pub(super) fn is_network(said: &str) -> bool {
    let block = last_block(said).join("\n");
    const SIGNS: [&str; 7] = [
        "failed to download",
        "download of config.json failed",
        "network failure seems to have happened",
        "spurious network error",
        "Could not resolve host",
        "failed to connect to",
        "failed to resolve address",
    ];
    SIGNS.iter().any(|sign| block.contains(sign)) && !block.contains("offline mode")
}

/// Cargo's own error stands last; those of compilers come before it.
fn last_block(said: &str) -> Vec<&str> {
    let lines: Vec<&str> = said.lines().collect();
    let start = lines.iter().rposition(|line| line.starts_with("error:")).unwrap_or_default();
    lines[start..].to_vec()
}

fn essential(said: &str) -> String {
    let block = last_block(said);
    let Some(title) = block.first().map(|line| line.strip_prefix("error: ").unwrap_or(line)) else {
        return "cargo ended without a word".to_owned();
    };
    // What is wrong with the line itself is said first; where it stands in our file says nothing.
    if title.contains("failed to load manifest for workspace member")
        && let Some(first) = said.lines().find_map(|line| line.strip_prefix("error: ")).filter(|first| *first != title)
    {
        return format!("{first}; the line is read as in Cargo.toml, for example `:dep regex = \"1\"`");
    }
    if let Some(sentence) = no_feature(&block) {
        return sentence;
    }
    if title.starts_with("could not compile") {
        return format!("{title}\n{}", compiler_error(said));
    }
    if let Some(rest) = title.strip_prefix("failed to run custom build command for ") {
        return format!("the build script of {rest} failed\n{}", script_error(&block));
    }
    let causes = causes(block);
    match causes.as_slice() {
        [only] => only.clone(),
        [.., cause, last] => format!("{cause}: {last}"),
        [] => String::new(),
    }
}

/// Of four lines about versions, what a person has to know.
fn no_feature(block: &[&str]) -> Option<String> {
    let (_, rest) = block.iter().find_map(|line| line.split_once("` depends on `"))?;
    let (krate, rest) = rest.split_once("` with feature `")?;
    let (feature, rest) = rest.split_once("` but ")?;
    rest.contains("does not have that feature").then_some(())?;
    let known = block.iter().map(|line| line.trim()).find(|line| line.starts_with("available features"));
    Some(format!("`{krate}` has no feature `{feature}`; {}", known.unwrap_or("see its page on https://docs.rs")))
}

/// The first error of a compiler.
fn compiler_error(said: &str) -> String {
    let lines = said.lines().skip_while(|line| !line.starts_with("error"));
    let first: Vec<&str> = lines
        .enumerate()
        .take_while(|(at, line)| *at == 0 || !line.starts_with("error") && !line.starts_with("warning"))
        .map(|(_, line)| line)
        .filter(|line| !line.starts_with("For more information about"))
        .collect();
    clipped(&first)
}

/// What a build script said last, which is why it failed.
fn script_error(block: &[&str]) -> String {
    let after = |mark: &str| {
        let from = block.iter().position(|line| line.trim() == mark).map_or(block.len(), |at| at + 1);
        let part = block[from..].iter().take_while(|line| !line.trim().starts_with("--- "));
        part.copied()
            .filter(|line| !line.trim().is_empty() && !line.contains("RUST_BACKTRACE"))
            .filter(|line| !line.trim_start().starts_with("cargo:"))
            .map(|line| line.strip_prefix("  ").unwrap_or(line))
            .collect::<Vec<_>>()
    };
    let mut lines = after("--- stderr");
    if lines.is_empty() {
        lines = after("--- stdout");
    }
    // Backtraces stand at the end.
    lines.truncate(lines.iter().position(|line| line.trim() == "stack backtrace:").unwrap_or(lines.len()));
    clipped(&lines[lines.len().saturating_sub(LINES)..])
}

/// The chain of causes, without what speaks of packages and folders that only we know.
fn causes(block: Vec<&str>) -> Vec<String> {
    let text = block.join("\n");
    let parts = text.split("\n\nCaused by:\n").map(|part| part.strip_prefix("error: ").unwrap_or(part));
    let ours = |line: &str| {
        line.contains("required by package `ext_")
            || line.contains("as a dependency of package `ext_")
            || line.starts_with("As a reminder, you're using offline mode")
            || line.contains("which could resolve this conflict")
            || line.trim_start().starts_with("--> extensions/")
    };
    let mut causes: Vec<String> = parts
        .map(|part| {
            let lines: Vec<&str> = part.lines().filter(|line| !line.trim().is_empty() && !ours(line)).collect();
            lines[..lines.len().min(LINES)].join("\n").trim().to_owned()
        })
        .filter(|part| !part.is_empty())
        .collect();
    if causes.is_empty() {
        causes.push(block.first().map(|line| (*line).to_owned()).unwrap_or_default());
    }
    causes
}

fn clipped(lines: &[&str]) -> String {
    let end = lines.iter().rposition(|line| !line.trim().is_empty()).map_or(0, |last| last + 1);
    lines[..end.min(LINES)].join("\n")
}
