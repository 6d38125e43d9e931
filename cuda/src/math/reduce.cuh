// Sums and maxima over the threads of a warp or of a block, in an order that is always the same.
#pragma once

template <class T> static __device__ T warp_sum(T value) {
    for (int by = 16; by > 0; by >>= 1) value += __shfl_xor_sync(0xffffffff, value, by);
    return value;
}

static __device__ float warp_max(float value) {
    for (int by = 16; by > 0; by >>= 1) value = fmaxf(value, __shfl_xor_sync(0xffffffff, value, by));
    return value;
}

// Every thread of a block of whole warps must call these, and gets the result.
template <class T> static __device__ T block_sum(T value) {
    __shared__ T parts[32];
    value = warp_sum(value);
    // What was there before has been read.
    __syncthreads();
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = value;
    __syncthreads();
    T sum = parts[0];
    for (unsigned int warp = 1; warp < blockDim.x / 32; warp++) sum += parts[warp];
    return sum;
}

static __device__ float block_max(float value) {
    __shared__ float parts[32];
    value = warp_max(value);
    __syncthreads();
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = value;
    __syncthreads();
    float most = parts[0];
    for (unsigned int warp = 1; warp < blockDim.x / 32; warp++) most = fmaxf(most, parts[warp]);
    return most;
}
