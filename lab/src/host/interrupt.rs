//! The interrupt button, in the process that runs cells. A press raises a flag; a person's code asks for it at the
//! head of each loop and at function entries ([`check`]), and what waits asks now and then. Whoever finds it raised
//! unwinds to the cell's guard, which keeps the variables.

use std::cell::Cell;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use wire::Page;

use super::{page, threads};

static ASKED: AtomicBool = AtomicBool::new(false);
/// When, in milliseconds of the system's clock.
static ASKED_AT: AtomicU64 = AtomicU64::new(0);
/// Whether a cell's own code runs, and not yet what gives back its variables.
static ACTIVE: AtomicBool = AtomicBool::new(false);
/// Whether something was unwound because of it.
static RAISED: AtomicBool = AtomicBool::new(false);
/// For how many milliseconds after the press a training may go on to the end of its step.
static BOUNDARY: AtomicU32 = AtomicU32::new(0);

thread_local! {
    static IS_MAIN: Cell<bool> = const { Cell::new(false) };
    static HELD: Cell<u32> = const { Cell::new(0) };
    static UNWINDS: Cell<bool> = const { Cell::new(false) };
}

/// What is thrown. No panic: no hook runs, and nothing is printed.
struct Interrupted;

/// Stops here if the person asked to.
#[inline(always)]
pub fn check() {
    // SAFETY: a byte that lives for good and is always written as a whole. Volatile, so that it is read each time:
    // one instruction, where an atomic load would be two calls in code that is not optimised.
    if unsafe { ASKED.as_ptr().read_volatile() } {
        stop();
    }
}

#[cold]
#[inline(never)]
fn stop() {
    if may_unwind() {
        RAISED.store(true, Ordering::Relaxed);
        UNWINDS.set(true);
        page::word(Page::INTERRUPT_SEEN).store(1, Ordering::Relaxed);
        resume_unwind(Box::new(Interrupted));
    }
}

/// Where it may not be: outside a cell's body, in a destructor of what is being unwound, below C, in a thread that
/// outlives the cell, or within a step of a training, which is to end first.
fn may_unwind() -> bool {
    if !ACTIVE.load(Ordering::Relaxed) || std::thread::panicking() || HELD.try_with(Cell::get).unwrap_or(1) > 0 {
        return false;
    }
    if is_main() {
        let since = now().saturating_sub(ASKED_AT.load(Ordering::Relaxed));
        return since >= u64::from(BOUNDARY.load(Ordering::Relaxed));
    }
    threads::is_of_this_cell()
}

/// Whether the person asked to stop. Whoever asks this leaves at the next boundary.
pub fn interrupted() -> bool {
    let yes = ASKED.load(Ordering::Relaxed);
    if yes {
        page::word(Page::INTERRUPT_SEEN).store(1, Ordering::Relaxed);
    }
    yes
}

/// Calls what may be unwound; what was thrown, which is to be thrown on.
pub(crate) fn caught(call: &mut dyn FnMut()) -> std::thread::Result<()> {
    catch_unwind(AssertUnwindSafe(call))
}

/// Lets a training go on for so long after a press, to end its step and write its checkpoint; 0: no longer.
pub(crate) fn boundary_within(milliseconds: u32) {
    BOUNDARY.store(milliseconds, Ordering::Relaxed);
}

/// Stops here if the person asked to: everything is written.
pub(crate) fn at_boundary() {
    boundary_within(0);
    check();
}

/// Nothing is unwound on this thread while this lives.
#[derive(Debug)]
pub struct Hold(PhantomData<*const ()>);

/// Keeps the thread from being unwound: a function that C calls must return to it.
pub fn hold() -> Hold {
    let _ = HELD.try_with(|held| held.set(held.get() + 1));
    Hold(PhantomData)
}

impl Drop for Hold {
    fn drop(&mut self) {
        let _ = HELD.try_with(|held| held.set(held.get().saturating_sub(1)));
    }
}

/// Takes the calling thread for the one that runs cells.
pub(super) fn begin() {
    IS_MAIN.set(true);
}

pub(super) fn is_main() -> bool {
    IS_MAIN.try_with(Cell::get).unwrap_or(false)
}

/// Called by the signal's handler.
pub(super) fn press() {
    if !ASKED.load(Ordering::Relaxed) {
        ASKED_AT.store(now(), Ordering::Relaxed);
        ASKED.store(true, Ordering::Relaxed);
    }
}

/// Forgets a press that came before the cell.
pub(super) fn clear() {
    ASKED.store(false, Ordering::Relaxed);
    RAISED.store(false, Ordering::Relaxed);
    boundary_within(0);
    page::word(Page::INTERRUPT_SEEN).store(0, Ordering::Relaxed);
    threads::cell_begins();
}

/// Whether anything was unwound because of the button since the cell began.
pub(super) fn raised() -> bool {
    RAISED.load(Ordering::Relaxed)
}

/// A statement of a cell begins: its code may be unwound, and is if the person asked to stop.
pub(super) fn statement() {
    ACTIVE.store(true, Ordering::Relaxed);
    UNWINDS.set(false);
    check();
}

/// The cell's own code is over: what follows gives back its variables.
pub(super) fn rest() {
    ACTIVE.store(false, Ordering::Relaxed);
    UNWINDS.set(false);
}

/// Whether a cell's own code runs.
pub(super) fn is_active() -> bool {
    ACTIVE.load(Ordering::Relaxed)
}

/// Whether this thread runs code that may be unwound if the person asks to stop.
pub(super) fn can_stop() -> bool {
    ACTIVE.load(Ordering::Relaxed) && (is_main() || threads::is_of_this_cell())
}

/// Whether this thread is to be unwound now.
pub(super) fn stops_here() -> bool {
    ASKED.load(Ordering::Relaxed) && may_unwind()
}

/// Whether this thread is being unwound because of the button.
pub(super) fn unwinds_here() -> bool {
    UNWINDS.try_with(Cell::get).unwrap_or(false)
}

/// Allowed in a signal's handler.
fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes one `timespec`; async-signal-safe.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    u64::try_from(time.tv_sec).unwrap_or(0) * 1000 + u64::try_from(time.tv_nsec).unwrap_or(0) / 1_000_000
}
