//! Zeros that are put off until something else is asked of the device, and are then written by one launch: dfdx fills
//! each gradient by a call of its own, one for each parameter of a model.

use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::Ordering::Relaxed;

use parking_lot::Mutex;

use crate::code::Outcome;
use crate::driver::{Address, DEFAULT_STREAM, Grid};
use crate::gpu::Gpu;

/// How many a launch fills; `fill.cu` says so too. A kernel takes 4 KiB of parameters.
const MOST: usize = 64;

/// Bytes to be zero.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
struct Stretch {
    address: Address,
    bytes: u64,
}

/// What is put off.
#[derive(Debug, Default)]
pub(crate) struct Fills(Mutex<Vec<Stretch>>);

impl Fills {
    /// Puts off bytes that are to be zero. They are filled at once where that can't be put off: what is not made of
    /// words.
    ///
    /// # Safety
    /// So many bytes are there, until [`Fills::forget`] is told that they are not.
    pub(crate) unsafe fn add(&self, gpu: &Gpu, address: Address, bytes: usize) -> Outcome<()> {
        let stretch = Stretch { address, bytes: bytes as u64 };
        if !stretch.address.is_multiple_of(4) || !stretch.bytes.is_multiple_of(4) {
            return write(gpu, &mut vec![stretch]);
        }
        let mut put_off = self.0.lock();
        put_off.push(stretch);
        if put_off.len() >= MOST { write(gpu, &mut put_off) } else { Ok(()) }
    }

    /// Leaves out bytes that are about to be written over; whether they were put off.
    pub(crate) fn claim(&self, address: Address, bytes: usize) -> bool {
        let mut put_off = self.0.lock();
        let wanted = |stretch: &Stretch| stretch.address == address && stretch.bytes == bytes as u64;
        put_off.iter().position(wanted).map(|at| put_off.swap_remove(at)).is_some()
    }

    /// Leaves out what has been given back.
    pub(crate) fn forget(&self, address: Address, bytes: usize) {
        let end = address + bytes as u64;
        self.0.lock().retain(|stretch| !(address..end).contains(&stretch.address));
    }

    /// Fills what was put off.
    pub(crate) fn make(&self, gpu: &Gpu) -> Outcome<()> {
        write(gpu, &mut self.0.lock())
    }
}

/// The list stays locked until all is on its way: another thread whose buffer is in it must not go on before. What
/// fails stays in it, for the next call to say so.
fn write(gpu: &Gpu, put_off: &mut Vec<Stretch>) -> Outcome<()> {
    if put_off.is_empty() {
        return Ok(());
    }
    gpu.enter(gpu.context()?)?;
    put_off.chunks(MOST).try_for_each(|some| match some {
        [one] => fill(gpu, one),
        many => launch(gpu, many).or_else(|_| many.iter().try_for_each(|stretch| fill(gpu, stretch))),
    })?;
    put_off.clear();
    Ok(())
}

fn fill(gpu: &Gpu, stretch: &Stretch) -> Outcome<()> {
    gpu.counts.fills.fetch_add(1, Relaxed);
    let bytes = usize::try_from(stretch.bytes).unwrap_or(usize::MAX);
    // SAFETY: by `add`.
    unsafe { gpu.driver.fill(stretch.address, 0, bytes, DEFAULT_STREAM) }
}

fn launch(gpu: &Gpu, stretches: &[Stretch]) -> Outcome<()> {
    const THREADS: u32 = 256;
    let function = gpu.kernel("assay_zero")?;
    let mut all = [Stretch::default(); MOST];
    all[..stretches.len()].copy_from_slice(stretches);
    let longest = stretches.iter().map(|stretch| stretch.bytes).max().unwrap_or(0);
    // Of a long one, each thread fills several words.
    let across = u32::try_from(longest.div_ceil(16 * u64::from(THREADS))).map_or(1024, |blocks| blocks.clamp(1, 1024));
    let down = u32::try_from(stretches.len()).unwrap_or(u32::MAX);
    let grid = Grid { blocks: [across, down, 1], threads: [THREADS, 1, 1], shared: 0 };
    let mut parameters: [*mut c_void; 1] = [ptr::from_mut(&mut all).cast()];
    gpu.counts.launches.fetch_add(1, Relaxed);
    // SAFETY: the kernel takes this array, has a row of blocks for each stretch, and by `add` the bytes are there.
    unsafe { gpu.driver.launch(function, grid, DEFAULT_STREAM, parameters.as_mut_ptr()) }
}
