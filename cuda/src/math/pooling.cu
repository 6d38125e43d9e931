// The largest or the mean of what a window sees, plane by plane: a column of blocks for each.

#include "window.cuh"

// Calls with the place in the plane of each cell of the window, in their order.
template <class Do> static __device__ void each_seen(const Window &window, unsigned int place, Do see) {
    for (unsigned int y = 0; y < window.kernel[0]; y++) {
        unsigned int down = window.at(0, place / window.places[1], y);
        if (down >= window.size[0]) continue;
        for (unsigned int x = 0; x < window.kernel[1]; x++) {
            unsigned int across = window.at(1, place % window.places[1], x);
            if (across < window.size[1]) see(down * window.size[1] + across);
        }
    }
}

// Calls with each place from which the window sees a cell, in the order of the window's cells.
template <class Do> static __device__ void each_seer(const Window &window, unsigned int cell, Do seen) {
    for (unsigned int y = 0; y < window.kernel[0]; y++) {
        unsigned int down = window.place(0, cell / window.size[1], y);
        if (down >= window.places[0]) continue;
        for (unsigned int x = 0; x < window.kernel[1]; x++) {
            unsigned int across = window.place(1, cell % window.size[1], x);
            if (across < window.places[1]) seen(down * window.places[1] + across);
        }
    }
}

// The largest and where it is; of equals, the first. NaN is kept once seen, so that it is not lost on the way to the loss.
extern "C" __global__ void assay_largest(float *out, unsigned int *at, const float *x, Window window) {
    x += blockIdx.x * (size_t)window.plane();
    out += blockIdx.x * (size_t)window.count();
    at += blockIdx.x * (size_t)window.count();
    EACH(place, window.count()) {
        float most = -INFINITY;
        unsigned int where = 0;
        each_seen(window, place, [&](unsigned int cell) {
            float value = x[cell];
            if (value > most || value != value) {
                most = value;
                where = cell;
            }
        });
        out[place] = most;
        at[place] = where;
    }
}

extern "C" __global__ void assay_largest_backward(float *to, const float *gradient, const unsigned int *at,
                                                  Window window) {
    to += blockIdx.x * (size_t)window.plane();
    gradient += blockIdx.x * (size_t)window.count();
    at += blockIdx.x * (size_t)window.count();
    EACH(cell, window.plane()) {
        float sum = 0;
        each_seer(window, cell, [&](unsigned int place) { sum += at[place] == cell ? gradient[place] : 0; });
        to[cell] += sum;
    }
}

// The mean over the padding's zeros too; `share` is one over the window's cells.
extern "C" __global__ void assay_mean(float *out, const float *x, Window window, float share) {
    x += blockIdx.x * (size_t)window.plane();
    out += blockIdx.x * (size_t)window.count();
    EACH(place, window.count()) {
        float sum = 0;
        each_seen(window, place, [&](unsigned int cell) { sum += x[cell] * share; });
        out[place] = sum;
    }
}

extern "C" __global__ void assay_mean_backward(float *to, const float *gradient, Window window, float share) {
    to += blockIdx.x * (size_t)window.plane();
    gradient += blockIdx.x * (size_t)window.count();
    EACH(cell, window.plane()) {
        float sum = 0;
        each_seer(window, cell, [&](unsigned int place) { sum += gradient[place] * share; });
        to[cell] += sum;
    }
}
