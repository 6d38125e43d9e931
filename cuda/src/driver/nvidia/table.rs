//! The functions of NVIDIA's driver and of cuBLAS that are called, with the prototypes of `cuda.h` and
//! `cublas_api.h`.

use std::ffi::{c_char, c_int, c_longlong, c_uchar, c_uint, c_void};

use crate::driver::{Address, Handle};
use crate::library::{Opened, function};

macro_rules! table {
    ($(#[$about:meta])* $table:ident { $($field:ident = $name:literal: fn($($argument:ty),*);)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug)]
        pub(super) struct $table {
            $(pub(super) $field: unsafe extern "C" fn($($argument),*) -> c_int,)*
        }

        impl $table {
            /// Finds all of them, or says which is not there.
            pub(super) fn of(library: &Opened) -> Result<Self, String> {
                // SAFETY: the types are those of NVIDIA's headers.
                unsafe { Ok(Self { $($field: function(library.library, $name)?,)* }) }
            }
        }
    };
}

table! {
    /// `libcuda`.
    Calls {
        init = c"cuInit": fn(c_uint);
        device_get = c"cuDeviceGet": fn(*mut c_int, c_int);
        device_attribute = c"cuDeviceGetAttribute": fn(*mut c_int, c_int, c_int);
        context_retain = c"cuDevicePrimaryCtxRetain": fn(*mut Handle, c_int);
        context_release = c"cuDevicePrimaryCtxRelease_v2": fn(c_int);
        context_set = c"cuCtxSetCurrent": fn(Handle);
        allocate = c"cuMemAlloc_v2": fn(*mut Address, usize);
        free = c"cuMemFree_v2": fn(Address);
        memory_info = c"cuMemGetInfo_v2": fn(*mut usize, *mut usize);
        allocate_pinned = c"cuMemHostAlloc": fn(*mut *mut c_void, usize, c_uint);
        fill = c"cuMemsetD8Async": fn(Address, c_uchar, usize, Handle);
        upload = c"cuMemcpyHtoDAsync_v2": fn(Address, *const c_void, usize, Handle);
        download = c"cuMemcpyDtoHAsync_v2": fn(*mut c_void, Address, usize, Handle);
        copy = c"cuMemcpyDtoDAsync_v2": fn(Address, Address, usize, Handle);
        load = c"cuModuleLoadData": fn(*mut Handle, *const c_void);
        function = c"cuModuleGetFunction": fn(*mut Handle, Handle, *const c_char);
        launch = c"cuLaunchKernel":
            fn(Handle, c_uint, c_uint, c_uint, c_uint, c_uint, c_uint, c_uint, Handle, *mut *mut c_void, *mut *mut c_void);
        stream_create = c"cuStreamCreate": fn(*mut Handle, c_uint);
        stream_destroy = c"cuStreamDestroy_v2": fn(Handle);
        synchronize = c"cuStreamSynchronize": fn(Handle);
        stream_wait = c"cuStreamWaitEvent": fn(Handle, Handle, c_uint);
        event_create = c"cuEventCreate": fn(*mut Handle, c_uint);
        event_destroy = c"cuEventDestroy_v2": fn(Handle);
        event_record = c"cuEventRecord": fn(Handle, Handle);
        event_query = c"cuEventQuery": fn(Handle);
        event_elapsed = c"cuEventElapsedTime": fn(*mut f32, Handle, Handle);
    }
}

table! {
    /// `libcublas`.
    Blas {
        create = c"cublasCreate_v2": fn(*mut Handle);
        set_stream = c"cublasSetStream_v2": fn(Handle, Handle);
        multiply = c"cublasGemmEx":
            fn(Handle, c_int, c_int, c_int, c_int, c_int, *const c_void, Address, c_int, c_int, Address, c_int, c_int,
                *const c_void, Address, c_int, c_int, c_int, c_int);
        multiply_batch = c"cublasGemmStridedBatchedEx":
            fn(Handle, c_int, c_int, c_int, c_int, c_int, *const c_void, Address, c_int, c_int, c_longlong, Address,
                c_int, c_int, c_longlong, *const c_void, Address, c_int, c_int, c_longlong, c_int, c_int, c_int);
    }
}
