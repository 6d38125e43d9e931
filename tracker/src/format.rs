//! How numbers, times and text are written for people, in the terminal and in notebooks alike.

use chrono::{DateTime, Local};
use serde_json::Value;

/// A value with at most five significant digits.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "inf"
        } else {
            "-inf"
        }
        .to_owned();
    }
    let size = value.abs();
    if value == 0.0 {
        "0".to_owned()
    } else if value.fract() == 0.0 && size < 1e9 {
        format!("{value:.0}")
    } else if (1e-4..1e9).contains(&size) {
        // The exponent of the rounded number, so that 0.99999999 becomes 1 and not 1.0000.
        let rounded = format!("{value:.4e}");
        let exponent: i32 = rounded.rsplit_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
        let decimals = usize::try_from(4 - exponent).unwrap_or(0);
        trim_zeros(&format!("{value:.decimals$}")).to_owned()
    } else {
        let rounded = format!("{value:.4e}");
        match rounded.split_once('e') {
            Some((digits, exponent)) => format!("{}e{exponent}", trim_zeros(digits)),
            None => rounded,
        }
    }
}

fn trim_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

/// A configuration value as one line: text without quotes, the rest as JSON.
pub fn value(value: &Value) -> String {
    match value {
        Value::String(text) => plain(text),
        other => plain(&other.to_string()),
    }
}

/// A part of an environment; of a hash, what tells it from another.
pub fn environment(part: &Value) -> String {
    match part {
        Value::Null => "absent".to_owned(),
        Value::String(hash) if hash.len() >= 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            hash[..12].to_owned()
        }
        other => value(other),
    }
}

/// A length of time in the two units that matter.
pub fn duration(milliseconds: i64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        _ if milliseconds < 1000 => format!("{milliseconds} ms"),
        0..10 => format!("{:.1} s", milliseconds as f64 / 1000.0),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// A moment in local time.
pub fn moment(milliseconds: i64) -> String {
    DateTime::from_timestamp_millis(milliseconds)
        .map(|utc| utc.with_timezone(&Local).format("%Y-%m-%d %H:%M:%S").to_string())
        .unwrap_or_else(|| format!("{milliseconds} ms"))
}

/// A size in bytes.
pub fn size(bytes: i64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64 / 1000.0;
    let mut unit = 0;
    while size >= 999.95 && unit + 1 < UNITS.len() {
        size /= 1000.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

/// Text that cannot command a terminal: what a run contains may come from anywhere.
pub fn plain(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

/// The same, with its line breaks and tabs.
pub fn plain_lines(text: &str) -> String {
    let kept = |character: char| !character.is_control() || matches!(character, '\n' | '\t');
    text.replace("\r\n", "\n").chars().map(|c| if kept(c) { c } else { '\u{fffd}' }).collect()
}

/// A curve in one line of at most `width` characters. Values that are no numbers leave a gap.
pub fn sparkline(values: &[f64], width: usize) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    let columns = values.len().min(width);
    let bar = |column: usize| {
        let part = &values[column * values.len() / columns..(column + 1) * values.len() / columns];
        let finite: Vec<f64> = part.iter().copied().filter(|value| value.is_finite()).collect();
        if finite.is_empty() {
            return ' ';
        }
        let mean = finite.iter().map(|value| value / finite.len() as f64).sum::<f64>();
        // Halved first: the difference of two huge numbers may be infinite.
        let part = (mean / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0);
        if part.is_finite() { BARS[((part * 7.0).round() as usize).min(7)] } else { BARS[3] }
    };
    (0..columns).map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_five_digits() {
        let cases = [
            (0.0, "0"),
            (12.0, "12"),
            (0.971_234_56, "0.97123"),
            (0.999_999_99, "1"),
            (0.001, "0.001"),
            (-0.5, "-0.5"),
            (123_456.789, "123457"),
            (0.000_012_345_67, "1.2346e-5"),
            (1.5e300, "1.5e300"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn lengths_of_time() {
        let cases = [
            (12, "12 ms"),
            (1234, "1.2 s"),
            (45_000, "45 s"),
            (61_000, "1 min 1 s"),
            (3_660_000, "1 h 1 min"),
            (90_000_000, "1 d 1 h"),
        ];
        for (milliseconds, text) in cases {
            assert_eq!(duration(milliseconds), text);
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(
            [size(999), size(1500), size(999_999), size(2_000_000_000)],
            ["999 B", "1.5 kB", "1.0 MB", "2.0 GB"]
        );
    }

    #[test]
    fn sparklines_span_the_range_and_bear_anything() {
        assert_eq!(sparkline(&[0.0, 1.0, 2.0, 7.0], 10), "▁▂▃█");
        assert_eq!(sparkline(&[0.0, f64::NAN, 7.0], 10), "▁ █");
        assert_eq!(sparkline(&[], 10), "");
        assert_eq!(sparkline(&[3.0, 3.0], 10), "▄▄");
        assert_eq!(sparkline(&[f64::INFINITY], 10), " ");
        assert_eq!(sparkline(&[f64::MIN, f64::MAX], 10), "▁█");
        assert_eq!(sparkline(&vec![1.0; 1000], 20).chars().count(), 20);
    }

    #[test]
    fn text_cannot_command_the_terminal() {
        assert_eq!(plain("a\u{1b}[31mb\n"), "a\u{fffd}[31mb\u{fffd}");
        assert_eq!(plain_lines("a\r\nb\u{7}"), "a\nb\u{fffd}");
    }
}
