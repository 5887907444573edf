/* Dropout's mask as it is used: bit e % 8 of byte e / 8 says whether element e is kept. */
#ifndef FASTDL_MASK_H
#define FASTDL_MASK_H
#include "vec.h"

/* Which of the 16 elements from this one on are kept.   bits: with 4 readable bytes after the last */
FDL_INLINE m16 kept_from(const uint8_t *bits, uint64_t element)
{
    uint32_t window;
    memcpy(&window, bits + element / 8, sizeof window);   /* little-endian, as all machines that we know */
    return m16_from_bits(window >> element % 8 & 0xFFFF);
}

/* What they are multiplied by: keep, or 0. */
FDL_INLINE v16 mask_factor(const uint8_t *bits, uint64_t element, v16 keep)
{
    return v16_select(kept_from(bits, element), keep, v16_zero());
}
#endif
