//! The host's main loop.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use libloading::{Library, Symbol};
use wire::{Ended, FromHost, ToHost};

use super::{channel, front, guard, interrupt, memory, page, panics, signals, store, waits};

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
    waits::patch();
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
                for cell in executed {
                    tracker::context::record_cell(i64::from(cell.execution_count), cell.source);
                }
                interrupt::clear();
                page::clear();
                panics::begin();
                RUNNING.store(true, Ordering::Release);
                flusher.thread().unpark();
                let ended = run(&mut loaded, &library, &symbol);
                RUNNING.store(false, Ordering::Release);
                // The last state of what is redrawn only now and then.
                crate::display::flush();
                front::flush();
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
        // Comes with each cell: it changes when a crate is added.
        resolved: None,
        // Set by Jupyter's server, and by `assay run`.
        notebook: std::env::var("JPY_SESSION_NAME").ok(),
        device: None,
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
    waits::patch();
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
