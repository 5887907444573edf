/* Random words, uniform and normal deviates: pure functions of (seed, step, stream, index). */
#include "fastdl.h"
#include "rng.h"

/* Blocks first .. first + blocks - 1 in order.   words: (blocks, 4)   blocks at most 16, first a multiple of 16 */
FDL_INLINE void philox_ordered(uint32_t *words, uint64_t first, ptrdiff_t blocks, uint64_t seed, uint32_t step, uint32_t stream)
{
    w16 word[4];
    uint32_t lane[4][16];
    philox16(word, first, seed, step, stream);
    for (int j = 0; j < 4; j++)
        w16_store(lane[j], word[j]);
    for (ptrdiff_t i = 0; i < blocks; i++)
        for (int j = 0; j < 4; j++)
            words[4 * i + j] = lane[j][i];
}

/* words: (blocks, 4)   first: any */
static void fdl_philox(uint32_t *words, uint64_t first, ptrdiff_t blocks, uint64_t seed, uint32_t step, uint32_t stream)
{
    while (blocks > 0) {
        uint32_t group[64];
        const ptrdiff_t skip = (ptrdiff_t)(first % 16), here = blocks < 16 - skip ? blocks : 16 - skip;
        philox_ordered(group, first - (uint64_t)skip, 16, seed, step, stream);
        memcpy(words, group + 4 * skip, (size_t)here * 16);
        words += 4 * here;
        first += (uint64_t)here;
        blocks -= here;
    }
}

/* Uniform on [0, 1) in steps of 2^-24; element e is word e % 4 of block e / 4.   y: (n,)   first: a multiple of 64 */
static void fdl_uniform(float *y, uint64_t first, ptrdiff_t n, uint64_t seed, uint32_t step, uint32_t stream)
{
    for (ptrdiff_t i = 0; i < n; i += 64) {
        uint32_t words[64];
        philox_ordered(words, (first + (uint64_t)i) / 4, 16, seed, step, stream);
        for (ptrdiff_t j = 0; j < 64 && i + j < n; j++)
            y[i + j] = (float)(words[j] >> 8) * 0x1p-24f;
    }
}

/* Standard normal; element e does not depend on n.   y: (n,)   first: a multiple of 64 */
static void fdl_normal(float *y, uint64_t first, ptrdiff_t n, uint64_t seed, uint32_t step, uint32_t stream)
{
    for (ptrdiff_t i = 0; i < n; i += 64) {
        float group[64];
        normal64(group, first + (uint64_t)i, seed, step, stream);
        memcpy(y + i, group, (size_t)(n - i < 64 ? n - i : 64) * sizeof *y);
    }
}
