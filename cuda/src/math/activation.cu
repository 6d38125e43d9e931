// Functions of one number.

#include "four.cuh"

enum Curve { RELU, GELU, FAST_GELU, SIGMOID, TANH };

constexpr float ROOT = 0.79788456f; // sqrt(2 / pi)
constexpr float CUBIC = 0.044715f;

// The normal distribution's share below x.
static __device__ float below(float x) { return 0.5f * (1 + erff(x * 0.70710678f)); }

static __device__ float sigmoid(float x) { return 1 / (1 + expf(-x)); }

static __device__ float value(unsigned int curve, float x) {
    switch (curve) {
        case RELU: return x < 0 ? 0 : x; // NaN stays NaN
        case GELU: return x * below(x);
        case FAST_GELU: return 0.5f * x * (1 + tanhf(ROOT * (x + CUBIC * x * x * x)));
        case SIGMOID: return sigmoid(x);
        default: return tanhf(x);
    }
}

static __device__ float slope(unsigned int curve, float x) {
    switch (curve) {
        case RELU: return x <= 0 ? 0 : 1;
        // 1 / sqrt(2 pi) times exp(-x^2 / 2) is the normal density.
        case GELU: return below(x) + x * expf(-0.5f * x * x) * 0.39894228f;
        case FAST_GELU: {
            float t = tanhf(ROOT * (x + CUBIC * x * x * x));
            return 0.5f * (1 + t) + 0.5f * x * (1 - t * t) * ROOT * (1 + 3 * CUBIC * x * x);
        }
        case SIGMOID: {
            float y = sigmoid(x);
            return y * (1 - y);
        }
        default: {
            float y = tanhf(x);
            return 1 - y * y;
        }
    }
}

extern "C" __global__ void assay_activate(float *y, const float *x, unsigned int curve, size_t count) {
    size_t at = first_of_four();
    float4 v = load4(x, at, count);
    v = make_float4(value(curve, v.x), value(curve, v.y), value(curve, v.z), value(curve, v.w));
    store4(y, at, count, v);
}

// to += gradient * slope at x; to = that, where nothing is there to be added to.
extern "C" __global__ void assay_activate_backward(float *to, const float *gradient, const float *x,
                                                   unsigned int curve, unsigned int add, size_t count) {
    size_t at = first_of_four();
    float4 v = load4(x, at, count);
    v = make_float4(slope(curve, v.x), slope(curve, v.y), slope(curve, v.z), slope(curve, v.w));
    v = load4(gradient, at, count) * v;
    store4(to, at, count, add ? load4(to, at, count) + v : v);
}
