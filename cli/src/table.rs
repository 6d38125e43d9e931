//! What the verbs that read runs share: the database they open, their tables, and their way to stdout.

use anyhow::anyhow;
use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use std::io::{Error, ErrorKind, Write};
use std::path::{Path, PathBuf};
use tracker::Store;

/// Where the runs are.
#[derive(clap::Args)]
pub(crate) struct Database {
    /// The run database [default: the ASSAY_DB variable, or assay.db here]
    #[arg(long = "db", value_name = "FILE")]
    path: Option<PathBuf>,
}

impl Database {
    /// Opens it for reading.
    pub(crate) fn open(&self) -> anyhow::Result<Store> {
        Ok(match &self.path {
            Some(path) => Store::open(path)?,
            None => Store::open_default()?,
        })
    }
}

/// One line under the headings and nothing else.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// An empty table in the house's style, as wide as the terminal.
pub(crate) fn new<T: AsRef<str>>(headings: impl IntoIterator<Item = T>) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic).set_header(
        headings
            .into_iter()
            .map(|heading| Cell::new(tracker::format::plain(heading.as_ref())).add_attribute(Attribute::Bold)),
    );
    table
}

/// Whether no cell must be broken to fit the terminal; anything fits where there is none.
pub(crate) fn fits(table: &mut Table) -> bool {
    let Some(terminal) = table.width() else {
        return true;
    };
    // A space on either side of each cell, and one between two of them.
    let width: usize = table.column_max_content_widths().into_iter().map(|width| usize::from(width) + 3).sum();
    width <= usize::from(terminal) + 1
}

/// A cell of text.
pub(crate) fn left(text: impl AsRef<str>) -> Cell {
    Cell::new(tracker::format::plain(text.as_ref()))
}

/// A cell of a number.
pub(crate) fn right(text: impl AsRef<str>) -> Cell {
    left(text).set_alignment(CellAlignment::Right)
}

/// A cell of a number; the best of its row or column is marked, and bold where there is a terminal.
pub(crate) fn marked(text: impl AsRef<str>, best: bool) -> Cell {
    if best { right(format!("★ {}", text.as_ref())).add_attribute(Attribute::Bold) } else { right(text) }
}

/// A table as lines without trailing spaces.
pub(crate) fn lines(table: &Table) -> String {
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// Why a file could not be written, and what to do.
pub(crate) fn unwritten(path: &Path, error: &Error) -> anyhow::Error {
    let folder = std::path::absolute(path).ok().and_then(|path| Some(path.parent()?.to_owned()));
    let folder = folder.as_deref().unwrap_or(path).display();
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            anyhow!("the folder {folder} may not be written: name another --output")
        }
        ErrorKind::NotFound => anyhow!("the folder {folder} does not exist: make it, or name another --output"),
        _ => anyhow!("{} could not be written: {error}", path.display()),
    }
}

/// Prints JSON for another program.
pub(crate) fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    print(&format!("{}\n", serde_json::to_string_pretty(value)?))
}

/// Prints; a reader that has seen enough, such as `head`, is no error.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    print_bytes(text.as_bytes())
}

/// Prints bytes as they are.
pub(crate) fn print_bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(anyhow::Error::from(error).context("the output could not be written"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_fits_just_when_none_of_its_cells_is_broken() {
        let mut table = new(["aaaa", "bbbb"]);
        table.add_row([left("1"), right("2")]);
        for (width, fitting) in [(12, false), (13, true)] {
            table.set_width(width);
            assert_eq!(fits(&mut table), fitting, "{width}");
            assert_eq!(lines(&table).lines().count() == 3, fitting, "{width}");
        }
    }
}
