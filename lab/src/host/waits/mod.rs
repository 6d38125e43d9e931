//! What stands in for the functions of the standard library that wait: they look every 50 ms whether the person
//! asked to stop. Each waits in a way in which it can be left: nothing is registered anywhere, or what is is of no
//! effect any more.

mod children;
mod locks;
mod messages;
mod reads;
mod threads;

pub(super) use messages::learn;

use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use super::hooks::{self, Hook, LOOK};
use super::interrupt::{self, check};

/// Patches the calls of what was loaded since the last time.
pub(super) fn patch() {
    static SLEEP: AtomicUsize = AtomicUsize::new(0);
    let mut all = vec![Hook {
        symbol: "6thread9functions5sleep",
        with: sleep as fn(Duration) as *const (),
        original: &SLEEP,
        needs: None,
        everywhere: false,
    }];
    for hooks in [messages::hooks(), locks::hooks(), threads::hooks(), children::hooks(), reads::hooks()] {
        all.extend(hooks);
    }
    hooks::patch(&all);
    crate::math::replace();
}

/// In place of `std::thread::sleep`.
fn sleep(duration: Duration) {
    let end = Instant::now().checked_add(duration);
    if !interrupt::can_stop() {
        return std::thread::sleep(duration);
    }
    loop {
        check();
        let left = end.map_or(LOOK, |end| end.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return;
        }
        std::thread::sleep(left.min(LOOK));
    }
}
