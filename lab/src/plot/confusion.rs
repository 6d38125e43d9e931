//! A confusion matrix as a picture: each row coloured by the share of its true class.

use super::canvas::{Anchor, Canvas, Type, count, picture, width_of};
use super::palette;

/// With more classes than this, counts no longer fit into the cells.
const NUMBERS: usize = 26;
/// With more classes than this, their names no longer fit beside the cells.
const NAMES: usize = 60;
const QUIET: Type = Type { size: 11.5, color: palette::QUIET, bold: false };
const TITLE: Type = Type { size: 14.0, color: palette::INK, bold: true };

/// Draws counts by true class (down) and predicted class (across).
pub(crate) fn confusion_svg(counts: &[Vec<usize>], names: &[String]) -> String {
    let side = side(counts.len());
    let longest = names.iter().map(|name| width_of(&cut(name), QUIET.size)).fold(0.0, f64::max);
    let (left, top) = (46.0 + longest, 46.0);
    let size = side * count(counts.len());
    let below = if sideways(side, longest) { 24.0 + longest } else { 30.0 };
    picture((left + size + 22.0).max(220.0), top + size + below + 22.0, "Confusion matrix", |canvas| {
        canvas.text("Confusion matrix", (18.0, 22.0), Anchor::Start, TITLE);
        for (row, line) in counts.iter().enumerate() {
            cells(canvas, line, (left, top + side * count(row)), side, row);
        }
        if names.len() <= NAMES {
            labels(canvas, names, (left, top), side, longest);
        }
        let middle = size / 2.0;
        canvas.upward("true", (18.0, top + middle), Anchor::Middle, QUIET);
        canvas.text("predicted", (left + middle, top + size + below + 6.0), Anchor::Middle, QUIET);
    })
}

/// The side of a cell: large for few classes, never too small to see.
fn side(classes: usize) -> f64 {
    (420.0 / count(classes.max(1))).clamp(6.0, 56.0).round()
}

fn sideways(side: f64, longest: f64) -> bool {
    longest > side - 6.0
}

fn cells(canvas: &Canvas<'_>, line: &[usize], (left, top): (f64, f64), side: f64, row: usize) {
    let total: usize = line.iter().sum();
    for (column, &number) in line.iter().enumerate() {
        let share = if total == 0 { 0.0 } else { count(number) / count(total) };
        let x = left + side * count(column);
        let gap = if side > 12.0 { 1.0 } else { 0.25 };
        canvas.fill((x + gap, top + gap), (x + side - gap, top + side - gap), palette::blues(share));
        if line.len() <= NUMBERS && (number > 0 || row == column) {
            let color = if share > 0.45 { plotters::style::WHITE } else { palette::INK };
            let text = number.to_string();
            let size = (side * 0.38).min(13.0).min(side * 1.5 / count(text.len()));
            let look = Type { size, color, bold: row == column };
            canvas.text(&text, (x + side / 2.0, top + side / 2.0), Anchor::Middle, look);
        }
    }
}

fn labels(canvas: &Canvas<'_>, names: &[String], (left, top): (f64, f64), side: f64, longest: f64) {
    let look = Type { size: QUIET.size.min(side), ..QUIET };
    let bottom = top + side * count(names.len());
    for (index, name) in names.iter().enumerate() {
        let middle = side * (count(index) + 0.5);
        let name = cut(name);
        canvas.text(&name, (left - 8.0, top + middle), Anchor::End, look);
        if sideways(side, longest) {
            canvas.upward(&name, (left + middle, bottom + 9.0), Anchor::End, look);
        } else {
            canvas.text(&name, (left + middle, bottom + 15.0), Anchor::Middle, look);
        }
    }
}

/// A name short enough to stand beside a cell.
fn cut(name: &str) -> String {
    const MOST: usize = 18;
    if name.chars().count() <= MOST {
        return name.to_owned();
    }
    name.chars().take(MOST - 1).chain(['…']).collect()
}
