//! Uploads through pinned memory. From ordinary memory the driver copies in pieces and waits for each; from pinned
//! memory the device fetches by itself while the processor goes on.

use std::ffi::c_void;
use std::ptr;

use super::table::Calls;
use super::{check, pinned};
use crate::code::{Outcome, SUCCESS};
use crate::driver::{Address, Handle};

/// Smaller uploads the driver puts into its own command buffer, which is as good.
const SMALLEST: usize = 64 << 10;

/// Larger ones go from where they are: a second copy would cost more than waiting.
const LARGEST: usize = 64 << 20;

/// Buffers at most; when all are on their way, the next upload waits for none and goes without.
const BUFFERS: usize = 8;

/// `CU_EVENT_DISABLE_TIMING`.
const NO_TIMING: u32 = 2;

/// A pinned buffer, and the event that comes when the device has fetched what was in it.
#[derive(Debug)]
struct Buffer {
    address: *mut c_void,
    size: usize,
    fetched: Handle,
}

/// Pinned buffers of one device.
#[derive(Debug, Default)]
pub(super) struct Staging(Vec<Buffer>);

// SAFETY: the addresses are of memory that belongs to this list alone.
unsafe impl Send for Staging {}

impl Staging {
    /// Uploads if a buffer is free; `false` when the caller must.
    ///
    /// # Safety
    /// As [`crate::driver::Driver::upload`].
    pub(super) unsafe fn upload(
        &mut self,
        calls: &Calls,
        to: Address,
        from: *const c_void,
        bytes: usize,
        stream: Handle,
    ) -> Outcome<bool> {
        if !(SMALLEST..=LARGEST).contains(&bytes) {
            return Ok(false);
        }
        let Some(buffer) = self.buffer(calls, bytes)? else { return Ok(false) };
        // SAFETY: the buffer has at least so many bytes and the device has fetched what was in it; the rest is the
        // caller's word.
        unsafe {
            ptr::copy_nonoverlapping(from.cast::<u8>(), buffer.address.cast::<u8>(), bytes);
            check("cuMemcpyHtoDAsync_v2", (calls.upload)(to, buffer.address, bytes, stream))?;
            check("cuEventRecord", (calls.event_record)(buffer.fetched, stream))?;
        }
        Ok(true)
    }

    /// A buffer that is large enough and free, or a new one.
    fn buffer(&mut self, calls: &Calls, bytes: usize) -> Outcome<Option<&Buffer>> {
        // SAFETY: the events are ours. One that was never recorded counts as come.
        let free = |buffer: &Buffer| unsafe { (calls.event_query)(buffer.fetched) } == SUCCESS;
        if let Some(at) = self.0.iter().position(|buffer| buffer.size >= bytes && free(buffer)) {
            return Ok(self.0.get(at));
        }
        if self.0.len() == BUFFERS {
            return Ok(None);
        }
        let size = bytes.next_power_of_two();
        let address = match pinned(calls, size) {
            Ok(address) => address,
            // No pinned memory left: that is no reason to fail.
            Err(_) => return Ok(None),
        };
        let mut fetched = 0;
        // SAFETY: it writes one handle.
        check("cuEventCreate", unsafe { (calls.event_create)(&raw mut fetched, NO_TIMING) })?;
        self.0.push(Buffer { address, size, fetched });
        Ok(self.0.last())
    }
}
