//! Memory of the device, kept for reuse. dfdx takes and gives back a dozen small buffers per operation; the driver
//! would be asked each time, and would wait for the device when it frees.
//!
//! A buffer given back may be handed out again at once, while kernels that read it still run: what comes next runs
//! after them, on the same stream. dfdx's second stream begins its work when the first has come so far, and the
//! first waits for it before anything is given back.

use std::cmp::Reverse;
use std::collections::HashMap;

use parking_lot::Mutex;

use crate::code::{Failure, OUT_OF_MEMORY, Outcome};
use crate::driver::{Address, DEFAULT_STREAM, Driver};
use crate::shape;

/// What an allocation of no bytes gets: an address that is nobody's. dfdx makes one whenever a tensor is dropped.
pub const NOTHING: Address = 0x100;

/// Sizes up to this are rounded to [`SMALL_STEP`], larger ones to [`LARGE_STEP`].
const SMALL: usize = 1 << 20;
const SMALL_STEP: usize = 512;
const LARGE_STEP: usize = 2 << 20;

/// How much of the device's memory is used by this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes in buffers that are alive.
    pub used: usize,
    /// The most that was alive at once.
    pub peak: usize,
    /// Bytes taken from the driver: what is alive and what is kept for reuse.
    pub reserved: usize,
    /// How many buffers are alive.
    pub buffers: usize,
}

#[derive(Debug, Default)]
struct Kept {
    free: HashMap<usize, Vec<Address>>,
    /// The size of each.
    alive: HashMap<Address, usize>,
    usage: Usage,
    /// The most that was alive since someone asked for it.
    recent: usize,
}

/// The buffers of one device.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Kept>);

impl Memory {
    /// A buffer of at least so many bytes, holding anything.
    ///
    /// # Errors
    /// When the device has no more, although everything kept was given back: how much was wanted, for what, and what
    /// is alive.
    pub fn allocate(&self, driver: &dyn Driver, call: &'static str, bytes: usize) -> Outcome<Address> {
        if bytes == 0 {
            return Ok(NOTHING);
        }
        let size = rounded(bytes);
        let mut kept = self.0.lock();
        let address = match kept.free.get_mut(&size).and_then(Vec::pop) {
            Some(address) => address,
            None => kept.take(driver, size).map_err(|failure| kept.explained(driver, call, bytes, failure))?,
        };
        kept.alive.insert(address, size);
        kept.usage.buffers += 1;
        kept.usage.used += size;
        kept.usage.peak = kept.usage.peak.max(kept.usage.used);
        kept.recent = kept.recent.max(kept.usage.used);
        Ok(address)
    }

    /// Keeps a buffer for reuse, once `before` was told its size and before anyone else gets it. An address that was not
    /// handed out is left alone.
    pub(crate) fn free(&self, address: Address, before: impl FnOnce(usize)) {
        let mut kept = self.0.lock();
        if let Some(size) = kept.alive.remove(&address) {
            before(size);
            kept.usage.buffers -= 1;
            kept.usage.used -= size;
            kept.free.entry(size).or_default().push(address);
        }
    }

    /// What is used now.
    pub fn usage(&self) -> Usage {
        self.0.lock().usage
    }

    /// The most bytes that were alive at once since this was called before.
    pub fn recent_peak(&self) -> usize {
        let mut kept = self.0.lock();
        let used = kept.usage.used;
        std::mem::replace(&mut kept.recent, used)
    }
}

impl Kept {
    fn take(&mut self, driver: &dyn Driver, size: usize) -> Outcome<Address> {
        let first = driver.allocate(size);
        let address = match first {
            Err(failure) if failure.code == OUT_OF_MEMORY => {
                self.trim(driver);
                driver.allocate(size)?
            }
            other => other?,
        };
        self.usage.reserved += size;
        Ok(address)
    }

    fn trim(&mut self, driver: &dyn Driver) {
        // SAFETY: the default stream is always there.
        let waited = unsafe { driver.synchronize(DEFAULT_STREAM) };
        for (size, addresses) in self.free.drain() {
            self.usage.reserved -= size * addresses.len();
            for address in addresses {
                // SAFETY: `allocate` gave the address, it is in no list any more, and the device has come to rest.
                // What fails here fails again where the device is next used.
                let _ = waited.as_ref().map(|()| unsafe { driver.free(address) });
            }
        }
    }

    fn explained(&self, driver: &dyn Driver, call: &'static str, bytes: usize, failure: Failure) -> Failure {
        if failure.code != OUT_OF_MEMORY {
            return failure;
        }
        let what = match shape::wanted(bytes) {
            Some(shape) => format!("a tensor of {shape:?}, {}", human(bytes)),
            None => human(bytes),
        };
        let device = driver.memory().map(|(free, total)| format!(" ({} of {} free)", human(free), human(total)));
        Failure::because(
            call,
            OUT_OF_MEMORY,
            format!(
                "no room on the GPU for {what}{}. {}. Try a smaller batch, or drop what is no longer used (:vars)",
                device.unwrap_or_default(),
                self.alive()
            ),
        )
    }

    /// The five sizes of buffers that take most.
    fn alive(&self) -> String {
        let mut counts: HashMap<usize, usize> = HashMap::new();
        self.alive.values().for_each(|size| *counts.entry(*size).or_default() += 1);
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(size, count)| (Reverse(size * count), *size));
        let named: Vec<String> =
            counts.iter().take(5).map(|(size, count)| format!("{count} x {}", human(*size))).collect();
        format!("Alive: {} in {} buffers: {}", human(self.usage.used), self.usage.buffers, named.join(", "))
    }
}

fn rounded(bytes: usize) -> usize {
    bytes.next_multiple_of(if bytes <= SMALL { SMALL_STEP } else { LARGE_STEP })
}

/// `1.5 GiB`.
#[must_use]
pub fn human(bytes: usize) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let power = (bytes.ilog2() / 10).min(4);
    let unit = UNITS[power as usize - 1];
    let scale = 1u64 << (10 * power);
    #[allow(clippy::cast_precision_loss)] // one digit is shown
    let value = bytes as f64 / scale as f64;
    format!("{value:.1} {unit}")
}
