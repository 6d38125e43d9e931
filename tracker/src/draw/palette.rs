//! Colours that people with any kind of colour vision tell apart, dark enough on a light panel.

use std::fmt;

/// A colour as red, green and blue; written as `#RRGGBB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color(pub u8, pub u8, pub u8);

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02X}{:02X}{:02X}", self.0, self.1, self.2)
    }
}

/// Lines, in the order they are added: Okabe and Ito's palette (2008), its yellow left out and its two
/// light colours darkened.
const SERIES: [Color; 7] = [
    Color(0, 114, 178),
    Color(213, 94, 0),
    Color(0, 146, 106),
    Color(190, 100, 150),
    Color(176, 117, 0),
    Color(40, 140, 190),
    Color(80, 80, 80),
];

/// What is behind everything.
pub const PANEL: Color = Color(252, 252, 253);
/// Text that is read first.
pub const INK: Color = Color(32, 36, 43);
/// Text that is read second: ticks and names of axes.
pub const QUIET: Color = Color(104, 110, 120);
/// Lines behind the data.
pub const GRID: Color = Color(229, 231, 235);
/// The line that data stands on.
pub const BASE: Color = Color(176, 181, 190);
/// What has no value.
pub const NONE: Color = Color(214, 216, 220);

/// The colour of a series by its number.
pub fn series(index: usize) -> Color {
    SERIES[index % SERIES.len()]
}

/// Whether a series has its colour from an earlier one, and so needs another kind of line.
pub fn dashed(index: usize) -> bool {
    index / SERIES.len() % 2 == 1
}

/// From nearly white to deep blue, for a share between 0 and 1.
pub fn blues(share: f64) -> Color {
    const STOPS: [(f64, [u8; 3]); 4] =
        [(0.0, [245, 248, 252]), (0.15, [205, 224, 241]), (0.5, [94, 160, 207]), (1.0, [8, 69, 129])];
    between(&STOPS, share)
}

/// From deep blue through nearly white to deep orange, for a share between 0 and 1; 0.5 is white.
pub fn diverging(share: f64) -> Color {
    const STOPS: [(f64, [u8; 3]); 7] = [
        (0.0, [8, 69, 129]),
        (0.2, [70, 140, 192]),
        (0.4, [186, 213, 235]),
        (0.5, [246, 246, 247]),
        (0.6, [247, 210, 175]),
        (0.8, [222, 128, 52]),
        (1.0, [146, 62, 4]),
    ];
    between(&STOPS, share)
}

/// From amber through teal to deep violet, each darker than the one before, for a share between 0 and 1: lines and
/// dots of any share can be seen on a light panel.
pub fn graded(share: f64) -> Color {
    const STOPS: [(f64, [u8; 3]); 4] =
        [(0.0, [233, 172, 48]), (0.4, [92, 160, 130]), (0.7, [32, 104, 143]), (1.0, [58, 12, 96])];
    between(&STOPS, share)
}

/// The colour of a text that can be read on this ground.
pub fn ink_on(ground: Color) -> Color {
    // The brightness that a screen gives the three colours, ITU-R BT.709.
    let light = 0.2126 * f64::from(ground.0) + 0.7152 * f64::from(ground.1) + 0.0722 * f64::from(ground.2);
    if light < 150.0 { Color(255, 255, 255) } else { INK }
}

fn between(stops: &[(f64, [u8; 3])], share: f64) -> Color {
    let share = share.clamp(0.0, 1.0);
    let mut color = stops[0].1;
    for pair in stops.windows(2) {
        let ((from, low), (to, high)) = (pair[0], pair[1]);
        if share >= from {
            let part = ((share - from) / (to - from)).min(1.0);
            color = [0, 1, 2].map(|index| mixed(low[index], high[index], part));
        }
    }
    Color(color[0], color[1], color[2])
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between two bytes, so a byte
fn mixed(low: u8, high: u8, part: f64) -> u8 {
    (f64::from(low) + (f64::from(high) - f64::from(low)) * part).round() as u8
}
