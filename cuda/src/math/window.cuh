// A window that slides over pictures. Axes are height, then width.
#pragma once

struct Window {
    unsigned int channels, size[2], kernel[2], stride[2], padding[2], places[2];

    __device__ unsigned int plane() const { return size[0] * size[1]; }
    __device__ unsigned int cells() const { return kernel[0] * kernel[1]; }
    __device__ unsigned int count() const { return places[0] * places[1]; }

    // Where cell `cell` of the window is along an axis when the window is at a place; not in the picture if it is not
    // below its size.
    __device__ unsigned int at(int axis, unsigned int place, unsigned int cell) const {
        return place * stride[axis] + cell - padding[axis];
    }

    // The place at which cell `cell` of the window is at `at`; none if it is not below the number of places.
    __device__ unsigned int place(int axis, unsigned int at, unsigned int cell) const {
        unsigned int from = at + padding[axis] - cell;
        return from > 0x7fffffff || from % stride[axis] ? 0xffffffff : from / stride[axis];
    }
};

// Numbers of one plane for the threads of a column of blocks.
#define EACH(i, count) \
    for (unsigned int i = blockIdx.y * blockDim.x + threadIdx.x; i < (count); i += gridDim.y * blockDim.x)
