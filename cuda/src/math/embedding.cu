// Rows of a table, looked up by number, and rows added by their place.

#include "four.cuh"

// A block for each row.
extern "C" __global__ void assay_look_up(float *out, const float *table, const unsigned int *rows, size_t width) {
    const float *from = table + rows[blockIdx.x] * width;
    out += blockIdx.x * width;
    for (size_t i = threadIdx.x; i < width; i += blockDim.x) out[i] = from[i];
}

// Adds to row `rows[b]` of the table the rows of the gradient that were looked up there: those that `places` names from
// `starts[b]` to `starts[b + 1]`. A block of 8 x 32 threads for one row and 32 columns, in a fixed order.
extern "C" __global__ void assay_look_up_backward(float *table, const float *gradient, const unsigned int *places,
                                                  const unsigned int *starts, const unsigned int *rows,
                                                  size_t width) {
    __shared__ float parts[8][32];
    unsigned int lane = threadIdx.x % 32, lap = threadIdx.x / 32, end = starts[blockIdx.x + 1];
    size_t column = blockIdx.y * (size_t)32 + lane;
    float sum = 0;
    if (column < width) {
        for (unsigned int i = starts[blockIdx.x] + lap; i < end; i += 8) sum += gradient[places[i] * width + column];
    }
    parts[lap][lane] = sum;
    __syncthreads();
    if (lap == 0 && column < width) {
        for (unsigned int other = 1; other < 8; other++) sum += parts[other][lane];
        table[rows[blockIdx.x] * width + column] += sum;
    }
}

// out = x + table, the same for each of `batch` sequences of `count` numbers.
extern "C" __global__ void assay_add_table(float *out, const float *x, const float *table, size_t count,
                                           size_t batch) {
    size_t at = first_of_four();
    float4 added = load4(table, at, count);
    for (size_t sequence = blockIdx.y; sequence < batch; sequence += gridDim.y) {
        store4(out + sequence * count, at, count, load4(x + sequence * count, at, count) + added);
    }
}
