//! What a GPU does for us. Two answer: NVIDIA's driver ([`nvidia`]), and this machine's processor ([`host`]), which
//! is slow and needs no GPU.

pub mod host;
pub mod nvidia;

use std::ffi::c_void;
use std::str::FromStr;

use crate::code::Outcome;
use crate::kernels::Unit;

/// An address in the memory of the device.
pub type Address = u64;

/// Something of the driver's: a context, a module, a function, a stream, an event.
pub type Handle = usize;

/// The stream on which everything runs that names no other.
pub const DEFAULT_STREAM: Handle = 0;

/// The shape of a launch: blocks, threads of a block, and bytes of dynamic shared memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// How many blocks, by axis.
    pub blocks: [u32; 3],
    /// How many threads in each, by axis.
    pub threads: [u32; 3],
    /// Bytes of shared memory that the kernel asked for at launch.
    pub shared: u32,
}

/// How products of `f32` are computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Precision {
    /// As they stand: 24 bits of mantissa.
    #[default]
    Fp32,
    /// Factors rounded to 11 bits on their way into the tensor cores (Ampere and newer), sums in `f32`.
    Tf32,
    /// Factors rounded to 8 bits, sums in `f32`.
    Bf16,
}

impl Precision {
    /// As people write it: `tf32`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fp32 => "fp32",
            Self::Tf32 => "tf32",
            Self::Bf16 => "bf16",
        }
    }
}

impl FromStr for Precision {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = [Self::Fp32, Self::Tf32, Self::Bf16];
        all.into_iter()
            .find(|precision| precision.name() == name)
            .ok_or_else(|| format!("{name:?} is no precision of products: write fp32, tf32 or bf16"))
    }
}

/// What a matrix is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// 32 bits.
    F32,
    /// 64 bits.
    F64,
}

/// One factor or the result of a [`Product`], by columns as in BLAS.
#[derive(Clone, Copy, Debug)]
pub struct Matrix {
    /// Where it begins.
    pub address: Address,
    /// From one column to the next, in elements.
    pub leading: i32,
    /// From one matrix of the batch to the next, in elements.
    pub stride: i64,
    /// Whether it is read by rows (`CUBLAS_OP_T`).
    pub transposed: bool,
}

/// `c = alpha * a * b + beta * c`, as many times as the batch is large: `a` is `[m, k]`, `b` `[k, n]`, `c` `[m, n]`.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    /// What all three are made of.
    pub element: Element,
    /// Rows of `a` and `c`.
    pub m: i32,
    /// Columns of `b` and `c`.
    pub n: i32,
    /// Columns of `a`, rows of `b`.
    pub k: i32,
    /// The factor before the product.
    pub alpha: f64,
    /// The factor before what is in `c`; where it is 0, `c` may hold anything.
    pub beta: f64,
    /// The left factor.
    pub a: Matrix,
    /// The right factor.
    pub b: Matrix,
    /// The result.
    pub c: Matrix,
    /// How many products.
    pub batch: i32,
    /// For `f32`.
    pub precision: Precision,
    /// Where it runs.
    pub stream: Handle,
}

/// A device's properties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Properties {
    /// `NVIDIA H100 80GB HBM3`.
    pub name: String,
    /// Compute capability, 90 for 9.0.
    pub capability: u32,
    /// Bytes of memory.
    pub memory: u64,
}

/// A GPU's driver. All work of one stream is done in the order in which it was given.
///
/// # Safety of the unsafe methods
/// Addresses must be those of this driver's memory, with as many bytes there as the call touches; pointers to host
/// memory must be valid for as many bytes; parameters of a launch must be those that the kernel takes. This is what
/// CUDA's own functions demand.
#[allow(clippy::missing_safety_doc)]
pub trait Driver: Send + Sync {
    /// How it calls itself: `NVIDIA driver 580.82 (CUDA 13.0)`.
    fn describe(&self) -> String;

    /// How many devices there are.
    fn devices(&self) -> Outcome<i32>;

    /// What a device is.
    fn properties(&self, device: i32) -> Outcome<Properties>;

    /// An attribute of a device, numbered as in `cuda.h`.
    fn attribute(&self, attribute: i32, device: i32) -> Outcome<i32>;

    /// Makes the device's primary context, or counts one more user of it.
    fn retain_context(&self, device: i32) -> Outcome<Handle>;

    /// Counts one user of the primary context less.
    fn release_context(&self, device: i32) -> Outcome<()>;

    /// Makes a context this thread's.
    fn enter_context(&self, context: Handle) -> Outcome<()>;

    /// Takes memory. Never asked for 0 bytes.
    fn allocate(&self, bytes: usize) -> Outcome<Address>;

    /// Gives it back.
    unsafe fn free(&self, address: Address) -> Outcome<()>;

    /// Bytes free, and bytes in all.
    fn memory(&self) -> Outcome<(usize, usize)>;

    /// Sets each byte.
    unsafe fn fill(&self, to: Address, byte: u8, bytes: usize, stream: Handle) -> Outcome<()>;

    /// From the host to the device. The host's memory may be used for something else after the call.
    unsafe fn upload(&self, to: Address, from: *const c_void, bytes: usize, stream: Handle) -> Outcome<()>;

    /// From the device to the host. Done when the call is.
    unsafe fn download(&self, to: *mut c_void, from: Address, bytes: usize, stream: Handle) -> Outcome<()>;

    /// Within the device.
    unsafe fn copy(&self, to: Address, from: Address, bytes: usize, stream: Handle) -> Outcome<()>;

    /// Compiles a file of kernels for the device of this thread's context, or finds it compiled.
    fn load(&self, unit: &Unit) -> Outcome<Handle>;

    /// A kernel of a module.
    fn function(&self, module: Handle, name: &str) -> Outcome<Handle>;

    /// Runs a kernel.
    unsafe fn launch(&self, function: Handle, grid: Grid, stream: Handle, parameters: *mut *mut c_void) -> Outcome<()>;

    /// Multiplies matrices.
    unsafe fn multiply(&self, product: &Product) -> Outcome<()>;

    /// Makes a stream that does not wait for the default one.
    fn stream(&self) -> Outcome<Handle>;

    /// Ends a stream once its work is done.
    unsafe fn end_stream(&self, stream: Handle) -> Outcome<()>;

    /// Waits until all work of a stream is done.
    unsafe fn synchronize(&self, stream: Handle) -> Outcome<()>;

    /// Makes an event.
    fn event(&self, flags: u32) -> Outcome<Handle>;

    /// Ends an event.
    unsafe fn end_event(&self, event: Handle) -> Outcome<()>;

    /// The event comes when the stream's work so far is done.
    unsafe fn record(&self, event: Handle, stream: Handle) -> Outcome<()>;

    /// The stream's work from now on waits for the event.
    unsafe fn wait(&self, stream: Handle, event: Handle) -> Outcome<()>;

    /// Milliseconds from one event to another.
    unsafe fn elapsed(&self, from: Handle, to: Handle) -> Outcome<f32>;
}
