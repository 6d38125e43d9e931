//! Runs a cell's body and says how it ended.

use std::any::Any;
use std::cell::RefCell;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

use wire::Ended;

use super::{chain, interrupt, page, panics};

thread_local! {
    static ENDED: RefCell<Option<Ended>> = const { RefCell::new(None) };
}

/// Calls a whole cell: taking its variables, its body, giving them back.
pub fn enter(cell: fn()) {
    if let Err(payload) = catch_unwind(cell) {
        panicked(payload);
    }
}

/// Calls a part of a cell's body; a panic ends the part and nothing else. What a part made before it calls the
/// next one is still there when that has failed.
pub fn guard<F: FnOnce() -> Result<(), Box<dyn Error>>>(body: F) {
    let mut body = Some(body);
    guard_any(&mut || match body.take() {
        Some(body) => body(),
        None => Ok(()),
    });
}

/// The same where the cell is optimised: the part becomes one function with what is around it, so that the
/// variables of its loops are in registers.
#[inline(always)]
pub fn guard_inline<F: FnOnce() -> Result<(), Box<dyn Error>>>(body: F) {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => done(),
        Ok(Err(error)) => failed(error),
        Err(payload) => panicked(payload),
    }
}

fn guard_any(body: &mut dyn FnMut() -> Result<(), Box<dyn Error>>) {
    guard_inline(body);
}

/// Drops a value whose destructor may panic.
pub(super) fn drop_guarded<T>(value: T) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(move || drop(value))) {
        panicked(payload);
    }
}

fn done() {
    interrupt::rest();
    end(Ended::Ok);
}

#[cold]
fn failed(error: Box<dyn Error>) {
    interrupt::rest();
    let line = page::line();
    let stopped = interrupt::raised() || interrupt::interrupted() && chain::is_interrupted(error.as_ref());
    end(if stopped { Ended::Interrupted { line } } else { Ended::Error { chain: chain::chain(error.as_ref()), line } });
    drop_guarded(error);
}

#[cold]
fn panicked(payload: Box<dyn Any + Send>) {
    interrupt::rest();
    // The scope of a thread that was stopped panics in words of its own.
    end(if interrupt::raised() { Ended::Interrupted { line: page::line() } } else { panics::taken(&*payload) });
    // What was thrown may panic again when dropped; it is small, so leak it.
    std::mem::forget(payload);
}

/// Remembers how the cell ended: with its first failure, whatever its outer parts do then.
fn end(ended: Ended) {
    let first = ENDED.take().filter(|first| !matches!(first, Ended::Ok));
    ENDED.set(Some(first.unwrap_or(ended)));
}

/// How the cell that was just called ended.
pub(super) fn taken() -> Ended {
    ENDED.take().unwrap_or(Ended::NotLoaded { message: "the cell did not report how it ended".to_owned() })
}
