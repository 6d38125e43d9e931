//! What a cell can show or ask of the person in front of the notebook.

use std::io::{self, Write};

use serde_json::{Map, Value};
use wire::{FromHost, ToHost};

use super::{channel, interrupt};

/// Whether this process runs cells for a notebook.
pub fn attached() -> bool {
    channel::get().is_some()
}

/// Shows a MIME bundle under the cell; with `update`, in place of the one that had this `display_id`.
/// What was printed before stands before it.
pub fn display(data: Map<String, Value>, display_id: Option<&str>, update: bool) {
    show(|id| FromHost::Display { id, data, display_id: display_id.map(str::to_owned), update });
}

/// Shows the value of the cell's last expression.
pub fn result(data: Map<String, Value>) {
    show(|id| FromHost::Result { id, data });
}

/// Removes what the cell has shown so far; with `wait`, only once something new is shown.
pub fn clear_output(wait: bool) {
    show(|id| FromHost::ClearOutput { id, wait });
}

/// Asks the person for a line of text; without its line end.
///
/// # Errors
/// When there is no one to ask: a notebook that is run headless, or no notebook at all.
pub fn input(prompt: &str) -> io::Result<String> {
    flush();
    let answer = channel::get().and_then(|channel| channel.ask(|id| FromHost::Input { id, prompt: prompt.to_owned() }));
    // A question that the person took back by the button has no answer.
    interrupt::check();
    match answer {
        Some(ToHost::Input { line: Some(line), .. }) => {
            tracker::context::answered(prompt, &line);
            Ok(line)
        }
        _ => Err(io::Error::new(io::ErrorKind::Unsupported, "there is no one to ask: this front end takes no input")),
    }
}

/// Hands everything printed so far to the system.
pub(super) fn flush() {
    // A closed stdout is no reason to stop a cell.
    let _ = io::stdout().flush();
    // SAFETY: flushes all of C's output streams; allowed at any time.
    unsafe { libc::fflush(std::ptr::null_mut()) };
}

/// The kernel reads what was printed, then shows, then answers: so the order on the page is the cell's.
fn show(message: impl FnOnce(u64) -> FromHost) {
    flush();
    if let Some(channel) = channel::get() {
        channel.ask(message);
    }
}
