//! What lab computes on a GPU, beyond what dfdx has: each function checks its sizes and starts our own kernels, whose
//! text lies beside it.

pub mod activation;
pub mod attention;
pub mod contrastive;
pub mod convolution;
pub mod dense;
pub mod divergence;
pub mod dropout;
pub mod embedding;
pub mod focal;
mod indices;
mod launch;
pub mod loss;
pub mod norm;
pub mod optimizer;
pub mod pooling;
pub mod recurrent;
mod window;

pub use indices::Indices;
pub(crate) use launch::{Parameter, Strips, each, fours, rows, table, threads};
pub use window::Window;

use std::sync::atomic::Ordering::Relaxed;

use crate::code::{Failure, INVALID_VALUE, Outcome};
use crate::driver::{Address, DEFAULT_STREAM, Element, Matrix, Product};
use crate::gpu::{Gpu, gpu};

/// Our own kernels: name and text of each file.
pub(crate) const KERNELS: [(&str, &str); 15] = [
    ("activation.cu", include_str!("activation.cu")),
    ("attention.cu", include_str!("attention.cu")),
    ("contrastive.cu", include_str!("contrastive.cu")),
    ("convolution.cu", include_str!("convolution.cu")),
    ("dense.cu", include_str!("dense.cu")),
    ("divergence.cu", include_str!("divergence.cu")),
    ("dropout.cu", include_str!("dropout.cu")),
    ("embedding.cu", include_str!("embedding.cu")),
    ("fill.cu", include_str!("fill.cu")),
    ("focal.cu", include_str!("focal.cu")),
    ("loss.cu", include_str!("loss.cu")),
    ("norm.cu", include_str!("norm.cu")),
    ("optimizer.cu", include_str!("optimizer.cu")),
    ("pooling.cu", include_str!("pooling.cu")),
    ("recurrent.cu", include_str!("recurrent.cu")),
];

/// What they include.
pub(crate) const HEADERS: [(&str, &str); 4] = [
    ("four.cuh", include_str!("four.cuh")),
    ("philox.cuh", include_str!("philox.cuh")),
    ("reduce.cuh", include_str!("reduce.cuh")),
    ("window.cuh", include_str!("window.cuh")),
];

/// Numbers (`f32`) on the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffer {
    address: Address,
    len: usize,
}

impl Buffer {
    /// # Safety
    /// There are `len` numbers at the address for as long as the buffer or a copy of it is used, and whoever uses it
    /// for writing may write there.
    #[must_use]
    pub unsafe fn new(address: Address, len: usize) -> Self {
        Self { address, len }
    }

    /// How many numbers there are.
    #[must_use]
    pub fn len(self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    /// Where it begins.
    #[must_use]
    pub fn address(self) -> Address {
        self.address
    }

    /// `count` numbers from the `start`th on.
    ///
    /// # Errors
    /// When there are not as many.
    pub fn part(self, start: usize, count: usize) -> Outcome<Self> {
        match start.checked_add(count) {
            Some(end) if end <= self.len => Ok(Self { address: self.address + 4 * start as u64, len: count }),
            _ => Err(sizes("a part of a buffer")),
        }
    }
}

/// Numbers on the device that belong to whoever holds this.
#[derive(Debug)]
pub struct Room(Buffer);

impl Room {
    /// Room for so many numbers, holding anything.
    ///
    /// # Errors
    /// When there is no room.
    pub fn new(len: usize) -> Outcome<Self> {
        let gpu = gpu()?;
        gpu.counts.allocations.fetch_add(1, Relaxed);
        let address = gpu.memory.allocate(&*gpu.driver, "cuMemAllocAsync", 4 * len)?;
        Ok(Self(Buffer { address, len }))
    }

    /// Room with numbers of the host's.
    ///
    /// # Errors
    /// When there is no room, or the copy fails.
    pub fn with(numbers: &[f32]) -> Outcome<Self> {
        let room = Self::new(numbers.len())?;
        room.buffer().upload(numbers)?;
        Ok(room)
    }

    /// Room with zeros.
    ///
    /// # Errors
    /// When there is no room.
    pub fn zeros(len: usize) -> Outcome<Self> {
        let room = Self::new(len)?;
        room.0.zero()?;
        Ok(room)
    }

    /// Where the numbers are. Not to be used once this is dropped.
    #[must_use]
    pub fn buffer(&self) -> Buffer {
        self.0
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // Without a device there is nothing to give back.
        if let Ok(gpu) = gpu() {
            gpu.free(self.0.address);
        }
    }
}

impl Buffer {
    /// Fills it with zeros.
    ///
    /// # Errors
    /// What the driver says; so for all below.
    pub fn zero(self) -> Outcome<()> {
        // SAFETY: so many bytes are there, by `Buffer::new`.
        gpu()?.attempt_aside(|gpu| unsafe { gpu.fills.add(gpu, self.address, 4 * self.len) })
    }

    /// Copies from the host; as many numbers as there are.
    ///
    /// # Errors
    /// When it is another number of them.
    pub fn upload(self, numbers: &[f32]) -> Outcome<()> {
        check("upload", self.len == numbers.len())?;
        upload(self, numbers)
    }

    /// Copies to the host.
    ///
    /// # Errors
    /// What the driver says.
    pub fn download(self) -> Outcome<Vec<f32>> {
        let mut numbers = vec![0.0f32; self.len];
        on_gpu(|gpu| {
            gpu.counts.download(4 * self.len);
            // SAFETY: so many bytes are on both sides.
            unsafe { gpu.driver.download(numbers.as_mut_ptr().cast(), self.address, 4 * self.len, DEFAULT_STREAM) }
        })?;
        Ok(numbers)
    }

    /// Copies from another buffer of the same size.
    ///
    /// # Errors
    /// When it is of another size.
    pub fn copy(self, from: Self) -> Outcome<()> {
        check("copy", self.len == from.len)?;
        on_gpu(|gpu| {
            gpu.counts.copies.fetch_add(1, Relaxed);
            // SAFETY: so many bytes are on both sides.
            unsafe { gpu.driver.copy(self.address, from.address, 4 * self.len, DEFAULT_STREAM) }
        })
    }
}

/// Copies from the host to the start of a buffer, which may hold other words than `f32`.
fn upload<T: Word>(to: Buffer, words: &[T]) -> Outcome<()> {
    let bytes = size_of_val(words);
    check("upload", bytes <= 4 * to.len)?;
    on_gpu(|gpu| {
        gpu.counts.upload(bytes);
        // SAFETY: so many bytes are on both sides, and a word has no others.
        unsafe { gpu.driver.upload(to.address, words.as_ptr().cast(), bytes, DEFAULT_STREAM) }
    })
}

/// What is copied byte by byte: there are none between.
trait Word: Copy {}

impl Word for bool {}
impl Word for u32 {}
impl Word for u64 {}
impl Word for f32 {}

/// Whether a buffer is all zeros that are still to be written. They will not be: what is to be added to it must be
/// written over it, before anything else is.
fn claim(to: Buffer) -> Outcome<bool> {
    Ok(gpu()?.fills.claim(to.address, 4 * to.len))
}

/// Does something on the device, unless there is nothing to do.
fn on_gpu(work: impl FnOnce(&Gpu) -> Outcome<()>) -> Outcome<()> {
    gpu()?.attempt(|gpu| {
        // A thread of lab's own may not have been on the device before.
        gpu.enter(gpu.context()?)?;
        work(gpu)
    })
}

/// One matrix by rows, in a buffer: `rows` of them, each `stride` after the last; or its transpose.
#[derive(Clone, Copy, Debug)]
pub struct Rows {
    /// The numbers.
    pub buffer: Buffer,
    /// How far the next row is.
    pub stride: usize,
    /// How far the next matrix of a batch is.
    pub batch_stride: usize,
    /// Whether its columns are meant.
    pub transposed: bool,
}

impl Rows {
    /// Rows of this many numbers, one after the other.
    #[must_use]
    pub fn of(buffer: Buffer, columns: usize) -> Self {
        Self { buffer, stride: columns, batch_stride: 0, transposed: false }
    }

    /// The transpose.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self { transposed: !self.transposed, ..self }
    }
}

/// Sizes of `c = a b`: `[rows, inner] [inner, columns]`, so many times.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Rows of the result.
    pub rows: usize,
    /// What is summed over.
    pub inner: usize,
    /// Columns of the result.
    pub columns: usize,
    /// How many products.
    pub batch: usize,
}

/// `c = a b + keep c`; `keep` is 0 or 1. At the device's precision.
///
/// # Errors
/// When a matrix does not fit into its buffer.
pub fn multiply(a: Rows, b: Rows, c: Rows, sizes_: Sizes, keep: f64) -> Outcome<()> {
    let Sizes { rows, inner, columns, batch } = sizes_;
    if rows == 0 || columns == 0 || batch == 0 {
        return Ok(());
    }
    let fits = |matrix: &Rows, rows: usize, columns: usize| {
        let (rows, columns) = if matrix.transposed { (columns, rows) } else { (rows, columns) };
        let last = (batch - 1) * matrix.batch_stride + rows.saturating_sub(1) * matrix.stride + columns;
        rows == 0 || columns <= matrix.stride && last <= matrix.buffer.len
    };
    let good = fits(&a, rows, inner) && fits(&b, inner, columns) && fits(&c, rows, columns) && !c.transposed;
    check("a product of matrices", good)?;
    let int = |size: usize| i32::try_from(size).map_err(|_| sizes("a product of matrices"));
    let matrix = |matrix: Rows| {
        Ok(Matrix {
            address: matrix.buffer.address,
            leading: int(matrix.stride.max(1))?,
            stride: i64::try_from(matrix.batch_stride).map_err(|_| sizes("a product of matrices"))?,
            transposed: matrix.transposed,
        })
    };
    on_gpu(|gpu| {
        // By columns, as BLAS reads them, rows are a transpose: c^T = b^T a^T.
        let product = Product {
            element: Element::F32,
            m: int(columns)?,
            n: int(rows)?,
            k: int(inner)?,
            alpha: 1.0,
            beta: keep,
            a: matrix(b)?,
            b: matrix(a)?,
            c: matrix(c)?,
            batch: int(batch)?,
            precision: gpu.precision(),
            stream: DEFAULT_STREAM,
        };
        gpu.counts.products.fetch_add(1, Relaxed);
        // SAFETY: each matrix is inside its buffer, as checked above.
        unsafe { gpu.driver.multiply(&product) }
    })
}

/// An error when buffers of a function don't have the sizes that go together.
fn check(function: &'static str, good: bool) -> Outcome<()> {
    if good { Ok(()) } else { Err(sizes(function)) }
}

/// The failure of a function whose buffers have sizes that don't go together.
pub fn sizes(function: &'static str) -> Failure {
    Failure::because(function, INVALID_VALUE, "buffers of sizes that don't go together")
}
