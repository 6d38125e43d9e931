//! The host's main loop.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use libloading::{Library, Symbol};
use tracker::Outcome;
use tracker::context::{Observer, Past};
use wire::{Ended, Executed, FromHost, ToHost};

use super::{channel, front, guard, interrupt, memory, page, panics, patch, signals, store, waits};

/// How often what was printed without a line end is handed on.
const FLUSH_EVERY: Duration = Duration::from_millis(50);

static RUNNING: AtomicBool = AtomicBool::new(false);

/// Runs cells until the kernel goes.
///
/// # Errors
/// When this process was not started by a kernel.
pub(super) fn serve() -> std::io::Result<()> {
    surroundings();
    memory::keep();
    page::attach()?;
    let (channel, orders) = channel::open()?;
    signals::install();
    interrupt::begin();
    panics::install();
    // Before anything on this thread waits for a message.
    patch::patch();
    waits::learn();
    crate::device::prepare();
    let flusher = std::thread::Builder::new().name("assay-flush".to_owned()).spawn(flush_while_running)?;
    channel.send(&FromHost::Ready);
    let mut loaded = HashMap::new();
    for order in orders {
        match order {
            ToHost::Run { id, library, symbol, execution_count, executed, resolved, file, lines } => {
                panics::know(&file, execution_count, lines);
                tracker::context::resolved_in(resolved);
                interrupt::clear();
                page::clear();
                let is_recorded = record(executed);
                panics::begin();
                RUNNING.store(true, Ordering::Release);
                flusher.thread().unpark();
                let ended = run(&mut loaded, &library, &symbol);
                RUNNING.store(false, Ordering::Release);
                // The last state of what is redrawn only now and then.
                crate::display::flush();
                front::flush();
                if is_recorded {
                    record_end(&ended);
                }
                channel.send(&FromHost::Done { id, ended, variables: store::list() });
            }
            ToHost::Forget { id, names } => {
                let panicked = store::forget(&names);
                channel.send(&FromHost::Forgotten { id, panicked });
            }
            ToHost::End => {
                // A run that is kept in a variable was not finished by anyone.
                tracker::begin_session_end();
                store::forget_all();
                crate::display::flush();
                front::flush();
                break;
            }
            ToHost::Shown { .. } | ToHost::Input { .. } | ToHost::Replace { .. } => {}
        }
    }
    tracker::end_session();
    Ok(())
}

/// Tells the tracker of the cells that were executed; whether the one that is to run is among them.
fn record(executed: Vec<Executed>) -> bool {
    let mut is_recorded = false;
    for cell in executed {
        let Executed { execution_count, source, ended, is_earlier } = cell;
        let execution_count = i64::from(execution_count);
        is_recorded = ended.is_none() && !is_earlier;
        if is_recorded {
            tracker::context::begin_cell(execution_count, source);
            continue;
        }
        let (outcome, line, message) = ended.as_ref().map_or((None, None, None), |ended| {
            let (outcome, line, message) = outcome(ended);
            (Some(outcome), line, message)
        });
        let past = Past { execution_count, source, outcome, line, message, is_earlier };
        tracker::context::add_cell(past);
    }
    is_recorded
}

fn record_end(ended: &Ended) {
    let (outcome, _, message) = outcome(ended);
    tracker::context::end_cell(outcome, message);
}

/// As the tracker calls it; with the line and the message of what is not well.
fn outcome(ended: &Ended) -> (Outcome, Option<u32>, Option<String>) {
    match ended {
        Ended::Ok => (Outcome::Ok, None, None),
        Ended::Error { chain, line } => (Outcome::Error, Some(*line), Some(chain.join(": "))),
        Ended::Panic { message, line, .. } => (Outcome::Panicked, Some(*line), Some(message.clone())),
        Ended::NotLoaded { message } => (Outcome::Error, None, Some(message.clone())),
        Ended::Interrupted { line } => (Outcome::Interrupted, Some(*line), None),
    }
}

/// Tells the tracker where its runs are made, and takes our variables out of what user code inherits.
fn surroundings() {
    let take = |name: &str| {
        let value = std::env::var(name).ok();
        // SAFETY: called before this process has started a second thread.
        unsafe { std::env::remove_var(name) };
        value
    };
    tracker::context::set(tracker::context::Context {
        toolchain: take("ASSAY_TOOLCHAIN"),
        environment: take("ASSAY_ENVIRONMENT"),
        sources: take("ASSAY_SOURCES").map(Into::into),
        // Comes with each cell: it changes when a crate is added.
        resolved: None,
        // Set by Jupyter's server, and by `assay run`.
        notebook: std::env::var("JPY_SESSION_NAME").ok(),
        device: None,
    });
    tracker::context::observe(Observer {
        line: page::line,
        is_active: interrupt::is_active,
        is_interrupted: interrupt::unwinds_here,
    });
    // Ours was for the loader of this process only; programs that user code starts get the person's.
    take("LD_LIBRARY_PATH");
    if let Some(given) = take("ASSAY_LIBRARY_PATH").filter(|given| !given.is_empty()) {
        // SAFETY: as above.
        unsafe { std::env::set_var("LD_LIBRARY_PATH", given) };
    }
}

fn run(loaded: &mut HashMap<String, Library>, path: &str, symbol: &str) -> Ended {
    if !loaded.contains_key(path) {
        // SAFETY: the library is one that the kernel has just had compiled from a cell: running user
        // code is what this process is for. It is never unloaded, since values may point into it.
        match unsafe { Library::new(path) } {
            Ok(library) => loaded.insert(path.to_owned(), library),
            Err(error) => return Ended::NotLoaded { message: error.to_string() },
        };
    }
    let Some(library) = loaded.get(path) else { return Ended::NotLoaded { message: path.to_owned() } };
    // SAFETY: the kernel generates every cell's entry with this type.
    let entry: Symbol<'_, extern "C" fn()> = match unsafe { library.get(symbol.as_bytes()) } {
        Ok(entry) => entry,
        Err(error) => return Ended::NotLoaded { message: error.to_string() },
    };
    patch::patch();
    entry();
    guard::taken()
}

fn flush_while_running() {
    loop {
        while RUNNING.load(Ordering::Acquire) {
            std::thread::sleep(FLUSH_EVERY);
            front::flush();
        }
        std::thread::park();
    }
}
