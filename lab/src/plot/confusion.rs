//! A confusion matrix as a picture: each row coloured by the share of its true class.

use super::canvas::{Anchor, Area, Canvas, count};
use super::cells::{Cell, Cells, Names, block};
use super::chart::Draw;
use super::frame::{HEADER, TICK, note, title};
use super::palette;
use crate::metric::ConfusionMatrix;

const SIDE: f64 = 420.0;
/// More classes than this make a table that nobody reads.
const TABLE: usize = 60;

impl Draw for ConfusionMatrix {
    fn size(&self, _: bool) -> (f64, f64) {
        let cells = cells(self);
        let (width, height) = cells.size();
        ((38.0 + cells.left() + width + 22.0).max(220.0), HEADER + height + cells.below() + 24.0)
    }

    fn draw(&self, canvas: &mut Canvas, area: Area) {
        title(canvas, area, "Confusion matrix");
        let cells = cells(self);
        let ((width, height), left, top) = (cells.size(), area.left + 38.0 + cells.left(), area.top + HEADER);
        cells.draw(canvas, (left, top));
        cells.name_rows(canvas, (left, top));
        cells.name_columns(canvas, (left, top + height));
        canvas.upward("true", (area.left + 18.0, top + height / 2.0), Anchor::Middle, TICK);
        let below = top + height + cells.below() + 8.0;
        canvas.text("predicted", (left + width / 2.0, below), Anchor::Middle, TICK);
        let size = block(self.classes().len());
        if size > 1 {
            note(canvas, left + width, top, &format!("each cell is {size} × {size} classes"));
        }
    }

    fn text(&self) -> String {
        let classes = self.classes().len();
        if classes <= TABLE { self.table() } else { format!("Confusion matrix of {classes} classes") }
    }
}

/// The counts; of more classes than can be told apart, those of groups of neighbours.
fn cells(matrix: &ConfusionMatrix) -> Cells {
    let names = Names::from(matrix.names());
    let size = block(names.len());
    let groups = names.len().div_ceil(size);
    let mut counts = vec![vec![0_usize; groups]; groups];
    for (row, line) in matrix.counts().iter().enumerate() {
        for (column, number) in line.iter().enumerate() {
            counts[row / size][column / size] += number;
        }
    }
    let cells = counts.iter().enumerate().flat_map(|(row, line)| {
        let total = count(line.iter().sum::<usize>().max(1));
        line.iter().enumerate().map(move |(column, &number)| Cell {
            color: palette::blues(count(number) / total),
            text: if number > 0 || row == column { number.to_string() } else { String::new() },
            bold: row == column,
        })
    });
    Cells::new(&names, &names, (size, size), cells.collect(), SIDE)
}
