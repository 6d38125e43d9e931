//! The format of the case files:
//!
//! ```text
//! == name of the case
//! the first cell
//! > result 2
//! --
//! the second cell
//! > error E0308
//! > traceback cell [@2], line 1
//! ```
//!
//! Lines that start with `> ` say what the cell must lead to; `\n` in them is a line end, `[@2]` the
//! execution count of the case's second cell. Source that looks like one of these is written with a `\`
//! before it, which is left out.
//!
//! Big and odd cells are made by lines of their own:
//!
//! ```text
//! %repeat 500 let v%n = %n;      500 lines, with 0 to 499 for %n
//! %join                          the cell's lines without their ends
//! %crlf                          the cell's lines with Windows' ends
//! ```
//!
//! `%usual` and why: the case is run in the usual way only, not with every cell optimised at once or at one
//! level.

use std::path::Path;

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) cells: Vec<Cell>,
    pub(crate) is_usual_only: bool,
}

pub(crate) struct Cell {
    pub(crate) source: String,
    pub(crate) expected: Vec<Expected>,
    line_end: &'static str,
}

impl Cell {
    fn new() -> Self {
        Self { source: String::new(), expected: Vec::new(), line_end: "\n" }
    }
}

#[derive(Debug)]
pub(crate) struct Expected {
    /// `result`, `stdout`, `stderr`, `error`, `message`, `traceback`, `display`, or one with `not-` before it.
    pub(crate) what: String,
    pub(crate) text: String,
}

pub(crate) fn read(path: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut cases: Vec<Case> = Vec::new();
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end();
        if let Some(name) = bare.strip_prefix("== ") {
            cases.push(Case { name: name.to_owned(), cells: vec![Cell::new()], is_usual_only: false });
            continue;
        }
        let Some(case) = cases.last_mut() else { continue };
        if bare == "--" {
            case.cells.push(Cell::new());
            continue;
        }
        if bare.starts_with("%usual ") {
            case.is_usual_only = true;
            continue;
        }
        let cell = case.cells.last_mut().unwrap();
        if let Some(expected) = bare.strip_prefix("> ") {
            let (what, text) = expected.split_once(' ').unwrap_or((expected, ""));
            cell.expected.push(Expected { what: what.to_owned(), text: text.replace("\\n", "\n") });
        } else if let Some(repeated) = bare.strip_prefix("%repeat ") {
            let (count, line) = repeated.split_once(' ').unwrap();
            let count: usize = count.parse().unwrap();
            (0..count).for_each(|n| cell.source.push_str(&format!("{}\n", line.replace("%n", &n.to_string()))));
        } else if let "%join" | "%crlf" = bare {
            cell.line_end = if bare == "%join" { "" } else { "\r\n" };
        } else {
            cell.source.push_str(line.strip_prefix('\\').unwrap_or(line));
        }
    }
    for cell in cases.iter_mut().flat_map(|case| &mut case.cells) {
        cell.source.truncate(cell.source.trim_end_matches('\n').len());
        cell.source = cell.source.replace('\n', cell.line_end);
    }
    assert!(!cases.is_empty(), "no cases in {}", path.display());
    cases
}
