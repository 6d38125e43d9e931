// Dropout: what is dropped is drawn again whenever it is asked for.

#include "four.cuh"
#include "philox.cuh"

// Whether each of four numbers from `at` on is kept: 1 or 0. `group` numbers are kept or dropped together; the words
// of 32 bits below `least` drop.
static __device__ float4 kept(uint2 key, size_t at, size_t group, unsigned int least) {
    size_t place = at / group / 4;
    uint4 words = philox(key, place);
    float keeps[4];
    for (int i = 0; i < 4; i++) {
        size_t of = (at + i) / group;
        if (of / 4 != place) {
            place = of / 4;
            words = philox(key, place);
        }
        keeps[i] = word(words, of % 4) < least ? 0 : 1;
    }
    return make_float4(keeps[0], keeps[1], keeps[2], keeps[3]);
}

// What is kept becomes x scale + shift, the rest `dropped`.
extern "C" __global__ void assay_drop(float *out, const float *x, unsigned int low, unsigned int high, size_t group,
                                      unsigned int least, float scale, float shift, float dropped, size_t count) {
    size_t at = first_of_four();
    if (at >= count) return;
    float4 keep = kept(make_uint2(low, high), at, group, least), v = load4(x, at, count);
    v.x = keep.x ? v.x * scale + shift : dropped;
    v.y = keep.y ? v.y * scale + shift : dropped;
    v.z = keep.z ? v.z * scale + shift : dropped;
    v.w = keep.w ? v.w * scale + shift : dropped;
    store4(out, at, count, v);
}

extern "C" __global__ void assay_drop_backward(float *to, const float *gradient, unsigned int low, unsigned int high,
                                               size_t group, unsigned int least, float scale, size_t count) {
    size_t at = first_of_four();
    if (at >= count) return;
    float4 keep = kept(make_uint2(low, high), at, group, least);
    store4(to, at, count, load4(to, at, count) + load4(gradient, at, count) * (keep * scale));
}
