//! The one device that this process computes on, and what is known about it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::code::{Failure, INVALID_SOURCE, NO_DEVICE, Outcome};
use crate::driver::{Address, Driver, Handle, Precision, Properties};
use crate::fills::Fills;
use crate::kernels::{self, Unit};
use crate::memory::Memory;

static GPU: OnceLock<Gpu> = OnceLock::new();

/// Opens the device when it is first needed.
static OPENER: OnceLock<fn() -> Outcome<()>> = OnceLock::new();

thread_local! {
    /// While a tensor is asked where its numbers are, copies don't copy: they say the address.
    static ASKING: Cell<Asking> = const { Cell::new(Asking::Nothing) };
    static ANSWER: Cell<Option<Address>> = const { Cell::new(None) };
    /// While a buffer is made that a kernel is about to fill, it isn't filled with zeros first.
    static UNFILLED: Cell<bool> = const { Cell::new(false) };
    static ENTERED: Cell<Handle> = const { Cell::new(0) };
    static FAILED: RefCell<Option<Failure>> = const { RefCell::new(None) };
}

/// Which copies only say an address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asking {
    Nothing,
    /// Those between host and device.
    Host,
    /// Those within the device: they say where they come from.
    Device,
}

/// A device in use.
pub struct Gpu {
    /// What answers.
    pub driver: Box<dyn Driver>,
    /// Which of the driver's devices it is.
    pub ordinal: i32,
    /// What it is.
    pub properties: Properties,
    /// Its buffers.
    pub memory: Memory,
    /// What was asked of it so far.
    pub counts: Counts,
    pub(crate) fills: Fills,
    precision: AtomicU8,
    lost: OnceLock<Failure>,
    context: OnceLock<Handle>,
    modules: Mutex<HashMap<String, Handle>>,
    functions: Mutex<HashMap<String, Handle>>,
}

/// How often something was asked of the device.
#[derive(Debug, Default)]
pub struct Counts {
    /// Kernels started.
    pub launches: AtomicU64,
    /// Products of matrices.
    pub products: AtomicU64,
    /// Buffers wanted.
    pub allocations: AtomicU64,
    /// Copies to the device.
    pub uploads: AtomicU64,
    /// Copies from the device.
    pub downloads: AtomicU64,
    /// Copies within the device.
    pub copies: AtomicU64,
    /// Buffers filled with zeros, each by a call of its own.
    pub fills: AtomicU64,
    /// Bytes copied to the device.
    pub bytes_up: AtomicU64,
    /// Bytes copied from the device.
    pub bytes_down: AtomicU64,
}

impl Counts {
    /// All counts, with their names.
    pub fn all(&self) -> [(&'static str, u64); 9] {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        [
            ("launches", read(&self.launches)),
            ("products", read(&self.products)),
            ("allocations", read(&self.allocations)),
            ("uploads", read(&self.uploads)),
            ("downloads", read(&self.downloads)),
            ("copies", read(&self.copies)),
            ("fills", read(&self.fills)),
            ("bytes up", read(&self.bytes_up)),
            ("bytes down", read(&self.bytes_down)),
        ]
    }

    /// Notes a copy to the device.
    pub(crate) fn upload(&self, bytes: usize) {
        self.uploads.fetch_add(1, Ordering::Relaxed);
        self.bytes_up.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Notes a copy from the device.
    pub(crate) fn download(&self, bytes: usize) {
        self.downloads.fetch_add(1, Ordering::Relaxed);
        self.bytes_down.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// Makes a device this process's, for as long as the process lives. When one is in use already, it stays.
///
/// # Errors
/// When the device can't be read.
pub fn open(driver: Box<dyn Driver>, ordinal: i32) -> Outcome<&'static Gpu> {
    if let Some(gpu) = GPU.get() {
        return Ok(gpu);
    }
    let properties = driver.properties(ordinal)?;
    let precision = if properties.capability >= 80 { Precision::Tf32 } else { Precision::Fp32 };
    Ok(GPU.get_or_init(|| Gpu {
        driver,
        ordinal,
        properties,
        memory: Memory::default(),
        counts: Counts::default(),
        fills: Fills::default(),
        precision: AtomicU8::new(precision as u8),
        lost: OnceLock::new(),
        context: OnceLock::new(),
        modules: Mutex::default(),
        functions: Mutex::default(),
    }))
}

/// Has the device opened by `opener` when it is first needed; it is to call [`open`].
pub fn open_later(opener: fn() -> Outcome<()>) {
    OPENER.get_or_init(|| opener);
}

/// The device in use.
///
/// # Errors
/// When none is, or it can't be opened.
pub fn gpu() -> Outcome<&'static Gpu> {
    if let Some(gpu) = GPU.get() {
        return Ok(gpu);
    }
    if let Some(opener) = OPENER.get() {
        opener()?;
    }
    GPU.get().ok_or_else(|| Failure::because("cuInit", NO_DEVICE, "no GPU is in use"))
}

impl Gpu {
    /// How products of `f32` are computed now.
    pub fn precision(&self) -> Precision {
        match self.precision.load(Ordering::Relaxed) {
            0 => Precision::Fp32,
            1 => Precision::Tf32,
            _ => Precision::Bf16,
        }
    }

    /// From now on products of `f32` are computed so.
    pub fn set_precision(&self, precision: Precision) {
        self.precision.store(precision as u8, Ordering::Relaxed);
    }

    /// Does something after all that was asked before, unless the device is lost; a failure that loses it is
    /// remembered.
    pub(crate) fn attempt<T>(&self, work: impl FnOnce(&Self) -> Outcome<T>) -> Outcome<T> {
        self.attempt_aside(|gpu| gpu.fills.make(gpu).and_then(|()| work(gpu)))
    }

    /// The same for what asks nothing of the device now.
    pub(crate) fn attempt_aside<T>(&self, work: impl FnOnce(&Self) -> Outcome<T>) -> Outcome<T> {
        if let Some(failure) = self.lost.get() {
            return Err(failure.clone());
        }
        work(self).inspect_err(|failure| {
            if failure.loses_device() {
                // Another thread may have been first.
                let _ = self.lost.set(failure.clone());
            }
        })
    }

    /// Keeps a buffer for reuse.
    pub(crate) fn free(&self, address: Address) {
        self.memory.free(address, |bytes| self.fills.forget(address, bytes));
    }

    /// The device's context, which stays until the process ends.
    ///
    /// # Errors
    /// When the device has no room for it.
    pub(crate) fn context(&self) -> Outcome<Handle> {
        if let Some(context) = self.context.get() {
            return Ok(*context);
        }
        let context = self.driver.retain_context(self.ordinal)?;
        Ok(*self.context.get_or_init(|| context))
    }

    /// Makes a context this thread's, unless it is already.
    pub(crate) fn enter(&self, context: Handle) -> Outcome<()> {
        if self.entered() != context {
            self.driver.enter_context(context)?;
            ENTERED.set(context);
        }
        Ok(())
    }

    /// The context that this thread is in; 0 for none.
    pub(crate) fn entered(&self) -> Handle {
        ENTERED.get()
    }

    /// One of dfdx's kernels or of ours, by its name; its file is compiled on first use.
    ///
    /// # Errors
    /// When no file has it, or when it does not compile.
    pub fn kernel(&self, name: &str) -> Outcome<Handle> {
        if let Some(handle) = self.functions.lock().get(name) {
            return Ok(*handle);
        }
        let unit = kernels::unit_of(name)?;
        let function = self.driver.function(self.module(&unit)?, name)?;
        self.functions.lock().insert(name.to_owned(), function);
        Ok(function)
    }

    /// The module of a file of kernels, compiled on first use. Two threads that ask at once both get it.
    pub(crate) fn module(&self, unit: &Unit) -> Outcome<Handle> {
        let key = format!("{}\n{}", unit.name, unit.text);
        let mut modules = self.modules.lock();
        if let Some(module) = modules.get(&key) {
            return Ok(*module);
        }
        let module = self.driver.load(unit)?;
        modules.insert(key, module);
        Ok(module)
    }

    /// Whether the device has a unit compiled under this handle.
    pub(crate) fn has_module(&self, module: Handle) -> bool {
        self.modules.lock().values().any(|known| *known == module)
    }
}

/// Where a tensor's numbers are: `read` must copy from or to that tensor, and copies nothing.
///
/// # Errors
/// When `read` did not touch the device.
pub fn address(read: impl FnOnce()) -> Outcome<Address> {
    ask(Asking::Host, read)
}

/// Where the numbers are that `copy` copies within the device, and which are not copied.
///
/// # Errors
/// When `copy` copies nothing.
pub fn source(copy: impl FnOnce()) -> Outcome<Address> {
    ask(Asking::Device, copy)
}

fn ask(asking: Asking, work: impl FnOnce()) -> Outcome<Address> {
    ASKING.set(asking);
    ANSWER.set(None);
    work();
    ASKING.set(Asking::Nothing);
    ANSWER.take().ok_or_else(|| Failure::because("cuMemcpyDtoHAsync_v2", INVALID_SOURCE, "this tensor is not on a GPU"))
}

/// Whether copies are only asked for their address; then this is it.
pub(crate) fn asked(address: Address) -> bool {
    answered(Asking::Host, address)
}

/// Whether copies within the device are only asked where they come from; then this is it.
pub(crate) fn asked_within(address: Address) -> bool {
    answered(Asking::Device, address)
}

fn answered(asking: Asking, address: Address) -> bool {
    let asked = ASKING.get() == asking;
    if asked {
        ANSWER.set(Some(address));
    }
    asked
}

/// Whether a question for an address is on its way.
pub(crate) fn asking() -> bool {
    ASKING.get() != Asking::Nothing
}

/// Makes buffers that aren't filled with zeros: whoever calls fills each with a kernel.
pub fn unfilled<T>(work: impl FnOnce() -> T) -> T {
    let before = UNFILLED.replace(true);
    let result = work();
    UNFILLED.set(before);
    result
}

pub(crate) fn fills() -> bool {
    !UNFILLED.get()
}

/// The last failure on this thread, which dfdx's errors give only a number of.
#[must_use]
pub fn last_failure() -> Option<Failure> {
    FAILED.with_borrow(Clone::clone)
}

/// Makes a failure the last one on this thread, and gives its number as callers of the trampolines know it.
pub fn report(failure: &Failure) -> i32 {
    remember(failure);
    crate::code::known(failure.code)
}

pub(crate) fn remember(failure: &Failure) {
    FAILED.set(Some(failure.clone()));
}
