/* Sixteen lanes at a time, whatever the registers are: one 512-bit vector, two 256-bit ones or four 128-bit ones.
 *
 *   v16   sixteen float32          d16   sixteen float64          w16   sixteen uint32          m16   sixteen truth values
 *   q16   sixteen uint64, which are made of words and multiplied by their low halves
 *
 * An algorithm written over these types gives the same bits with every instruction set that has FMA: all operations are
 * single IEEE operations, and sums over lanes follow one fixed tree. A struct of native vectors is used, and not a raw
 * 64-byte GNU vector, because gcc 12 lowers the latter to AVX2 eight times slower. Each backend defines:
 *
 *   FASTDL_MR, FASTDL_NV   rows and vectors of the GEMM tile, chosen so that it just fills the register file
 *   FASTDL_FREE_MASKS      1 if a masked load costs no more than a plain one
 *
 * v16_sum and d16_sum add the lanes by one tree: lane i and lane i + 8, then 4, 2, 1. v16_largest goes the same way, and with
 * NaN in a lane gives NaN or the largest of the others: callers that must see NaN look at the sum. */
#ifndef FASTDL_VEC_H
#define FASTDL_VEC_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FDL_INLINE static inline __attribute__((always_inline, unused))

#if defined(__AVX512F__)
#include "vec_avx512.h"
#elif defined(__AVX2__)
#include "vec_avx2.h"
#else
#include "vec_generic.h"
#endif

FDL_INLINE v16 v16_zero(void) { return v16_set1(0.0f); }

/* The first n numbers of p, and zeros. */
FDL_INLINE d16 d16_load_n(const double *p, int n)
{
    double lane[16] = {0};
    if (n == 16)
        return d16_load(p);
    memcpy(lane, p, (size_t)n * sizeof *p);
    return d16_load(lane);
}
FDL_INLINE void d16_store_n(double *p, d16 x, int n)
{
    double lane[16];
    if (n == 16) {
        d16_store(p, x);
        return;
    }
    d16_store(lane, x);
    memcpy(p, lane, (size_t)n * sizeof *p);
}

#endif
