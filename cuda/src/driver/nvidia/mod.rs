//! NVIDIA's driver, cuBLAS and NVRTC.

mod products;
mod staging;
mod table;

use std::ffi::{CString, c_int, c_void};
use std::ptr;

use parking_lot::Mutex;

use self::products::Products;
use self::staging::Staging;
use self::table::{Blas, Calls};
use super::{Address, Driver, Grid, Handle, Product, Properties};
use crate::code::{Failure, INVALID_VALUE, Outcome};
use crate::kernels::{Compiler, Unit};
use crate::library::driver::Inspect;
use crate::library::{Found, Opened};

/// `CU_STREAM_NON_BLOCKING`.
const NON_BLOCKING: u32 = 1;

/// The driver with the libraries that it needs.
pub struct Nvidia {
    inspect: Inspect,
    calls: Calls,
    products: Products,
    compiler: Compiler,
    staging: Mutex<Staging>,
    found: Found,
    capability: u32,
}

impl Nvidia {
    /// Uses libraries that were found, for one device.
    ///
    /// # Errors
    /// Which function one of them lacks.
    pub fn new(driver: &Opened, blas: &Opened, compiler: Compiler, device: i32) -> Result<Self, String> {
        let inspect = Inspect::of(driver)?;
        let capability = inspect.properties(device).map_err(|failure| failure.to_string())?.capability;
        Ok(Self {
            inspect,
            calls: Calls::of(driver)?,
            products: Products::new(Blas::of(blas)?),
            compiler,
            staging: Mutex::default(),
            found: driver.found.clone(),
            capability,
        })
    }
}

/// What a call's number means.
fn check(call: &'static str, code: c_int) -> Outcome<()> {
    if code == crate::code::SUCCESS { Ok(()) } else { Err(Failure::of(call, code)) }
}

/// Memory of the host that the device can fetch from by itself. It is kept as long as the process lives.
fn pinned(calls: &Calls, bytes: usize) -> Outcome<*mut c_void> {
    let mut address = ptr::null_mut();
    // SAFETY: it writes one pointer.
    check("cuMemHostAlloc", unsafe { (calls.allocate_pinned)(&raw mut address, bytes, 0) })?;
    Ok(address)
}

/// A call that gives back one value.
fn ask<T: Default>(call: &'static str, work: impl FnOnce(*mut T) -> c_int) -> Outcome<T> {
    let mut value = T::default();
    check(call, work(&raw mut value))?;
    Ok(value)
}

// SAFETY of all blocks below: the function pointers have the prototypes of NVIDIA's headers, `ask` hands them a place
// for one value, and the rest is the contract of `Driver`, which is that of the functions.
#[allow(clippy::undocumented_unsafe_blocks)]
impl Driver for Nvidia {
    fn describe(&self) -> String {
        format!("NVIDIA driver of CUDA {}", self.found.version)
    }

    fn devices(&self) -> Outcome<i32> {
        self.inspect.devices()
    }

    fn properties(&self, device: i32) -> Outcome<Properties> {
        self.inspect.properties(device)
    }

    fn attribute(&self, attribute: i32, device: i32) -> Outcome<i32> {
        let handle = self.handle(device)?;
        ask("cuDeviceGetAttribute", |value| unsafe { (self.calls.device_attribute)(value, attribute, handle) })
    }

    fn retain_context(&self, device: i32) -> Outcome<Handle> {
        check("cuInit", unsafe { (self.calls.init)(0) })?;
        let handle = self.handle(device)?;
        ask("cuDevicePrimaryCtxRetain", |context| unsafe { (self.calls.context_retain)(context, handle) })
    }

    fn release_context(&self, device: i32) -> Outcome<()> {
        let handle = self.handle(device)?;
        check("cuDevicePrimaryCtxRelease_v2", unsafe { (self.calls.context_release)(handle) })
    }

    fn enter_context(&self, context: Handle) -> Outcome<()> {
        check("cuCtxSetCurrent", unsafe { (self.calls.context_set)(context) })
    }

    fn allocate(&self, bytes: usize) -> Outcome<Address> {
        ask("cuMemAlloc_v2", |address| unsafe { (self.calls.allocate)(address, bytes) })
    }

    unsafe fn free(&self, address: Address) -> Outcome<()> {
        check("cuMemFree_v2", unsafe { (self.calls.free)(address) })
    }

    fn memory(&self) -> Outcome<(usize, usize)> {
        let mut total = 0;
        let free = ask("cuMemGetInfo_v2", |free| unsafe { (self.calls.memory_info)(free, &raw mut total) })?;
        Ok((free, total))
    }

    unsafe fn fill(&self, to: Address, byte: u8, bytes: usize, stream: Handle) -> Outcome<()> {
        check("cuMemsetD8Async", unsafe { (self.calls.fill)(to, byte, bytes, stream) })
    }

    unsafe fn upload(&self, to: Address, from: *const c_void, bytes: usize, stream: Handle) -> Outcome<()> {
        if unsafe { self.staging.lock().upload(&self.calls, to, from, bytes, stream) }? {
            return Ok(());
        }
        // From ordinary memory the driver returns when it no longer needs it.
        check("cuMemcpyHtoDAsync_v2", unsafe { (self.calls.upload)(to, from, bytes, stream) })
    }

    unsafe fn download(&self, to: *mut c_void, from: Address, bytes: usize, stream: Handle) -> Outcome<()> {
        check("cuMemcpyDtoHAsync_v2", unsafe { (self.calls.download)(to, from, bytes, stream) })?;
        unsafe { self.synchronize(stream) }
    }

    unsafe fn copy(&self, to: Address, from: Address, bytes: usize, stream: Handle) -> Outcome<()> {
        check("cuMemcpyDtoDAsync_v2", unsafe { (self.calls.copy)(to, from, bytes, stream) })
    }

    fn load(&self, unit: &Unit) -> Outcome<Handle> {
        let cubin = self.compiler.cubin(unit, self.capability)?;
        ask("cuModuleLoadData", |module| unsafe { (self.calls.load)(module, cubin.as_ptr().cast()) })
    }

    fn function(&self, module: Handle, name: &str) -> Outcome<Handle> {
        let name = CString::new(name).map_err(|_| Failure::of("cuModuleGetFunction", INVALID_VALUE))?;
        ask("cuModuleGetFunction", |function| unsafe { (self.calls.function)(function, module, name.as_ptr()) })
    }

    unsafe fn launch(&self, function: Handle, grid: Grid, stream: Handle, parameters: *mut *mut c_void) -> Outcome<()> {
        let Grid { blocks: [bx, by, bz], threads: [tx, ty, tz], shared } = grid;
        let launch = self.calls.launch;
        check("cuLaunchKernel", unsafe {
            launch(function, bx, by, bz, tx, ty, tz, shared, stream, parameters, ptr::null_mut())
        })
    }

    unsafe fn multiply(&self, product: &Product) -> Outcome<()> {
        unsafe { self.products.multiply(product) }
    }

    fn stream(&self) -> Outcome<Handle> {
        ask("cuStreamCreate", |stream| unsafe { (self.calls.stream_create)(stream, NON_BLOCKING) })
    }

    unsafe fn end_stream(&self, stream: Handle) -> Outcome<()> {
        check("cuStreamDestroy_v2", unsafe { (self.calls.stream_destroy)(stream) })
    }

    unsafe fn synchronize(&self, stream: Handle) -> Outcome<()> {
        check("cuStreamSynchronize", unsafe { (self.calls.synchronize)(stream) })
    }

    fn event(&self, flags: u32) -> Outcome<Handle> {
        ask("cuEventCreate", |event| unsafe { (self.calls.event_create)(event, flags) })
    }

    unsafe fn end_event(&self, event: Handle) -> Outcome<()> {
        check("cuEventDestroy_v2", unsafe { (self.calls.event_destroy)(event) })
    }

    unsafe fn record(&self, event: Handle, stream: Handle) -> Outcome<()> {
        check("cuEventRecord", unsafe { (self.calls.event_record)(event, stream) })
    }

    unsafe fn wait(&self, stream: Handle, event: Handle) -> Outcome<()> {
        check("cuStreamWaitEvent", unsafe { (self.calls.stream_wait)(stream, event, 0) })
    }

    unsafe fn elapsed(&self, from: Handle, to: Handle) -> Outcome<f32> {
        ask("cuEventElapsedTime", |time| unsafe { (self.calls.event_elapsed)(time, from, to) })
    }
}

impl Nvidia {
    fn handle(&self, device: i32) -> Outcome<c_int> {
        // SAFETY: `ask` gives room for one int.
        ask("cuDeviceGet", |handle| unsafe { (self.calls.device_get)(handle, device) })
    }
}
