// Half precision as dfdx's kernels use it. Ours, so that a kernel compiles to the same code on every machine and
// needs no header file of a toolkit: sums and products are computed in f32 and rounded once, which gives what
// half-precision instructions give (24 bits are more than twice 11 and two more).
#pragma once

typedef signed char int8_t;
typedef short int16_t;
typedef int int32_t;
typedef long int64_t;
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long uint64_t;
typedef long intptr_t;
typedef unsigned long uintptr_t;

struct alignas(2) __half {
    unsigned short bits;

    __half() = default;
    __device__ __forceinline__ __half(float x) { asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(x)); }
    __device__ __forceinline__ __half(double x) { asm("cvt.rn.f16.f64 %0, %1;" : "=h"(bits) : "d"(x)); }
    // What does not fit into 24 bits of mantissa is infinite as half, too.
    __device__ __forceinline__ __half(int x) : __half((float)x) {}
    __device__ __forceinline__ __half(long x) : __half((float)x) {}
    __device__ __forceinline__ __half(long long x) : __half((float)x) {}
    __device__ __forceinline__ __half(unsigned x) : __half((float)x) {}
    __device__ __forceinline__ __half(unsigned long x) : __half((float)x) {}
    __device__ __forceinline__ __half(unsigned long long x) : __half((float)x) {}

    __device__ __forceinline__ operator float() const {
        float x;
        asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(bits));
        return x;
    }
};
typedef __half half;

__device__ __forceinline__ float __half2float(__half x) { return x; }
__device__ __forceinline__ __half __float2half(float x) { return x; }
__device__ __forceinline__ unsigned short __half_as_ushort(__half x) { return x.bits; }
__device__ __forceinline__ __half __ushort_as_half(unsigned short bits) {
    __half x;
    x.bits = bits;
    return x;
}

__device__ __forceinline__ __half operator+(__half a, __half b) { return (float)a + (float)b; }
__device__ __forceinline__ __half operator-(__half a, __half b) { return (float)a - (float)b; }
__device__ __forceinline__ __half operator*(__half a, __half b) { return (float)a * (float)b; }
__device__ __forceinline__ __half operator/(__half a, __half b) { return (float)a / (float)b; }
__device__ __forceinline__ __half operator-(__half x) { return __ushort_as_half(x.bits ^ 0x8000); }
__device__ __forceinline__ __half &operator+=(__half &a, __half b) { return a = a + b; }
__device__ __forceinline__ __half &operator-=(__half &a, __half b) { return a = a - b; }
__device__ __forceinline__ __half &operator*=(__half &a, __half b) { return a = a * b; }
__device__ __forceinline__ __half &operator/=(__half &a, __half b) { return a = a / b; }
__device__ __forceinline__ bool operator==(__half a, __half b) { return (float)a == (float)b; }
__device__ __forceinline__ bool operator!=(__half a, __half b) { return (float)a != (float)b; }
__device__ __forceinline__ bool operator<(__half a, __half b) { return (float)a < (float)b; }
__device__ __forceinline__ bool operator<=(__half a, __half b) { return (float)a <= (float)b; }
__device__ __forceinline__ bool operator>(__half a, __half b) { return (float)a > (float)b; }
__device__ __forceinline__ bool operator>=(__half a, __half b) { return (float)a >= (float)b; }

__device__ __forceinline__ bool __hisnan(__half x) { return (x.bits & 0x7fff) > 0x7c00; }
__device__ __forceinline__ __half __habs(__half x) { return __ushort_as_half(x.bits & 0x7fff); }
__device__ __forceinline__ __half __hmax(__half a, __half b) { return fmaxf(a, b); }
__device__ __forceinline__ __half __hmin(__half a, __half b) { return fminf(a, b); }
#if __CUDA_ARCH__ >= 800
// Below, dfdx has its own.
__device__ __forceinline__ __half __hmax_nan(__half a, __half b) {
    return __hisnan(a) ? a : __hisnan(b) ? b : __hmax(a, b);
}
__device__ __forceinline__ __half __hmin_nan(__half a, __half b) {
    return __hisnan(a) ? a : __hisnan(b) ? b : __hmin(a, b);
}
#endif
__device__ __forceinline__ __half hcos(__half x) { return cosf(x); }
__device__ __forceinline__ __half hsin(__half x) { return sinf(x); }
__device__ __forceinline__ __half hsqrt(__half x) { return sqrtf(x); }
__device__ __forceinline__ __half hlog(__half x) { return logf(x); }
__device__ __forceinline__ __half hexp(__half x) { return expf(x); }

__device__ __forceinline__ __half atomicAdd(__half *address, __half x) {
    __half before;
    asm volatile("atom.add.noftz.f16 %0, [%1], %2;"
                 : "=h"(before.bits)
                 : "l"(address), "h"(x.bits)
                 : "memory");
    return before;
}
