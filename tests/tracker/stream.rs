//! A process that logs a value every half a millisecond, and what of it is lost when it ends.
//!
//! The promise is about the program, not about a machine that is busy with something else. So the file is in memory,
//! where no disk is waited for; and time in which a thread of the tracker wanted a processor and got none does not
//! count: Linux says how much that was (the second number of `/proc/PID/task/TID/schedstat`, in nanoseconds).

use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use tracker::{Run, Store};

use crate::child::{self, Recorder};
use crate::support::{Place, signal};

/// The threads of the tracker that a value passes on its way to the disk.
const THREADS: [&str; 2] = ["assay-writer", "assay-checkpoint"];

/// What the process notes of each value that it has logged.
#[derive(Clone, Copy)]
pub(crate) struct Logged {
    moment_ms: i64,
    /// Nanoseconds that each of the threads has waited for a processor until then.
    waited: [u64; 2],
}

/// The body of the process: logs until it is killed, and notes what it has logged in a file beside the database.
pub(crate) fn log(run: &Run, db: &Path) {
    let mut file = fs::File::create(notes(db)).unwrap();
    for step in 0_u64.. {
        let moment = tracker::capture::now_ms();
        run.log("now", step, moment);
        let mut line = moment.to_string();
        THREADS.iter().for_each(|name| write!(line, " {}", scheduled("self", name).1).unwrap());
        line.push('\n');
        // At once: what a killed process has written to a file is there.
        file.write_all(line.as_bytes()).unwrap();
        std::thread::sleep(std::time::Duration::from_micros(500));
    }
}

fn notes(db: &Path) -> PathBuf {
    db.with_extension("notes")
}

/// How long a thread of a process has run and has waited to run, in nanoseconds. Of one that is not there, 0.
fn scheduled(process: &str, name: &str) -> (u64, u64) {
    let numbers = threads(process).find_map(|task| {
        let is_it = fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm.trim() == &name[..name.len().min(15)]);
        is_it.then(|| fs::read_to_string(task.join("schedstat")).ok())?
    });
    let numbers = numbers.unwrap_or_default();
    let mut numbers = numbers.split_whitespace().map(|number| number.parse().unwrap());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

fn threads(process: &str) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(format!("/proc/{process}/task")).unwrap().flatten().map(|entry| entry.path())
}

/// The process, seen by the test.
pub(crate) struct Stream {
    pub(crate) place: Place,
    recorder: Recorder,
}

impl Stream {
    /// Starts it and waits until some of it is stored.
    pub(crate) fn begin() -> Self {
        let place = Place::in_memory();
        let recorder = child::spawn("stream", &place.db());
        let store = place.store();
        while store.run(&recorder.uid).unwrap().metrics.first().is_none_or(|metric| metric.points < 200) {
            std::thread::yield_now();
        }
        Self { place, recorder }
    }

    pub(crate) fn uid(&self) -> &str {
        &self.recorder.uid
    }

    /// What it has logged so far.
    pub(crate) fn logged(&self) -> Vec<Logged> {
        let notes = fs::read_to_string(notes(&self.place.db())).unwrap();
        let whole = notes.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let line = |line: &str| {
            let numbers: Vec<u64> = line.split(' ').map(|number| number.parse().unwrap()).collect();
            Logged { moment_ms: numbers[0] as i64, waited: [numbers[1], numbers[2]] }
        };
        whole.lines().map(line).collect()
    }

    /// Stops it where it is. How long its threads have waited is then known exactly: each had to be given a processor
    /// to see that it is stopped, and does nothing else with it.
    pub(crate) fn stop(&self) -> [u64; 2] {
        signal(&self.recorder, "STOP");
        let process = self.process();
        let is_stopped = |task: PathBuf| {
            let stat = fs::read_to_string(task.join("stat")).unwrap();
            stat.rsplit_once(") ").unwrap().1.starts_with('T')
        };
        while !threads(&process).all(is_stopped) {
            std::thread::yield_now();
        }
        THREADS.map(|name| scheduled(&process, name).1)
    }

    /// How long its threads have waited when each has run once more, so that what one of them waits now is in it.
    pub(crate) fn waited(&self) -> [u64; 2] {
        let process = self.process();
        let before = THREADS.map(|name| scheduled(&process, name).0);
        loop {
            let now = THREADS.map(|name| scheduled(&process, name));
            if now.iter().zip(before).all(|((run, _), before)| *run > before) {
                return now.map(|(_, waited)| waited);
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }

    pub(crate) fn kill(&mut self) {
        self.recorder.child.kill().unwrap();
        self.recorder.child.wait().unwrap();
    }

    fn process(&self) -> String {
        self.recorder.child.id().to_string()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.kill();
    }
}

/// How many milliseconds of what was logged are not in a file, without those that its threads waited meanwhile.
pub(crate) fn lost(store: &Store, uid: &str, logged: &[Logged], waited: [u64; 2]) -> i64 {
    let run = store.run(uid).unwrap();
    let stored = run.metric("now").map_or(0, |metric| metric.points) as usize;
    let series = store.series(&run).unwrap().pop();
    let values: Vec<i64> = series.iter().flat_map(|series| &series.values).map(|point| point.value as i64).collect();
    assert_eq!(values.len(), stored);
    // A value may be stored before it is noted.
    assert!(values.iter().zip(logged).all(|(value, logged)| *value == logged.moment_ms));
    let (Some(first), Some(last)) = (logged.get(stored), logged.last()) else { return 0 };
    let waited: u64 = waited.iter().zip(first.waited).map(|(now, then)| now.saturating_sub(then)).sum();
    last.moment_ms - first.moment_ms - (waited / 1_000_000) as i64
}
