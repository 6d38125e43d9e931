//! Channels. A thread that waits for a message stands in the channel's list, under a context of its own, and parks
//! until that context is selected. To leave, it is selected first as one that gave up: then no sender can choose it,
//! nothing behind it is looked at, and no message is lost. Parking for another reason (the end of a scope) returns
//! early, which it may, and is not left.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::super::hooks::{Hook, LOOK, original};
use super::super::interrupt;

/// As many words as a context has: its selection, a pointer, its thread, the thread's number; which is which, the
/// compiler decides.
type Words = [AtomicUsize; 4];

/// What a context is when nothing is selected, and when its thread gave up.
const WAITING: usize = 0;
const ABORTED: usize = 1;

static NEW: AtomicUsize = AtomicUsize::new(0);
static PARK: AtomicUsize = AtomicUsize::new(0);
static PARK_TIMEOUT: AtomicUsize = AtomicUsize::new(0);
static OWN_PARK: AtomicUsize = AtomicUsize::new(0);
static OWN_PARK_TIMEOUT: AtomicUsize = AtomicUsize::new(0);
/// The word of a context that is its selection; 4: not known.
static SELECTION: AtomicUsize = AtomicUsize::new(4);

thread_local! {
    /// This thread's contexts: one, and one more after each time that one was left.
    static CONTEXTS: RefCell<Vec<Arc<Words>>> = const { RefCell::new(Vec::new()) };
}

pub(super) fn hooks() -> Vec<Hook> {
    let hook = |symbol, with, original, everywhere| Hook { symbol, with, original, needs: None, everywhere };
    vec![
        // A library may be the first on this thread to need one.
        hook("4sync4mpmc7contextNtB2_7Context3new", new as fn() -> Arc<Words> as *const (), &NEW, true),
        hook("6thread9functions4park", park as fn() as *const (), &PARK, false),
        hook("6thread9functions12park_timeout", park_timeout as fn(Duration) as *const (), &PARK_TIMEOUT, false),
        hook("6thread6threadNtB4_6Thread4park", own_park as fn(usize) as *const (), &OWN_PARK, false),
        hook(
            "6thread6threadNtB4_6Thread12park_timeout",
            own_park_timeout as fn(usize, Duration) as *const (),
            &OWN_PARK_TIMEOUT,
            false,
        ),
    ]
}

/// In place of the function that makes a context, which is one `Arc`.
fn new() -> Arc<Words> {
    // SAFETY: the original returns a structure with one field, an `Arc` of four words that are read and written as
    // such. Should this thread's list be its last owner, the memory is freed all the same, and only what the third
    // word points to, the thread's record, is not.
    let context = unsafe { original::<fn() -> Arc<Words>>(&NEW) }();
    // Destructors of thread-locals run when there is no list any more.
    let _ = CONTEXTS.try_with(|contexts| {
        if let Ok(mut contexts) = contexts.try_borrow_mut() {
            contexts.push(Arc::clone(&context));
        }
    });
    context
}

/// In place of `std::thread::park`. May return early.
fn park() {
    if !interrupt::can_stop() {
        // Not led here: `lab` calls the original.
        return std::thread::park();
    }
    leave();
    std::thread::park_timeout(LOOK);
}

/// In place of `std::thread::park_timeout`.
fn park_timeout(duration: Duration) {
    if interrupt::can_stop() {
        leave();
    }
    std::thread::park_timeout(if interrupt::can_stop() { duration.min(LOOK) } else { duration });
}

/// In place of `Thread::park`, by which a thread parks itself without looking for its handle.
fn own_park(_: usize) {
    park();
}

/// In place of `Thread::park_timeout`, of the calling thread as well.
fn own_park_timeout(_: usize, duration: Duration) {
    park_timeout(duration);
}

/// Stops here if the person asked to and this thread waits in a channel.
fn leave() {
    if !interrupt::stops_here() {
        return;
    }
    let selection = SELECTION.load(Ordering::Relaxed);
    let left = CONTEXTS.try_with(|contexts| {
        contexts.try_borrow().is_ok_and(|contexts| {
            contexts
                .iter()
                .filter_map(|context| context.get(selection))
                .any(|word| word.compare_exchange(WAITING, ABORTED, Ordering::AcqRel, Ordering::Acquire).is_ok())
        })
    });
    if left.unwrap_or(false) {
        interrupt::check();
    }
}

/// Learns which word is the selection, on a thread that waits for a message in vain. To be called once `new` is led.
pub(in super::super) fn learn() {
    let learned = std::thread::spawn(|| {
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        let _ = receiver.recv_timeout(Duration::from_millis(1));
        drop(sender);
        CONTEXTS.with_borrow(|contexts| {
            let [context] = contexts.as_slice() else { return None };
            let given_up: Vec<usize> = (0..4).filter(|at| context[*at].load(Ordering::Acquire) == ABORTED).collect();
            let [selection] = given_up.as_slice() else { return None };
            Some(*selection)
        })
    });
    if let Ok(Some(selection)) = learned.join() {
        SELECTION.store(selection, Ordering::Relaxed);
    }
}
