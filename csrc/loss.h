/* What all losses share. The gradient is that of the weighted mean sum(s l) / sum(s) over the whole batch; a row of weight
 * 0 has a gradient of exactly 0, whatever it holds. */
#ifndef FASTDL_LOSS_H
#define FASTDL_LOSS_H
#include "fastdl.h"
#include "vecmath.h"

FDL_INLINE float row_share(const fastdl_loss *a, ptrdiff_t i) /* s_i / sum(s) */
{
    const double total = *a->total_weight;
    return total > 0.0 ? (float)((a->weights ? (double)a->weights[i] : 1.0) / total) : 0.0f;
}

/* ln(1 + x) for x >= 0, precise where 1 + x has lost most of x: what the rounding took away is put back in first order
 * (W. Kahan). Error below 2 ULP. */
FDL_INLINE v16 v16_log1p(v16 x)
{
    const v16 one = v16_set1(1.0f), y = v16_add(one, x);
    return v16_add(v16_log(y), v16_div(v16_sub(x, v16_sub(y, one)), y));
}
#endif
