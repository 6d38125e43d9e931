//! The tracker against the clock: prints one line of JSON for `tests/bench/tracker.py`.
//!
//! `clock log FILE N` | `clock start FILE` | `clock runs FILE N` | `clock reads FILE RUNS STEPS` | `clock columns FILE`
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement")]

use std::path::Path;
use std::time::{Duration, Instant};
use tracker::{Query, Run, Store};

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let words: Vec<&str> = args.iter().skip(1).map(String::as_str).collect();
    match words.as_slice() {
        ["log", file, count] => log(file.as_ref(), count.parse().unwrap()),
        ["start", file] => start(file.as_ref()),
        ["runs", file, count] => runs(file.as_ref(), count.parse().unwrap()),
        ["columns", file] => {
            let store = Store::open(file).unwrap();
            println!("{{\"table_ms\": {}, \"points_per_s\": {}}}", table(&store), points(&store));
        }
        ["reads", file, runs, steps] => reads(file.as_ref(), runs.parse().unwrap(), steps.parse().unwrap()),
        _ => panic!("usage: clock log FILE N | start FILE | runs FILE N | reads FILE RUNS STEPS | columns FILE"),
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
        std::thread::sleep(Duration::from_millis(400));
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

/// Many runs of ten metrics and 63 parameters, and what is asked of them.
fn reads(file: &Path, runs: u64, steps: u64) {
    let names: Vec<String> = (0..10).map(|metric| format!("metric{metric}")).collect();
    for number in 0..runs {
        let config: std::collections::BTreeMap<String, f64> =
            (0..63).map(|parameter| (format!("p{parameter:02}"), (number * 7 + parameter) as f64 / 10.0)).collect();
        let run = Run::start_in(file, "many", &config).unwrap();
        for step in 0..steps {
            for (metric, name) in names.iter().enumerate() {
                run.log(name, step, (((number * 31 + step * 17) % 1009) as f64 + metric as f64) as f32 / 1009.0);
            }
        }
        run.finish().unwrap();
    }
    let run = Run::start_in(file, "long", &()).unwrap();
    for step in 0..1_000_000_u32 {
        run.log("curve", step, f64::from(step).sin());
    }
    run.finish().unwrap();
    std::thread::sleep(Duration::from_millis(400));

    let query = "status = finished and metric.metric1.max > 0.9 order by metric.metric0.last limit 100";
    let began = Instant::now();
    let store = Store::open(file).unwrap();
    assert_eq!(store.find(query).unwrap().len(), 100.min(runs as usize));
    let cold = began.elapsed();
    let warm = median(|| assert_eq!(store.find(query).unwrap().len(), 100.min(runs as usize)));
    let table = table(&store);
    let long = store.run("long").unwrap();
    let curve = median(|| assert!(store.curve(&long, "curve", 1000).unwrap().len() > 1900));
    let points = points(&store);
    println!(
        "{{\"find_cold_ms\": {}, \"find_warm_ms\": {warm}, \"table_ms\": {table}, \"points_per_s\": {points}, \"curve_ms\": {curve}}}",
        cold.as_secs_f64() * 1e3
    );
}

fn table(store: &Store) -> f64 {
    let all = Query { name: Some("many".to_owned()), ..Query::default() };
    median(|| assert_eq!(store.table(&all).unwrap().columns.len(), 100))
}

/// How fast the points of two metrics of all runs become columns.
fn points(store: &Store) -> u64 {
    let (mut steps, mut values) = (Vec::<i64>::new(), Vec::<f64>::new());
    let milliseconds = median(|| {
        steps.clear();
        values.clear();
        let collect = |points: tracker::Points<'_>| {
            steps.extend(points.steps);
            values.extend(points.values);
            Ok::<_, tracker::Error>(())
        };
        store.points(&Query::default(), &["metric0", "curve"], collect).unwrap();
    });
    (values.len() as f64 / milliseconds * 1e3) as u64
}

/// In milliseconds, of eleven times.
fn median(mut work: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = Vec::new();
    for _ in 0..11 {
        let began = Instant::now();
        work();
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    times[5]
}
