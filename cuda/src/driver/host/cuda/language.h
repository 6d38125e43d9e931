// CUDA C++ as plain C++: what a kernel's source may use without including anything.
// Every unit is compiled behind this file, and behind block.h, which runs its threads.
#pragma once

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <type_traits>
#include <utility>

// The names are looked for in the preprocessed text, where `__global__` must still be seen.
#ifndef __global__
#define __global__
#endif
#define __device__
#define __host__
#define __constant__ static
// One block runs at a time, so that what its threads share is static.
#define __shared__ static
#define __managed__
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __CUDACC__ 1
#define __CUDA_ARCH__ 800

struct dim3 {
    unsigned x, y, z;
    dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

#define ASSAY_VECTORS(TYPE, NAME, ALIGN) \
    struct alignas(2 * ALIGN) NAME##2 { TYPE x, y; }; \
    struct NAME##3 { TYPE x, y, z; }; \
    struct alignas(4 * ALIGN > 16 ? 16 : 4 * ALIGN) NAME##4 { TYPE x, y, z, w; }; \
    inline NAME##2 make_##NAME##2(TYPE x, TYPE y) { return {x, y}; } \
    inline NAME##3 make_##NAME##3(TYPE x, TYPE y, TYPE z) { return {x, y, z}; } \
    inline NAME##4 make_##NAME##4(TYPE x, TYPE y, TYPE z, TYPE w) { return {x, y, z, w}; }
ASSAY_VECTORS(float, float, 4)
ASSAY_VECTORS(double, double, 8)
ASSAY_VECTORS(int, int, 4)
ASSAY_VECTORS(unsigned, uint, 4)
#undef ASSAY_VECTORS

// Bits of one type as another.
template <class To, class From> inline To assay_bits(From from) {
    static_assert(sizeof(To) == sizeof(From), "types of one size");
    To to;
    memcpy(&to, &from, sizeof to);
    return to;
}
inline int __float_as_int(float x) { return assay_bits<int>(x); }
inline unsigned __float_as_uint(float x) { return assay_bits<unsigned>(x); }
inline float __int_as_float(int x) { return assay_bits<float>(x); }
inline float __uint_as_float(unsigned x) { return assay_bits<float>(x); }
inline long long __double_as_longlong(double x) { return assay_bits<long long>(x); }
inline double __longlong_as_double(long long x) { return assay_bits<double>(x); }

// Of two numbers of any types, as in CUDA: of floating point ones, the one that is a number.
template <class A, class B> inline std::common_type_t<A, B> min(A a, B b) {
    using T = std::common_type_t<A, B>;
    if constexpr (std::is_floating_point_v<T>) return fmin(T(a), T(b));
    else return T(b) < T(a) ? T(b) : T(a);
}
template <class A, class B> inline std::common_type_t<A, B> max(A a, B b) {
    using T = std::common_type_t<A, B>;
    if constexpr (std::is_floating_point_v<T>) return fmax(T(a), T(b));
    else return T(a) < T(b) ? T(b) : T(a);
}

// What the C library lacks, and the names of the GPU's own instructions.
inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline double rsqrt(double x) { return 1.0 / sqrt(x); }
inline float __expf(float x) { return expf(x); }
inline float __logf(float x) { return logf(x); }
inline float __powf(float x, float y) { return powf(x, y); }
inline float __sinf(float x) { return sinf(x); }
inline float __cosf(float x) { return cosf(x); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __frsqrt_rn(float x) { return rsqrtf(x); }
inline float __fsqrt_rn(float x) { return sqrtf(x); }
inline float __fmaf_rn(float x, float y, float z) { return fmaf(x, y, z); }
inline float __fadd_rn(float x, float y) { return x + y; }
inline float __fmul_rn(float x, float y) { return x * y; }
inline float __fdiv_rn(float x, float y) { return x / y; }
inline float __saturatef(float x) { return x > 0 ? fminf(x, 1.0f) : 0.0f; }
inline int __float2int_rn(float x) { return int(nearbyintf(x)); }
inline int __float2int_rd(float x) { return int(floorf(x)); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __clz(int x) { return x ? __builtin_clz(unsigned(x)) : 32; }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline unsigned __umulhi(unsigned x, unsigned y) { return unsigned((uint64_t(x) * y) >> 32); }
inline int __mul24(int x, int y) { return x * y; }
template <class T> inline T __ldg(const T *at) { return *at; }
template <class T> inline T __ldcs(const T *at) { return *at; }
template <class T> inline void __stcs(T *at, T value) { *at = value; }

// Atomic because no two threads run at once. The types are those that CUDA has, so that what compiles here does there.
template <class T> struct assay_same { using type = T; };
template <class T> using assay_as = typename assay_same<T>::type;
template <class T> inline T atomicExch(T *at, assay_as<T> value) {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8, "atomicExch takes 32 or 64 bits");
    return std::exchange(*at, value);
}
template <class T> inline T atomicAdd(T *at, assay_as<T> value) {
    static_assert(!std::is_integral_v<T> || sizeof(T) >= 4, "atomicAdd takes no such integer");
    return std::exchange(*at, T(*at + value));
}
template <class T> inline T atomicCAS(T *at, assay_as<T> expected, assay_as<T> value) {
    static_assert(std::is_integral_v<T> && sizeof(T) >= 2, "atomicCAS takes integers");
    return *at == expected ? std::exchange(*at, value) : *at;
}
#define ASSAY_ATOMIC(NAME, RESULT) \
    template <class T> inline T NAME(T *at, assay_as<T> value) { \
        static_assert(std::is_integral_v<T> && sizeof(T) >= 4, #NAME " takes integers of 32 or 64 bits"); \
        T old = *at; \
        *at = RESULT; \
        return old; \
    }
ASSAY_ATOMIC(atomicSub, T(old - value))
ASSAY_ATOMIC(atomicMin, value < old ? value : old)
ASSAY_ATOMIC(atomicMax, old < value ? value : old)
ASSAY_ATOMIC(atomicAnd, old & value)
ASSAY_ATOMIC(atomicOr, old | value)
ASSAY_ATOMIC(atomicXor, old ^ value)
ASSAY_ATOMIC(atomicInc, old >= value ? T(0) : T(old + 1))
#undef ASSAY_ATOMIC
inline void __threadfence() {}
inline void __threadfence_block() {}
