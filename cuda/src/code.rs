//! Error codes of the driver, as `cuda.h` numbers them, and what goes wrong in a sentence.

use std::borrow::Cow;

/// What a call of the driver comes to.
pub type Outcome<T> = Result<T, Failure>;

/// A call that failed: which one, with which code, and what can be said about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{call}: {reason} ({})", name(*code))]
pub struct Failure {
    /// The function of the driver, of NVRTC or of cuBLAS: `cuMemAlloc_v2`.
    pub call: &'static str,
    /// The code, as in `cuda.h`.
    pub code: i32,
    /// Why, in words.
    pub reason: Cow<'static, str>,
}

impl Failure {
    /// A failure of which no more is known than its code.
    #[must_use]
    pub fn of(call: &'static str, code: i32) -> Self {
        Self { call, code, reason: Cow::Borrowed(meaning(code)) }
    }

    /// A failure with its reason.
    pub fn because(call: &'static str, code: i32, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { call, code, reason: reason.into() }
    }

    /// Whether nothing can be done on the GPU any more in this process.
    #[must_use]
    pub fn loses_device(&self) -> bool {
        matches!(self.code, ECC_UNCORRECTABLE | 220 | ILLEGAL_ADDRESS | 702 | 710 | 714..=719)
    }
}

/// The call worked.
pub const SUCCESS: i32 = 0;
/// An argument makes no sense.
pub const INVALID_VALUE: i32 = 1;
/// Not enough memory on the device.
pub const OUT_OF_MEMORY: i32 = 2;
/// No GPU, or no driver.
pub const NO_DEVICE: i32 = 100;
/// No device of this number.
pub const INVALID_DEVICE: i32 = 101;
/// The kernel's machine code is of no use.
pub const INVALID_IMAGE: i32 = 200;
/// The memory of the device is damaged.
pub const ECC_UNCORRECTABLE: i32 = 214;
/// A kernel could not be compiled.
pub const INVALID_SOURCE: i32 = 300;
/// A library of NVIDIA's is not there.
pub const LIBRARY_NOT_FOUND: i32 = 302;
/// A handle that nobody gave out.
pub const INVALID_HANDLE: i32 = 400;
/// No kernel of this name.
pub const NOT_FOUND: i32 = 500;
/// A kernel read or wrote outside its memory.
pub const ILLEGAL_ADDRESS: i32 = 700;
/// A kernel stopped.
pub const LAUNCH_FAILED: i32 = 719;
/// Nobody needs it, so it isn't answered.
pub const NOT_SUPPORTED: i32 = 801;
/// Something else.
pub const UNKNOWN: i32 = 999;

/// Every code that callers compiled against CUDA 12.0's `cuda.h` know, with its name and meaning.
const CODES: [(i32, &str, &str); 42] = [
    (0, "CUDA_SUCCESS", "no error"),
    (1, "CUDA_ERROR_INVALID_VALUE", "an argument is not allowed"),
    (2, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory on the GPU"),
    (3, "CUDA_ERROR_NOT_INITIALIZED", "the driver is not initialised"),
    (4, "CUDA_ERROR_DEINITIALIZED", "the driver is shutting down"),
    (34, "CUDA_ERROR_STUB_LIBRARY", "libcuda.so is a stub for linking, not a driver: install the NVIDIA driver"),
    (46, "CUDA_ERROR_DEVICE_UNAVAILABLE", "the GPU is taken: another process holds it exclusively"),
    (100, "CUDA_ERROR_NO_DEVICE", "no GPU"),
    (101, "CUDA_ERROR_INVALID_DEVICE", "no GPU of this number"),
    (102, "CUDA_ERROR_DEVICE_NOT_LICENSED", "the GPU has no licence"),
    (200, "CUDA_ERROR_INVALID_IMAGE", "the kernel's machine code is damaged"),
    (201, "CUDA_ERROR_INVALID_CONTEXT", "no context is current on this thread"),
    (209, "CUDA_ERROR_NO_BINARY_FOR_GPU", "the kernel was compiled for another architecture"),
    (214, "CUDA_ERROR_ECC_UNCORRECTABLE", "the GPU's memory is damaged: restart the kernel, then look at `nvidia-smi`"),
    (218, "CUDA_ERROR_INVALID_PTX", "the kernel's PTX is damaged"),
    (220, "CUDA_ERROR_NVLINK_UNCORRECTABLE", "a link between GPUs failed: restart the kernel"),
    (222, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION", "the kernel's PTX is newer than the driver: update the driver"),
    (300, "CUDA_ERROR_INVALID_SOURCE", "a kernel does not compile"),
    (301, "CUDA_ERROR_FILE_NOT_FOUND", "no such file"),
    (302, "CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND", "a library lacks a function: it is too old"),
    (303, "CUDA_ERROR_SHARED_OBJECT_INIT_FAILED", "a library can't be loaded"),
    (304, "CUDA_ERROR_OPERATING_SYSTEM", "the operating system refused"),
    (400, "CUDA_ERROR_INVALID_HANDLE", "an unknown handle"),
    (500, "CUDA_ERROR_NOT_FOUND", "no kernel of this name"),
    (600, "CUDA_ERROR_NOT_READY", "not done yet"),
    (700, "CUDA_ERROR_ILLEGAL_ADDRESS", "a kernel went outside its memory: restart the kernel"),
    (701, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "the kernel wants more registers or threads than there are"),
    (702, "CUDA_ERROR_LAUNCH_TIMEOUT", "a kernel ran too long for a GPU that draws a screen: restart the kernel"),
    (709, "CUDA_ERROR_CONTEXT_IS_DESTROYED", "the context is gone"),
    (710, "CUDA_ERROR_ASSERT", "an assertion in a kernel failed: restart the kernel"),
    (714, "CUDA_ERROR_HARDWARE_STACK_ERROR", "the GPU's call stack broke: restart the kernel"),
    (715, "CUDA_ERROR_ILLEGAL_INSTRUCTION", "a kernel holds an instruction that this GPU lacks: restart the kernel"),
    (716, "CUDA_ERROR_MISALIGNED_ADDRESS", "a kernel read at a crooked address: restart the kernel"),
    (717, "CUDA_ERROR_INVALID_ADDRESS_SPACE", "a kernel used an address of the wrong kind: restart the kernel"),
    (718, "CUDA_ERROR_INVALID_PC", "a kernel jumped nowhere: restart the kernel"),
    (719, "CUDA_ERROR_LAUNCH_FAILED", "a kernel stopped: restart the kernel"),
    (800, "CUDA_ERROR_NOT_PERMITTED", "not permitted"),
    (801, "CUDA_ERROR_NOT_SUPPORTED", "not supported"),
    (802, "CUDA_ERROR_SYSTEM_NOT_READY", "the GPU is not ready: is nvidia-fabricmanager running?"),
    (
        803,
        "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
        "the driver's library and its kernel module differ: reboot after the update",
    ),
    (804, "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE", "this GPU can't use the compatibility driver"),
    (999, "CUDA_ERROR_UNKNOWN", "an unknown error"),
];

/// The name of a code, as in `cuda.h`.
#[must_use]
pub fn name(code: i32) -> &'static str {
    entry(code).1
}

/// What a code means, and what to do about it.
#[must_use]
pub fn meaning(code: i32) -> &'static str {
    entry(code).2
}

/// The code itself if callers know it, else [`UNKNOWN`]: they hold codes in an `enum`, which a number of a newer
/// driver must not get into.
#[must_use]
pub fn known(code: i32) -> i32 {
    entry(code).0
}

fn entry(code: i32) -> (i32, &'static str, &'static str) {
    let other = (UNKNOWN, "CUDA_ERROR_UNKNOWN", "an unknown error");
    CODES.iter().find(|(known, ..)| *known == code).copied().unwrap_or(other)
}

/// All codes that a trampoline may answer with.
pub fn all() -> impl Iterator<Item = i32> {
    CODES.iter().map(|(code, ..)| *code)
}
