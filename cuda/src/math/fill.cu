// Zeros in several buffers at once.

struct Stretch {
    unsigned long long address;
    unsigned long long bytes;
};

// As many as `fills.rs` says.
struct Stretches {
    Stretch all[64];
};

// A row of blocks for each stretch, of whole words.
extern "C" __global__ void assay_zero(const Stretches stretches) {
    const Stretch stretch = stretches.all[blockIdx.y];
    size_t first = blockIdx.x * (size_t)blockDim.x + threadIdx.x, step = gridDim.x * (size_t)blockDim.x;
    // Sixteen bytes at a time where they lie so.
    size_t fours = stretch.address % 16 == 0 ? stretch.bytes / 16 : 0;
    float4 *four = (float4 *)stretch.address;
    for (size_t i = first; i < fours; i += step) {
        four[i] = make_float4(0, 0, 0, 0);
    }
    float *one = (float *)stretch.address;
    for (size_t i = 4 * fours + first; i < stretch.bytes / 4; i += step) {
        one[i] = 0;
    }
}
