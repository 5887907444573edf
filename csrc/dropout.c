/* Inverted dropout (Srivastava et al. 2014). The mask is a pure function of (seed, step, stream, element), 16 random bits an
 * element: element e is half e % 8 (low halves first) of Philox block e / 8, and is kept if that half >= threshold. */
#include "fastdl.h"
#include "mask.h"
#include "rng.h"

/* Keep-bits of groups of 128 elements: bit e % 8 of byte e / 8.   bits: (groups, 16)   first: index of the first group */
static void fdl_dropout_bits(uint8_t *bits, uint64_t first, ptrdiff_t groups, uint64_t seed, uint32_t step, uint32_t stream,
                             uint32_t threshold)
{
    const w16 low = w16_set1(0xFFFF), limit = w16_set1(threshold);
    for (ptrdiff_t i = 0; i < groups; i++) {
        w16 word[4], dropped = w16_set1(0);
        philox16(word, (first + (uint64_t)i) * 16, seed, step, stream);
#pragma GCC unroll 4
        for (unsigned j = 0; j < 4; j++) {
            dropped = w16_or(dropped, w16_less_bit(w16_and(word[j], low), limit, 1u << 2 * j));
            dropped = w16_or(dropped, w16_less_bit(w16_shr(word[j], 16), limit, 2u << 2 * j));
        }
        w16_store_bytes(bits + 16 * i, w16_xor(dropped, w16_set1(0xFF)));
    }
}

/* y = x * (kept ? scale : 0), a product so that NaN comes through.   y: (rows, ldy)   x: (rows, ldx), may be y
 * bits: of the whole batch, with 4 readable bytes after the last; these are its rows row0 .. row0 + rows - 1 */
static void fdl_dropout_apply(float *y, const float *x, const uint8_t *bits, ptrdiff_t row0, ptrdiff_t rows, ptrdiff_t cols,
                              ptrdiff_t ldy, ptrdiff_t ldx, float scale)
{
    const v16 keep = v16_set1(scale);
    for (ptrdiff_t i = 0; i < rows; i++)
        for (ptrdiff_t j = 0; j < cols; j += 16) {
            const int n = (int)(cols - j < 16 ? cols - j : 16);
            const v16 factor = mask_factor(bits, (uint64_t)((row0 + i) * cols + j), keep);
            v16_store_n(y + i * ldy + j, v16_mul(v16_load_n(x + i * ldx + j, n), factor), n);
        }
}

/* Alpha dropout (Klambauer et al. 2017): y = x scale + kept where kept, x 0 + dropped elsewhere, so that NaN comes through.
 * The gradient is the same with kept = dropped = 0.   y, x, bits: as in dropout_apply */
static void fdl_alpha_dropout(float *y, const float *x, const uint8_t *bits, ptrdiff_t row0, ptrdiff_t rows, ptrdiff_t cols,
                              ptrdiff_t ldy, ptrdiff_t ldx, float scale, float kept, float dropped)
{
    const v16 keep = v16_set1(scale), drop = v16_zero(), kept_shift = v16_set1(kept), dropped_shift = v16_set1(dropped);
    for (ptrdiff_t i = 0; i < rows; i++)
        for (ptrdiff_t j = 0; j < cols; j += 16) {
            const int n = (int)(cols - j < 16 ? cols - j : 16);
            const m16 here = kept_from(bits, (uint64_t)((row0 + i) * cols + j));
            const v16 factor = v16_select(here, keep, drop), shift = v16_select(here, kept_shift, dropped_shift);
            v16_store_n(y + i * ldy + j, v16_fma(v16_load_n(x + i * ldx + j, n), factor, shift), n);
        }
}
