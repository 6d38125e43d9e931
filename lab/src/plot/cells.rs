//! Labelled cells: what heat maps, attention maps and confusion matrices are drawn of.

use super::canvas::{Anchor, Area, Canvas, Type, count, fit, width_of};
use super::frame::TICK;
use super::palette::{Color, ink_on};
use super::pixels::pixels;

/// More cells than this in a row or column can't be told apart: they are merged.
const MOST: usize = 200;
/// More cells than this are drawn as pixels without gaps.
const GAPS: usize = 900;
/// The widest that a label may be.
const LABEL: f64 = 130.0;

/// Names of the rows or columns of a matrix: given, or their numbers from 0. What a chart takes as
/// `impl Into<Names>` takes a list of texts, or how many there are.
#[derive(Debug, Clone, PartialEq)]
pub struct Names {
    names: Vec<String>,
    numbered: bool,
}

impl From<usize> for Names {
    fn from(number: usize) -> Self {
        Self { names: (0..number).map(|index| index.to_string()).collect(), numbered: true }
    }
}

impl<S: AsRef<str>> From<&[S]> for Names {
    fn from(names: &[S]) -> Self {
        let names: Vec<String> = names.iter().map(|name| name.as_ref().to_owned()).collect();
        let numbered = names.iter().all(|name| name.parse::<usize>().is_ok());
        Self { names, numbered }
    }
}

impl<S: AsRef<str>> From<&Vec<S>> for Names {
    fn from(names: &Vec<S>) -> Self {
        names.as_slice().into()
    }
}

impl<S: AsRef<str>, const N: usize> From<&[S; N]> for Names {
    fn from(names: &[S; N]) -> Self {
        names.as_slice().into()
    }
}

impl Names {
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    pub(super) fn get(&self, index: usize) -> &str {
        self.names.get(index).map_or("", String::as_str)
    }

    fn widest(&self) -> f64 {
        self.names.iter().map(|name| width_of(name, TICK.size)).fold(0.0, f64::max).min(LABEL)
    }
}

/// What is in a cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cell {
    pub(super) color: Color,
    pub(super) text: String,
    pub(super) bold: bool,
}

/// How many cells in a row or column become one, so that they can be told apart.
pub(super) fn block(cells: usize) -> usize {
    cells.div_ceil(MOST).max(1)
}

/// Cells row after row, and what the rows and columns are.
pub(super) struct Cells {
    rows: Names,
    columns: Names,
    /// How many rows and columns a cell stands for.
    blocks: (usize, usize),
    cells: Vec<Cell>,
    /// Width and height of a row's or column's part of a cell.
    part: (f64, f64),
    /// Width and height of a cell.
    side: (f64, f64),
}

impl Cells {
    /// Makes cells that fill about an area of `most`; each stands for a block of that many rows and columns.
    pub(super) fn new(rows: &Names, columns: &Names, blocks: (usize, usize), cells: Vec<Cell>, most: f64) -> Self {
        let side = |number: usize| (most / count(number.max(1))).clamp(2.0, 52.0);
        let (wide, high) = (side(columns.len().div_ceil(blocks.1)), side(rows.len().div_ceil(blocks.0)));
        // About square cells are square; long ones are not, or a long matrix would be a thread.
        let side = if wide / high < 2.0 && high / wide < 2.0 {
            (wide.min(high), wide.min(high))
        } else {
            (wide.min(5.0 * high), high.min(5.0 * wide))
        };
        let part = (side.0 / count(blocks.1), side.1 / count(blocks.0));
        Self { rows: rows.clone(), columns: columns.clone(), blocks, cells, part, side }
    }

    /// Width and height of all cells together.
    pub(super) fn size(&self) -> (f64, f64) {
        (self.side.0 * count(self.across()), self.side.1 * count(self.rows.len().div_ceil(self.blocks.0)))
    }

    /// How many cells are in a row.
    fn across(&self) -> usize {
        self.columns.len().div_ceil(self.blocks.1)
    }

    /// How much room the labels of the rows take, left of the cells.
    pub(super) fn left(&self) -> f64 {
        self.rows.widest() + 8.0
    }

    /// How much room the labels of the columns take, below the cells.
    pub(super) fn below(&self) -> f64 {
        if self.sideways() { self.columns.widest() + 12.0 } else { 22.0 }
    }

    /// Whether the labels of the columns are written upward.
    fn sideways(&self) -> bool {
        !self.columns.numbered && self.columns.widest() > self.side.0 - 6.0
    }

    pub(super) fn draw(&self, canvas: &mut Canvas, (left, top): (f64, f64)) {
        let (width, height) = self.size();
        if self.cells.len() > GAPS || self.side.0.min(self.side.1) < 5.0 {
            let colors: Vec<Color> = self.cells.iter().map(|cell| cell.color).collect();
            pixels(canvas, Area { left, top, width, height }, self.across(), &colors);
        } else {
            let gap = if self.side.0.min(self.side.1) > 14.0 { 1.0 } else { 0.5 };
            for (index, cell) in self.cells.iter().enumerate() {
                let (x, y) = self.corner(index, (left, top));
                let end = (x + self.side.0 - gap, y + self.side.1 - gap);
                canvas.fill((x + gap, y + gap), end, cell.color);
            }
        }
        self.texts(canvas, (left, top));
    }

    fn corner(&self, index: usize, (left, top): (f64, f64)) -> (f64, f64) {
        let columns = self.across().max(1);
        (left + self.side.0 * count(index % columns), top + self.side.1 * count(index / columns))
    }

    /// Writes into the cells, all in one size, if it can be read.
    fn texts(&self, canvas: &mut Canvas, start: (f64, f64)) {
        let widest = self.cells.iter().map(|cell| width_of(&cell.text, 1.0)).fold(0.0, f64::max);
        let size = (self.side.1 * 0.5).min(13.0).min((self.side.0 - 5.0) / widest.max(0.1));
        if size < 7.5 {
            return;
        }
        for (index, cell) in self.cells.iter().enumerate().filter(|(_, cell)| !cell.text.is_empty()) {
            let (x, y) = self.corner(index, start);
            let look = Type { size, color: ink_on(cell.color), bold: cell.bold };
            canvas.text(&cell.text, (x + self.side.0 / 2.0, y + self.side.1 / 2.0), Anchor::Middle, look);
        }
    }

    /// Writes the names of rows left of the cells, as many as have room.
    pub(super) fn name_rows(&self, canvas: &mut Canvas, (left, top): (f64, f64)) {
        let room = if self.rows.numbered && self.rows.len() > 30 { 20.0 } else { 11.0 };
        for index in (0..self.rows.len()).step_by(every(self.part.1, room)) {
            let name = fit(self.rows.get(index), TICK.size, LABEL);
            canvas.text(&name, (left - 7.0, top + self.part.1 * (count(index) + 0.5)), Anchor::End, TICK);
        }
    }

    /// Writes the names of columns below the cells, which end at `bottom`, as many as have room.
    pub(super) fn name_columns(&self, canvas: &mut Canvas, (left, bottom): (f64, f64)) {
        let sideways = self.sideways();
        let room = if sideways { 12.0 } else { self.columns.widest() + 6.0 };
        for index in (0..self.columns.len()).step_by(every(self.part.0, room)) {
            let middle = left + self.part.0 * (count(index) + 0.5);
            if sideways {
                let name = fit(self.columns.get(index), TICK.size, LABEL);
                canvas.upward(&name, (middle, bottom + 7.0), Anchor::End, TICK);
            } else {
                canvas.text(self.columns.get(index), (middle, bottom + 13.0), Anchor::Middle, TICK);
            }
        }
    }
}

/// Every how many cells of this side there is room for a name: 1, 2, 5, 10, 20 and so on.
fn every(side: f64, room: f64) -> usize {
    let steps = (0..9).flat_map(|power| [1, 2, 5].map(|mark| mark * 10_usize.pow(power)));
    steps.into_iter().find(|&step| side * count(step) >= room).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_room() {
        assert_eq!([every(20.0, 11.0), every(6.0, 11.0), every(2.0, 11.0), every(0.5, 11.0)], [1, 2, 10, 50]);
        assert_eq!([block(0), block(200), block(201), block(5000)], [1, 1, 2, 25]);
    }
}
