//! Runs a cell's body and says how it ended.

use std::cell::RefCell;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

use wire::Ended;

use super::{page, panics};

thread_local! {
    static ENDED: RefCell<Option<Ended>> = const { RefCell::new(None) };
}

/// Calls a whole cell: taking its variables, its body, giving them back.
pub fn enter(cell: fn()) {
    if let Err(payload) = catch_unwind(cell) {
        std::mem::forget(payload);
        ENDED.set(Some(panics::taken()));
    }
}

/// Calls a cell's body; a panic ends the body and nothing else.
pub fn guard<F: FnOnce() -> Result<(), Box<dyn Error>>>(body: F) {
    let mut body = Some(body);
    guard_any(&mut || match body.take() {
        Some(body) => body(),
        None => Ok(()),
    });
}

fn guard_any(body: &mut dyn FnMut() -> Result<(), Box<dyn Error>>) {
    let ended = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => Ended::Ok,
        Ok(Err(error)) => Ended::Error { chain: chain(error.as_ref()), line: page::line() },
        Err(payload) => {
            // What was thrown may panic again when dropped; it is small, so leak it.
            std::mem::forget(payload);
            panics::taken()
        }
    };
    ENDED.set(Some(ended));
}

/// How the cell that was just called ended.
pub(super) fn taken() -> Ended {
    ENDED.take().unwrap_or(Ended::NotLoaded { message: "the cell did not report how it ended".to_owned() })
}

fn chain(error: &(dyn Error + 'static)) -> Vec<String> {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect()
}
