// Losses of pairs of embeddings: what belongs together should be near, what does not should be far.

#include "reduce.cuh"

// With d the distance of two rows, d^2 / 2 if they belong together and (margin - d)^2 / 2 if they don't and are nearer
// than that: a block for each pair. The derivative by the one row is the opposite of that by the other, and is
// multiplied with `scale`.
extern "C" __global__ void assay_contrastive(float *losses, float *of_first, float *of_second, const float *first,
                                             const float *second, const unsigned int *same, size_t width,
                                             float margin, float scale) {
    size_t start = blockIdx.x * width, end = start + width;
    float square = 0;
    for (size_t i = start + threadIdx.x; i < end; i += blockDim.x) {
        float difference = first[i] - second[i];
        square += difference * difference;
    }
    square = block_sum(square);
    // NaN is not hidden by a maximum.
    float distance = sqrtf(square), missing = distance >= margin ? 0 : margin - distance;
    // Where there is no distance there is no direction.
    float pull = same[blockIdx.x] ? 1 : distance == 0 ? 0 : -missing / distance;
    pull *= scale;
    for (size_t i = start + threadIdx.x; i < end; i += blockDim.x) {
        float force = pull * (first[i] - second[i]);
        of_first[i] = force;
        of_second[i] = -force;
    }
    if (threadIdx.x == 0) losses[blockIdx.x] = 0.5f * (same[blockIdx.x] ? square : missing * missing);
}

// Rows scaled to length 1, the `half` ones of `first` and then those of `second`: a block for each. Zeros stay zeros.
extern "C" __global__ void assay_units(float *units, float *lengths, const float *first, const float *second,
                                       size_t half, size_t width) {
    size_t row = blockIdx.x;
    const float *x = row < half ? first + row * width : second + (row - half) * width;
    float square = 0;
    for (size_t i = threadIdx.x; i < width; i += blockDim.x) square += x[i] * x[i];
    float length = sqrtf(block_sum(square));
    for (size_t i = threadIdx.x; i < width; i += blockDim.x) units[row * width + i] = length == 0 ? 0 : x[i] / length;
    if (threadIdx.x == 0) lengths[row] = length;
}

// From what each of `count` rows has in common with each: the cross-entropy of its choice among the others, by the
// softmax of `cold` times that, where the row half of all away is right. A block for each row, in whose place the
// derivative is left, softmax less 1 for the right one, times `scale`.
extern "C" __global__ void assay_choices(float *losses, float *products, size_t count, float cold, float scale) {
    size_t row = blockIdx.x, partner = (row + count / 2) % count;
    float *z = products + row * count;
    float right = cold * z[partner], most = -INFINITY, sum = 0;
    for (size_t i = threadIdx.x; i < count; i += blockDim.x) {
        if (i != row) most = fmaxf(most, cold * z[i]);
    }
    most = block_max(most);
    for (size_t i = threadIdx.x; i < count; i += blockDim.x) {
        if (i != row) sum += expf(cold * z[i] - most);
    }
    sum = block_sum(sum);
    for (size_t i = threadIdx.x; i < count; i += blockDim.x) {
        float share = i == row ? 0 : expf(cold * z[i] - most) / sum;
        z[i] = scale * (i == partner ? share - 1 : share);
    }
    if (threadIdx.x == 0) losses[row] = logf(sum) - (right - most);
}

// From the slopes by rows of length 1 to those by the rows before: what of them is at right angles to the row, divided
// by its length. Zeros have no direction, so none is better.
extern "C" __global__ void assay_units_backward(float *of_first, float *of_second, const float *slopes,
                                                const float *units, const float *lengths, size_t half,
                                                size_t width) {
    size_t row = blockIdx.x;
    float *to = row < half ? of_first + row * width : of_second + (row - half) * width;
    const float *slope = slopes + row * width, *unit = units + row * width;
    float along = 0, length = lengths[row];
    for (size_t i = threadIdx.x; i < width; i += blockDim.x) along += slope[i] * unit[i];
    along = block_sum(along);
    for (size_t i = threadIdx.x; i < width; i += blockDim.x) {
        to[i] = length == 0 ? 0 : (slope[i] - along * unit[i]) / length;
    }
}
