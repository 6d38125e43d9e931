//! This machine's processor as a device: what everything above the driver is tested on where no GPU is.
//!
//! Kernels are the same CUDA C++ as on a GPU, compiled by the machine's C++ compiler. All work is done before the call
//! returns. What a GPU would notice is noticed: addresses that nobody gave out, writes beside an allocation, unknown
//! handles, too little memory; and each call can be made to fail ([`Host::fail`]). What can't be noticed is a kernel
//! that writes more than 256 bytes beside its memory: it damages the process.

mod block;
mod calls;
mod compiler;
mod driver;
mod handles;
mod memory;
mod module;
mod product;
mod source;

use std::ffi::OsString;
use std::path::PathBuf;

use parking_lot::Mutex;

use self::calls::Calls;
use self::compiler::Compiler;
use self::handles::Handles;
use self::memory::Memory;

/// What the device has, and what it is made with.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of memory.
    pub memory: u64,
    /// The folder of compiled kernels. Several processes may share it.
    pub cache: PathBuf,
    /// The C++ compiler, with arguments if it needs some. Where it is `None`: what the variable `CXX` says, else the
    /// first of `c++`, `g++` and `clang++` that is there.
    pub compiler: Option<OsString>,
}

impl Limits {
    /// 1 GiB of memory, and kernels kept in a folder.
    #[must_use]
    pub fn in_folder(cache: impl Into<PathBuf>) -> Self {
        Self { memory: 1 << 30, cache: cache.into(), compiler: None }
    }
}

/// This machine's processor as a device.
pub struct Host {
    calls: Calls,
    compiler: Compiler,
    handles: Mutex<Handles>,
    /// Held as long as a kernel runs: what works on memory works alone.
    memory: Mutex<Memory>,
}

impl Host {
    /// A device with nothing in its memory.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            calls: Calls::default(),
            compiler: Compiler::new(limits.compiler, limits.cache),
            handles: Mutex::default(),
            memory: Mutex::new(Memory::new(limits.memory)),
        }
    }

    /// Lets a call (`cuMemAlloc_v2`) fail with a code of `cuda.h`: the next one after `after` that go well. With a
    /// code that [loses the device](crate::code::Failure::loses_device), every call after it fails too.
    pub fn fail(&self, call: &str, after: usize, code: i32) {
        self.calls.fail(call, after, code);
    }

    /// How often a call was made since the device was made, failures included.
    #[must_use]
    pub fn calls(&self, call: &str) -> usize {
        self.calls.count(call)
    }

    /// Bytes that are taken now.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.memory.lock().taken()
    }
}
