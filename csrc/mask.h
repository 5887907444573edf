/* Dropout's mask as it is used: bit e % 8 of byte e / 8 says whether element e is kept. */
#ifndef FASTDL_MASK_H
#define FASTDL_MASK_H
#include "vec.h"

/* Where the mask of a row begins.   at: with 4 readable bytes after the last */
typedef struct {
    const uint8_t *at;
    unsigned shift;
} mask_row;

FDL_INLINE mask_row mask_from(const uint8_t *bits, uint64_t element)
{
    return (mask_row){bits + element / 8, (unsigned)(element % 8)};
}

/* Which of the 16 elements from column j of the row on are kept.   j: a multiple of 8 */
FDL_INLINE m16 kept_at(mask_row row, ptrdiff_t j)
{
    uint32_t window;
    memcpy(&window, row.at + (size_t)j / 8, sizeof window);   /* little-endian, as all machines that we know */
    return m16_from_bits(window >> row.shift & 0xFFFF);
}

/* What they are multiplied by: keep, or 0. */
FDL_INLINE v16 mask_factor(mask_row row, ptrdiff_t j, v16 keep) { return v16_select(kept_at(row, j), keep, v16_zero()); }
#endif
