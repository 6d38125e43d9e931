//! What a panic said: a run that it drops can be told nothing else.

use std::cell::RefCell;
use std::sync::Once;

thread_local! {
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Notes, from now on, what panics say, before whoever was told of them so far is. A hook that is set later and does not
/// call this one ends that.
pub(super) fn note() {
    static ONCE: Once = Once::new();
    // A hook cannot be set while the thread panics.
    if std::thread::panicking() {
        return;
    }
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let said = info.payload_as_str().unwrap_or("a value that is not text was thrown");
            // A thread that is ending has no place for it any more.
            let _ = LAST.try_with(|last| last.replace(Some(said.to_owned())));
            before(info);
        }));
    });
}

/// What the last panic on this thread said.
pub(super) fn last() -> Option<String> {
    LAST.try_with(|last| last.borrow().clone()).ok().flatten()
}
