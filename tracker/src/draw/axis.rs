//! Round numbers for axes, and their labels.

mod moments;

use super::canvas::{count, fit};

/// Values beyond this are left out: the length of an axis over them would overflow.
pub const LARGEST: f64 = 1e300;
/// Values nearer to zero than this are zero: their logarithms would be inexact.
const SMALLEST: f64 = 1e-300;

/// The size of the letters of a label.
pub const LABEL: f64 = 11.0;
/// The widest label of a name.
const LONGEST: f64 = 110.0;

/// From where to where an axis goes, and what is marked on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    low: f64,
    high: f64,
    log: bool,
    pub ticks: Vec<(f64, String)>,
}

impl Axis {
    /// An axis over whole numbers such as epochs, from the first to the last.
    pub fn steps(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = range(values).unwrap_or((0.0, 1.0));
        let high = if high > low { high } else { low + 1f64.max(low.abs() * 0.1) };
        let step = round_step((high - low) / 8.0).max(if low.fract() == 0.0 { 1.0 } else { 0.0 });
        let ticks = multiples(low, high, step).into_iter().map(|tick| (tick, label(tick, step))).collect();
        Self { low, high, log: false, ticks }
    }

    /// An axis from one value to another, exactly.
    pub fn exactly(low: f64, high: f64) -> Self {
        let step = round_step((high - low) / 7.0);
        let ticks = multiples(low, high, step).into_iter().map(|tick| (tick, label(tick, step))).collect();
        Self { low, high, log: false, ticks }
    }

    /// An axis from 0 to 1, for shares.
    pub fn shares() -> Self {
        let ticks = (0..=5_u32).map(|fifth| f64::from(fifth) / 5.0).map(|tick| (tick, label(tick, 0.2))).collect();
        Self { low: 0.0, high: 1.0, log: false, ticks }
    }

    /// An axis that reaches a little beyond the values, so that none is on its edge.
    pub fn around(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = range(values).unwrap_or((0.0, 1.0));
        let beyond = if high - low > 1e-9 * high.abs().max(low.abs()) { 0.04 * (high - low) } else { 0.5 * size(low) };
        Self::exactly(low - beyond, high + beyond)
    }

    /// An axis of names: the first at 0, the next at 1. Of many, every few are written.
    pub fn named(names: &[String]) -> Self {
        const ROOM: usize = 16;
        let every = names.len().div_ceil(ROOM).max(1);
        let ticks = names.iter().enumerate().step_by(every);
        let ticks = ticks.map(|(place, name)| (count(place), fit(name, LABEL, LONGEST))).collect();
        Self { low: -0.5, high: count(names.len()) - 0.5, log: false, ticks }
    }

    /// An axis over moments in milliseconds since 1970 UTC, marked at round times of the day where it is drawn.
    pub fn moments(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = range(values.filter(|moment| moment.abs() < moments::LAST)).unwrap_or((0.0, 1.0));
        let (low, high) = if high - low < 1.0 { (low - 1000.0, high + 1000.0) } else { (low, high) };
        let step = moments::step((high - low) / 6.0);
        let offset = moments::offset(low);
        let ticks = multiples(low + offset, high + offset, step).into_iter().map(|tick| tick - offset);
        let ticks = ticks.map(|tick| (tick, moments::label(tick, step))).collect();
        Self { low, high, log: false, ticks }
    }

    /// The values at its ends.
    pub fn ends(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// An axis that reaches a little beyond the values, to a round number.
    pub fn linear(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = range(values).unwrap_or((0.0, 1.0));
        let (low, high) = if high - low > 1e-9 * high.abs().max(low.abs()) {
            (low, high)
        } else {
            (low - 0.5 * size(low), high + 0.5 * size(high))
        };
        let step = round_step((high - low) / 4.5);
        let (low, high) = ((low / step + 1e-9).floor() * step, (high / step - 1e-9).ceil() * step);
        let ticks = multiples(low, high, step).into_iter().map(|tick| (tick, label(tick, step))).collect();
        Self { low, high, log: false, ticks }
    }

    /// A logarithmic axis over the values above zero, to round numbers.
    pub fn log(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = log_range(values);
        let marks = log_marks(low, high);
        let least = marks.iter().copied().rfind(|&mark| mark <= low * 1.0001).unwrap_or(low);
        let most = marks.iter().copied().find(|&mark| mark >= high * 0.9999).unwrap_or(high);
        Self { low: least, high: most, log: true, ticks: log_ticks(marks, least, most) }
    }

    /// A logarithmic axis that reaches a little beyond the values above zero, so that none is on its edge.
    pub fn log_around(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = log_range(values);
        let beyond = (high / low).powf(0.04);
        let (low, high) = ((low / beyond).max(SMALLEST), (high * beyond).min(LARGEST));
        let ticks = log_ticks(log_marks(low, high), low, high);
        let ticks = if ticks.len() > 1 { ticks } else { Self::exactly(low, high).ticks };
        Self { low, high, log: true, ticks }
    }

    /// How far along the axis a value is, from 0 to 1; none if it is not on it.
    pub fn part(&self, value: f64) -> Option<f64> {
        let part = if self.log {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        (-0.001..=1.001).contains(&part).then_some(part)
    }
}

/// A value in a few digits, for the end of a line.
pub fn value_label(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        return "0".to_owned();
    }
    if !(1e-3..1e5).contains(&size) {
        return format!("{value:.1e}");
    }
    let decimals = if size >= 100.0 {
        0
    } else if size >= 10.0 {
        1
    } else {
        3
    };
    format!("{value:.decimals$}")
}

/// A count as it is, other values in a few digits.
pub fn short_label(value: f64) -> String {
    // Adding 0 makes -0 a 0.
    if value.fract() == 0.0 && value.abs() < 1e9 { format!("{}", value + 0.0) } else { value_label(value) }
}

/// The least and the greatest of the values that can be drawn.
pub fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.filter(|value| value.abs() < LARGEST).fold(None, |range, value| {
        let value = if value.abs() < SMALLEST { 0.0 } else { value };
        let (low, high) = range.unwrap_or((value, value));
        Some((low.min(value), high.max(value)))
    })
}

/// The least and the greatest of the values above zero, apart from each other.
fn log_range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = range(values.filter(|&value| value > SMALLEST)).unwrap_or((0.1, 1.0));
    if high > low * 1.001 { (low, high) } else { (low / 2.0, high * 2.0) }
}

/// Round numbers from below `low` to above `high`: powers of ten, of less than one and a half also 2 and 5 of them.
fn log_marks(low: f64, high: f64) -> Vec<f64> {
    let marks: &[f64] = if high / low < 30.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let powers = whole(low.log10().floor())..=whole(high.log10().ceil());
    powers.flat_map(|power| marks.iter().map(move |mark| mark * 10f64.powi(power))).collect()
}

/// The marks from `low` to `high`; of many, every few.
fn log_ticks(marks: Vec<f64>, low: f64, high: f64) -> Vec<(f64, String)> {
    let every = (marks.len() / 8).max(1);
    let inside = marks.into_iter().filter(|&mark| mark >= low * 0.9999 && mark <= high * 1.0001);
    inside.step_by(every).map(|tick| (tick, label(tick, tick))).collect()
}

fn size(value: f64) -> f64 {
    if value == 0.0 { 1.0 } else { value.abs() }
}

/// The smallest of 1, 2, 5, 10, 20, ... and their tenths that is not below `step`.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let mark = [1.0, 2.0, 5.0, 10.0].into_iter().find(|mark| mark * power >= step * 0.9999);
    mark.unwrap_or(10.0) * power
}

/// The multiples of `step` from `low` to `high`.
fn multiples(low: f64, high: f64, step: f64) -> Vec<f64> {
    let first = (low / step - 1e-9).ceil();
    let mut last = f64::NEG_INFINITY;
    let ticks = (0..100).map(|index| (first + f64::from(index)) * step);
    let new = ticks.take_while(|&tick| {
        let further = tick > last && tick <= high + step * 1e-6;
        last = tick;
        further
    });
    // Adding 0 makes -0 a 0.
    new.map(|tick| tick + 0.0).collect()
}

/// A tick with as many decimals as the step between ticks needs.
fn label(value: f64, step: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e6).contains(&size) {
        // What is so near to a short number differs from it by rounding alone.
        let mut short = (0..3).map(|digits| format!("{value:.digits$e}"));
        let near = |text: &String| text.parse::<f64>().is_ok_and(|short| (short - value).abs() <= step * 1e-6);
        if let Some(text) = short.find(near) {
            return text;
        }
        // Large numbers with small steps between them differ in their last digits.
        return if size > 1.0 && size < 1e12 && step >= 1.0 { format!("{value:.0}") } else { format!("{value:.1e}") };
    }
    let decimals = usize::try_from(whole((-(step.log10() + 1e-9)).ceil())).unwrap_or(0);
    let value = if size < step * 1e-6 { 0.0 } else { value };
    format!("{value:.decimals$}")
}

#[allow(clippy::cast_possible_truncation)] // powers of ten of an f64 are below 400
fn whole(value: f64) -> i32 {
    value as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(&Axis::steps([1.0, 30.0].into_iter())), ["5", "10", "15", "20", "25", "30"]);
        assert_eq!(labels(&Axis::steps([1.0, 4.0].into_iter())), ["1", "2", "3", "4"]);
        assert_eq!(labels(&Axis::linear([0.03, 0.91].into_iter())), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(&Axis::log([0.003, 2.0].into_iter())), ["0.001", "0.01", "0.1", "1", "10"]);
        assert_eq!(labels(&Axis::linear([0.0, 40.0].into_iter())), ["0", "10", "20", "30", "40"]);
        assert_eq!(labels(&Axis::exactly(2_000_000.0, 2_000_100.0))[..2], ["2e6", "2000020"]);
        assert_eq!(labels(&Axis::log([0.3, 2.0].into_iter())), ["0.2", "0.5", "1", "2"]);
        assert_eq!(labels(&Axis::log_around([0.003, 2.0].into_iter())), ["0.01", "0.1", "1"]);
        assert_eq!(labels(&Axis::log_around([3.1, 4.2].into_iter())), ["3.2", "3.4", "3.6", "3.8", "4.0", "4.2"]);
    }

    #[test]
    fn names_have_places_one_apart() {
        let names: Vec<String> = ["adam", "sgd"].map(str::to_owned).into();
        let axis = Axis::named(&names);
        assert_eq!(labels(&axis), names);
        assert_eq!((axis.part(0.0), axis.part(1.0)), (Some(0.25), Some(0.75)));
        let many: Vec<String> = (0..100).map(|name| name.to_string()).collect();
        assert_eq!(labels(&Axis::named(&many))[..3], ["0", "7", "14"]);
    }

    #[test]
    fn odd_values_still_give_an_axis() {
        for values in [
            vec![],
            vec![f64::NAN],
            vec![5.0],
            vec![0.0],
            vec![f64::INFINITY, 1.0],
            vec![-3.0, -3.0],
            vec![1e299],
            vec![1e300],
            vec![-1e299, 1e299],
            vec![3.0, 1e299],
            vec![1e-299, 3.0],
            vec![1.0, 1.0 + f64::EPSILON],
            vec![1e-320, 3e-310],
        ] {
            for axis in [Axis::steps, Axis::linear, Axis::around, Axis::log, Axis::log_around, Axis::moments]
                .map(|make: fn(_) -> Axis| make(values.clone().into_iter()))
            {
                assert!(axis.ticks.len() < 30 && axis.low < axis.high, "{values:?} {axis:?}");
            }
        }
    }

    #[test]
    fn values_have_a_place() {
        let axis = Axis::log([0.01, 1.0].into_iter());
        assert_eq!(axis.part(0.1).map(|part| (part * 1000.0).round()), Some(500.0));
        assert_eq!(axis.part(0.0), None);
        assert_eq!(axis.part(f64::NAN), None);
    }
}
