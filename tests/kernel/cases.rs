//! The format of the case files:
//!
//! ```text
//! == name of the case
//! the first cell
//! > result 2
//! --
//! the second cell
//! > error E0308
//! > traceback line 1
//! ```
//!
//! Lines that start with `> ` say what the cell must lead to; `\n` in them is a line end.

use std::path::Path;

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) cells: Vec<Cell>,
}

#[derive(Default)]
pub(crate) struct Cell {
    pub(crate) source: String,
    pub(crate) expected: Vec<Expected>,
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
            cases.push(Case { name: name.to_owned(), cells: vec![Cell::default()] });
            continue;
        }
        let Some(case) = cases.last_mut() else { continue };
        if bare == "--" {
            case.cells.push(Cell::default());
            continue;
        }
        let cell = case.cells.last_mut().unwrap();
        match bare.strip_prefix("> ") {
            Some(expected) => {
                let (what, text) = expected.split_once(' ').unwrap_or((expected, ""));
                cell.expected.push(Expected { what: what.to_owned(), text: text.replace("\\n", "\n") });
            }
            None => cell.source.push_str(line),
        }
    }
    for cell in cases.iter_mut().flat_map(|case| &mut case.cells) {
        cell.source.truncate(cell.source.trim_end_matches('\n').len());
    }
    assert!(!cases.is_empty(), "no cases in {}", path.display());
    cases
}
