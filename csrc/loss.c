/* Losses of a block of rows, with their gradients in the same pass. The gradient is that of the weighted mean
 * sum(s l) / sum(s) over the whole batch; a row of weight 0 has a gradient of exactly 0, whatever it holds. */
#include "fastdl.h"
#include "vecmath.h"

FDL_INLINE float row_share(const float *weights, ptrdiff_t i, double total) /* s_i / sum(s) */
{
    return total > 0.0 ? (float)((weights ? (double)weights[i] : 1.0) / total) : 0.0f;
}

/* y = e^(x - max x) and returns the sum; *largest gets max x. y may be NULL.   y, x: (cols,) */
FDL_INLINE float exp_row(float *y, float *largest, const float *x, ptrdiff_t cols)
{
    const v16 lowest = v16_set1(-__builtin_inff());
    v16 top = lowest, sum = v16_zero();
    ptrdiff_t j = 0;
    for (; j + 16 <= cols; j += 16)
        top = v16_max(top, v16_load(x + j));
    const int rest = (int)(cols - j);
    const m16 inside = m16_from_bits((1u << rest) - 1u);
    if (rest)
        top = v16_max(top, v16_select(inside, v16_load_n(x + j, rest), lowest));
    *largest = v16_largest(top);
    const v16 shift = v16_set1(*largest);
    for (j = 0; j + 16 <= cols; j += 16) {
        const v16 e = v16_exp(v16_sub(v16_load(x + j), shift));
        sum = v16_add(sum, e);
        if (y)
            v16_store(y + j, e);
    }
    if (rest) {
        const v16 e = v16_select(inside, v16_exp(v16_sub(v16_load_n(x + j, rest), shift)), v16_zero());
        sum = v16_add(sum, e);
        if (y)
            v16_store_n(y + j, e, rest);
    }
    return v16_sum(sum);
}

FDL_INLINE void scale_row(float *y, ptrdiff_t cols, float factor)
{
    const v16 a = v16_set1(factor);
    for (ptrdiff_t j = 0; j < cols; j += 16) {
        const int n = (int)(cols - j < 16 ? cols - j : 16);
        v16_store_n(y + j, v16_mul(v16_load_n(y + j, n), a), n);
    }
}

/* y = softmax of each row of x.   y: (rows, ldy)   x: (rows, ldx), not y */
static void fdl_softmax(float *y, const float *x, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t ldx)
{
    for (ptrdiff_t i = 0; i < rows; i++) {
        float largest;
        const float sum = exp_row(y + i * ldy, &largest, x + i * ldx, cols);
        scale_row(y + i * ldy, cols, 1.0f / sum);
    }
}

/* y = log softmax of each row of x, (x - max x) - log(sum e^(x - max x)).   y: (rows, ldy)   x: (rows, ldx), may be y */
static void fdl_log_softmax(float *y, const float *x, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t ldx)
{
    for (ptrdiff_t i = 0; i < rows; i++) {
        float largest;
        const v16 log_sum = v16_log(v16_set1(exp_row(NULL, &largest, x + i * ldx, cols))), shift = v16_set1(largest);
        for (ptrdiff_t j = 0; j < cols; j += 16) {
            const int n = (int)(cols - j < 16 ? cols - j : 16);
            v16_store_n(y + i * ldy + j, v16_sub(v16_sub(v16_load_n(x + i * ldx + j, n), shift), log_sum), n);
        }
    }
}

/* loss_i = log(sum_j e^x_ij) - x_i,label and dx_ij = s_i / sum(s) (softmax(x_i)_j - [j = label_i]).
 * loss: (rows,)   dx: (rows, lddx) or NULL, not x   x: (rows, ldx) logits   labels: (rows,) in 0 .. cols - 1
 * weights: (rows,) or NULL for 1   total_weight: sum(s) over the batch */
static void fdl_cross_entropy(float *loss, float *dx, const float *x, const int32_t *labels, const float *weights,
                              ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t lddx, ptrdiff_t ldx, double total_weight)
{
    for (ptrdiff_t i = 0; i < rows; i++) {
        const float *row = x + i * ldx;
        float *gradient = dx ? dx + i * lddx : NULL, largest;
        const float sum = exp_row(gradient, &largest, row, cols);
        float log_sum[16];
        v16_store(log_sum, v16_log(v16_set1(sum)));
        loss[i] = largest - row[labels[i]] + log_sum[0];
        if (!gradient)
            continue;
        const float share = row_share(weights, i, total_weight);
        if (share == 0.0f) {
            memset(gradient, 0, (size_t)cols * sizeof *gradient);
            continue;
        }
        scale_row(gradient, cols, share / sum);
        gradient[labels[i]] -= share;
    }
}

/* loss_i = mean_j (x_ij - t_ij)^2 and dx_ij = s_i / sum(s) 2 (x_ij - t_ij) / cols.
 * loss: (rows,)   dx: (rows, lddx) or NULL, may be x   x: (rows, ldx)   target: (rows, ldt)   weights: (rows,) or NULL */
static void fdl_squared_error(float *loss, float *dx, const float *x, const float *target, const float *weights, ptrdiff_t rows,
                              ptrdiff_t cols, ptrdiff_t lddx, ptrdiff_t ldx, ptrdiff_t ldt, double total_weight)
{
    for (ptrdiff_t i = 0; i < rows; i++) {
        const float share = row_share(weights, i, total_weight);
        const v16 factor = v16_set1(2.0f * share / (float)cols);
        v16 sum = v16_zero();
        for (ptrdiff_t j = 0; j < cols; j += 16) {
            const int n = (int)(cols - j < 16 ? cols - j : 16);
            const v16 d = v16_sub(v16_load_n(x + i * ldx + j, n), v16_load_n(target + i * ldt + j, n));
            sum = v16_fma(d, d, sum);
            if (dx)
                v16_store_n(dx + i * lddx + j, share == 0.0f ? v16_zero() : v16_mul(factor, d), n);
        }
        loss[i] = v16_sum(sum) / (float)cols;
    }
}

/* Index of the first largest element of each row; NaN counts as largest, as NumPy has it.   best: (rows,)   x: (rows, ldx) */
static void fdl_argmax(int32_t *best, const float *x, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldx)
{
    for (ptrdiff_t i = 0; i < rows; i++) {
        const float *row = x + i * ldx;
        ptrdiff_t at = 0;
        for (ptrdiff_t j = 1; j < cols; j++)
            if (row[j] > row[at] || (row[j] != row[j] && row[at] == row[at]))
                at = j;
        best[i] = (int32_t)at;
    }
}
