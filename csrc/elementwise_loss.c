/* Losses that are the mean of a term of each output, with their gradients in the same pass:
 * loss_i = mean_j l(x_ij, t_ij) and dx_ij = s_i / sum(s) l'(x_ij, t_ij) / cols, the derivative being that by x.
 * loss: (B,)   dx: (B, lddx) or NULL, may be x   x: (B, ldx)   target: (B, ldt)   weights: (B,) or NULL for 1 */
#include "loss.h"

/* Adds the terms of sixteen outputs to sum, lane by lane, and gives their derivatives. */
typedef v16 term_fn(v16 sum, v16 *slope, v16 x, v16 t, v16 parameter);

FDL_INLINE v16 v16_abs(v16 x) { return v16_from_bits(w16_and(v16_bits(x), w16_set1(0x7fffffff))); }

/* +size where d > 0, -size where d < 0, and d itself, 0 or NaN, elsewhere */
FDL_INLINE v16 v16_signed(v16 above, v16 below, v16 d)
{
    return v16_select(v16_lt(v16_zero(), d), above, v16_select(v16_lt(d, v16_zero()), below, d));
}

FDL_INLINE void mean_of_terms(const fastdl_loss *a, ptrdiff_t i0, ptrdiff_t i1, term_fn *term, float parameter)
{
    for (ptrdiff_t i = i0; i < i1; i++) {
        const float *x = a->x + i * a->ldx, *target = a->target + i * a->ldt, share = row_share(a, i);
        float *dx = a->dx ? a->dx + i * a->lddx : NULL;
        const v16 factor = v16_set1(share / (float)a->cols);
        v16 sum = v16_zero(), slope;
        for (ptrdiff_t j = 0; j < a->cols; j += 16) {
            const int n = (int)(a->cols - j < 16 ? a->cols - j : 16);
            const v16 more = term(sum, &slope, v16_load_n(x + j, n), v16_load_n(target + j, n), v16_set1(parameter));
            sum = v16_select(m16_from_bits((1u << n) - 1u), more, sum);
            if (dx)
                v16_store_n(dx + j, share == 0.0f ? v16_zero() : v16_mul(factor, slope), n);
        }
        a->loss[i] = v16_sum(sum) / (float)a->cols;
    }
}

/* (x - t)^2 */
FDL_INLINE v16 squared_term(v16 sum, v16 *slope, v16 x, v16 t, v16 unused)
{
    const v16 d = v16_sub(x, t);
    (void)unused;
    *slope = v16_add(d, d);
    return v16_fma(d, d, sum);
}
static void fdl_squared_error(const fastdl_loss *a, ptrdiff_t i0, ptrdiff_t i1)
{
    mean_of_terms(a, i0, i1, squared_term, 0.0f);
}

/* |x - t|, of slope 0 where they are equal */
FDL_INLINE v16 absolute_term(v16 sum, v16 *slope, v16 x, v16 t, v16 unused)
{
    const v16 d = v16_sub(x, t);
    (void)unused;
    *slope = v16_signed(v16_set1(1.0f), v16_set1(-1.0f), d);
    return v16_add(sum, v16_abs(d));
}
static void fdl_absolute_error(const fastdl_loss *a, ptrdiff_t i0, ptrdiff_t i1)
{
    mean_of_terms(a, i0, i1, absolute_term, 0.0f);
}

/* d^2 / 2 for |d| <= delta = parameters[0], else delta (|d| - delta / 2), d = x - t (Huber 1964) */
FDL_INLINE v16 huber_term(v16 sum, v16 *slope, v16 x, v16 t, v16 delta)
{
    const v16 d = v16_sub(x, t), size = v16_abs(d), inner = v16_min(delta, size);   /* NaN: size */
    *slope = v16_max(v16_sub(v16_zero(), delta), v16_min(delta, d));
    return v16_fma(inner, v16_fnma(v16_set1(0.5f), inner, size), sum);
}
static void fdl_huber(const fastdl_loss *a, ptrdiff_t i0, ptrdiff_t i1)
{
    mean_of_terms(a, i0, i1, huber_term, a->parameters[0]);
}

/* e^x - t x: minus the log-likelihood of a count t of rate e^x, without what does not depend on x */
FDL_INLINE v16 poisson_term(v16 sum, v16 *slope, v16 x, v16 t, v16 unused)
{
    const v16 rate = v16_exp(x);
    (void)unused;
    *slope = v16_sub(rate, t);
    return v16_add(sum, v16_fnma(t, x, rate));
}
static void fdl_poisson(const fastdl_loss *a, ptrdiff_t i0, ptrdiff_t i1) { mean_of_terms(a, i0, i1, poisson_term, 0.0f); }

/* -t log p - (1 - t) log(1 - p) with p = 1 / (1 + e^-x), as max(x, 0) - t x + log(1 + e^-|x|), which cannot overflow. The
 * slope is p - t, as (1 - t) p - t (1 - p): both tails keep their leading digits. */
FDL_INLINE v16 binary_term(v16 sum, v16 *slope, v16 x, v16 t, v16 unused)
{
    const v16 zero = v16_zero(), one = v16_set1(1.0f), e = v16_exp(v16_sub(zero, v16_abs(x)));
    const v16 large = v16_div(one, v16_add(one, e)), small = v16_mul(e, large);
    const m16 positive = v16_le(zero, x);
    (void)unused;
    *slope = v16_fnma(t, v16_select(positive, small, large), v16_mul(v16_sub(one, t), v16_select(positive, large, small)));
    return v16_add(sum, v16_add(v16_fnma(t, x, v16_max(zero, x)), v16_log1p(e)));
}
static void fdl_binary_cross_entropy(const fastdl_loss *a, ptrdiff_t i0, ptrdiff_t i1)
{
    mean_of_terms(a, i0, i1, binary_term, 0.0f);
}

/* Pinball loss of n levels q (Koenker and Bassett 1978): the term is q (t - x) for x < t, (1 - q) (x - t) for x > t, of
 * slope 0 where they are equal. A row of x has the levels of the first target, then those of the second, and so on.
 * x: (B, ldx) of cols = targets n   target: (B, ldt) of cols / n   parameters: (n,) levels in (0, 1)   dx: not x */
static void fdl_quantile(const fastdl_loss *a, ptrdiff_t i0, ptrdiff_t i1)
{
    const ptrdiff_t levels = a->n_parameters;
    for (ptrdiff_t i = i0; i < i1; i++) {
        const float *x = a->x + i * a->ldx, *target = a->target + i * a->ldt, share = row_share(a, i);
        float *dx = a->dx ? a->dx + i * a->lddx : NULL;
        const v16 factor = v16_set1(share / (float)a->cols);
        v16 sum = v16_zero();
        for (ptrdiff_t first = 0; first < a->cols; first += levels)
            for (ptrdiff_t j = 0; j < levels; j += 16) {
                const int n = (int)(levels - j < 16 ? levels - j : 16);
                const m16 inside = m16_from_bits((1u << n) - 1u);
                const v16 q = v16_load_n(a->parameters + j, n), rest = v16_sub(v16_set1(1.0f), q);
                const v16 d = v16_sub(v16_load_n(x + first + j, n), v16_set1(target[first / levels]));
                const v16 slope = v16_signed(rest, v16_sub(v16_zero(), q), d);
                sum = v16_select(inside, v16_fma(slope, d, sum), sum);
                if (dx)
                    v16_store_n(dx + first + j, share == 0.0f ? v16_zero() : v16_mul(factor, slope), n);
            }
        a->loss[i] = v16_sum(sum) / (float)a->cols;
    }
}

/* Fraction of each row's outputs on the target's side: x > 0 where t > 1/2.   hits: (rows,)   x: (rows, ldx)   t: (rows, ldt) */
static void fdl_agreement(float *hits, const float *x, const float *t, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldx,
                          ptrdiff_t ldt)
{
    for (ptrdiff_t i = 0; i < rows; i++) {
        ptrdiff_t count = 0;
        for (ptrdiff_t j = 0; j < cols; j++)
            count += (x[i * ldx + j] > 0.0f) == (t[i * ldt + j] > 0.5f);
        hits[i] = (float)count / (float)cols;
    }
}
