//! Each function of ours has the prototype that cudarc, and with it dfdx, calls it with.

use std::ffi::{c_int, c_longlong, c_uint};

use cuda::trampoline::{blas, device, error, memory, module, nvrtc, stream, unused};
use cudarc::cublas::sys as cublas;
use cudarc::driver::sys as driver;
use cudarc::nvrtc::sys as compiler;

/// How a value is passed: what C's calling convention sees of its type.
trait Passed {
    const AS: &'static str;
}

macro_rules! passed {
    ($($kind:ty => $name:literal),* $(,)?) => {
        $(impl Passed for $kind { const AS: &'static str = $name; })*
    };
}

passed! {
    c_int => "32 bits", c_uint => "32 bits", u8 => "8 bits", usize => "64 bits", u64 => "64 bits",
    c_longlong => "64 bits", f32 => "float",
    driver::CUresult => "32 bits", driver::CUdevice_attribute_enum => "32 bits",
    cublas::cublasStatus_t => "32 bits", cublas::cublasOperation_t => "32 bits", cublas::cudaDataType_t => "32 bits",
    cublas::cublasComputeType_t => "32 bits", cublas::cublasGemmAlgo_t => "32 bits", compiler::nvrtcResult => "32 bits",
    driver::CUoccupancyB2DSize => "64 bits",
}

impl<T> Passed for *mut T {
    const AS: &'static str = "64 bits";
}

impl<T> Passed for *const T {
    const AS: &'static str = "64 bits";
}

/// The arguments and the result of a function.
trait Prototype {
    fn prototype(&self) -> Vec<&'static str>;
}

macro_rules! prototypes {
    ($($($argument:ident)*;)*) => {
        $(impl<Z: Passed, $($argument: Passed),*> Prototype for unsafe extern "C" fn($($argument),*) -> Z {
            fn prototype(&self) -> Vec<&'static str> {
                vec![$($argument::AS,)* Z::AS]
            }
        })*
    };
}

prototypes! { ; A; A B; A B C; A B C D; A B C D E; A B C D E F; A B C D E F G; A B C D E F G H I J K; A B C D E F G H I J K L; A B C D E F G H I J K L M N; A B C D E F G H I J K L M N O P Q R; A B C D E F G H I J K L M N O P Q R S; A B C D E F G H I J K L M N O P Q R S T U V W; }

macro_rules! same {
    ($($theirs:path = $ours:path => ($($hole:tt)*);)*) => {
        $(
            let theirs: unsafe extern "C" fn($($hole)*) -> _ = $theirs;
            let ours: unsafe extern "C" fn($($hole)*) -> _ = $ours;
            assert_eq!(ours.prototype(), theirs.prototype(), "{}", stringify!($theirs));
        )*
    };
}

#[test]
fn prototypes_are_those_that_cudarc_calls() {
    same! {
        driver::cuInit = device::init => (_);
        driver::cuDeviceGetCount = device::device_count => (_);
        driver::cuDeviceGet = device::device_get => (_, _);
        driver::cuDeviceGetAttribute = device::device_attribute => (_, _, _);
        driver::cuDeviceTotalMem_v2 = device::device_memory => (_, _);
        driver::cuDevicePrimaryCtxRetain = device::context_retain => (_, _);
        driver::cuDevicePrimaryCtxRelease_v2 = device::context_release => (_);
        driver::cuCtxSetCurrent = device::context_set => (_);
        driver::cuCtxGetCurrent = device::context_get => (_);
        driver::cuMemGetInfo_v2 = device::memory_info => (_, _);
        driver::cuGetErrorName = error::error_name => (_, _);
        driver::cuGetErrorString = error::error_string => (_, _);
        driver::cuMemAlloc_v2 = memory::allocate => (_, _);
        driver::cuMemAllocAsync = memory::allocate_async => (_, _, _);
        driver::cuMemFree_v2 = memory::free => (_);
        driver::cuMemFreeAsync = memory::free_async => (_, _);
        driver::cuMemsetD8_v2 = memory::fill => (_, _, _);
        driver::cuMemsetD8Async = memory::fill_async => (_, _, _, _);
        driver::cuMemcpyHtoD_v2 = memory::upload => (_, _, _);
        driver::cuMemcpyHtoDAsync_v2 = memory::upload_async => (_, _, _, _);
        driver::cuMemcpyDtoH_v2 = memory::download => (_, _, _);
        driver::cuMemcpyDtoHAsync_v2 = memory::download_async => (_, _, _, _);
        driver::cuMemcpyDtoD_v2 = memory::copy => (_, _, _);
        driver::cuMemcpyDtoDAsync_v2 = memory::copy_async => (_, _, _, _);
        driver::cuModuleLoad = module::load => (_, _);
        driver::cuModuleLoadData = module::load_data => (_, _);
        driver::cuModuleUnload = module::unload => (_);
        driver::cuModuleGetFunction = module::function => (_, _, _);
        driver::cuStreamCreate = stream::create => (_, _);
        driver::cuStreamDestroy_v2 = stream::destroy => (_);
        driver::cuStreamSynchronize = stream::synchronize => (_);
        driver::cuStreamWaitEvent = stream::wait => (_, _, _);
        driver::cuEventCreate = stream::event_create => (_, _);
        driver::cuEventDestroy_v2 = stream::event_destroy => (_);
        driver::cuEventRecord = stream::event_record => (_, _);
        driver::cuEventElapsedTime = stream::event_elapsed => (_, _, _);
        driver::cuLaunchKernel = stream::launch => (_, _, _, _, _, _, _, _, _, _, _);
        driver::cuImportExternalMemory = unused::import_external_memory => (_, _);
        driver::cuDestroyExternalMemory = unused::destroy_external_memory => (_);
        driver::cuExternalMemoryGetMappedBuffer = unused::map_external_memory => (_, _, _);
        driver::cuOccupancyAvailableDynamicSMemPerBlock = unused::dynamic_shared => (_, _, _, _);
        driver::cuOccupancyMaxActiveBlocksPerMultiprocessor = unused::active_blocks => (_, _, _, _);
        driver::cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags = unused::active_blocks_flags => (_, _, _, _, _);
        driver::cuOccupancyMaxActiveClusters = unused::active_clusters => (_, _, _);
        driver::cuOccupancyMaxPotentialBlockSize = unused::block_size => (_, _, _, _, _, _);
        driver::cuOccupancyMaxPotentialBlockSizeWithFlags = unused::block_size_flags => (_, _, _, _, _, _, _);
        driver::cuOccupancyMaxPotentialClusterSize = unused::cluster_size => (_, _, _);
        driver::cuProfilerStart = unused::profiler_start => ();
        driver::cuProfilerStop = unused::profiler_stop => ();
        compiler::nvrtcCreateProgram = nvrtc::create => (_, _, _, _, _, _);
        compiler::nvrtcDestroyProgram = nvrtc::destroy => (_);
        compiler::nvrtcCompileProgram = nvrtc::compile => (_, _, _);
        compiler::nvrtcGetPTXSize = nvrtc::image_size => (_, _);
        compiler::nvrtcGetPTX = nvrtc::get_image => (_, _);
        compiler::nvrtcGetProgramLogSize = nvrtc::log_size => (_, _);
        compiler::nvrtcGetProgramLog = nvrtc::get_log => (_, _);
        cublas::cublasCreate_v2 = blas::create => (_);
        cublas::cublasDestroy_v2 = blas::destroy => (_);
        cublas::cublasSetStream_v2 = blas::set_stream => (_, _);
        cublas::cublasSgemm_v2 = blas::sgemm => (_, _, _, _, _, _, _, _, _, _, _, _, _, _);
        cublas::cublasDgemm_v2 = blas::dgemm => (_, _, _, _, _, _, _, _, _, _, _, _, _, _);
        cublas::cublasSgemmStridedBatched = blas::sgemm_batched => (_, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _);
        cublas::cublasDgemmStridedBatched = blas::dgemm_batched => (_, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _);
        cublas::cublasSgemv_v2 = blas::sgemv => (_, _, _, _, _, _, _, _, _, _, _, _);
        cublas::cublasDgemv_v2 = blas::dgemv => (_, _, _, _, _, _, _, _, _, _, _, _);
        cublas::cublasGemmEx = unused::gemm_ex => (_, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _);
        cublas::cublasGemmStridedBatchedEx = unused::gemm_ex_batched => (_, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _);
    }
}

/// cudarc holds codes in an `enum`: one that it does not list would be undefined behaviour.
#[test]
fn every_code_that_is_answered_is_one_that_cudarc_lists() {
    use driver::CUresult as R;
    let listed = [
        R::CUDA_SUCCESS,
        R::CUDA_ERROR_INVALID_VALUE,
        R::CUDA_ERROR_OUT_OF_MEMORY,
        R::CUDA_ERROR_NOT_INITIALIZED,
        R::CUDA_ERROR_DEINITIALIZED,
        R::CUDA_ERROR_STUB_LIBRARY,
        R::CUDA_ERROR_DEVICE_UNAVAILABLE,
        R::CUDA_ERROR_NO_DEVICE,
        R::CUDA_ERROR_INVALID_DEVICE,
        R::CUDA_ERROR_DEVICE_NOT_LICENSED,
        R::CUDA_ERROR_INVALID_IMAGE,
        R::CUDA_ERROR_INVALID_CONTEXT,
        R::CUDA_ERROR_NO_BINARY_FOR_GPU,
        R::CUDA_ERROR_ECC_UNCORRECTABLE,
        R::CUDA_ERROR_INVALID_PTX,
        R::CUDA_ERROR_NVLINK_UNCORRECTABLE,
        R::CUDA_ERROR_UNSUPPORTED_PTX_VERSION,
        R::CUDA_ERROR_INVALID_SOURCE,
        R::CUDA_ERROR_FILE_NOT_FOUND,
        R::CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND,
        R::CUDA_ERROR_SHARED_OBJECT_INIT_FAILED,
        R::CUDA_ERROR_OPERATING_SYSTEM,
        R::CUDA_ERROR_INVALID_HANDLE,
        R::CUDA_ERROR_NOT_FOUND,
        R::CUDA_ERROR_NOT_READY,
        R::CUDA_ERROR_ILLEGAL_ADDRESS,
        R::CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES,
        R::CUDA_ERROR_LAUNCH_TIMEOUT,
        R::CUDA_ERROR_CONTEXT_IS_DESTROYED,
        R::CUDA_ERROR_ASSERT,
        R::CUDA_ERROR_HARDWARE_STACK_ERROR,
        R::CUDA_ERROR_ILLEGAL_INSTRUCTION,
        R::CUDA_ERROR_MISALIGNED_ADDRESS,
        R::CUDA_ERROR_INVALID_ADDRESS_SPACE,
        R::CUDA_ERROR_INVALID_PC,
        R::CUDA_ERROR_LAUNCH_FAILED,
        R::CUDA_ERROR_NOT_PERMITTED,
        R::CUDA_ERROR_NOT_SUPPORTED,
        R::CUDA_ERROR_SYSTEM_NOT_READY,
        R::CUDA_ERROR_SYSTEM_DRIVER_MISMATCH,
        R::CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE,
        R::CUDA_ERROR_UNKNOWN,
    ];
    let listed: Vec<i32> = listed.into_iter().map(|code| code as i32).collect();
    assert_eq!(cuda::code::all().collect::<Vec<_>>(), listed);
    assert_eq!([cuda::code::known(0), cuda::code::known(719), cuda::code::known(4711)], [0, 719, 999]);
}
