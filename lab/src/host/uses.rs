//! What cells are seen to use that decides what they compute: files that they, or libraries for them, open to read; the
//! clock; orders that differ from process to process. It is noted for the runs that are recorded.
//!
//! As in [`super::waits`], calls of the standard library's functions are led here.

use std::cell::Cell;
use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Instant, SystemTime};

use super::hooks::{Hook, original};
use super::interrupt;

/// A file of fewer bytes is hashed at once: by the time a run ends, it may have changed.
const SMALL: u64 = 4 << 20;
/// So many files are noted; a program that opens more of them reads a set of pictures.
const MOST: usize = 20_000;
/// What is there is the system's.
const SYSTEM: [&str; 6] = ["/proc", "/sys", "/dev", "/etc", "/usr", "/run"];

static OPEN: AtomicUsize = AtomicUsize::new(0);
static READ: AtomicUsize = AtomicUsize::new(0);
static READ_TO_STRING: AtomicUsize = AtomicUsize::new(0);
static INSTANT: AtomicUsize = AtomicUsize::new(0);
static SYSTEM_TIME: AtomicUsize = AtomicUsize::new(0);
static KEYS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Whether this thread reads a file for us.
    static OURS: Cell<bool> = const { Cell::new(false) };
}

pub(super) fn hooks() -> Vec<Hook> {
    let hook = |symbol, with, original, everywhere| Hook { symbol, with, original, needs: None, everywhere };
    vec![
        hook(
            "2fsNtB5_11OpenOptions5__open",
            open as fn(&OpenOptions, &Path) -> io::Result<File> as *const (),
            &OPEN,
            true,
        ),
        hook("2fs4read5inner", read as fn(&Path) -> io::Result<Vec<u8>> as *const (), &READ, true),
        hook(
            "2fs14read_to_string5inner",
            read_to_string as fn(&Path) -> io::Result<String> as *const (),
            &READ_TO_STRING,
            true,
        ),
        hook("4timeNtB2_7Instant3now", instant as fn() -> Instant as *const (), &INSTANT, false),
        hook("4timeNtB5_10SystemTime3now", system_time as fn() -> SystemTime as *const (), &SYSTEM_TIME, false),
        hook("3sys6random5linux19hashmap_random_keys", keys as fn() -> (u64, u64) as *const (), &KEYS, false),
    ]
}

/// In place of what `File::open` and all others of its kind end in.
fn open(options: &OpenOptions, path: &Path) -> io::Result<File> {
    // SAFETY: its type.
    let opened = unsafe { original::<fn(&OpenOptions, &Path) -> io::Result<File>>(&OPEN) }(options, path);
    if opened.is_ok() && is_for_a_cell() && only_reads(options) {
        note(path);
    }
    opened
}

/// In place of `std::fs::read`.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    // SAFETY: its type.
    let read = unsafe { original::<fn(&Path) -> io::Result<Vec<u8>>>(&READ) }(path);
    if read.is_ok() && is_for_a_cell() {
        note(path);
    }
    read
}

/// In place of `std::fs::read_to_string`.
fn read_to_string(path: &Path) -> io::Result<String> {
    // SAFETY: its type.
    let read = unsafe { original::<fn(&Path) -> io::Result<String>>(&READ_TO_STRING) }(path);
    if read.is_ok() && is_for_a_cell() {
        note(path);
    }
    read
}

fn instant() -> Instant {
    static NOTED: AtomicBool = AtomicBool::new(false);
    once(&NOTED, "the clock, by Instant::now");
    Instant::now()
}

fn system_time() -> SystemTime {
    static NOTED: AtomicBool = AtomicBool::new(false);
    once(&NOTED, "the clock, by SystemTime::now");
    SystemTime::now()
}

/// In place of what the standard library's hash maps are seeded with.
fn keys() -> (u64, u64) {
    static NOTED: AtomicBool = AtomicBool::new(false);
    once(&NOTED, "the order of a HashMap or HashSet");
    // SAFETY: its type.
    let keys = unsafe { original::<fn() -> (u64, u64)>(&KEYS) };
    keys()
}

fn once(noted: &AtomicBool, what: &str) {
    if !noted.load(Ordering::Relaxed) && is_for_a_cell() {
        noted.store(true, Ordering::Relaxed);
        tracker::context::unseeded(what);
    }
}

/// Whether a cell runs, and this is not one of our own threads.
fn is_for_a_cell() -> bool {
    interrupt::is_active()
        && !OURS.try_with(Cell::get).unwrap_or(true)
        && std::thread::current().name().is_none_or(|name| !name.starts_with("assay-"))
}

/// There is no other way to ask.
fn only_reads(options: &OpenOptions) -> bool {
    let said = format!("{options:?}");
    said.contains("read: true") && !said.contains("write: true") && !said.contains("append: true")
}

/// Notes a file, with its content as it is now.
fn note(path: &Path) {
    static SEEN: Mutex<Option<HashSet<(PathBuf, u64, Option<SystemTime>)>>> = Mutex::new(None);
    OURS.set(true);
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    if let Ok(metadata) = path.metadata()
        && metadata.is_file()
        && !SYSTEM.iter().any(|system| path.starts_with(system))
    {
        let key = (path.clone(), metadata.len(), metadata.modified().ok());
        let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = seen.get_or_insert_default();
        if seen.len() < MOST && seen.insert(key) {
            if metadata.len() < SMALL {
                hash(&path);
            } else {
                later(path);
            }
        }
    }
    OURS.set(false);
}

fn hash(path: &Path) {
    // One that is gone again cannot be told.
    if let Ok((size, hash)) = tracker::context::hash_file(path) {
        tracker::context::read_file(path, size, &hash);
    }
}

/// Off the thread that computes.
fn later(path: PathBuf) {
    static FILES: OnceLock<Option<Mutex<Sender<PathBuf>>>> = OnceLock::new();
    let files = FILES.get_or_init(|| {
        let (sender, files) = channel::<PathBuf>();
        let work = move || {
            OURS.set(true);
            files.iter().for_each(|path| hash(&path));
        };
        std::thread::Builder::new().name("assay-files".to_owned()).spawn(work).ok().map(|_| Mutex::new(sender))
    });
    if let Some(files) = files {
        // The thread ends with the process.
        let _ = files.lock().unwrap_or_else(PoisonError::into_inner).send(path);
    }
}
