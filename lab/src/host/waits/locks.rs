//! Locks and condition variables. Both are words on which the system lets a thread wait (futexes); to leave such a
//! wait, nothing has to be undone.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use super::super::hooks::{Hook, LOOK, original};
use super::super::interrupt::{self, check};

static LOCK: AtomicUsize = AtomicUsize::new(0);
static READ: AtomicUsize = AtomicUsize::new(0);
static WRITE: AtomicUsize = AtomicUsize::new(0);
static WAIT: AtomicUsize = AtomicUsize::new(0);
static WAIT_TIMEOUT: AtomicUsize = AtomicUsize::new(0);
static NOT_PANICKING: AtomicUsize = AtomicUsize::new(0);

pub(super) fn hooks() -> Vec<Hook> {
    let hook = |symbol, with, original| Hook { symbol, with, original, needs: None, everywhere: false };
    vec![
        hook("3sys4sync5mutex5futexNtB2_5Mutex14lock_contended", lock as fn(&AtomicU32) as *const (), &LOCK),
        hook("3sys4sync6rwlock5futexNtB2_6RwLock14read_contended", read as fn(&AtomicU32) as *const (), &READ),
        hook("3sys4sync6rwlock5futexNtB2_6RwLock15write_contended", write as fn(&AtomicU32) as *const (), &WRITE),
        Hook {
            symbol: "3sys4sync7condvar5futexNtB2_7Condvar4wait",
            with: wait as fn(usize, usize) as *const (),
            original: &WAIT,
            needs: Some(("3sys4sync7condvar5futexNtB2_7Condvar12wait_timeout", &WAIT_TIMEOUT)),
            everywhere: false,
        },
        hook(
            "3sys4sync7condvar5futexNtB2_7Condvar12wait_timeout",
            wait_timeout as fn(usize, usize, Duration) -> bool as *const (),
            &WAIT_TIMEOUT,
        ),
        hook("9panicking11panic_count17is_zero_slow_path", not_panicking as fn() -> bool as *const (), &NOT_PANICKING),
    ]
}

/// In place of the part of `Mutex::lock` that waits. 0: free; 1: locked; 2: locked, and someone may wait.
fn lock(word: &AtomicU32) {
    if !interrupt::can_stop() {
        // SAFETY: its type; a mutex is this word.
        return unsafe { original::<fn(&AtomicU32)>(&LOCK) }(word);
    }
    for _ in 0..100 {
        if word.load(Ordering::Relaxed) == 0
            && word.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_ok()
        {
            return;
        }
        std::hint::spin_loop();
    }
    while word.swap(2, Ordering::Acquire) != 0 {
        if !futex_wait(word, 2) {
            // Not at once: what std guards by a lock of its own is never held this long.
            check();
        }
    }
}

/// How many readers there are, or that there is a writer; the two bits above say that someone waits.
const COUNT: u32 = (1 << 30) - 1;
/// A reader that finds them set waits, so that writers have their turn.
const MOST_READERS: u32 = COUNT - 1;

/// In place of the part of `RwLock::read` that waits.
fn read(state: &AtomicU32) {
    take(state, |now| (now < MOST_READERS).then(|| now + 1), &READ);
}

/// In place of the part of `RwLock::write` that waits.
fn write(state: &AtomicU32) {
    take(state, |now| (now & COUNT == 0).then(|| now + COUNT), &WRITE);
}

/// Tries again and again: to wait in the lock's own way is to count on being woken.
fn take(state: &AtomicU32, taken: fn(u32) -> Option<u32>, fallback: &AtomicUsize) {
    if !interrupt::can_stop() {
        // SAFETY: its type; a lock starts with this word, and is not used as anything else by the original.
        return unsafe { original::<fn(&AtomicU32)>(fallback) }(state);
    }
    let mut pause = Duration::from_micros(1);
    while state.fetch_update(Ordering::Acquire, Ordering::Relaxed, taken).is_err() {
        if pause < Duration::from_micros(20) {
            std::thread::yield_now();
        } else {
            check();
            std::thread::sleep(pause);
        }
        pause = (pause * 2).min(Duration::from_millis(1));
    }
}

/// In place of `Condvar::wait`, which may return early. The mutex is held when it does, and so when it is left.
fn wait(condition: usize, mutex: usize) {
    if !interrupt::can_stop() {
        // SAFETY: its type: two references.
        return unsafe { original::<fn(usize, usize)>(&WAIT) }(condition, mutex);
    }
    // SAFETY: its type.
    let wait = unsafe { original::<fn(usize, usize, Duration) -> bool>(&WAIT_TIMEOUT) };
    loop {
        let notified = wait(condition, mutex, LOOK);
        check();
        if notified {
            return;
        }
    }
}

/// In place of `Condvar::wait_timeout`; whether it was notified.
fn wait_timeout(condition: usize, mutex: usize, duration: Duration) -> bool {
    // SAFETY: its type.
    let wait = unsafe { original::<fn(usize, usize, Duration) -> bool>(&WAIT_TIMEOUT) };
    if !interrupt::can_stop() {
        return wait(condition, mutex, duration);
    }
    let mut left = duration;
    loop {
        let notified = wait(condition, mutex, left.min(LOOK));
        check();
        left = left.saturating_sub(LOOK);
        if notified || left.is_zero() {
            return notified;
        }
    }
}

/// In place of what a lock's guard asks to tell whether it is dropped by a panic. An interrupt is none: what a
/// person stops is used again, and must not be poisoned.
fn not_panicking() -> bool {
    // SAFETY: its type.
    interrupt::unwinds_here() || unsafe { original::<fn() -> bool>(&NOT_PANICKING) }()
}

/// Waits while the word is `value`, for as long as it takes to look; whether it was woken.
fn futex_wait(word: &AtomicU32, value: u32) -> bool {
    let time = libc::timespec { tv_sec: 0, tv_nsec: i64::from(LOOK.subsec_nanos()) };
    // SAFETY: the system reads the word and the time; it returns when it is woken, or after the time.
    let waited = unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
            value,
            &raw const time,
        )
    };
    let error = std::io::Error::last_os_error();
    waited == 0 || error.raw_os_error() != Some(libc::ETIMEDOUT)
}
