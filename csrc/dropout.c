/* Inverted dropout (Srivastava et al. 2014). The mask is a pure function of (seed, step, stream, element), 16 random bits an
 * element: element e is half e % 8 (low halves first) of Philox block e / 8, and is kept if that half >= threshold. */
#include "fastdl.h"
#include "mask.h"
#include "rng.h"

enum { AT_ONCE = FASTDL_NV };   /* groups of 128 elements, as many as registers hold */

/* bits: (count, 16)   limit: threshold - 1 in both halves of a word, of which 65535 is the most */
FDL_INLINE void group_bits(uint8_t *bits, uint64_t first, uint64_t seed, uint32_t step, uint32_t stream, w16 limit,
                           const int count)
{
    w16 word[AT_ONCE][4];
    philox(word, first * 16, seed, step, stream, count);
    for (int g = 0; g < count; g++) {
        w16 kept = w16_set1(0);
#pragma GCC unroll 4
        for (unsigned j = 0; j < 4; j++)
            kept = w16_or(kept, w16_where_above(word[g][j], limit, w16_set1(0x20001u << 2 * j)));
        w16_store_bytes(bits + 16 * g, w16_or(kept, w16_shr(kept, 16)));
    }
}

/* Keep-bits of groups of 128 elements: bit e % 8 of byte e / 8.   bits: (groups, 16)   first: index of the first group */
static void fdl_dropout_bits(uint8_t *bits, uint64_t first, ptrdiff_t groups, uint64_t seed, uint32_t step, uint32_t stream,
                             uint32_t threshold)
{
    if (threshold == 0) {
        memset(bits, 0xFF, (size_t)groups * 16);
        return;
    }
    const w16 limit = w16_set1((threshold - 1) * 0x10001u);
    ptrdiff_t i = 0;
    for (; i + AT_ONCE <= groups; i += AT_ONCE)
        group_bits(bits + 16 * i, first + (uint64_t)i, seed, step, stream, limit, AT_ONCE);
    for (; i < groups; i++)
        group_bits(bits + 16 * i, first + (uint64_t)i, seed, step, stream, limit, 1);
}

/* y = x * (kept ? scale : 0), a product so that NaN comes through.   y: (rows, ldy)   x: (rows, ldx), may be y
 * bits: of the whole batch, with 4 readable bytes after the last; these are its rows row0 .. row0 + rows - 1 */
static void fdl_dropout_apply(float *y, const float *x, const uint8_t *bits, ptrdiff_t row0, ptrdiff_t rows, ptrdiff_t cols,
                              ptrdiff_t ldy, ptrdiff_t ldx, float scale)
{
    const v16 keep = v16_set1(scale);
    for (ptrdiff_t i = 0; i < rows; i++, y += ldy, x += ldx) {
        const mask_row mask = mask_from(bits, (uint64_t)((row0 + i) * cols));
        ptrdiff_t j = 0;
        for (; j + 16 <= cols; j += 16)
            v16_store(y + j, v16_mul(v16_load(x + j), mask_factor(mask, j, keep)));
        if (j < cols) {
            const int n = (int)(cols - j);
            v16_store_n(y + j, v16_mul(v16_load_n(x + j, n), mask_factor(mask, j, keep)), n);
        }
    }
}

/* Alpha dropout (Klambauer et al. 2017): y = x scale + kept where kept, x 0 + dropped elsewhere, so that NaN comes through.
 * The gradient is the same with kept = dropped = 0.   y, x, bits: as in dropout_apply */
static void fdl_alpha_dropout(float *y, const float *x, const uint8_t *bits, ptrdiff_t row0, ptrdiff_t rows, ptrdiff_t cols,
                              ptrdiff_t ldy, ptrdiff_t ldx, float scale, float kept, float dropped)
{
    const v16 keep = v16_set1(scale), drop = v16_zero(), kept_shift = v16_set1(kept), dropped_shift = v16_set1(dropped);
    for (ptrdiff_t i = 0; i < rows; i++) {
        const mask_row mask = mask_from(bits, (uint64_t)((row0 + i) * cols));
        for (ptrdiff_t j = 0; j < cols; j += 16) {
            const int n = (int)(cols - j < 16 ? cols - j : 16);
            const m16 here = kept_at(mask, j);
            const v16 factor = v16_select(here, keep, drop), shift = v16_select(here, kept_shift, dropped_shift);
            v16_store_n(y + i * ldy + j, v16_fma(v16_load_n(x + i * ldx + j, n), factor, shift), n);
        }
    }
}
