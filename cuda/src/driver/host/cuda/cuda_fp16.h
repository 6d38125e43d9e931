// Half precision in software: computed in float, rounded once, which gives the same as hardware for + - * / and sqrt
// (24 bits are enough: Figueroa, "When is double rounding innocuous?", 1995).
#pragma once

struct __half;
inline float __half2float(__half x);

struct alignas(2) __half {
    unsigned short bits;
    __half() = default;
    __half(double x) : bits(round(x)) {}
    __half(float x) : bits(round(x)) {}
    template <class T, class = std::enable_if_t<std::is_integral_v<T>>> __half(T x) : bits(round(double(x))) {}
    operator float() const { return __half2float(*this); }

    // To the nearest, ties to even.
    static unsigned short round(double x) {
        unsigned short sign = signbit(x) ? 0x8000 : 0;
        double size = fabs(x);
        if (isnan(x)) return 0x7fff;
        if (size >= 65520.0) return sign | 0x7c00;
        if (size < 0x1p-14) return sign | (unsigned short)(nearbyint(size * 0x1p24));
        int exponent = ilogb(size);
        // 1024 to 2048: a mantissa that rounds up to 2048 carries into the exponent.
        unsigned mantissa = unsigned(nearbyint(ldexp(size, 10 - exponent)));
        return sign | (unsigned short)(((exponent + 15) << 10) + mantissa - 1024);
    }
};

inline float __half2float(__half x) {
    int exponent = x.bits >> 10 & 31, mantissa = x.bits & 1023;
    float size = exponent == 31 ? (mantissa ? NAN : INFINITY)
               : exponent       ? ldexpf(float(1024 + mantissa), exponent - 25)
                                : ldexpf(float(mantissa), -24);
    return x.bits & 0x8000 ? -size : size;
}
inline __half __float2half(float x) { return __half(x); }
inline __half __float2half_rn(float x) { return __half(x); }
inline __half __double2half(double x) { return __half(x); }
inline unsigned short __half_as_ushort(__half x) { return x.bits; }
inline __half __ushort_as_half(unsigned short bits) {
    __half x;
    x.bits = bits;
    return x;
}

#define ASSAY_HALF(OP, NAME) \
    inline __half operator OP(const __half &a, const __half &b) { return __half(float(a) OP float(b)); } \
    inline __half &operator OP##=(__half &a, const __half &b) { return a = a OP b; } \
    inline __half NAME(__half a, __half b) { return a OP b; }
ASSAY_HALF(+, __hadd)
ASSAY_HALF(-, __hsub)
ASSAY_HALF(*, __hmul)
ASSAY_HALF(/, __hdiv)
#undef ASSAY_HALF

#define ASSAY_HALF(OP, NAME) \
    inline bool operator OP(const __half &a, const __half &b) { return float(a) OP float(b); } \
    inline bool NAME(__half a, __half b) { return a OP b; }
ASSAY_HALF(==, __heq)
ASSAY_HALF(!=, __hne)
ASSAY_HALF(<, __hlt)
ASSAY_HALF(<=, __hle)
ASSAY_HALF(>, __hgt)
ASSAY_HALF(>=, __hge)
#undef ASSAY_HALF

#define ASSAY_HALF(NAME, FLOAT) \
    inline __half NAME(__half x) { return __half(FLOAT(float(x))); }
ASSAY_HALF(hcos, cosf)
ASSAY_HALF(hsin, sinf)
ASSAY_HALF(hsqrt, sqrtf)
ASSAY_HALF(hrsqrt, rsqrtf)
ASSAY_HALF(hlog, logf)
ASSAY_HALF(hexp, expf)
ASSAY_HALF(hfloor, floorf)
ASSAY_HALF(hceil, ceilf)
#undef ASSAY_HALF

inline __half operator-(const __half &x) { return __ushort_as_half(x.bits ^ 0x8000); }
inline __half operator+(const __half &x) { return x; }
inline __half __hneg(__half x) { return -x; }
inline __half __habs(__half x) { return __ushort_as_half(x.bits & 0x7fff); }
inline bool __hisnan(__half x) { return (x.bits & 0x7fff) > 0x7c00; }
inline int __hisinf(__half x) { return (x.bits & 0x7fff) == 0x7c00 ? (x.bits >> 15 ? -1 : 1) : 0; }
// These drop a NaN, those with `nan` keep it.
inline __half __hmax(__half a, __half b) { return __half(fmaxf(float(a), float(b))); }
inline __half __hmin(__half a, __half b) { return __half(fminf(float(a), float(b))); }
inline __half __hmax_nan(__half a, __half b) { return __hisnan(a) ? a : __hisnan(b) ? b : __hmax(a, b); }
inline __half __hmin_nan(__half a, __half b) { return __hisnan(a) ? a : __hisnan(b) ? b : __hmin(a, b); }
inline __half __hfma(__half a, __half b, __half c) { return __half(double(float(a)) * float(b) + float(c)); }
