//! Round times of the day.

use chrono::{DateTime, Local, Offset};

const SECOND: f64 = 1e3;
const MINUTE: f64 = 60.0 * SECOND;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;

/// There are no dates beyond this.
pub(super) const LAST: f64 = 8e15;

/// Lengths between two marks, in milliseconds.
const STEPS: [f64; 23] = [
    SECOND,
    2.0 * SECOND,
    5.0 * SECOND,
    10.0 * SECOND,
    15.0 * SECOND,
    30.0 * SECOND,
    MINUTE,
    2.0 * MINUTE,
    5.0 * MINUTE,
    10.0 * MINUTE,
    15.0 * MINUTE,
    30.0 * MINUTE,
    HOUR,
    2.0 * HOUR,
    3.0 * HOUR,
    6.0 * HOUR,
    12.0 * HOUR,
    DAY,
    2.0 * DAY,
    5.0 * DAY,
    10.0 * DAY,
    20.0 * DAY,
    50.0 * DAY,
];

/// The least of the lengths that is not below `least`; beyond them, round numbers of days.
pub(super) fn step(least: f64) -> f64 {
    STEPS.into_iter().find(|step| *step >= least).unwrap_or_else(|| super::round_step(least / DAY) * DAY)
}

/// What local time is ahead of UTC.
pub(super) fn offset(moment: f64) -> f64 {
    local(moment).map_or(0.0, |local| f64::from(local.offset().fix().local_minus_utc()) * SECOND)
}

/// A moment as precise as marks this far apart need.
pub(super) fn label(moment: f64, step: f64) -> String {
    let form = if step >= DAY {
        "%Y-%m-%d"
    } else if step >= MINUTE {
        "%H:%M"
    } else {
        "%H:%M:%S"
    };
    local(moment).map_or_else(String::new, |local| local.format(form).to_string())
}

#[allow(clippy::cast_possible_truncation)] // what is beyond chrono's range has no local time
fn local(moment: f64) -> Option<DateTime<Local>> {
    DateTime::from_timestamp_millis(moment.round() as i64).map(|utc| utc.with_timezone(&Local))
}

#[cfg(test)]
mod tests {
    use super::super::Axis;

    #[test]
    fn marks_are_round_times_of_the_day() {
        // From 2026-01-01 00:00 UTC on; the offsets of all zones are whole quarters of an hour.
        let begin = 1_767_225_600_000.0;
        let day = 86_400e3;
        for (length, step) in [(4e3, 1e3), (45e3, 10e3), (400e3, 120e3), (3_000e3, 600e3), (80.0 * day, 20.0 * day)] {
            let axis = Axis::moments([begin + 1.0, begin + length].into_iter());
            let ticks: Vec<f64> = axis.ticks.iter().map(|tick| tick.0).collect();
            assert!(ticks.len() > 2 && ticks.windows(2).all(|pair| pair[1] - pair[0] == step), "{length}: {ticks:?}");
            assert!(step > 900e3 || ticks.iter().all(|tick| tick % step == 0.0), "{ticks:?}");
        }
    }
}
