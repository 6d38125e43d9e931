//! The verdict in words.

use tracker::compare::ParamRow;
use tracker::{Difference, SeriesVerdict, Session, Verdict, format};

use super::check::{Check, State};

/// So many series that differ are shown.
const SHOWN: usize = 10;

/// "900 of 900 values equal", and for each series that is not where it differs first.
pub(super) fn verdict(verdict: &Verdict, tolerance: f64) -> String {
    let (all, equal) = verdict.values();
    let mut page = format!("{equal} of {all} values equal");
    if tolerance > 0.0 {
        let close: usize = verdict.series.iter().map(|it| it.close).sum();
        page += &format!(", {close} within {tolerance}");
    }
    if !verdict.artifacts.is_empty() {
        let equal = verdict.artifacts.iter().filter(|it| it.equal).count();
        page += &format!("; {equal} of {} artifacts equal", verdict.artifacts.len());
    }
    page.push('\n');
    let differing: Vec<_> = verdict.series.iter().filter(|it| it.first.is_some()).collect();
    for series in differing.iter().take(SHOWN) {
        page += &format!("  {}\n", line(series));
    }
    if differing.len() > SHOWN {
        page += &format!("  and {} more series\n", differing.len() - SHOWN);
    }
    for artifact in verdict.artifacts.iter().filter(|it| !it.equal).take(SHOWN) {
        let what = if artifact.is_there { "has other bytes" } else { "is not there" };
        page += &format!("  artifact {} {what}\n", format::plain(&artifact.name));
    }
    page
}

fn line(series: &SeriesVerdict) -> String {
    let key = format::plain(&series.key);
    let Some(Difference { step, value, again, ulps }) = series.first else { return key };
    match (value, again) {
        (Some(value), Some(again)) => {
            let distance = ulps.map(|ulps| format!(", {ulps} ulps apart")).unwrap_or_default();
            let differing = series.values.max(series.again) - series.equal;
            format!(
                "{key} differs from step {step} on ({differing} values): {value:?} was logged, now {again:?}{distance}"
            )
        }
        (Some(_), None) => {
            format!("{key} has {} values, now only {}: step {step} is missing", series.values, series.again)
        }
        _ => format!("{key} has {} values, now {}: step {step} is new", series.values, series.again),
    }
}

/// The likeliest reason why values differ, in a sentence; `differs`: what the two runs were recorded in, where that
/// differs.
pub(super) fn reason(verdict: &Verdict, differs: &[ParamRow], check: &Check, session: &Session) -> String {
    if let Some(file) = check.files.iter().find(|file| file.state != State::Same) {
        let what = if file.state == State::Differs { "has other content than it had" } else { "is not there any more" };
        return format!("most likely because the file {} {what}", format::plain(&file.path.to_string_lossy()));
    }
    let differs = |name: &str| differs.iter().any(|row| row.path == name || row.path.starts_with(&format!("{name}.")));
    let crates = || differs("lockfile") || differs("crates") || differs("features");
    let told = [
        (differs("data"), "the data that it read has changed"),
        (differs("commit") || differs("diff"), "the working folder is at another commit or has other changes"),
        (crates(), "the crates are of other versions"),
        (differs("environment"), "lab or another part of the environment is another one"),
        (differs("rustc"), "the compiler is another one"),
        (differs("device") || differs("gpus"), "it was computed on another device"),
        (differs("cpu_flags"), "the processor has other instructions"),
        (differs("variables"), "variables of the environment are set otherwise"),
    ];
    if let Some((_, reason)) = told.iter().find(|(holds, _)| *holds) {
        return format!("most likely because {reason}");
    }
    let measured = |key: &str| {
        ["time", "seconds", "_ms", "duration", "per_second", "throughput"].iter().any(|word| key.contains(word))
    };
    let differing: Vec<&str> =
        verdict.series.iter().filter(|it| it.first.is_some()).map(|it| it.key.as_str()).collect();
    if !differing.is_empty() && differing.iter().all(|key| measured(key)) {
        return "what differs was measured by the clock".to_owned();
    }
    let unseeded: Vec<&str> =
        session.uses.iter().filter(|it| it.kind == "unseeded").map(|it| it.name.as_str()).collect();
    if !unseeded.is_empty() {
        return format!("most likely because the cells use {}", format::plain(&unseeded.join(", ")));
    }
    "nothing that was recorded differs: most likely the cells draw unseeded random numbers or depend on the order of \
     threads"
        .to_owned()
}
