// Focal losses: what is right already counts little.

#include "reduce.cuh"

// -(1 - p)^gamma log p with p the softmax's share of the row's class: a block for each row. The derivative is
// (gamma p (1 - p)^(gamma - 1) log p - (1 - p)^gamma) (1 at the class - softmax), which is multiplied with `scale`.
extern "C" __global__ void assay_focal(float *losses, float *gradient, const float *scores,
                                       const unsigned int *classes, size_t width, float gamma, float scale) {
    size_t row = blockIdx.x;
    const float *z = scores + row * width;
    gradient += row * width;
    unsigned int own = classes[row];
    float most = -INFINITY, sum = 0, others = 0;
    for (size_t i = threadIdx.x; i < width; i += blockDim.x) most = fmaxf(most, z[i]);
    most = block_max(most);
    for (size_t i = threadIdx.x; i < width; i += blockDim.x) {
        float power = expf(z[i] - most);
        sum += power;
        if (i != own) others += power;
    }
    sum = block_sum(sum);
    // 1 - p: taken from p it would have few digits where it is small.
    float wrong = block_sum(others) / sum, p = expf(z[own] - most) / sum;
    float surprise = logf(sum) - (z[own] - most), damped = powf(wrong, gamma);
    // Rounding may leave less than nothing. NaN is not hidden by a maximum.
    surprise = surprise < 0 ? 0 : surprise;
    // Where p is 1 the loss and its derivative are 0, whatever 0 to a power below 0 would be.
    float slope = wrong > 0 ? gamma * p * powf(wrong, gamma - 1) * surprise : 0;
    float factor = (slope + damped) * scale;
    for (size_t i = threadIdx.x; i < width; i += blockDim.x) {
        float share = expf(z[i] - most) / sum;
        gradient[i] = i == own ? -wrong * factor : share * factor;
    }
    if (threadIdx.x == 0) losses[row] = damped * surprise;
}

// The same for yes-or-no scores x with a target t: with q = p (1 - t) + (1 - p) t the share that is wrong and c the
// cross-entropy, a q^gamma c, where a is `alpha` for a yes and 1 - alpha for a no. A sum for each block.
extern "C" __global__ void assay_binary_focal(float *losses, float *gradient, const float *scores,
                                              const float *wanted, float alpha, float gamma, float scale,
                                              size_t count) {
    size_t at = 4 * (blockIdx.x * (size_t)blockDim.x) + threadIdx.x;
    float sum = 0;
    for (int step = 0; step < 4; step++, at += blockDim.x) {
        if (at >= count) break;
        float x = scores[at], t = wanted[at];
        // Both shares, and the cross-entropy, without a power above 1.
        float small = expf(-fabsf(x)), large = 1 / (1 + small);
        float p = x < 0 ? small * large : large, not_p = x < 0 ? large : small * large;
        float entropy = log1pf(small) + (x < 0 ? -t * x : (1 - t) * x);
        float wrong = p * (1 - t) + not_p * t, factor = alpha * t + (1 - alpha) * (1 - t);
        // p - t, of which little is left where p is near 1 and t is.
        float off = p * (1 - t) - not_p * t, slope = p * not_p * (1 - 2 * t);
        float bend = wrong > 0 ? gamma * powf(wrong, gamma - 1) * slope * entropy : 0;
        float damped = powf(wrong, gamma);
        sum += factor * damped * entropy;
        gradient[at] = scale * factor * (damped * off + bend);
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) losses[blockIdx.x] = sum;
}
