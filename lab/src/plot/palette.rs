//! Colours that people with any kind of colour vision tell apart, dark enough on a light panel.

use plotters::style::RGBColor;

/// Lines, in the order they are added: Okabe and Ito's palette (2008), its yellow left out and its two
/// light colours darkened.
const SERIES: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 146, 106),
    RGBColor(190, 100, 150),
    RGBColor(176, 117, 0),
    RGBColor(40, 140, 190),
    RGBColor(80, 80, 80),
];

/// Text that is read first.
pub(super) const INK: RGBColor = RGBColor(32, 36, 43);
/// Text that is read second: ticks and names of axes.
pub(super) const QUIET: RGBColor = RGBColor(104, 110, 120);
/// Lines behind the data.
pub(super) const GRID: RGBColor = RGBColor(229, 231, 235);
/// The line that data stands on.
pub(super) const BASE: RGBColor = RGBColor(176, 181, 190);

/// The colour of a series by its number.
pub(super) fn series(index: usize) -> RGBColor {
    SERIES[index % SERIES.len()]
}

/// From nearly white to deep blue, for a share between 0 and 1.
pub(super) fn blues(share: f64) -> RGBColor {
    let stops = [(0.0, [245, 248, 252]), (0.15, [205, 224, 241]), (0.5, [94, 160, 207]), (1.0, [8, 69, 129])];
    let share = share.clamp(0.0, 1.0);
    for pair in stops.windows(2) {
        let ((from, low), (to, high)) = (pair[0], pair[1]);
        if share <= to {
            let part = (share - from) / (to - from);
            let mix = |index: usize| mixed(low[index], high[index], part);
            return RGBColor(mix(0), mix(1), mix(2));
        }
    }
    RGBColor(8, 69, 129)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between two bytes, so a byte
fn mixed(low: u8, high: u8, part: f64) -> u8 {
    (f64::from(low) + (f64::from(high) - f64::from(low)) * part).round() as u8
}
