/* Softmax and its losses, row by row, with their gradients in the same pass. All work on differences to the row's largest
 * logit, so that no finite logit overflows. */
#include "loss.h"

FDL_INLINE float first_lane(v16 x)
{
    float lane[16];
    v16_store(lane, x);
    return lane[0];
}

FDL_INLINE m16 all_but(ptrdiff_t skipped, int n) /* the first n lanes without this one, if it is one of them */
{
    return m16_from_bits(((1u << n) - 1u) & ~(skipped >= 0 && skipped < n ? 1u << skipped : 0u));
}

/* y = e^(x - max x) and returns the sum without element `skipped` (-1: of all); *largest gets max x. y may be NULL.
 * y, x: (cols,) */
FDL_INLINE float exp_row(float *y, float *largest, const float *x, ptrdiff_t cols, ptrdiff_t skipped)
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
        sum = v16_add(sum, skipped < 0 ? e : v16_select(all_but(skipped - j, 16), e, v16_zero()));
        if (y)
            v16_store(y + j, e);
    }
    if (rest) {
        const v16 e = v16_exp(v16_sub(v16_load_n(x + j, rest), shift));
        sum = v16_add(sum, v16_select(all_but(skipped - j, rest), e, v16_zero()));
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
        const float sum = exp_row(y + i * ldy, &largest, x + i * ldx, cols, -1);
        scale_row(y + i * ldy, cols, 1.0f / sum);
    }
}

/* y = log softmax of each row of x, (x - max x) - log(sum e^(x - max x)).   y: (rows, ldy)   x: (rows, ldx), may be y */
static void fdl_log_softmax(float *y, const float *x, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t ldx)
{
    for (ptrdiff_t i = 0; i < rows; i++) {
        float largest;
        const v16 log_sum = v16_log(v16_set1(exp_row(NULL, &largest, x + i * ldx, cols, -1))), shift = v16_set1(largest);
        for (ptrdiff_t j = 0; j < cols; j += 16) {
            const int n = (int)(cols - j < 16 ? cols - j : 16);
            v16_store_n(y + i * ldy + j, v16_sub(v16_sub(v16_load_n(x + i * ldx + j, n), shift), log_sum), n);
        }
    }
}

/* v16_sum's tree for sixteen rows at once: y[j] holds element j of each.   y: (16,), which is overwritten */
FDL_INLINE v16 sum_across(v16 y[16])
{
#pragma GCC unroll 4
    for (int half = 8; half; half /= 2)
#pragma GCC unroll 8
        for (int j = 0; j < half; j++)
            y[j] = v16_add(y[j], y[j + half]);
    return y[0];
}

/* cross_entropy of sixteen rows with at most sixteen classes: a vector holds one class of all rows, so that the logarithms
 * and the sums, which are one each a row, fill their lanes. Bits are those of the rows one by one. */
FDL_INLINE void cross_entropy_of_16(const fastdl_loss *a, ptrdiff_t i, float smoothing, float spread)
{
    const int cols = (int)a->cols;
    const float *x = a->x + i * a->ldx;
    float share[16], own[16];
    v16 e[16], y[16];
    for (int r = 0; r < 16; r++) {
        share[r] = row_share(a, i + r);   /* before the loss is written: weights may lie there */
        own[r] = x[r * a->ldx + a->labels[i + r]];
        e[r] = v16_load_n(x + r * a->ldx, cols);
    }
    v16_transpose(e);
    v16 largest = v16_set1(-__builtin_inff());
    for (int j = 0; j < cols; j++)
        largest = v16_max(largest, e[j]);
    v16 below = v16_sub(largest, v16_load(own));
    if (smoothing != 0.0f) {
        for (int j = 0; j < 16; j++)
            y[j] = j < cols ? v16_sub(largest, e[j]) : v16_zero();
        const v16 near = v16_mul(v16_set1(1.0f - smoothing), below);
        below = v16_add(near, v16_mul(v16_set1(spread), sum_across(y)));
    }
    for (int j = 0; j < 16; j++)
        y[j] = e[j] = j < cols ? v16_exp(v16_sub(e[j], largest)) : v16_zero();
    const v16 sum = sum_across(y);
    v16_store(a->loss + i, v16_add(below, v16_log(sum)));
    if (!a->dx)
        return;
    const v16 shares = v16_load(share), factor = v16_div(shares, sum), all = v16_mul(shares, v16_set1(spread));
    const m16 unused = v16_le(shares, v16_zero());
    for (int j = 0; j < cols; j++) {
        const v16 g = v16_mul(e[j], factor);
        e[j] = v16_select(unused, v16_zero(), smoothing != 0.0f ? v16_sub(g, all) : g);
    }
    v16_transpose(e);
    for (int r = 0; r < 16; r++) {
        const v16 less = v16_sub(e[r], v16_set1(share[r] * (1.0f - smoothing)));
        v16_store_n(a->dx + (i + r) * a->lddx, v16_select(m16_from_bits(1u << a->labels[i + r]), less, e[r]), cols);
    }
}

/* Labels t_i, smoothed by e = parameters[0]: a label counts 1 - e, and e is spread over all classes (Szegedy et al. 2016).
 * loss_i = log(sum_j e^x_ij) - (1 - e) x_i,t_i - e mean_j x_ij and
 * dx_ij = s_i / sum(s) (softmax(x_i)_j - (1 - e) [j = t_i] - e / cols).
 * loss: (B,)   dx: (B, lddx) or NULL, not x   x: (B, ldx) logits   labels: (B,) in 0 .. cols - 1   weights: (B,) or NULL */
static void fdl_cross_entropy(const fastdl_loss *a, ptrdiff_t i0, ptrdiff_t i1)
{
    const float smoothing = a->parameters[0], spread = smoothing / (float)a->cols;
    for (; a->cols <= 16 && i0 + 16 <= i1; i0 += 16)
        cross_entropy_of_16(a, i0, smoothing, spread);
    for (ptrdiff_t i = i0; i < i1; i++) {
        const float *row = a->x + i * a->ldx;
        float *gradient = a->dx ? a->dx + i * a->lddx : NULL, largest;
        const ptrdiff_t label = a->labels[i];
        const float sum = exp_row(gradient, &largest, row, a->cols, -1);
        const float log_sum = first_lane(v16_log(v16_set1(sum)));
        float below = largest - row[label];   /* how far the label is, on the average of all that count */
        if (smoothing != 0.0f) {
            v16 distances = v16_zero();
            for (ptrdiff_t j = 0; j < a->cols; j += 16) {
                const int n = (int)(a->cols - j < 16 ? a->cols - j : 16);
                const v16 distance = v16_sub(v16_set1(largest), v16_load_n(row + j, n));
                distances = v16_add(distances, v16_select(m16_from_bits((1u << n) - 1u), distance, v16_zero()));
            }
            below = (1.0f - smoothing) * below + spread * v16_sum(distances);
        }
        const float share = row_share(a, i);   /* before the loss is written: weights may lie there */
        a->loss[i] = below + log_sum;
        if (!gradient)
            continue;
        if (share == 0.0f) {
            memset(gradient, 0, (size_t)a->cols * sizeof *gradient);
            continue;
        }
        scale_row(gradient, a->cols, share / sum);
        if (smoothing != 0.0f) {
            const v16 all = v16_set1(share * spread);
            for (ptrdiff_t j = 0; j < a->cols; j += 16) {
                const int n = (int)(a->cols - j < 16 ? a->cols - j : 16);
                v16_store_n(gradient + j, v16_sub(v16_load_n(gradient + j, n), all), n);
            }
        }
        gradient[label] -= share * (1.0f - smoothing);
    }
}

/* The same of targets t_i that are probabilities, T_i their sum, which should be about 1:
 * loss_i = sum_j t_ij (log(sum_k e^x_ik) - x_ij) and dx_ij = s_i / sum(s) (T_i softmax(x_i)_j - t_ij).
 * loss: (B,)   dx: (B, lddx) or NULL, not x   x: (B, ldx) logits   target: (B, ldt) >= 0   weights: (B,) or NULL */
static void fdl_probability_cross_entropy(const fastdl_loss *a, ptrdiff_t i0, ptrdiff_t i1)
{
    for (ptrdiff_t i = i0; i < i1; i++) {
        const float *row = a->x + i * a->ldx, *target = a->target + i * a->ldt;
        float *gradient = a->dx ? a->dx + i * a->lddx : NULL, largest;
        const float sum = exp_row(gradient, &largest, row, a->cols, -1);
        const float log_sum = first_lane(v16_log(v16_set1(sum)));
        v16 distances = v16_zero(), targets = v16_zero();
        for (ptrdiff_t j = 0; j < a->cols; j += 16) {
            const int n = (int)(a->cols - j < 16 ? a->cols - j : 16);
            const v16 t = v16_load_n(target + j, n), distance = v16_sub(v16_set1(largest), v16_load_n(row + j, n));
            /* a class of probability 0 may be infinitely far */
            distances = v16_fma(t, v16_select(v16_lt(v16_zero(), t), distance, v16_zero()), distances);
            targets = v16_add(targets, t);
        }
        const float total = v16_sum(targets), share = row_share(a, i);
        a->loss[i] = v16_sum(distances) + total * log_sum;
        if (!gradient)
            continue;
        const v16 p_factor = v16_set1(share * total / sum), t_factor = v16_set1(share);
        for (ptrdiff_t j = 0; j < a->cols; j += 16) {
            const int n = (int)(a->cols - j < 16 ? a->cols - j : 16);
            const v16 p = v16_mul(v16_load_n(gradient + j, n), p_factor);
            v16_store_n(gradient + j, share == 0.0f ? v16_zero() : v16_fnma(v16_load_n(target + j, n), t_factor, p), n);
        }
    }
}

/* Focal loss of labels t_i (Lin et al. 2017), p = softmax(x_i)_t_i, q = 1 - p, g = parameters[0] >= 0:
 * loss_i = -q^g log p and dx_ij = s_i / sum(s) q^g (1 + g p r) (softmax(x_i)_j - [j = t_i]) with r = -log p / q.
 * q comes from the other classes' sum, never as 1 - p, and r goes to 1 with q to 0, so that both ends are smooth.
 * loss: (B,)   dx: (B, lddx) or NULL, not x   x: (B, ldx) logits   labels: (B,) in 0 .. cols - 1   weights: (B,) or NULL */
static void fdl_focal(const fastdl_loss *a, ptrdiff_t i0, ptrdiff_t i1)
{
    const float gamma = a->parameters[0];
    for (ptrdiff_t i = i0; i < i1; i++) {
        const float *row = a->x + i * a->ldx;
        float *gradient = a->dx ? a->dx + i * a->lddx : NULL, largest;
        const ptrdiff_t label = a->labels[i];
        const float others = exp_row(gradient, &largest, row, a->cols, label);
        const float below = largest - row[label], own = first_lane(v16_exp(v16_set1(-below))), sum = others + own;
        const float minus_log_p =
            below == 0.0f ? first_lane(v16_log1p(v16_set1(others))) : below + first_lane(v16_log(v16_set1(sum)));
        const float p = own / sum, q = others / sum;
        const float power = gamma == 0.0f ? 1.0f : first_lane(v16_exp(v16_mul(v16_set1(gamma), v16_log(v16_set1(q)))));
        const float share = row_share(a, i);
        a->loss[i] = power * minus_log_p;
        if (!gradient)
            continue;
        if (share == 0.0f) {
            memset(gradient, 0, (size_t)a->cols * sizeof *gradient);
            continue;
        }
        const float ratio = q == 0.0f ? 1.0f : minus_log_p / q;
        const float factor = share * power * (1.0f + (p == 0.0f ? 0.0f : gamma * p * ratio));
        scale_row(gradient, a->cols, factor / sum);
        gradient[label] = -factor * q;
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
