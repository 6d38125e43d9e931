//! From kernels to machine code.

use super::{Cache, Unit, cubin};
use crate::code::Outcome;
use crate::nvrtc::Nvrtc;

/// Says what takes a while, in a sentence.
pub type Progress = Box<dyn Fn(&str) + Send + Sync>;

/// Compiles what isn't in the cache.
pub struct Compiler {
    nvrtc: Nvrtc,
    cache: Cache,
    progress: Progress,
}

impl Compiler {
    /// A compiler with its cache.
    pub fn new(nvrtc: Nvrtc, cache: Cache, progress: Progress) -> Self {
        Self { nvrtc, cache, progress }
    }

    /// The machine code of a unit for a compute capability (90 for 9.0).
    pub(crate) fn cubin(&self, unit: &Unit, capability: u32) -> Outcome<Vec<u8>> {
        cubin(unit, self.nvrtc.target(capability)?, &self.nvrtc, &self.cache, &self.progress)
    }
}
