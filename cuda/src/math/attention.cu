// Attention, besides its products: a softmax over what each query may look at, and rows of all heads taken apart.

#include "four.cuh"
#include "philox.cuh"
#include "reduce.cuh"

// Numbers from `at` on of a row of the weights after dropout: what is kept is scaled. Each row draws from places of its
// own, four numbers from one.
static __device__ float4 dropped(float4 v, uint2 key, size_t row, size_t keys, size_t at, unsigned int least,
                                 float scale) {
    uint4 words = philox(key, row * ((keys + 3) / 4) + at / 4);
    return v * make_float4(words.x < least ? 0 : scale, words.y < least ? 0 : scale, words.z < least ? 0 : scale,
                           words.w < least ? 0 : scale);
}

// The row that this warp has, of [batch, heads, queries]. A warp's lane has four numbers in a row, then the four that are
// 128 further on.
static __device__ size_t row_of_warp() { return (blockIdx.x * (size_t)blockDim.x + threadIdx.x) / 32; }
#define FOURS(end) for (size_t at = 4 * (threadIdx.x % 32); at < end; at += 128)

// How many keys a query looks at, padding aside.
static __device__ size_t seen_by(size_t query, size_t keys, unsigned int causal) {
    return causal && query + 1 < keys ? query + 1 : keys;
}

struct Seen {
    const unsigned char *hidden; // of this sequence; or there is none
    size_t end;

    __device__ bool has(size_t key) const { return key < end && !(hidden && hidden[key]); }

    // What is not seen becomes `other`.
    __device__ float4 of(float4 v, size_t at, float other) const {
        return make_float4(has(at) ? v.x : other, has(at + 1) ? v.y : other, has(at + 2) ? v.z : other,
                           has(at + 3) ? v.w : other);
    }
};

static __device__ bool is_nan(float4 v) { return v.x != v.x || v.y != v.y || v.z != v.z || v.w != v.w; }
static __device__ float sum_of(float4 v) { return (v.x + v.y) + (v.z + v.w); }

// Turns each row of scores into weights: the softmax of `scale` times the scores, over what is seen. A row that sees
// nothing gets zeros. With `kept`, what dropout leaves of the weights is written there.
extern "C" __global__ void assay_softmax(float *scores, float *kept, const unsigned char *hidden, size_t rows,
                                         size_t heads, size_t queries, size_t keys, unsigned int causal, float scale,
                                         unsigned int low, unsigned int high, unsigned int least, float kept_scale) {
    size_t row = row_of_warp();
    if (row >= rows) return;
    scores += row * keys;
    Seen seen = {hidden ? hidden + row / (heads * queries) * keys : nullptr, seen_by(row % queries, keys, causal)};
    float most = -INFINITY, sum = 0;
    bool nan = false;
    FOURS(seen.end) {
        float4 v = seen.of(load4(scores, at, keys), at, -INFINITY);
        most = fmaxf(most, fmaxf(fmaxf(v.x, v.y), fmaxf(v.z, v.w)));
        nan |= is_nan(v);
    }
    most = warp_max(most);
    bool nothing = most == -INFINITY && !__any_sync(0xffffffff, nan);
    FOURS(keys) {
        float4 v = make_float4(0, 0, 0, 0);
        if (!nothing && at < seen.end) {
            v = load4(scores, at, keys);
            v = make_float4(expf((v.x - most) * scale), expf((v.y - most) * scale), expf((v.z - most) * scale),
                            expf((v.w - most) * scale));
            v = seen.of(v, at, 0);
            sum += sum_of(v);
        }
        store4(scores, at, keys, v);
    }
    float share = nothing ? 0 : 1 / warp_sum(sum);
    FOURS(seen.end) store4(scores, at, keys, load4(scores, at, keys) * share);
    if (kept) {
        kept += row * keys;
        uint2 key = make_uint2(low, high);
        FOURS(keys) store4(kept, at, keys, dropped(load4(scores, at, keys), key, row, keys, at, least, kept_scale));
    }
}

// What dropout leaves of the weights, again.
extern "C" __global__ void assay_drop_weights(float *kept, const float *weights, size_t rows, size_t keys,
                                              unsigned int low, unsigned int high, unsigned int least,
                                              float kept_scale) {
    size_t row = row_of_warp();
    if (row >= rows) return;
    kept += row * keys;
    weights += row * keys;
    uint2 key = make_uint2(low, high);
    FOURS(keys) store4(kept, at, keys, dropped(load4(weights, at, keys), key, row, keys, at, least, kept_scale));
}

// Turns the gradient g of what dropout left into that of the scores: w (g - sum of g w) scale.
extern "C" __global__ void assay_softmax_backward(float *gradient, const float *weights, size_t rows, size_t queries,
                                                  size_t keys, unsigned int causal, float scale, unsigned int low,
                                                  unsigned int high, unsigned int least, float kept_scale) {
    size_t row = row_of_warp();
    if (row >= rows) return;
    gradient += row * keys;
    weights += row * keys;
    size_t seen = seen_by(row % queries, keys, causal);
    uint2 key = make_uint2(low, high);
    float along = 0;
    FOURS(seen) {
        float4 v = load4(gradient, at, keys);
        if (least) {
            v = dropped(v, key, row, keys, at, least, kept_scale);
            store4(gradient, at, keys, v);
        }
        along += sum_of(v * load4(weights, at, keys));
    }
    along = warp_sum(along);
    FOURS(keys) {
        float4 v = make_float4(0, 0, 0, 0);
        if (at < seen) {
            v = load4(gradient, at, keys);
            v = make_float4(v.x - along, v.y - along, v.z - along, v.w - along) * load4(weights, at, keys) * scale;
        }
        store4(gradient, at, keys, v);
    }
}

// From rows of all heads, [batch, rows, heads, head], to the rows of each head, [batch, heads, rows, head]: queries,
// keys, values and a gradient, one after the other in `to`, as many as the grid is high. Queries and gradient have other
// numbers of rows than keys and values. A block for each row.
extern "C" __global__ void assay_split_heads(float *to, const float *queries, const float *keys, const float *values,
                                             const float *gradient, size_t batch, size_t query_rows, size_t key_rows,
                                             unsigned int heads, unsigned int head) {
    unsigned int which = blockIdx.y, dim = heads * head;
    size_t rows = which == 0 || which == 3 ? query_rows : key_rows;
    if (blockIdx.x >= batch * rows) return;
    const float *from = which == 0 ? queries : which == 1 ? keys : which == 2 ? values : gradient;
    to += batch * dim * (which == 0 ? 0 : query_rows + (which - 1) * key_rows);
    from += blockIdx.x * (size_t)dim;
    size_t sequence = blockIdx.x / rows, row = blockIdx.x % rows;
    for (unsigned int i = threadIdx.x; i < dim; i += blockDim.x) {
        to[((sequence * heads + i / head) * rows + row) * head + i % head] = from[i];
    }
}

static __device__ void merge(float *to, const float *from, size_t count, size_t rows, unsigned int heads,
                             unsigned int head, unsigned int add) {
    if (!to || blockIdx.x >= count) return;
    to += blockIdx.x * (size_t)(heads * head);
    size_t sequence = blockIdx.x / rows, row = blockIdx.x % rows;
    for (unsigned int i = threadIdx.x; i < heads * head; i += blockDim.x) {
        float value = from[((sequence * heads + i / head) * rows + row) * head + i % head];
        to[i] = add ? to[i] + value : value;
    }
}

// The way back, or what is there plus that: of queries, keys and values, as many as there are. Two of them may be one
// buffer: each thread has the same place in all.
extern "C" __global__ void assay_merge_heads(float *queries, float *keys, float *values, const float *from,
                                             size_t batch, size_t query_rows, size_t key_rows, unsigned int heads,
                                             unsigned int head, unsigned int add) {
    size_t dim = heads * head, of_queries = batch * query_rows, of_keys = batch * key_rows;
    merge(queries, from, of_queries, query_rows, heads, head, add);
    merge(keys, from + of_queries * dim, of_keys, key_rows, heads, head, add);
    merge(values, from + (of_queries + of_keys) * dim, of_keys, key_rows, heads, head, add);
}
