//! What cudarc can call and dfdx does not: it says that it isn't there. (Half-precision products are among it: dfdx
//! is built without its `f16`; bf16 comes through [`crate::driver::Precision`].)

use std::ffi::{c_int, c_longlong, c_uint, c_void};

use super::answer;
use crate::code::Failure;
use crate::driver::{Address, Handle};

/// `CUBLAS_STATUS_NOT_SUPPORTED`.
const BLAS_NOT_SUPPORTED: i32 = 15;

macro_rules! unused {
    ($($function:ident $name:literal ($($argument:ty),*);)*) => {
        $(pub unsafe extern "C" fn $function($(_: $argument),*) -> i32 {
            answer($name, |_| Err(Failure::of($name, crate::code::NOT_SUPPORTED)))
        })*
    };
}

unused! {
    import_external_memory "cuImportExternalMemory" (*mut Handle, *const c_void);
    destroy_external_memory "cuDestroyExternalMemory" (Handle);
    map_external_memory "cuExternalMemoryGetMappedBuffer" (*mut Address, Handle, *const c_void);
    dynamic_shared "cuOccupancyAvailableDynamicSMemPerBlock" (*mut usize, Handle, c_int, c_int);
    active_blocks "cuOccupancyMaxActiveBlocksPerMultiprocessor" (*mut c_int, Handle, c_int, usize);
    active_blocks_flags "cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags" (*mut c_int, Handle, c_int, usize, c_uint);
    active_clusters "cuOccupancyMaxActiveClusters" (*mut c_int, Handle, *const c_void);
    block_size "cuOccupancyMaxPotentialBlockSize" (*mut c_int, *mut c_int, Handle, Handle, usize, c_int);
    block_size_flags "cuOccupancyMaxPotentialBlockSizeWithFlags"
        (*mut c_int, *mut c_int, Handle, Handle, usize, c_int, c_uint);
    cluster_size "cuOccupancyMaxPotentialClusterSize" (*mut c_int, Handle, *const c_void);
    profiler_start "cuProfilerStart" ();
    profiler_stop "cuProfilerStop" ();
}

pub unsafe extern "C" fn gemm_ex(
    _handle: Handle,
    _operation_a: c_int,
    _operation_b: c_int,
    _m: c_int,
    _n: c_int,
    _k: c_int,
    _alpha: *const c_void,
    _a: Address,
    _type_a: c_int,
    _leading_a: c_int,
    _b: Address,
    _type_b: c_int,
    _leading_b: c_int,
    _beta: *const c_void,
    _c: Address,
    _type_c: c_int,
    _leading_c: c_int,
    _compute: c_int,
    _algorithm: c_int,
) -> i32 {
    BLAS_NOT_SUPPORTED
}

pub unsafe extern "C" fn gemm_ex_batched(
    _handle: Handle,
    _operation_a: c_int,
    _operation_b: c_int,
    _m: c_int,
    _n: c_int,
    _k: c_int,
    _alpha: *const c_void,
    _a: Address,
    _type_a: c_int,
    _leading_a: c_int,
    _stride_a: c_longlong,
    _b: Address,
    _type_b: c_int,
    _leading_b: c_int,
    _stride_b: c_longlong,
    _beta: *const c_void,
    _c: Address,
    _type_c: c_int,
    _leading_c: c_int,
    _stride_c: c_longlong,
    _batch: c_int,
    _compute: c_int,
    _algorithm: c_int,
) -> i32 {
    BLAS_NOT_SUPPORTED
}
