// Losses: a number for each row or block, summed up afterwards in a fixed order, and the gradient in the same pass.

#include "four.cuh"
#include "reduce.cuh"

// Cross-entropy with the softmax of a row of scores, a block for each row. The target is q = sharp w at the row's class
// and `even` w everywhere, w being the classes' weights (1 if there are none); the loss is the sum of
// q (log sum exp z - z), and its derivative (sum of q) softmax(z) - q, which is multiplied with `scale`.
extern "C" __global__ void assay_cross_entropy(float *losses, float *gradient, const float *scores,
                                               const unsigned int *classes, const float *weights, size_t width,
                                               unsigned int ignores, unsigned int ignored, float sharp, float even,
                                               float all_weights, float scale) {
    size_t row = blockIdx.x;
    const float *z = scores + row * width;
    gradient += row * width;
    unsigned int own = classes[row];
    if (ignores && own == ignored) {
        for (size_t i = threadIdx.x; i < width; i += blockDim.x) gradient[i] = 0;
        if (threadIdx.x == 0) losses[row] = 0;
        return;
    }
    float most = -INFINITY, sum = 0, spread = 0;
    for (size_t i = threadIdx.x; i < width; i += blockDim.x) most = fmaxf(most, z[i]);
    most = block_max(most);
    for (size_t i = threadIdx.x; i < width; i += blockDim.x) sum += expf(z[i] - most);
    sum = block_sum(sum);
    float log = logf(sum), weight = weights ? weights[own] : 1;
    float total = (sharp * weight + even * all_weights) * scale / sum;
    for (size_t i = threadIdx.x; i < width; i += blockDim.x) {
        float wanted = even * (weights ? weights[i] : 1);
        // Without smoothing the score may be so far away that its distance is infinite.
        if (wanted > 0) spread += wanted * (log - (z[i] - most));
        if (i == own) wanted += sharp * weight;
        gradient[i] = expf(z[i] - most) * total - wanted * scale;
    }
    if (even > 0) spread = block_sum(spread);
    if (threadIdx.x == 0) losses[row] = sharp * weight * (log - (z[own] - most)) + spread;
}

enum Distance { SQUARED, ABSOLUTE, HUBER };

// The loss of one difference, and its derivative.
static __device__ float2 distance(unsigned int kind, float difference, float delta) {
    float size = fabsf(difference), sign = difference > 0 ? 1 : difference < 0 ? -1 : difference;
    if (kind == ABSOLUTE) return make_float2(size, sign);
    if (kind == SQUARED) return make_float2(difference * difference, 2 * difference);
    if (size <= delta) return make_float2(0.5f * difference * difference, difference);
    return make_float2(delta * (size - 0.5f * delta), delta * sign);
}

// A sum of losses for each block of 1,024 numbers; the derivatives are multiplied with `scale`.
extern "C" __global__ void assay_distance(float *losses, float *gradient, const float *x, const float *wanted,
                                          unsigned int kind, float delta, float scale, size_t count) {
    size_t at = first_of_four();
    float4 v = load4(x, at, count), w = load4(wanted, at, count);
    // Beyond the end there is no difference.
    float2 a = distance(kind, v.x - w.x, delta), b = distance(kind, v.y - w.y, delta);
    float2 c = distance(kind, v.z - w.z, delta), d = distance(kind, v.w - w.w, delta);
    store4(gradient, at, count, make_float4(a.y, b.y, c.y, d.y) * scale);
    float sum = block_sum(a.x + b.x + (c.x + d.x));
    if (threadIdx.x == 0) losses[blockIdx.x] = sum;
}

// Binary cross-entropy with the sigmoid of scores x, for a target t and a weight w of a yes:
// (1 - t) x + (1 + (w - 1) t) log(1 + exp(-x)). A sum for each block.
extern "C" __global__ void assay_binary(float *losses, float *gradient, const float *scores, const float *wanted,
                                        const float *weights, size_t period, float scale, size_t count) {
    size_t at = 4 * (blockIdx.x * (size_t)blockDim.x) + threadIdx.x;
    float sum = 0;
    for (int step = 0; step < 4; step++, at += blockDim.x) {
        if (at >= count) break;
        float x = scores[at], t = wanted[at];
        float factor = 1 + ((weights ? weights[at % period] : 1) - 1) * t;
        // log(1 + exp(-x)) and 1 / (1 + exp(x)) without a power above 1.
        float small = expf(-fabsf(x));
        float softplus = log1pf(small) + (x < 0 ? -x : 0);
        float below = (x < 0 ? 1 : small) / (1 + small);
        sum += (1 - t) * x + factor * softplus;
        gradient[at] = scale * ((1 - t) - factor * below);
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) losses[blockIdx.x] = sum;
}

// How many of a block's `size` numbers are left from the first on that is no probability; 0 if all are.
extern "C" __global__ void assay_improbable(float *left, const float *x, size_t size, size_t count) {
    size_t start = blockIdx.x * size, end = start + size < count ? start + size : count;
    float most = 0;
    for (size_t i = start + threadIdx.x; i < end; i += blockDim.x) {
        // NaN is none.
        if (!(x[i] >= 0 && x[i] <= 1)) most = fmaxf(most, (float)(start + size - i));
    }
    most = block_max(most);
    if (threadIdx.x == 0) left[blockIdx.x] = most;
}

// The sum of all losses times a scale, by one block.
extern "C" __global__ void assay_total(float *total, const float *losses, double scale, size_t count) {
    double sum = 0;
    for (size_t i = threadIdx.x; i < count; i += blockDim.x) sum += losses[i];
    sum = block_sum(sum);
    if (threadIdx.x == 0) *total = (float)(sum * scale);
}

// to += scale[0] * gradient, the chain rule; to = that, where nothing is there to be added to.
extern "C" __global__ void assay_add_scaled(float *to, const float *gradient, const float *scale, unsigned int add,
                                            size_t count) {
    size_t at = first_of_four();
    float4 v = load4(gradient, at, count) * *scale;
    store4(to, at, count, add ? load4(to, at, count) + v : v);
}
