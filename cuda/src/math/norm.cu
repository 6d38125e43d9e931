// Layer normalization. Statistics are two for each row: all means, then one over each standard deviation.

#include "reduce.cuh"

// A block for each row.
extern "C" __global__ void assay_norm(float *out, float *statistics, const float *x, const float *weight,
                                      const float *bias, size_t size, float epsilon) {
    size_t row = blockIdx.x;
    x += row * size;
    out += row * size;
    float sum = 0, squares = 0;
    for (size_t i = threadIdx.x; i < size; i += blockDim.x) sum += x[i];
    float mean = block_sum(sum) / size;
    for (size_t i = threadIdx.x; i < size; i += blockDim.x) squares += (x[i] - mean) * (x[i] - mean);
    float scale = 1 / sqrtf(block_sum(squares) / size + epsilon);
    for (size_t i = threadIdx.x; i < size; i += blockDim.x) out[i] = (x[i] - mean) * scale * weight[i] + bias[i];
    if (threadIdx.x == 0) {
        statistics[row] = mean;
        statistics[gridDim.x + row] = scale;
    }
}

// A block for each row. With n the normalized row, w the weight and g the gradient:
// to += scale (gw - mean(gw) - n mean(gw n)); to = that, where nothing is there to be added to.
extern "C" __global__ void assay_norm_backward(float *to, const float *gradient, const float *x, const float *weight,
                                               const float *statistics, size_t size, unsigned int add) {
    size_t row = blockIdx.x;
    x += row * size;
    gradient += row * size;
    to += row * size;
    float mean = statistics[row], scale = statistics[gridDim.x + row], sum = 0, along = 0;
    for (size_t i = threadIdx.x; i < size; i += blockDim.x) {
        float of_normal = gradient[i] * weight[i];
        sum += of_normal;
        along += of_normal * (x[i] - mean) * scale;
    }
    sum = block_sum(sum) / size;
    along = block_sum(along) / size;
    for (size_t i = threadIdx.x; i < size; i += blockDim.x) {
        float v = scale * (gradient[i] * weight[i] - sum - (x[i] - mean) * scale * along);
        to[i] = add ? to[i] + v : v;
    }
}

// Sums of gw's and g's columns over every `strip` rows, a block of 8 x 32 threads for 32 columns and one strip: in
// `parts`, [strips, 2, size].
extern "C" __global__ void assay_norm_columns(float *parts, const float *gradient, const float *x,
                                              const float *statistics, size_t size, size_t rows, size_t strip) {
    __shared__ float of_weights[8][32], of_biases[8][32];
    unsigned int lane = threadIdx.x % 32, lap = threadIdx.x / 32;
    size_t column = blockIdx.x * (size_t)32 + lane;
    size_t end = (blockIdx.y + 1) * strip < rows ? (blockIdx.y + 1) * strip : rows;
    float of_weight = 0, of_bias = 0;
    if (column < size) {
        for (size_t row = blockIdx.y * strip + lap; row < end; row += 8) {
            float g = gradient[row * size + column];
            of_weight += g * (x[row * size + column] - statistics[row]) * statistics[rows + row];
            of_bias += g;
        }
    }
    of_weights[lap][lane] = of_weight;
    of_biases[lap][lane] = of_bias;
    __syncthreads();
    if (lap == 0 && column < size) {
        for (unsigned int other = 1; other < 8; other++) {
            of_weight += of_weights[other][lane];
            of_bias += of_biases[other][lane];
        }
        parts[blockIdx.y * 2 * size + column] = of_weight;
        parts[(blockIdx.y * 2 + 1) * size + column] = of_bias;
    }
}

// Adds the sums of all strips to the gradients.
extern "C" __global__ void assay_norm_weights(float *of_weight, float *of_bias, const float *parts, size_t size,
                                              size_t strips) {
    size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x;
    if (i < size) {
        float sum = 0, biases = 0;
        for (size_t strip = 0; strip < strips; strip++) {
            sum += parts[strip * 2 * size + i];
            biases += parts[(strip * 2 + 1) * size + i];
        }
        of_weight[i] += sum;
        of_bias[i] += biases;
    }
}
