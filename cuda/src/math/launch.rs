//! How our own kernels are started.

use std::ffi::c_void;
use std::sync::atomic::Ordering::Relaxed;

use super::{Buffer, on_gpu, sizes};
use crate::code::Outcome;
use crate::driver::{Address, DEFAULT_STREAM, Grid};

/// Threads of a block.
const THREADS: u32 = 256;

/// A parameter of a kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Parameter {
    /// `float *`
    Buffer(Buffer),
    /// A pointer to something else, or to nothing.
    Address(Address),
    /// `size_t`
    Size(usize),
    /// `float`
    Number(f32),
    /// `double`
    Double(f64),
    /// `unsigned int`
    Bits(u32),
    /// A structure of `unsigned int`, as many of these as it has.
    Words([u32; 12]),
}

impl From<Buffer> for Parameter {
    fn from(buffer: Buffer) -> Self {
        Self::Buffer(buffer)
    }
}

impl From<usize> for Parameter {
    fn from(size: usize) -> Self {
        Self::Size(size)
    }
}

impl From<f32> for Parameter {
    fn from(number: f32) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Parameter {
    fn from(bits: u32) -> Self {
        Self::Bits(bits)
    }
}

/// Starts one of our kernels with a thread for each of `count` things.
///
/// # Safety
/// The parameters are those of the kernel, and it stays inside its buffers when `count` threads or more run.
pub(crate) unsafe fn each(kernel: &'static str, count: usize, parameters: &[Parameter]) -> Outcome<()> {
    let blocks = u32::try_from(count.div_ceil(THREADS as usize)).map_err(|_| sizes(kernel))?;
    // SAFETY: the caller's word.
    unsafe { start(kernel, [blocks, 1], THREADS, parameters) }
}

/// Starts one of our kernels with a thread for every four of `count` things.
///
/// # Safety
/// As [`each`], when a thread for every four or more run.
pub(crate) unsafe fn fours(kernel: &'static str, count: usize, parameters: &[Parameter]) -> Outcome<()> {
    // SAFETY: the caller's word.
    unsafe { each(kernel, count.div_ceil(4), parameters) }
}

/// How many threads share a row of `size` numbers: whole warps, as many as there is work for.
pub(crate) fn threads(size: usize) -> u32 {
    u32::try_from(size.next_multiple_of(32)).map_or(THREADS, |threads| threads.clamp(32, THREADS))
}

/// Starts one of our kernels with a block of threads for each of `count` rows.
///
/// # Safety
/// As [`each`], for `count` blocks of `threads` threads.
pub(crate) unsafe fn rows(kernel: &'static str, count: usize, threads: u32, parameters: &[Parameter]) -> Outcome<()> {
    // SAFETY: the caller's word.
    unsafe { table(kernel, [count, 1], threads, parameters) }
}

/// Starts one of our kernels with a block of threads for each place of a table; along its second axis there may be
/// 65,535 at most.
///
/// # Safety
/// As [`each`], for as many blocks of `threads` threads.
pub(crate) unsafe fn table(
    kernel: &'static str,
    places: [usize; 2],
    threads: u32,
    parameters: &[Parameter],
) -> Outcome<()> {
    let [across, down] = places.map(|count| u32::try_from(count).map_err(|_| sizes(kernel)));
    // SAFETY: the caller's word.
    unsafe { start(kernel, [across?, down?], threads, parameters) }
}

/// # Safety
/// As [`each`].
unsafe fn start(kernel: &'static str, [across, down]: [u32; 2], threads: u32, parameters: &[Parameter]) -> Outcome<()> {
    if across == 0 || down == 0 {
        return Ok(());
    }
    let mut values: Vec<[u64; 6]> = parameters.iter().map(bytes).collect();
    let mut places: Vec<*mut c_void> = values.iter_mut().map(|value| std::ptr::from_mut(value).cast()).collect();
    let grid = Grid { blocks: [across, down, 1], threads: [threads, 1, 1], shared: 0 };
    on_gpu(|gpu| {
        let function = gpu.kernel(kernel)?;
        gpu.counts.launches.fetch_add(1, Relaxed);
        // SAFETY: the parameters lie in `values` until the call is done; the rest is the caller's word.
        unsafe { gpu.driver.launch(function, grid, DEFAULT_STREAM, places.as_mut_ptr()) }
    })
}

/// Rows that are summed up strip by strip, so that there is work for the whole device: the strips depend on the sizes
/// only, and so does the order of the sums.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strips {
    /// How many strips.
    pub(crate) count: usize,
    /// How many rows in each; fewer in the last.
    pub(crate) rows: usize,
}

impl Strips {
    /// Strips of `rows` rows of so many columns; 32 columns are one block's.
    pub(crate) fn of(rows: usize, columns: usize) -> Self {
        let wanted = (512 / columns.div_ceil(32).max(1)).clamp(1, rows.div_ceil(64).max(1));
        let rows_each = rows.div_ceil(wanted).max(1);
        Self { count: rows.div_ceil(rows_each), rows: rows_each }
    }
}

/// A parameter as it lies in memory, from its first byte on.
fn bytes(parameter: &Parameter) -> [u64; 6] {
    let pair = |low: u32, high: u32| {
        let ([a, b, c, d], [e, f, g, h]) = (low.to_ne_bytes(), high.to_ne_bytes());
        u64::from_ne_bytes([a, b, c, d, e, f, g, h])
    };
    let one = |word: u64| [word, 0, 0, 0, 0, 0];
    match *parameter {
        Parameter::Buffer(buffer) => one(buffer.address),
        Parameter::Address(address) => one(address),
        Parameter::Size(size) => one(size as u64),
        Parameter::Number(number) => one(pair(number.to_bits(), 0)),
        Parameter::Double(number) => one(number.to_bits()),
        Parameter::Bits(bits) => one(pair(bits, 0)),
        Parameter::Words(words) => std::array::from_fn(|i| pair(words[2 * i], words[2 * i + 1])),
    }
}
