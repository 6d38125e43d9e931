//! The process that runs cells. The `assay` binary loads this library and calls [`assay_cell_host`]; from
//! then on user code runs on the main thread, with its own stdout and stderr, and everything else goes
//! through a channel to the kernel. Cells call the small functions re-exported here.

mod chain;
mod channel;
pub(crate) mod elf;
mod front;
mod guard;
mod hooks;
mod interrupt;
mod memory;
mod page;
mod panics;
mod replace;
mod serve;
mod signals;
mod store;
mod threads;
mod wait;
mod waits;

pub use front::{attached, clear_output, display, input, result};
pub use guard::{enter, guard, guard_inline};
pub use interrupt::{Hold, check, hold, interrupted};
pub(crate) use interrupt::{at_boundary, boundary_within, caught};
pub use page::at;
pub use store::{Unnamed, name_of, put, put_earlier, restore, take};
pub use wait::block_on;

/// Runs cells until the kernel closes the channel; returns the exit code.
///
/// Called once, by the `assay` binary, in a process made for it.
#[unsafe(no_mangle)]
pub extern "C" fn assay_cell_host() -> i32 {
    match serve::serve() {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("cell host: {error}");
            1
        }
    }
}
