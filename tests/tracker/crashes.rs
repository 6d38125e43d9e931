//! What is left when a process, the machine or the disk fails while a run is recorded.

use std::io::{BufRead, Read, Write};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tracker::{Query, Status, Store};

use crate::child::{self, Recorder};
use crate::stream::{Stream, lost};
use crate::support::{Place, Raw, signal};

/// Every attempt has to hold.
const ATTEMPTS: usize = 3;

#[test]
fn a_killed_process_loses_no_more_than_a_tenth_of_a_second() {
    for _ in 0..ATTEMPTS {
        let mut stream = Stream::begin();
        let waited = stream.stop();
        let logged = stream.logged();
        stream.kill();
        let lost = lost(&stream.place.store(), stream.uid(), &logged, waited);
        assert!(lost <= 100, "lost {lost} ms");
    }
}

/// How many frames of the log have been moved into the file, and up to which that was begun: `nBackfill` and
/// `nBackfillAttempted` of the index beside it (<https://sqlite.org/walformat.html>).
fn moved(folder: &Path) -> (u32, u32) {
    let index = std::fs::read(folder.join("assay.db-shm")).unwrap();
    let number = |at: usize| u32::from_ne_bytes(index[at..at + 4].try_into().unwrap());
    (number(96), number(128))
}

/// Copies the files of a stream while it goes on; how many milliseconds of it are not in the copy.
fn copied(names: &[&str]) -> i64 {
    let stream = Stream::begin();
    let copy = tempfile::tempdir().unwrap();
    let file = copy.path().join("assay.db");
    // A checkpoint is made every second; wait until the file alone has something. Not by reading it: of a log that is
    // being read only a part can be moved, and the file alone is torn until the rest is.
    while stream.logged().len() < 2500 {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let has_log = names.len() > 1;
    let logged = loop {
        let (logged, before) = (stream.logged(), moved(stream.place.folder()));
        for name in names {
            std::fs::copy(stream.place.folder().join(name), copy.path().join(name)).unwrap();
        }
        let after = moved(stream.place.folder());
        // Without its log, a file into which the log is being moved is torn, which no power cut leaves: the log is on
        // the disk before that begins. Nor may it begin anew between the two copies.
        if before.0 == after.0 && (has_log || (before == after && before.0 == before.1)) {
            break logged;
        }
    };
    let waited = stream.waited();
    let lost = lost(&Store::open(&file).unwrap(), stream.uid(), &logged, waited);
    assert_eq!(Raw::open(&file).text("PRAGMA integrity_check"), "ok");
    lost
}

#[test]
fn a_copy_of_the_file_and_its_log_while_it_is_written_opens() {
    for _ in 0..ATTEMPTS {
        let lost = copied(&["assay.db", "assay.db-wal"]);
        assert!(lost <= 100, "lost {lost} ms");
    }
}

#[test]
fn a_copy_of_the_file_alone_lacks_a_second() {
    for _ in 0..ATTEMPTS {
        let lost = copied(&["assay.db"]);
        assert!(lost <= 1000, "lost {lost} ms");
    }
}

#[test]
fn sigterm_stores_first_and_says_why() {
    let place = Place::new();
    let mut recorder = child::spawn("hang", &place.db());
    // Waiting closes it, and the child would go on.
    let input = recorder.child.stdin.take();
    signal(&recorder, "TERM");
    let status = recorder.child.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(15));
    let run = place.store().run(&recorder.uid).unwrap();
    assert_eq!((run.status, run.metrics[0].points), (Status::Failed, 100));
    assert_eq!(run.error.as_deref(), Some("the process was terminated (SIGTERM)"));
    assert!(!place.folder().join("assay.db-wal").exists());
    drop(input);
}

#[test]
fn a_process_that_exits_without_ending_its_run_has_stored_it() {
    let place = Place::new();
    let mut recorder = child::spawn("exit", &place.db());
    assert!(recorder.child.wait().unwrap().success());
    let run = place.store().run(&recorder.uid).unwrap();
    assert_eq!((run.status, run.metrics[0].points), (Status::Crashed, 100));
}

#[test]
fn a_full_disk_is_said_once_and_loses_nothing() {
    let place = Place::new();
    // A limit on the size of files is what a full disk is to a process, and can be lifted.
    let mut command = Command::new("bash");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(std::env::current_exe().unwrap());
    let mut recorder = child::spawn_by(command, "write", &place.db());
    limit(&recorder, "4096");
    let mut input = recorder.child.stdin.take().unwrap();
    input.write_all(b"go\n").unwrap();
    let mut said = String::new();
    while !said.contains("values are kept and storing is tried again") {
        assert_ne!(recorder.err.read_line(&mut said).unwrap(), 0, "{said}");
    }
    limit(&recorder, "unlimited");
    input.write_all(b"go\n").unwrap();
    recorder.err.read_to_string(&mut said).unwrap();
    assert!(recorder.child.wait().unwrap().success(), "{said}");
    assert_eq!(said.matches("assay:").count(), 1, "{said}");
    let run = place.store().run(&recorder.uid).unwrap();
    assert_eq!((run.status, run.metrics[0].points), (Status::Finished, 5000));
}

#[test]
fn a_run_that_could_not_be_finished_is_stored_when_there_is_room() {
    let place = Place::new();
    let mut command = Command::new("bash");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(std::env::current_exe().unwrap());
    let mut recorder = child::spawn_by(command, "finish", &place.db());
    limit(&recorder, "4096");
    let mut input = recorder.child.stdin.take().unwrap();
    input.write_all(b"go\n").unwrap();
    let mut line = String::new();
    while !line.contains("refused") {
        line.clear();
        assert_ne!(recorder.out.read_line(&mut line).unwrap(), 0);
    }
    limit(&recorder, "unlimited");
    // By itself, with nobody asking again.
    let began = Instant::now();
    let mut run = place.store().run(&recorder.uid).unwrap();
    while run.status == Status::Running && began.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(20));
        run = place.store().run(&recorder.uid).unwrap();
    }
    assert_eq!((run.status, run.metrics[0].points), (Status::Finished, 2500));
    input.write_all(b"go\n").unwrap();
    assert!(recorder.child.wait().unwrap().success());
}

fn limit(recorder: &Recorder, bytes: &str) {
    let pid = recorder.child.id().to_string();
    let set = Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={bytes}:unlimited")]).status().unwrap();
    assert!(set.success());
}

#[test]
fn of_many_processes_some_killed_nothing_acknowledged_is_lost_and_nobody_sees_a_lock() {
    const PROCESSES: usize = 64;
    const KILLED: usize = 8;
    let place = Place::new();
    place.start("first", &()).finish().unwrap();
    let recorders: Vec<Recorder> = (0..PROCESSES).map(|_| child::spawn("burst", &place.db())).collect();
    let mut done = Vec::new();
    std::thread::scope(|scope| {
        let writers: Vec<_> = recorders
            .into_iter()
            .enumerate()
            .map(|(number, recorder)| scope.spawn(move || burst(recorder, number < KILLED)))
            .collect();
        let store = place.store();
        while !writers.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            store.runs(&Query::default()).unwrap();
        }
        done = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
    });
    let store = place.store();
    for (uid, acknowledged) in done {
        let run = store.run(&uid).unwrap();
        let series = store.series(&run).unwrap().pop();
        let values: Vec<_> = series.map(|series| series.values).unwrap_or_default();
        assert!(values.len() >= acknowledged, "{uid}: {} of {acknowledged}", values.len());
        let steps = values.iter().map(|point| (point.step, point.value));
        assert!(steps.eq((0..values.len()).map(|step| (step as i64, step as f64))), "{uid}");
    }
    assert_eq!(Raw::open(&place.db()).text("PRAGMA integrity_check"), "ok");
}

/// Lets a process log; kills it on its way, or waits for its end. Its uid and how many values it was promised.
fn burst(mut recorder: Recorder, kill: bool) -> (String, usize) {
    let mut input = recorder.child.stdin.take().unwrap();
    input.write_all(b"go\n").unwrap();
    let mut acknowledged = 0;
    let mut line = String::new();
    while recorder.out.read_line(&mut line).unwrap() > 0 {
        if let Some((_, count)) = line.trim().split_once("ack ") {
            acknowledged = count.parse().unwrap();
            if kill && acknowledged == 3000 {
                recorder.child.kill().unwrap();
            }
        }
        line.clear();
    }
    let mut said = String::new();
    recorder.err.read_to_string(&mut said).unwrap();
    assert!(!said.contains("assay:"), "{said}");
    assert_eq!(recorder.child.wait().unwrap().success(), !kill, "{said}");
    (recorder.uid, acknowledged)
}

#[test]
fn runs_of_one_process_share_its_connection() {
    let place = Place::new();
    let runs: Vec<_> = (0..50).map(|number| place.start(&format!("run-{number}"), &number)).collect();
    let descriptors = || {
        let fds = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
        fds.filter(|fd| std::fs::read_link(fd.path()).is_ok_and(|to| is(&to, &place.db()))).count()
    };
    runs.iter().for_each(|run| run.log("loss", 0, 1.0));
    assert!((1..=2).contains(&descriptors()), "{}", descriptors());
    runs.into_iter().for_each(|run| run.finish().unwrap());
    assert_eq!(descriptors(), 0);
    assert_eq!(Raw::open(&place.db()).count("SELECT count(*) FROM series WHERE points = 1"), 50);
}

fn is(path: &Path, other: &Path) -> bool {
    path.canonicalize().ok() == other.canonicalize().ok()
}
