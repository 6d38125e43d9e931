// Convolution, besides its products: pictures laid out as columns of what the window sees, and back.

#include "reduce.cuh"
#include "window.cuh"

// A row for each number that the window sees (channel, then height, then width, as a weight has them), a column for each
// place of each picture: `columns` is [sees, pictures, places]. Outside the picture there are zeros. A column of blocks
// for each row of one picture.
extern "C" __global__ void assay_unfold(float *columns, const float *pictures, Window window, unsigned int batch) {
    unsigned int row = blockIdx.x / batch, picture = blockIdx.x % batch, channel = row / window.cells();
    unsigned int y = row / window.kernel[1] % window.kernel[0], x = row % window.kernel[1];
    const float *plane = pictures + (picture * (size_t)window.channels + channel) * window.plane();
    columns += blockIdx.x * (size_t)window.count();
    EACH(place, window.count()) {
        unsigned int down = window.at(0, place / window.places[1], y);
        unsigned int across = window.at(1, place % window.places[1], x);
        bool inside = down < window.size[0] && across < window.size[1];
        columns[place] = inside ? plane[down * window.size[1] + across] : 0;
    }
}

// The reverse: adds to each number of the pictures all that were laid out from it, in the order of the window's cells. A
// column of blocks for each channel of each picture.
extern "C" __global__ void assay_fold(float *pictures, const float *columns, Window window, unsigned int batch) {
    unsigned int picture = blockIdx.x / window.channels, channel = blockIdx.x % window.channels;
    size_t line = batch * (size_t)window.count();
    columns += channel * window.cells() * line + picture * (size_t)window.count();
    pictures += blockIdx.x * (size_t)window.plane();
    EACH(i, window.plane()) {
        float sum = 0;
        for (unsigned int y = 0; y < window.kernel[0]; y++) {
            unsigned int down = window.place(0, i / window.size[1], y);
            if (down >= window.places[0]) continue;
            for (unsigned int x = 0; x < window.kernel[1]; x++) {
                unsigned int across = window.place(1, i % window.size[1], x);
                if (across >= window.places[1]) continue;
                sum += columns[(y * window.kernel[1] + x) * line + down * window.places[1] + across];
            }
        }
        pictures[i] += sum;
    }
}

// Each plane of `out`, [batch, kernels, count], becomes its kernel's bias: what a product is then added to.
extern "C" __global__ void assay_fill_planes(float *out, const float *bias, unsigned int kernels,
                                             unsigned int count) {
    float value = bias[blockIdx.x % kernels];
    out += blockIdx.x * (size_t)count;
    EACH(i, count) out[i] = value;
}

// [batch, kernels, count] as [kernels, batch, count].
extern "C" __global__ void assay_gather_planes(float *to, const float *from, unsigned int batch,
                                               unsigned int kernels, unsigned int count) {
    unsigned int kernel = blockIdx.x / batch, picture = blockIdx.x % batch;
    from += (picture * (size_t)kernels + kernel) * count;
    to += blockIdx.x * (size_t)count;
    EACH(i, count) to[i] = from[i];
}

// Adds the sum of each kernel's planes to `sums`: a block for each kernel, whose warps share the pictures.
extern "C" __global__ void assay_sum_planes(float *sums, const float *x, size_t batch, unsigned int kernels,
                                            unsigned int count) {
    float sum = 0;
    for (size_t picture = threadIdx.x / 32; picture < batch; picture += blockDim.x / 32) {
        const float *plane = x + (picture * kernels + blockIdx.x) * count;
        for (unsigned int i = threadIdx.x % 32; i < count; i += 32) sum += plane[i];
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) sums[blockIdx.x] += sum;
}
