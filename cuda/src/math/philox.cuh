// Random numbers by counting: Philox4x32-10 (Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3, 2011). The
// same key and place give the same number, so that what was drawn need not be kept.
#pragma once

// Four words of 32 bits at a place.
static __device__ uint4 philox(uint2 key, size_t place) {
    uint4 c = make_uint4((unsigned int)place, (unsigned int)(place >> 32), 0, 0);
    for (int round = 0; round < 10; round++) {
        unsigned int high0 = __umulhi(0xD2511F53u, c.x), low0 = 0xD2511F53u * c.x;
        unsigned int high1 = __umulhi(0xCD9E8D57u, c.z), low1 = 0xCD9E8D57u * c.z;
        c = make_uint4(high1 ^ c.y ^ key.x, low1, high0 ^ c.w ^ key.y, low0);
        key.x += 0x9E3779B9u;
        key.y += 0xBB67AE85u;
    }
    return c;
}

// One of the four.
static __device__ unsigned int word(uint4 words, unsigned int which) {
    unsigned int low = which & 1 ? words.y : words.x, high = which & 1 ? words.w : words.z;
    return which & 2 ? high : low;
}
