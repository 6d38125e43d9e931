// Steps of optimizers, and what is done to gradients before: for all parameters at once, a block for every CHUNK
// numbers of one. Sums and products are rounded one by one, in the order in which the processor's code has them, so
// that both give the same weights.

#include "reduce.cuh"

constexpr size_t CHUNK = 4096;

// The list, in words of 64 bits: for each parameter the first of its blocks, and one more where the last end; how many
// numbers each has; then the addresses of one buffer of each, and so on for all buffers.
struct Part {
    const size_t *list;
    size_t parameters, parameter, start, end;

    __device__ Part(const size_t *list, size_t parameters) : list(list), parameters(parameters) {
        size_t low = 0, high = parameters;
        while (low + 1 < high) {
            size_t middle = (low + high) / 2;
            if (list[middle] <= blockIdx.x) low = middle;
            else high = middle;
        }
        parameter = low;
        size_t size = list[parameters + 1 + low];
        start = (blockIdx.x - list[low]) * CHUNK;
        end = start + CHUNK < size ? start + CHUNK : size;
    }

    __device__ float *buffer(size_t which) const {
        return (float *)list[(2 + which) * parameters + 1 + parameter];
    }
};

static __device__ float add(float a, float b) { return __fadd_rn(a, b); }
static __device__ float mul(float a, float b) { return __fmul_rn(a, b); }

#define EACH(part) for (size_t i = part.start + threadIdx.x; i < part.end; i += blockDim.x)

// Buffers: weights, gradients, directions.
extern "C" __global__ void assay_sgd(const size_t *list, size_t parameters, float rate, float momentum, float decay,
                                     unsigned int nesterov) {
    Part part(list, parameters);
    float *weights = part.buffer(0), *directions = part.buffer(2);
    const float *gradients = part.buffer(1);
    EACH(part) {
        float weight = weights[i], gradient = add(gradients[i], mul(decay, weight));
        float direction = add(mul(momentum, directions[i]), gradient);
        float step = nesterov ? add(gradient, mul(momentum, direction)) : direction;
        directions[i] = direction;
        weights[i] = add(weight, -mul(rate, step));
    }
}

// Buffers: weights, gradients, means, means of squares.
extern "C" __global__ void assay_adam(const size_t *list, size_t parameters, float beta1, float beta2, float rest1,
                                      float rest2, float rate, float unbias, float epsilon, float keep, float l2) {
    Part part(list, parameters);
    float *weights = part.buffer(0), *firsts = part.buffer(2), *seconds = part.buffer(3);
    const float *gradients = part.buffer(1);
    EACH(part) {
        float weight = weights[i], gradient = add(gradients[i], mul(l2, weight));
        float first = add(mul(beta1, firsts[i]), mul(rest1, gradient));
        float second = add(mul(beta2, seconds[i]), mul(mul(rest2, gradient), gradient));
        float root = add(__fsqrt_rn(mul(second, unbias)), epsilon);
        firsts[i] = first;
        seconds[i] = second;
        weights[i] = add(mul(keep, weight), -__fdiv_rn(mul(rate, first), root));
    }
}

// Buffers: weights, gradients, means of squares, means, directions.
extern "C" __global__ void assay_rmsprop(const size_t *list, size_t parameters, float rate, float alpha, float rest,
                                         float epsilon, float momentum, float decay, float centered) {
    Part part(list, parameters);
    float *weights = part.buffer(0), *squares = part.buffer(2), *means = part.buffer(3), *directions = part.buffer(4);
    const float *gradients = part.buffer(1);
    EACH(part) {
        float weight = weights[i], gradient = add(gradients[i], mul(decay, weight));
        float square = add(mul(alpha, squares[i]), mul(mul(rest, gradient), gradient));
        float mean = add(mul(alpha, means[i]), mul(rest, gradient));
        float variance = fmaxf(add(square, -mul(mul(centered, mean), mean)), 0);
        float root = add(__fsqrt_rn(variance), epsilon);
        float direction = add(mul(momentum, directions[i]), __fdiv_rn(gradient, root));
        squares[i] = square;
        means[i] = mean;
        directions[i] = direction;
        weights[i] = add(weight, -mul(rate, direction));
    }
}

extern "C" __global__ void assay_scale(const size_t *list, size_t parameters, size_t which, float factor) {
    Part part(list, parameters);
    float *x = part.buffer(which);
    EACH(part) x[i] *= factor;
}

// NaN stays NaN.
extern "C" __global__ void assay_clamp(const size_t *list, size_t parameters, size_t which, float limit) {
    Part part(list, parameters);
    float *x = part.buffer(which);
    EACH(part) x[i] = x[i] > limit ? limit : x[i] < -limit ? -limit : x[i];
}

// Moves the averages, which are the second buffer, towards the first.
extern "C" __global__ void assay_average(const size_t *list, size_t parameters, float share) {
    Part part(list, parameters);
    const float *x = part.buffer(0);
    float *averages = part.buffer(1);
    EACH(part) averages[i] = add(averages[i], mul(share, add(x[i], -averages[i])));
}

extern "C" __global__ void assay_exchange(const size_t *list, size_t parameters) {
    Part part(list, parameters);
    float *a = part.buffer(0), *b = part.buffer(1);
    EACH(part) {
        float x = a[i];
        a[i] = b[i];
        b[i] = x;
    }
}

// The sum of squares in each block, which is finite exactly if all its numbers are.
extern "C" __global__ void assay_squares(double *sums, const size_t *list, size_t parameters, size_t which) {
    Part part(list, parameters);
    const float *x = part.buffer(which);
    double sum = 0;
    EACH(part) sum += (double)x[i] * x[i];
    sum = block_sum(sum);
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

// Buffers: weights, gradients. Adds the slope of strength |w| to the gradients; the sums are those of |w|.
extern "C" __global__ void assay_l1(double *sums, const size_t *list, size_t parameters, float strength) {
    Part part(list, parameters);
    const float *weights = part.buffer(0);
    float *gradients = part.buffer(1);
    double sum = 0;
    EACH(part) {
        float weight = weights[i];
        sum += fabsf(weight);
        if (weight != 0) gradients[i] += copysignf(strength, weight);
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

// The same for strength w^2.
extern "C" __global__ void assay_l2(double *sums, const size_t *list, size_t parameters, float strength) {
    Part part(list, parameters);
    const float *weights = part.buffer(0);
    float *gradients = part.buffer(1);
    double sum = 0;
    EACH(part) {
        float weight = weights[i];
        sum += (double)weight * weight;
        gradients[i] = add(gradients[i], mul(2 * strength, weight));
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}
