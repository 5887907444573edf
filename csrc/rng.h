/* Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): four random words as a pure
 * function of a 128-bit counter and a 64-bit key. The words are a promise: they may never change. */
#ifndef FASTDL_RNG_H
#define FASTDL_RNG_H
#include "vecmath.h"

/* Words of blocks first .. first + 16 count - 1, where block b has the counter (b low, b high, step, stream) and the key is the
 * seed. word[g][j] lane i is word j of block first + 16 g + i. Several sixteens at once hide the products' latency.
 * first: a multiple of 16, so that no lane carries into the high half */
FDL_INLINE void philox(w16 word[][4], uint64_t first, uint64_t seed, uint32_t step, uint32_t stream, const int count)
{
    static const uint32_t lanes[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    enum { MOST = 2 };
    const q16 m0 = q16_set1(0xD2511F53u), m1 = q16_set1(0xCD9E8D57u);
    q16 c0[MOST], c1[MOST], c2[MOST], c3[MOST];   /* words in 64-bit lanes, whose high halves are never looked at */
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int g = 0; g < count; g++) {
        const uint64_t block = first + 16 * (uint64_t)g;
        c0[g] = q16_from_w16(w16_add(w16_set1((uint32_t)block), w16_load(lanes)));
        c1[g] = q16_set1((uint32_t)(block >> 32));
        c2[g] = q16_set1(step);
        c3[g] = q16_set1(stream);
    }
#pragma GCC unroll 10
    for (int round = 0; round < 10; round++) {
#pragma GCC unroll 2
        for (int g = 0; g < count; g++) {
            const q16 product0 = q16_mul(c0[g], m0), product1 = q16_mul(c2[g], m1);
            c0[g] = q16_xor3(q16_high(product1), c1[g], q16_set1(k0));
            c2[g] = q16_xor3(q16_high(product0), c3[g], q16_set1(k1));
            c1[g] = product1;
            c3[g] = product0;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    for (int g = 0; g < count; g++) {
        word[g][0] = q16_low(c0[g]);
        word[g][1] = q16_low(c1[g]);
        word[g][2] = q16_low(c2[g]);
        word[g][3] = q16_low(c3[g]);
    }
}

FDL_INLINE void philox16(w16 word[4], uint64_t first, uint64_t seed, uint32_t step, uint32_t stream)
{
    w16 words[1][4];
    philox(words, first, seed, step, stream, 1);
    for (int j = 0; j < 4; j++)
        word[j] = words[0][j];
}

/* Standard normal deviates first .. first + 63 by Box and Muller (1958); elements 2 i and 2 i + 1 share two words, a radius and
 * an angle: words 2 i % 4 and 2 i % 4 + 1 of block i / 2.   y: (64,)   first: a multiple of 64 */
FDL_INLINE void normal64(float y[64], uint64_t first, uint64_t seed, uint32_t step, uint32_t stream)
{
    w16 word[4];
    float lane[4][16];
    philox16(word, first / 4, seed, step, stream);
    for (int j = 0; j < 4; j += 2) {
        /* u in (0, 1], turn in [0, 1) */
        const v16 u = v16_mul(v16_add(w16_to_float(w16_shr(word[j], 8)), v16_set1(1.0f)), v16_set1(0x1p-24f));
        const v16 turn = v16_mul(w16_to_float(w16_shr(word[j + 1], 8)), v16_set1(0x1p-24f));
        const v16 radius = v16_sqrt(v16_mul(v16_set1(-2.0f), v16_log(u)));
        v16 sine, cosine;
        v16_sincos_turns(turn, &sine, &cosine);
        v16_store(lane[j], v16_mul(radius, cosine));
        v16_store(lane[j + 1], v16_mul(radius, sine));
    }
    for (int i = 0; i < 64; i++)
        y[i] = lane[i % 4][i / 4];
}
#endif
