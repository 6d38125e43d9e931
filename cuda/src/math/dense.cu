// Linear maps: what is around the product.

#include "four.cuh"

// Each row of `out` becomes the bias: what a product is then added to.
extern "C" __global__ void assay_repeat_row(float *out, const float *row, size_t columns, size_t count) {
    size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x;
    if (i < count) {
        out[i] = row[i % columns];
    }
}

// Sums of columns over every `strip` rows, in `sums`, [strips, columns]; added to what is there if `add`. A block of
// 8 x 32 threads for 32 columns and one strip, always in the same order, so that the same numbers give the same sums.
extern "C" __global__ void assay_sum_columns(float *sums, const float *x, size_t columns, size_t rows, size_t strip,
                                             unsigned int add) {
    __shared__ float parts[8][32];
    unsigned int lane = threadIdx.x % 32, lap = threadIdx.x / 32;
    size_t column = blockIdx.x * (size_t)32 + lane;
    size_t end = (blockIdx.y + 1) * strip < rows ? (blockIdx.y + 1) * strip : rows;
    float sum = 0;
    if (column < columns) {
        for (size_t row = blockIdx.y * strip + lap; row < end; row += 8) {
            sum += x[row * columns + column];
        }
    }
    parts[lap][lane] = sum;
    __syncthreads();
    if (lap == 0 && column < columns) {
        for (unsigned int other = 1; other < 8; other++) {
            sum += parts[other][lane];
        }
        float *to = sums + blockIdx.y * columns + column;
        *to = add ? *to + sum : sum;
    }
}

// to += from, number by number.
extern "C" __global__ void assay_add(float *to, const float *from, size_t count) {
    size_t at = first_of_four();
    store4(to, at, count, load4(to, at, count) + load4(from, at, count));
}

// out = x + y, number by number.
extern "C" __global__ void assay_sum(float *out, const float *x, const float *y, size_t count) {
    size_t at = first_of_four();
    store4(out, at, count, load4(x, at, count) + load4(y, at, count));
}
