//! Runs a cell's body and says how it ended.

use std::any::Any;
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
    end(Ended::Ok);
}

#[cold]
fn failed(error: Box<dyn Error>) {
    end(Ended::Error { chain: chain(error.as_ref()), line: page::line() });
    drop_guarded(error);
}

#[cold]
fn panicked(payload: Box<dyn Any + Send>) {
    // What was thrown may panic again when dropped; it is small, so leak it.
    std::mem::forget(payload);
    end(panics::taken());
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

fn chain(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut chain = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        chain.push(error.to_string());
        next = error.source();
    }
    chain
}
