//! What the kernel and the cell host say to each other: one JSON object per frame, a frame being its
//! length as four little-endian bytes and then its bytes. The kernel and the environment are built apart,
//! so both link this crate and neither links the other.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The host's end of the channel.
pub const CHANNEL_FD: i32 = 3;
/// A page shared with the kernel, so that it can be read after the host was killed; see [`Page`].
pub const PAGE_FD: i32 = 4;

/// Layout of the shared page: `u32` words in native order.
#[derive(Debug)]
pub struct Page;

impl Page {
    /// Bytes in the page.
    pub const SIZE: usize = 4096;
    /// Word that holds the cell's line that is being run; 0 before the first statement.
    pub const LINE: usize = 0;
    /// Word that is 1 once the host's signal handler saw the stack run into its guard.
    pub const STACK_OVERFLOW: usize = 1;
    /// Word that is 1 once code of ours saw the interrupt, and so will stop by itself.
    pub const INTERRUPT_SEEN: usize = 2;
}

/// A cell that was executed, as the person wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Executed {
    pub execution_count: u32,
    pub source: String,
    /// How it ended; `None`: it is about to run, or its process died in it.
    pub ended: Option<Ended>,
    /// It ran in an earlier process of the notebook.
    pub is_earlier: bool,
}

/// From the kernel to the host.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToHost {
    /// Load a compiled cell and call it.
    Run {
        /// Of this order; its answer has it too.
        id: u64,
        /// Path of the shared object.
        library: String,
        /// Name of its `extern "C" fn()`.
        symbol: String,
        execution_count: u32,
        /// What the notebook has executed since this process was last told, in that order; this cell is the last, if
        /// it is one of the notebook's. Recorded with the runs that are open.
        executed: Vec<Executed>,
        /// The folder with the lockfile and the features of what cells link now.
        resolved: PathBuf,
        /// Name of the generated file, as `file!()` and panics give it.
        file: String,
        /// Entry `i`: the cell's line that generated line `i + 1` holds, 0 where it holds none.
        lines: Vec<u32>,
    },
    /// The display or result was published: what the cell prints next may follow it. `id`: of what was shown.
    Shown { id: u64 },
    /// Answer to the [`FromHost::Input`] with this `id`; `None` when the front end has no one to ask.
    Input { id: u64, line: Option<String> },
    /// Drop these variables.
    Forget { id: u64, names: Vec<String> },
    /// The session is over: drop all variables, store what was logged, exit.
    End,
    /// Lead calls that a loaded library makes to optimised functions; may come while a cell runs.
    Replace {
        /// Path of the library with the optimised functions.
        library: String,
        /// Path of the library whose calls are led there.
        of: String,
        /// Where `of` keeps a function's address, and where that function is in `library`; both in bytes
        /// from where the library is loaded.
        slots: Vec<(u64, u64)>,
    },
}

/// From the host to the kernel. What is shown or asked has an `id` of the host's, which the kernel's answer repeats;
/// [`FromHost::Done`] and [`FromHost::Forgotten`] have that of the order that they answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromHost {
    /// The environment is loaded; cells may come.
    Ready,
    Display {
        id: u64,
        data: Map<String, Value>,
        display_id: Option<String>,
        update: bool,
    },
    /// The value of the cell's last expression.
    Result {
        id: u64,
        data: Map<String, Value>,
    },
    ClearOutput {
        id: u64,
        wait: bool,
    },
    Input {
        id: u64,
        prompt: String,
    },
    /// The cell is over; nothing it printed is still in a buffer.
    Done {
        id: u64,
        ended: Ended,
        variables: Vec<Variable>,
    },
    /// `Forget` was carried out; with the variables whose destructors panicked, and what they said.
    Forgotten {
        id: u64,
        panicked: Vec<(String, String)>,
    },
    /// `Replace` was carried out, or why not.
    Replaced {
        error: Option<String>,
    },
}

/// How a cell ended, when the host lived to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Ended {
    Ok,
    /// A `?` at the top level returned early; the message of each error in the chain, outermost first.
    Error {
        chain: Vec<String>,
        line: u32,
    },
    /// `place` is where the panic was raised, `line` the cell's statement that was being run.
    Panic {
        message: String,
        place: String,
        line: u32,
    },
    /// The cell could not be loaded.
    NotLoaded {
        message: String,
    },
    /// The person stopped it; `line` is the cell's statement that was being run.
    Interrupted {
        line: u32,
    },
}

/// A variable that lives in the host.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Variable {
    pub name: String,
    /// `std::any::type_name` of its type: for people, not for the compiler.
    pub type_name: String,
    /// Bytes of the value itself, without what it points to.
    pub size: usize,
    /// Which of the cell's bindings of this name it is, where the cell that was just run stored it: 0 for the last.
    pub stored: Option<u32>,
}

/// Writes one frame.
///
/// # Errors
/// When the other end is gone, or `message` has no JSON form.
pub fn write<T: Serialize>(to: &mut impl Write, message: &T) -> io::Result<()> {
    let body = serde_json::to_vec(message)?;
    let length = u32::try_from(body.len())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a message of over 4 GiB"))?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(&body)?;
    to.flush()
}

/// Reads one frame; `None` at the end of the channel.
///
/// # Errors
/// When the channel breaks inside a frame, or the frame is not such a message.
pub fn read<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0u8; 4];
    match from.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let mut body = vec![0u8; u32::from_le_bytes(length) as usize];
    from.read_exact(&mut body)?;
    Ok(Some(serde_json::from_slice(&body)?))
}
