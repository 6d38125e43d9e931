//! Names of what is drawn, with its colours.

use super::canvas::{Anchor, Canvas, Stroke, Type, count, fit, width_of};
use super::frame::TICK;
use super::palette::{self, Color};

const SIZE: f64 = 11.5;
const LINE: f64 = 18.0;
/// From the start of a name's mark to the name.
const MARK: f64 = 20.0;
const GAP: f64 = 16.0;
/// The widest that a name may be.
const NAME: f64 = 190.0;
/// More rows than this would leave no room for the data.
const ROWS: usize = 3;

/// A name and its colour.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    name: String,
    color: Color,
    dashed: bool,
}

impl Entry {
    /// The entry of a series by its number.
    pub fn of(index: usize, name: &str) -> Self {
        Self { name: fit(name, SIZE, NAME), color: palette::series(index), dashed: palette::dashed(index) }
    }

    fn width(&self) -> f64 {
        MARK + width_of(&self.name, SIZE)
    }

    fn line(&self, canvas: &mut Canvas, (x, y): (f64, f64)) {
        canvas.line(&[(x, y), (x + 14.0, y)], Stroke::new(self.color, 2.5).dashed(self.dashed));
        self.write(canvas, (x, y));
    }

    fn write(&self, canvas: &mut Canvas, (x, y): (f64, f64)) {
        let look = Type { size: SIZE, color: palette::INK, bold: false };
        canvas.text(&self.name, (x + MARK, y), Anchor::Start, look);
    }
}

/// How wide a column of names is.
pub fn column_width(entries: &[Entry]) -> f64 {
    let widest = entries.iter().map(Entry::width).fold(0.0, f64::max);
    if entries.is_empty() { 0.0 } else { widest + 8.0 }
}

/// Writes lines and their names below each other, as many as have room.
pub fn column(canvas: &mut Canvas, entries: &[Entry], (x, y): (f64, f64), height: f64) {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a few
    let room = (height / LINE).max(1.0) as usize;
    let shown = if entries.len() > room { room - 1 } else { entries.len() };
    for (index, entry) in entries.iter().take(shown).enumerate() {
        entry.line(canvas, (x, y + LINE * count(index)));
    }
    more(canvas, entries.len() - shown, (x + MARK, y + LINE * count(shown)));
}

/// How high [`rows`] are; nothing if there is only one name to tell.
pub fn rows_height(entries: &[Entry], width: f64) -> f64 {
    if entries.len() < 2 { 0.0 } else { LINE * count(placed(entries, width).1) }
}

/// Writes spots and their names one after the other, in as many rows as they need.
pub fn rows(canvas: &mut Canvas, entries: &[Entry], (left, top): (f64, f64), width: f64) {
    if entries.len() < 2 {
        return;
    }
    let (places, _) = placed(entries, width);
    for (entry, &(x, row)) in entries.iter().zip(&places) {
        let at = (left + x, top + LINE * count(row));
        canvas.fill((at.0, at.1 - 5.0), (at.0 + 10.0, at.1 + 5.0), entry.color);
        entry.write(canvas, (at.0 - 4.0, at.1));
    }
    let end = places.last().zip(entries.get(places.len().saturating_sub(1)));
    if let Some((&(x, row), last)) = end {
        let at = (left + x + last.width() + GAP - 4.0, top + LINE * count(row));
        more(canvas, entries.len() - places.len(), at);
    }
}

fn more(canvas: &mut Canvas, hidden: usize, at: (f64, f64)) {
    if hidden > 0 {
        canvas.text(&format!("and {hidden} more"), at, Anchor::Start, TICK);
    }
}

/// Where entries are, from the left and by row, and how many rows there are. What has no room is left out.
fn placed(entries: &[Entry], width: f64) -> (Vec<(f64, usize)>, usize) {
    const MORE: f64 = 80.0;
    let (mut x, mut row) = (0.0, 0);
    let mut places = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let rest = if row + 1 == ROWS && index + 1 < entries.len() { MORE } else { 0.0 };
        if x > 0.0 && x + entry.width() + rest > width {
            (x, row) = (0.0, row + 1);
        }
        if row == ROWS {
            return (places, ROWS);
        }
        places.push((x, row));
        x += entry.width() + GAP;
    }
    (places, row + 1)
}
