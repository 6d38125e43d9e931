//! The one error of a cell that failed, whatever made it fail.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use wire::Ended;

use super::compiler::diagnostics::{Rendered, in_words};
use super::compiler::error::CompileError;
use super::notebook::held::Origin;
use super::notebook::state::Gone;
use super::process::host::HostError;
use crate::language::Outcome;

/// Name, message and traceback, as Jupyter's `error` has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) name: String,
    pub(crate) message: String,
    pub(crate) traceback: Vec<String>,
}

impl Failure {
    /// A failure that its one sentence describes.
    pub(crate) fn new(name: &str, message: &str) -> Self {
        let traceback = format!("\u{1b}[1;31m{name}\u{1b}[0m: {message}").lines().map(str::to_owned).collect();
        Self { name: name.to_owned(), message: message.to_owned(), traceback }
    }

    pub(crate) fn interrupted(how: &str, names: &[String]) -> Self {
        let mut message = format!("the cell was stopped {how}");
        if let Some(lost) = lost(names) {
            message = format!("{message}; {lost}");
        }
        Self::new("Interrupted", &message)
    }

    /// The cell's process is gone.
    pub(crate) fn crashed(how: &str, line: u32, origin: &Origin, names: &[String]) -> Self {
        let lost = lost(names).unwrap_or_else(|| "no variables were lost".to_owned());
        let notes = [lost, "a new process has taken its place; functions and types are still there".to_owned()];
        let mut failure = Self::at("Crash", how, line, origin, &notes);
        failure.message = format!("{how} (cell [{}], line {line})", origin.cell);
        failure
    }

    /// The cell's code ended the cell.
    pub(crate) fn ended(ended: Ended, origin: &Origin, left: &[String]) -> Self {
        let mut notes: Vec<String> = Vec::new();
        match ended {
            Ended::Error { chain, line } => {
                let mut chain = chain.into_iter();
                let message = chain.next().unwrap_or_default();
                notes.extend(chain.map(|cause| format!("caused by: {cause}")));
                notes.extend_from_slice(left);
                Self::at("Error", &message, line, origin, &notes)
            }
            Ended::Panic { message, place, line } => {
                // A line of a definition that was compiled again is not known as the line of its own cell.
                let carried = place.starts_with("cell [") && place.ends_with(']');
                match (place.is_empty(), carried) {
                    (true, _) => {}
                    (_, true) => notes.push(format!("panicked in an earlier definition, compiled again with {place}")),
                    _ => notes.push(format!("panicked at {place}")),
                }
                notes.extend_from_slice(left);
                Self::at("Panic", &message, line, origin, &notes)
            }
            Ended::Interrupted { line } => {
                notes.extend_from_slice(left);
                Self::at("Interrupted", &format!("the cell was stopped at line {line}"), line, origin, &notes)
            }
            Ended::NotLoaded { message } => {
                Self::new("InternalError", &format!("the cell could not be loaded: {message}"))
            }
            Ended::Ok => Self::new("InternalError", "the cell ended well"),
        }
    }

    /// A failure at a line of a cell, which is drawn.
    pub(crate) fn at(name: &str, message: &str, line: u32, origin: &Origin, notes: &[String]) -> Self {
        let range = line_range(&origin.text, line);
        let mut elements = Vec::new();
        if let Some(range) = range {
            let mark = AnnotationKind::Primary.span(range);
            elements.push(Snippet::source(&*origin.text).path(format!("cell [{}]", origin.cell)).annotation(mark));
        }
        let mut group = Level::ERROR.with_name(name).primary_title(message).elements(elements);
        for note in notes {
            group = group.element(Level::NOTE.message(note.as_str()));
        }
        let drawn = in_words(&Renderer::styled().render(&[group]));
        Self {
            name: name.to_owned(),
            message: message.to_owned(),
            traceback: drawn.lines().map(str::to_owned).collect(),
        }
    }
}

/// The line without its indentation; `None` for line 0 or one that is not there.
fn line_range(text: &str, line: u32) -> Option<std::ops::Range<usize>> {
    let index = usize::try_from(line.checked_sub(1)?).ok()?;
    let mut start = 0;
    for (at, whole) in text.split_inclusive('\n').enumerate() {
        if at == index {
            let content = whole.trim();
            let from = start + whole.find(content)?;
            return Some(from..from + content.len());
        }
        start += whole.len();
    }
    None
}

/// Says which variables are gone.
pub(crate) fn lost(names: &[String]) -> Option<String> {
    const SHOWN: usize = 12;
    if names.is_empty() {
        return None;
    }
    let mut list: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    if names.len() > SHOWN {
        list.push(format!("{} more", names.len() - SHOWN));
    }
    Some(format!("variables lost: {}", list.join(", ")))
}

impl Gone {
    /// One sentence: what became of the variable, and the remedy.
    pub(crate) fn explain(&self, name: &str) -> String {
        match self {
            Self::Moved { cell } => {
                format!("`{name}` was moved by cell [{cell}]; write `{name}.clone()` or `&{name}` there to keep it")
            }
            Self::Borrows { cell } => format!(
                "`{name}` of cell [{cell}] borrows from another variable, and no reference outlives its cell; store an owned value instead, for example with `.clone()` or `.to_owned()`"
            ),
            Self::Unnameable { cell, ty } if ty.contains("{async ") => format!(
                "`{name}` of cell [{cell}] is a future, whose type has no name, so later cells cannot use it; await it in its cell, or box it: `let {name}: std::pin::Pin<Box<dyn std::future::Future<Output = i32>>> = Box::pin(..);` with its own output"
            ),
            Self::Unnameable { cell, ty } if !ty.starts_with('{') && ty.contains("{closure") => format!(
                "`{name}` of cell [{cell}] has a closure in its type, which has no name, so later cells cannot use it; collect it, or box the closure (`Box<dyn Fn(i32) -> i32>`) or the iterator (`Box<dyn Iterator<Item = i32>>`)"
            ),
            Self::Unnameable { cell, ty } if ty.contains("closure") || ty.contains('{') => format!(
                "`{name}` of cell [{cell}] is a closure or a function's own type, which has no name, so later cells cannot use it; box it: `let {name}: Box<dyn Fn(i32) -> i32> = Box::new(..);` with its own arguments"
            ),
            Self::Unnameable { cell, ty } => format!(
                "`{name}` of cell [{cell}] has a type that has no name{}, so later cells cannot use it; box it (`Box<dyn Trait>`) or collect it",
                if ty.is_empty() { String::new() } else { format!(" (`{ty}`)") }
            ),
            Self::Redefined { item, made, changed } => format!(
                "`{name}` was made by cell [{made}] with an earlier definition of `{item}`, which cell [{changed}] changed; run the cell that makes `{name}` again"
            ),
            Self::Lost { cell, how } => {
                format!("`{name}` was lost in cell [{cell}]: {how}; run the cell that makes it again")
            }
            Self::Inside { cell } => format!(
                "`{name}` has a type that is defined inside the statements of cell [{cell}], by a macro or a block, where later cells cannot name it; define the type at the top level"
            ),
            Self::Unset { cell } => {
                format!(
                    "`{name}` does not have a value on every way through cell [{cell}], so it was not kept; give it one with `let {name} = ..;`"
                )
            }
        }
    }
}

impl From<Rendered> for Failure {
    fn from(rendered: Rendered) -> Self {
        Self { name: rendered.name, message: rendered.message, traceback: rendered.traceback }
    }
}

impl From<CompileError> for Failure {
    fn from(error: CompileError) -> Self {
        Self::new("EnvironmentError", &error.to_string())
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        Self::new("EnvironmentError", &error.to_string())
    }
}

impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Self {
        Self::Error { ename: failure.name, evalue: failure.message, traceback: failure.traceback }
    }
}
