//! The tracker against the clock: prints one line of JSON for `tests/bench/tracker.py`.
//!
//! `clock log FILE N` | `clock start FILE` | `clock runs FILE N`
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement")]

use std::path::Path;
use std::time::Instant;
use tracker::Run;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let words: Vec<&str> = args.iter().skip(1).map(String::as_str).collect();
    match words.as_slice() {
        ["log", file, count] => log(file.as_ref(), count.parse().unwrap()),
        ["start", file] => start(file.as_ref()),
        ["runs", file, count] => runs(file.as_ref(), count.parse().unwrap()),
        _ => panic!("usage: clock log FILE N | start FILE | runs FILE N"),
    }
}

/// One scalar again and again, as `tracker_log.py` does with the others; each call timed in a second pass.
fn log(file: &Path, count: u64) {
    let run = Run::start_in(file, "clock", &()).unwrap();
    let began = Instant::now();
    for step in 0..count {
        run.log("loss", step, 1.0 / (step + 1) as f64);
    }
    let looped = began.elapsed();
    run.finish().unwrap();
    let stored = began.elapsed();
    let bytes = std::fs::metadata(file).unwrap().len();

    let timed = file.with_extension("timed.db");
    let run = Run::start_in(&timed, "clock", &()).unwrap();
    let mut calls = Vec::with_capacity(200_000);
    for step in 0..200_000_u32 {
        let began = Instant::now();
        run.log("loss", step, 1.0 / f64::from(step + 1));
        calls.push(began.elapsed().as_nanos());
    }
    run.finish().unwrap();
    calls.sort_unstable();
    let at = |part: f64| calls[(calls.len() as f64 * part) as usize];
    println!(
        "{{\"loop_ns\": {}, \"p50_ns\": {}, \"p999_ns\": {}, \"max_ns\": {}, \"stored_per_s\": {}, \"bytes_per_point\": {}}}",
        looped.as_nanos() / u128::from(count),
        at(0.5),
        at(0.999),
        at(0.999_999),
        (count as f64 / stored.as_secs_f64()) as u64,
        bytes as f64 / count as f64,
    );
}

/// From `Run::start` until the first point is stored; in a file that is new, then in one that is there.
fn start(file: &Path) {
    let once = || {
        let began = Instant::now();
        let run = Run::start_in(file, "start", &("adam", 0.001)).unwrap();
        run.log("loss", 0, 1.0);
        run.flush().unwrap();
        let first = began.elapsed();
        run.finish().unwrap();
        // The thread that stores has gone, so the next run starts from nothing.
        std::thread::sleep(std::time::Duration::from_millis(400));
        first.as_secs_f64() * 1e3
    };
    let new = once();
    let mut there: Vec<f64> = (0..11).map(|_| once()).collect();
    there.sort_by(f64::total_cmp);
    println!("{{\"new_file_ms\": {new}, \"first_point_ms\": {}}}", there[5]);
}

/// Many runs one after another, each with a configuration and a point.
fn runs(file: &Path, count: u64) {
    let began = Instant::now();
    for number in 0..count {
        let run = Run::start_in(file, "many", &("adam", number)).unwrap();
        run.log("loss", 0, 1.0);
        run.finish().unwrap();
    }
    println!("{{\"runs\": {count}, \"seconds\": {}}}", began.elapsed().as_secs_f64());
}
