//! [`Driver`] for the processor. Each method is known by the function of CUDA's that it stands for.

use std::ffi::c_void;
use std::sync::Arc;
use std::time::Instant;

use super::module::Kernel;
use super::{Host, compiler, product};
use crate::code::{Failure, ILLEGAL_ADDRESS, INVALID_DEVICE, INVALID_VALUE, Outcome};
use crate::driver::{Address, Driver, Grid, Handle, Product, Properties};
use crate::kernels::Unit;

/// Of what a kernel may be written for: the simulated GPU's capability is 8.0.
const CAPABILITY: u32 = 80;
/// Bytes of shared memory of a block that asks for no more than every GPU has.
const SHARED: u32 = 48 << 10;
const THREADS: u32 = 1024;
const MOST_BLOCKS: [u32; 3] = [i32::MAX.unsigned_abs(), 65535, 65535];
const MOST_THREADS: [u32; 3] = [THREADS, THREADS, 64];

/// Attributes as `cuda.h` numbers them: sizes of blocks and grids, shared memory, warp, clock, multiprocessors,
/// threads of one, capability.
const ATTRIBUTES: [(i32, i32); 14] = [
    (1, 1024),
    (2, 1024),
    (3, 1024),
    (4, 64),
    (5, i32::MAX),
    (6, 65535),
    (7, 65535),
    (8, 48 << 10),
    (10, 32),
    (13, 1_000_000),
    (16, 1),
    (39, 1024),
    (75, 8),
    (76, 0),
];

impl Host {
    /// One call on a thread that has entered the device's context.
    fn inside<T>(&self, call: &'static str, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
        self.calls.make(call, || {
            self.handles.lock().entered(call)?;
            work()
        })
    }

    /// One call on a stream.
    fn on<T>(&self, call: &'static str, stream: Handle, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
        self.inside(call, || {
            self.handles.lock().stream(call, stream)?;
            work()
        })
    }

    /// # Safety
    /// As for [`Kernel::run`].
    unsafe fn run(&self, call: &'static str, kernel: &Kernel, grid: Grid, with: *mut *mut c_void) -> Outcome<()> {
        fits(call, kernel.name(), grid)?;
        let memory = self.memory.lock();
        // SAFETY: as the caller says.
        let addresses = unsafe { kernel.addresses(call, with)? };
        if let Some((place, address)) = addresses.iter().find(|(_, address)| !memory.holds(*address)) {
            let reason = format!("parameter {place} of {} is {address:#x}, where no memory is", kernel.name());
            return Err(Failure::because(call, ILLEGAL_ADDRESS, reason));
        }
        // SAFETY: as the caller says, and all addresses are in memory that nobody else uses while it is locked.
        unsafe { kernel.run(call, grid, with)? };
        memory.check(call, kernel.name(), addresses.iter().map(|(_, address)| *address))
    }
}

fn fits(call: &'static str, kernel: &str, grid: Grid) -> Outcome<()> {
    let within = |sizes: [u32; 3], most: [u32; 3]| sizes.iter().zip(most).all(|(size, most)| (1..=most).contains(size));
    let threads: u64 = grid.threads.iter().map(|size| u64::from(*size)).product();
    let fits = within(grid.blocks, MOST_BLOCKS)
        && within(grid.threads, MOST_THREADS)
        && threads <= THREADS.into()
        && grid.shared <= SHARED;
    let reason = || {
        let Grid { blocks, threads, shared } = grid;
        format!(
            "{kernel} can't run in {blocks:?} blocks of {threads:?} threads with {shared} bytes of shared memory: \
             blocks have 1 to {THREADS} threads and at most {SHARED} bytes"
        )
    };
    fits.then_some(()).ok_or_else(|| Failure::because(call, INVALID_VALUE, reason()))
}

fn only_one(call: &'static str, device: i32) -> Outcome<()> {
    (device == 0).then_some(()).ok_or_else(|| Failure::of(call, INVALID_DEVICE))
}

impl Driver for Host {
    fn describe(&self) -> String {
        "Simulated GPU (this processor)".to_owned()
    }

    fn devices(&self) -> Outcome<i32> {
        self.calls.make("cuDeviceGetCount", || Ok(1))
    }

    fn properties(&self, device: i32) -> Outcome<Properties> {
        const CALL: &str = "cuDeviceGetName";
        self.calls.make(CALL, || {
            only_one(CALL, device)?;
            Ok(Properties { name: self.describe(), capability: CAPABILITY, memory: self.memory.lock().limit() })
        })
    }

    fn attribute(&self, attribute: i32, device: i32) -> Outcome<i32> {
        const CALL: &str = "cuDeviceGetAttribute";
        self.calls.make(CALL, || {
            only_one(CALL, device)?;
            let found = ATTRIBUTES.iter().find(|(number, _)| *number == attribute);
            let reason = || format!("the simulated GPU has no attribute {attribute}");
            found.map(|(_, value)| *value).ok_or_else(|| Failure::because(CALL, INVALID_VALUE, reason()))
        })
    }

    fn retain_context(&self, device: i32) -> Outcome<Handle> {
        const CALL: &str = "cuDevicePrimaryCtxRetain";
        self.calls.make(CALL, || {
            only_one(CALL, device)?;
            Ok(self.handles.lock().retain())
        })
    }

    fn release_context(&self, device: i32) -> Outcome<()> {
        const CALL: &str = "cuDevicePrimaryCtxRelease_v2";
        self.calls.make(CALL, || {
            only_one(CALL, device)?;
            self.handles.lock().release(CALL)
        })
    }

    fn enter_context(&self, context: Handle) -> Outcome<()> {
        const CALL: &str = "cuCtxSetCurrent";
        self.calls.make(CALL, || self.handles.lock().enter(CALL, context))
    }

    fn allocate(&self, bytes: usize) -> Outcome<Address> {
        const CALL: &str = "cuMemAlloc_v2";
        self.inside(CALL, || self.memory.lock().allocate(CALL, bytes))
    }

    unsafe fn free(&self, address: Address) -> Outcome<()> {
        const CALL: &str = "cuMemFree_v2";
        self.inside(CALL, || self.memory.lock().free(CALL, address))
    }

    fn memory(&self) -> Outcome<(usize, usize)> {
        const CALL: &str = "cuMemGetInfo_v2";
        self.inside(CALL, || {
            let memory = self.memory.lock();
            let sized = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
            Ok((sized(memory.limit() - memory.taken()), sized(memory.limit())))
        })
    }

    unsafe fn fill(&self, to: Address, byte: u8, bytes: usize, stream: Handle) -> Outcome<()> {
        const CALL: &str = "cuMemsetD8Async";
        self.on(CALL, stream, || {
            if bytes > 0 {
                let memory = self.memory.lock();
                // SAFETY: `span` found so many bytes, and memory is locked.
                unsafe { memory.span(CALL, to, bytes)?.write_bytes(byte, bytes) };
            }
            Ok(())
        })
    }

    unsafe fn upload(&self, to: Address, from: *const c_void, bytes: usize, stream: Handle) -> Outcome<()> {
        const CALL: &str = "cuMemcpyHtoDAsync_v2";
        self.on(CALL, stream, || {
            if bytes > 0 {
                let memory = self.memory.lock();
                // SAFETY: `span` found so many bytes, `from` has as many, says the caller, and memory is locked.
                unsafe { memory.span(CALL, to, bytes)?.copy_from(from.cast(), bytes) };
            }
            Ok(())
        })
    }

    unsafe fn download(&self, to: *mut c_void, from: Address, bytes: usize, stream: Handle) -> Outcome<()> {
        const CALL: &str = "cuMemcpyDtoHAsync_v2";
        self.on(CALL, stream, || {
            if bytes > 0 {
                let memory = self.memory.lock();
                // SAFETY: `span` found so many bytes, `to` has as many, says the caller, and memory is locked.
                unsafe { memory.span(CALL, from, bytes)?.copy_to(to.cast(), bytes) };
            }
            Ok(())
        })
    }

    unsafe fn copy(&self, to: Address, from: Address, bytes: usize, stream: Handle) -> Outcome<()> {
        const CALL: &str = "cuMemcpyDtoDAsync_v2";
        self.on(CALL, stream, || {
            if bytes > 0 {
                let memory = self.memory.lock();
                let from = memory.span(CALL, from, bytes)?;
                // SAFETY: `span` found so many bytes in both, which may overlap, and memory is locked.
                unsafe { memory.span(CALL, to, bytes)?.copy_from(from, bytes) };
            }
            Ok(())
        })
    }

    fn load(&self, unit: &Unit) -> Outcome<Handle> {
        self.inside(compiler::CALL, || {
            let module = self.compiler.load(unit)?;
            Ok(self.handles.lock().modules.add(module))
        })
    }

    fn function(&self, module: Handle, name: &str) -> Outcome<Handle> {
        const CALL: &str = "cuModuleGetFunction";
        self.inside(CALL, || {
            let mut handles = self.handles.lock();
            let module = handles.modules.get(CALL, module)?.clone();
            let kernel = Kernel::of(CALL, module, name)?;
            Ok(handles.functions.add(Arc::new(kernel)))
        })
    }

    unsafe fn launch(&self, function: Handle, grid: Grid, stream: Handle, parameters: *mut *mut c_void) -> Outcome<()> {
        const CALL: &str = "cuLaunchKernel";
        self.on(CALL, stream, || {
            let kernel = self.handles.lock().functions.get(CALL, function)?.clone();
            // SAFETY: the parameters are those of the kernel, says the caller.
            unsafe { self.run(CALL, &kernel, grid, parameters) }
        })
    }

    unsafe fn multiply(&self, product: &Product) -> Outcome<()> {
        self.on(product::CALL, product.stream, || {
            let memory = self.memory.lock();
            // SAFETY: memory is locked.
            unsafe { product::multiply(&memory, product) }
        })
    }

    fn stream(&self) -> Outcome<Handle> {
        self.inside("cuStreamCreate", || Ok(self.handles.lock().streams.add(())))
    }

    unsafe fn end_stream(&self, stream: Handle) -> Outcome<()> {
        const CALL: &str = "cuStreamDestroy_v2";
        self.inside(CALL, || self.handles.lock().streams.remove(CALL, stream))
    }

    unsafe fn synchronize(&self, stream: Handle) -> Outcome<()> {
        self.on("cuStreamSynchronize", stream, || Ok(()))
    }

    fn event(&self, _flags: u32) -> Outcome<Handle> {
        self.inside("cuEventCreate", || Ok(self.handles.lock().events.add(None)))
    }

    unsafe fn end_event(&self, event: Handle) -> Outcome<()> {
        const CALL: &str = "cuEventDestroy_v2";
        self.inside(CALL, || self.handles.lock().events.remove(CALL, event).map(|_| ()))
    }

    unsafe fn record(&self, event: Handle, stream: Handle) -> Outcome<()> {
        const CALL: &str = "cuEventRecord";
        self.on(CALL, stream, || {
            *self.handles.lock().events.get(CALL, event)? = Some(Instant::now());
            Ok(())
        })
    }

    unsafe fn wait(&self, stream: Handle, event: Handle) -> Outcome<()> {
        const CALL: &str = "cuStreamWaitEvent";
        self.on(CALL, stream, || self.handles.lock().events.get(CALL, event).map(|_| ()))
    }

    unsafe fn elapsed(&self, from: Handle, to: Handle) -> Outcome<f32> {
        const CALL: &str = "cuEventElapsedTime";
        self.inside(CALL, || {
            let mut handles = self.handles.lock();
            let mut came = |event| {
                let time = *handles.events.get(CALL, event)?;
                time.ok_or_else(|| Failure::because(CALL, INVALID_VALUE, "an event was not recorded"))
            };
            let (from, to) = (came(from)?, came(to)?);
            let after = to.saturating_duration_since(from).as_secs_f32();
            Ok(1000.0 * (after - from.saturating_duration_since(to).as_secs_f32()))
        })
    }
}
