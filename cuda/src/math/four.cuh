// Four numbers at a time: one access to memory where they lie so, four where not.
#pragma once

static __device__ bool is_four(const float *x, size_t at, size_t count) {
    return at + 4 <= count && (size_t)(x + at) % 16 == 0;
}

// The numbers from x[at] on; zeros where there are no more than `count`.
static __device__ float4 load4(const float *x, size_t at, size_t count) {
    if (is_four(x, at, count)) {
        return *(const float4 *)(x + at);
    }
    float4 v = make_float4(0, 0, 0, 0);
    if (at < count) v.x = x[at];
    if (at + 1 < count) v.y = x[at + 1];
    if (at + 2 < count) v.z = x[at + 2];
    if (at + 3 < count) v.w = x[at + 3];
    return v;
}

static __device__ void store4(float *x, size_t at, size_t count, float4 v) {
    if (is_four(x, at, count)) {
        *(float4 *)(x + at) = v;
        return;
    }
    if (at < count) x[at] = v.x;
    if (at + 1 < count) x[at + 1] = v.y;
    if (at + 2 < count) x[at + 2] = v.z;
    if (at + 3 < count) x[at + 3] = v.w;
}

static __device__ float4 operator+(float4 a, float4 b) {
    return make_float4(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w);
}

static __device__ float4 operator*(float4 a, float4 b) {
    return make_float4(a.x * b.x, a.y * b.y, a.z * b.z, a.w * b.w);
}

static __device__ float4 operator*(float4 a, float b) {
    return make_float4(a.x * b, a.y * b, a.z * b, a.w * b);
}

// Where a thread's four numbers begin.
static __device__ size_t first_of_four() {
    return 4 * (blockIdx.x * (size_t)blockDim.x + threadIdx.x);
}
