//! Threads: which ones a cell started, and waiting for their end.

use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use super::super::hooks::{Hook, LOOK, original};
use super::super::{interrupt, threads};

/// How long a thread of the stopped cell may take to stop as well.
const LONGER: Duration = Duration::from_millis(150);

static NEW: AtomicUsize = AtomicUsize::new(0);
static JOIN: AtomicUsize = AtomicUsize::new(0);

/// `io::Result<Thread>`: 0 and the thread, or 1 and the error.
type Started = (usize, usize);

pub(super) fn hooks() -> Vec<Hook> {
    let hook = |symbol, with, original| Hook { symbol, with, original, needs: None, everywhere: false };
    vec![
        hook("3sys6thread4unixNtB5_6Thread3new", new as fn(usize, usize, usize) -> Started as *const (), &NEW),
        hook("3sys6thread4unixNtB5_6Thread4join", join as fn(libc::pthread_t) as *const (), &JOIN),
    ]
}

/// In place of the function that starts a thread: the size of its stack, and a box of two words with what it does.
fn new(stack: usize, what: usize, how: usize) -> Started {
    // SAFETY: handed on as it came.
    let started = unsafe { original::<fn(usize, usize, usize) -> Started>(&NEW) }(stack, what, how);
    if let (0, thread) = started {
        threads::started(thread);
    }
    started
}

/// In place of the function that waits for a thread's end, and owns its handle. Whoever is stopped here leaves the
/// thread behind: it ends when it does.
fn join(thread: libc::pthread_t) {
    unsafe extern "C" {
        fn pthread_clockjoin_np(
            thread: libc::pthread_t,
            value: *mut *mut libc::c_void,
            clock: libc::clockid_t,
            until: *const libc::timespec,
        ) -> libc::c_int;
    }
    let mut asked: Option<Instant> = None;
    while interrupt::can_stop() {
        let mut until = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: writes one `timespec`.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut until) };
        until.tv_nsec += i64::from(LOOK.subsec_nanos());
        (until.tv_sec, until.tv_nsec) = (until.tv_sec + until.tv_nsec / 1_000_000_000, until.tv_nsec % 1_000_000_000);
        // SAFETY: the handle is ours and was neither joined nor detached.
        match unsafe { pthread_clockjoin_np(thread, std::ptr::null_mut(), libc::CLOCK_MONOTONIC, &until) } {
            0 => {
                threads::ended(thread as usize);
                return interrupt::check();
            }
            libc::ETIMEDOUT => {}
            _ => break,
        }
        if interrupt::stops_here() && asked.get_or_insert_with(Instant::now).elapsed() > LONGER {
            // SAFETY: as above; nobody else has the handle.
            unsafe { libc::pthread_detach(thread) };
            interrupt::check();
            return;
        }
    }
    // SAFETY: its type: a structure of this one word, which it takes over.
    let join = unsafe { original::<fn(libc::pthread_t)>(&JOIN) };
    join(thread);
    threads::ended(thread as usize);
}
