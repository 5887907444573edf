/* Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): four random words as a pure
 * function of a 128-bit counter and a 64-bit key. The words are a promise: they may never change. */
#ifndef FASTDL_RNG_H
#define FASTDL_RNG_H
#include "vecmath.h"

/* Words of blocks first .. first + 15, where block b has the counter (b low, b high, step, stream) and the key is the seed.
 * word[j] lane i is word j of block first + i.   first: a multiple of 16, so that no lane carries into the high half */
FDL_INLINE void philox16(w16 word[4], uint64_t first, uint64_t seed, uint32_t step, uint32_t stream)
{
    static const uint32_t lanes[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    w16 c0 = w16_add(w16_set1((uint32_t)first), w16_load(lanes)), c1 = w16_set1((uint32_t)(first >> 32));
    w16 c2 = w16_set1(step), c3 = w16_set1(stream);
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
#pragma GCC unroll 10
    for (int round = 0; round < 10; round++) {
        w16 hi0, lo0, hi1, lo1;
        w16_mul(c0, 0xD2511F53u, &hi0, &lo0);
        w16_mul(c2, 0xCD9E8D57u, &hi1, &lo1);
        c0 = w16_xor(w16_xor(hi1, c1), w16_set1(k0));
        c2 = w16_xor(w16_xor(hi0, c3), w16_set1(k1));
        c1 = lo1;
        c3 = lo0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    word[0] = c0;
    word[1] = c1;
    word[2] = c2;
    word[3] = c3;
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
