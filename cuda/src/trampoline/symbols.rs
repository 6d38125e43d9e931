//! The names under which CUDA's functions are found.
//!
//! Most are hidden: they bind within the library or program that this crate is linked into, and no other library
//! sees them. NVIDIA's own libraries, opened at run time, could else call ours where they mean theirs.

use std::arch::global_asm;
use std::ffi::{c_char, c_int, c_uint, c_void};

use super::{blas, device, error, memory, module, nvrtc, stream, unused};
use crate::driver::{Address, Handle};

#[cfg(target_arch = "x86_64")]
macro_rules! jump {
    () => {
        "jmp {function}"
    };
}

#[cfg(target_arch = "aarch64")]
macro_rules! jump {
    () => {
        "b {function}"
    };
}

/// Each name is a jump to a function of ours.
macro_rules! hidden {
    ($($name:literal => $function:path,)*) => {
        $(global_asm!(
            ".text",
            concat!(".globl ", $name),
            concat!(".hidden ", $name),
            concat!(".type ", $name, ", @function"),
            concat!($name, ":"),
            jump!(),
            function = sym $function,
        );)*
    };
}

hidden! {
    "cuInit" => device::init,
    "cuDeviceGetCount" => device::device_count,
    "cuDeviceGet" => device::device_get,
    "cuDeviceGetAttribute" => device::device_attribute,
    "cuDeviceTotalMem_v2" => device::device_memory,
    "cuDevicePrimaryCtxRetain" => device::context_retain,
    "cuDevicePrimaryCtxRelease_v2" => device::context_release,
    "cuCtxSetCurrent" => device::context_set,
    "cuCtxGetCurrent" => device::context_get,
    "cuMemGetInfo_v2" => device::memory_info,
    "cuGetErrorName" => error::error_name,
    "cuGetErrorString" => error::error_string,
    "cuMemAlloc_v2" => memory::allocate,
    "cuMemAllocAsync" => memory::allocate_async,
    "cuMemFree_v2" => memory::free,
    "cuMemFreeAsync" => memory::free_async,
    "cuMemsetD8_v2" => memory::fill,
    "cuMemsetD8Async" => memory::fill_async,
    "cuMemcpyDtoD_v2" => memory::copy,
    "cuMemcpyDtoDAsync_v2" => memory::copy_async,
    "cuModuleLoad" => module::load,
    "cuModuleLoadData" => module::load_data,
    "cuModuleUnload" => module::unload,
    "cuModuleGetFunction" => module::function,
    "cuStreamCreate" => stream::create,
    "cuStreamDestroy_v2" => stream::destroy,
    "cuStreamSynchronize" => stream::synchronize,
    "cuStreamWaitEvent" => stream::wait,
    "cuEventCreate" => stream::event_create,
    "cuEventDestroy_v2" => stream::event_destroy,
    "cuEventRecord" => stream::event_record,
    "cuEventElapsedTime" => stream::event_elapsed,
    "cuImportExternalMemory" => unused::import_external_memory,
    "cuDestroyExternalMemory" => unused::destroy_external_memory,
    "cuExternalMemoryGetMappedBuffer" => unused::map_external_memory,
    "cuOccupancyAvailableDynamicSMemPerBlock" => unused::dynamic_shared,
    "cuOccupancyMaxActiveBlocksPerMultiprocessor" => unused::active_blocks,
    "cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags" => unused::active_blocks_flags,
    "cuOccupancyMaxActiveClusters" => unused::active_clusters,
    "cuOccupancyMaxPotentialBlockSize" => unused::block_size,
    "cuOccupancyMaxPotentialBlockSizeWithFlags" => unused::block_size_flags,
    "cuOccupancyMaxPotentialClusterSize" => unused::cluster_size,
    "cuProfilerStart" => unused::profiler_start,
    "cuProfilerStop" => unused::profiler_stop,
    "nvrtcDestroyProgram" => nvrtc::destroy,
    "nvrtcGetPTXSize" => nvrtc::image_size,
    "nvrtcGetPTX" => nvrtc::get_image,
    "nvrtcGetProgramLogSize" => nvrtc::log_size,
    "nvrtcGetProgramLog" => nvrtc::get_log,
    "cublasCreate_v2" => blas::create,
    "cublasDestroy_v2" => blas::destroy,
    "cublasSetStream_v2" => blas::set_stream,
    "cublasSgemm_v2" => blas::sgemm,
    "cublasDgemm_v2" => blas::dgemm,
    "cublasSgemmStridedBatched" => blas::sgemm_batched,
    "cublasDgemmStridedBatched" => blas::dgemm_batched,
    "cublasSgemv_v2" => blas::sgemv,
    "cublasDgemv_v2" => blas::dgemv,
    "cublasGemmEx" => unused::gemm_ex,
    "cublasGemmStridedBatchedEx" => unused::gemm_ex_batched,
}

global_asm!(".globl assay_cuda_keep", ".hidden assay_cuda_keep", "assay_cuda_keep:", "ret");

unsafe extern "C" {
    safe fn assay_cuda_keep();
}

/// Does nothing. A program that calls it has all names linked in, whatever the order of its crates.
pub fn keep() {
    assay_cuda_keep();
}

/// The rest is called by code of cudarc's that is generic, or inlined: it is compiled into cells, which are linked
/// against this crate's library from outside.
macro_rules! visible {
    ($($name:ident ($($argument:ident: $kind:ty),*) => $function:path,)*) => {
        $(
            #[allow(non_snake_case)]
            #[unsafe(no_mangle)]
            pub(super) unsafe extern "C" fn $name($($argument: $kind),*) -> i32 {
                // SAFETY: the same contract.
                unsafe { $function($($argument),*) }
            }
        )*
    };
}

visible! {
    cuMemcpyHtoD_v2(to: Address, from: *const c_void, bytes: usize) => memory::upload,
    cuMemcpyHtoDAsync_v2(to: Address, from: *const c_void, bytes: usize, stream: Handle) => memory::upload_async,
    cuMemcpyDtoH_v2(to: *mut c_void, from: Address, bytes: usize) => memory::download,
    cuMemcpyDtoHAsync_v2(to: *mut c_void, from: Address, bytes: usize, stream: Handle) => memory::download_async,
    cuLaunchKernel(
        function: Handle, blocks_x: c_uint, blocks_y: c_uint, blocks_z: c_uint, threads_x: c_uint, threads_y: c_uint,
        threads_z: c_uint, shared: c_uint, stream: Handle, parameters: *mut *mut c_void, extra: *mut *mut c_void
    ) => stream::launch,
    nvrtcCreateProgram(
        program: *mut nvrtc::ProgramPointer, source: *const c_char, name: *const c_char, headers: c_int,
        texts: *const *const c_char, names: *const *const c_char
    ) => nvrtc::create,
    nvrtcCompileProgram(program: nvrtc::ProgramPointer, count: c_int, options: *const *const c_char) => nvrtc::compile,
}
