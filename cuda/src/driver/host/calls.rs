//! Which calls were made, and which are to fail.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use crate::code::{Failure, Outcome};

/// Counts calls by name and fails those that were asked to.
#[derive(Default)]
pub(super) struct Calls(Mutex<State>);

#[derive(Default)]
struct State {
    counts: BTreeMap<&'static str, usize>,
    faults: Vec<Fault>,
    /// The code with which the device was lost.
    lost: Option<i32>,
}

struct Fault {
    call: String,
    after: usize,
    code: i32,
}

impl Calls {
    /// See [`super::Host::fail`].
    pub(super) fn fail(&self, call: &str, after: usize, code: i32) {
        self.0.lock().faults.push(Fault { call: call.to_owned(), after, code });
    }

    /// How often a call was made.
    pub(super) fn count(&self, call: &str) -> usize {
        self.0.lock().counts.get(call).copied().unwrap_or(0)
    }

    /// Does the work of one call, unless the device is lost or the call is to fail.
    pub(super) fn make<T>(&self, call: &'static str, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
        self.0.lock().begin(call)?;
        work().inspect_err(|failure| self.0.lock().note(failure))
    }
}

impl State {
    fn begin(&mut self, call: &'static str) -> Outcome<()> {
        *self.counts.entry(call).or_default() += 1;
        if let Some(code) = self.lost {
            return Err(Failure::of(call, code));
        }
        let Some(code) = self.due(call) else { return Ok(()) };
        let failure = Failure::of(call, code);
        self.note(&failure);
        Err(failure)
    }

    /// The code of the fault that this call runs into. All faults of the call come nearer.
    fn due(&mut self, call: &str) -> Option<i32> {
        let due = self.faults.iter().position(|fault| fault.call == call && fault.after == 0);
        let due = due.map(|index| self.faults.remove(index).code);
        let others = self.faults.iter_mut().filter(|fault| fault.call == call);
        others.for_each(|fault| fault.after = fault.after.saturating_sub(1));
        due
    }

    fn note(&mut self, failure: &Failure) {
        if failure.loses_device() {
            self.lost = Some(failure.code);
        }
    }
}
