//! From kernels to machine code.

use super::Unit;
use crate::code::{Failure, NOT_SUPPORTED, Outcome};

/// Compiles what isn't in the cache.
pub struct Compiler;

impl Compiler {
    /// The machine code of a unit.
    pub(crate) fn cubin(&self, _unit: &Unit, _capability: u32) -> Outcome<Vec<u8>> {
        Err(Failure::of("nvrtcCompileProgram", NOT_SUPPORTED))
    }
}
