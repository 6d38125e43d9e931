// The Kullback-Leibler divergence of a distribution from its target t: the sum of t (log t - log p).

#include "reduce.cuh"

// 0 log 0 is 0: what is never wanted does not count.
static __device__ float divergence(float t, float log_p) { return t > 0 ? t * (logf(t) - log_p) : 0; }

// Of logarithms of p. A sum for each block.
extern "C" __global__ void assay_divergence(float *losses, float *gradient, const float *logs, const float *wanted,
                                            float scale, size_t count) {
    size_t at = 4 * (blockIdx.x * (size_t)blockDim.x) + threadIdx.x;
    float sum = 0;
    for (int step = 0; step < 4; step++, at += blockDim.x) {
        if (at >= count) break;
        sum += divergence(wanted[at], logs[at]);
        gradient[at] = -wanted[at] * scale;
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) losses[blockIdx.x] = sum;
}

// Of the softmax of a row of scores, a block for each row; the derivative is (sum of t) softmax - t.
extern "C" __global__ void assay_divergence_of_scores(float *losses, float *gradient, const float *scores,
                                                      const float *wanted, size_t width, float scale) {
    const float *z = scores + blockIdx.x * width, *t = wanted + blockIdx.x * width;
    gradient += blockIdx.x * width;
    float most = -INFINITY, sum = 0, total = 0, loss = 0;
    for (size_t i = threadIdx.x; i < width; i += blockDim.x) most = fmaxf(most, z[i]);
    most = block_max(most);
    for (size_t i = threadIdx.x; i < width; i += blockDim.x) {
        sum += expf(z[i] - most);
        total += t[i];
    }
    sum = block_sum(sum);
    total = block_sum(total);
    float log = logf(sum);
    for (size_t i = threadIdx.x; i < width; i += blockDim.x) {
        loss += divergence(t[i], z[i] - most - log);
        gradient[i] = (total * expf(z[i] - most) / sum - t[i]) * scale;
    }
    loss = block_sum(loss);
    if (threadIdx.x == 0) losses[blockIdx.x] = loss;
}
