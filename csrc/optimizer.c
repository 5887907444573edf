/* Optimizer steps over a flat range of parameters: gradient scale (clipping), decay and update in one pass; the gradient
 * itself is never rewritten. Square root and division are the IEEE instructions: estimates differ between vendors. */
#include "fastdl.h"
#include "vec.h"

FDL_INLINE v16 effective_gradient(v16 g, v16 w, const fastdl_update *u)
{
    return v16_fma(v16_set1(u->coupled_decay), w, v16_mul(g, v16_set1(u->grad_scale)));
}

/* The running mean of x: old decayed, and x where rest = 1 - decay. */
FDL_INLINE v16 decayed_mean(float decay, float rest, v16 old, v16 x)
{
    return v16_fma(v16_set1(decay), old, v16_mul(v16_set1(rest), x));
}

/* The larger one; NaN if either is. */
FDL_INLINE v16 larger_or_nan(v16 a, v16 b) { return v16_select(v16_le(a, b), b, v16_select(v16_le(b, b), a, b)); }

/* w shrunk by decoupled decay, and moved. */
FDL_INLINE void move_by(float *w, v16 x, v16 step, const fastdl_update *u, int lanes)
{
    v16_store_n(w, v16_sub(v16_mul(x, v16_set1(u->shrink)), step), lanes);
}

/* Calls step(i, lanes) for i = 0, 16, ...: whole vectors first, so that the compiler sees lanes == 16 there. */
#define FDL_FLAT(n, step) \
    do { \
        ptrdiff_t i = 0; \
        for (; i + 16 <= (n); i += 16) \
            step(i, 16); \
        if (i < (n)) \
            step(i, (int)((n) - i)); \
    } while (0)

FDL_INLINE void sgd_step(float *w, const float *g, const fastdl_update *u, int lanes)
{
    const v16 x = v16_load_n(w, lanes), e = effective_gradient(v16_load_n(g, lanes), x, u);
    v16_store_n(w, v16_fnma(v16_set1(u->lr), e, v16_mul(x, v16_set1(u->shrink))), lanes);
}

FDL_INLINE void momentum_step(float *w, float *v, const float *g, const fastdl_update *u, int lanes)
{
    const v16 x = v16_load_n(w, lanes), e = effective_gradient(v16_load_n(g, lanes), x, u);
    const v16 lr = v16_set1(u->lr), rate = v16_set1(u->momentum), old = v16_mul(rate, v16_load_n(v, lanes));
    v16 velocity, move;
    if (u->rate_outside) {
        velocity = v16_add(old, e);
        move = v16_mul(v16_sub(v16_zero(), lr), u->nesterov ? v16_fma(rate, velocity, e) : velocity);
    } else {
        const v16 step = v16_mul(lr, e);
        velocity = v16_sub(old, step);
        move = u->nesterov ? v16_sub(v16_mul(rate, velocity), step) : velocity;
    }
    v16_store_n(v, velocity, lanes);
    v16_store_n(w, v16_add(v16_mul(x, v16_set1(u->shrink)), move), lanes);
}

FDL_INLINE void lion_step(float *w, float *m, const float *g, const fastdl_update *u, int lanes)
{
    const v16 x = v16_load_n(w, lanes), e = effective_gradient(v16_load_n(g, lanes), x, u), old = v16_load_n(m, lanes);
    const v16 mixed = decayed_mean(u->beta1, u->rest1, old, e), lr = v16_set1(u->lr), zero = v16_zero();
    const v16 down = v16_select(v16_lt(mixed, zero), v16_sub(zero, lr), mixed);   /* what is left is 0 or NaN */
    v16_store_n(m, decayed_mean(u->beta2, u->rest2, old, e), lanes);
    move_by(w, x, v16_select(v16_lt(zero, mixed), lr, down), u, lanes);
}

FDL_INLINE void adagrad_step(float *w, float *s, const float *g, const fastdl_update *u, int lanes)
{
    const v16 x = v16_load_n(w, lanes), e = effective_gradient(v16_load_n(g, lanes), x, u);
    const v16 sum = v16_fma(e, e, v16_load_n(s, lanes)), root = v16_add(v16_sqrt(sum), v16_set1(u->eps));
    v16_store_n(s, sum, lanes);
    move_by(w, x, v16_div(v16_mul(v16_set1(u->lr), e), root), u, lanes);
}

FDL_INLINE void adadelta_step(float *w, float *s, float *d, const float *g, const fastdl_update *u, int lanes)
{
    const v16 x = v16_load_n(w, lanes), e = effective_gradient(v16_load_n(g, lanes), x, u), eps = v16_set1(u->eps);
    const v16 square = decayed_mean(u->beta2, u->rest2, v16_load_n(s, lanes), v16_mul(e, e)), old = v16_load_n(d, lanes);
    const v16 ratio = v16_div(v16_sqrt(v16_add(old, eps)), v16_sqrt(v16_add(square, eps))), delta = v16_mul(ratio, e);
    v16_store_n(s, square, lanes);
    v16_store_n(d, decayed_mean(u->beta2, u->rest2, old, v16_mul(delta, delta)), lanes);
    move_by(w, x, v16_mul(v16_set1(u->lr), delta), u, lanes);
}

/* mean and v may be NULL */
FDL_INLINE void rmsprop_step(float *w, float *s, float *mean, float *v, const float *g, const fastdl_update *u, int lanes)
{
    const v16 x = v16_load_n(w, lanes), e = effective_gradient(v16_load_n(g, lanes), x, u);
    const v16 square = decayed_mean(u->beta2, u->rest2, v16_load_n(s, lanes), v16_mul(e, e));
    v16 spread = square, move;
    v16_store_n(s, square, lanes);
    if (mean != NULL) {
        const v16 first = decayed_mean(u->beta2, u->rest2, v16_load_n(mean, lanes), e);
        spread = v16_max(v16_zero(), v16_fnma(first, first, square));   /* which passes NaN on */
        v16_store_n(mean, first, lanes);
    }
    move = v16_div(e, v16_add(v16_sqrt(spread), v16_set1(u->eps)));
    if (v != NULL) {
        move = v16_fma(v16_set1(u->momentum), v16_load_n(v, lanes), move);
        v16_store_n(v, move, lanes);
    }
    move_by(w, x, v16_mul(v16_set1(u->lr), move), u, lanes);
}

/* vmax may be NULL. Of Adam's kin, each is this but for what it divides by, and Nesterov's share of e itself. */
FDL_INLINE void adam_step(float *w, float *m, float *v, float *vmax, const float *g, const fastdl_update *u, const int nesterov,
                          const int rectified, int lanes)
{
    const v16 x = v16_load_n(w, lanes), e = effective_gradient(v16_load_n(g, lanes), x, u);
    const v16 first = decayed_mean(u->beta1, u->rest1, v16_load_n(m, lanes), e);
    v16 second = decayed_mean(u->beta2, u->rest2, v16_load_n(v, lanes), v16_mul(e, e)),
        move = v16_mul(v16_set1(u->step_size), first);
    v16_store_n(m, first, lanes);
    v16_store_n(v, second, lanes);
    if (vmax != NULL) {
        second = larger_or_nan(v16_load_n(vmax, lanes), second);
        v16_store_n(vmax, second, lanes);
    }
    if (nesterov)
        move = v16_fma(v16_set1(u->gradient_size), e, move);
    if (rectified)
        move = v16_div(move, v16_fma(v16_sqrt(second), v16_set1(u->root_scale), v16_set1(u->eps)));
    move_by(w, x, move, u, lanes);
}

FDL_INLINE void adamax_step(float *w, float *m, float *s, const float *g, const fastdl_update *u, int lanes)
{
    const v16 x = v16_load_n(w, lanes), e = effective_gradient(v16_load_n(g, lanes), x, u);
    const v16 first = decayed_mean(u->beta1, u->rest1, v16_load_n(m, lanes), e), size = v16_max(e, v16_sub(v16_zero(), e));
    const v16 largest = larger_or_nan(v16_mul(v16_set1(u->beta2), v16_load_n(s, lanes)), v16_add(size, v16_set1(u->eps)));
    v16_store_n(m, first, lanes);
    v16_store_n(s, largest, lanes);
    move_by(w, x, v16_div(v16_mul(v16_set1(u->step_size), first), largest), u, lanes);
}

/* w -= lr g.   w, g: (n,) */
static void fdl_sgd(float *w, const float *g, ptrdiff_t n, const fastdl_update *update)
{
    const fastdl_update u = *update;
#define FDL_STEP(i, lanes) sgd_step(w + (i), g + (i), &u, lanes)
    FDL_FLAT(n, FDL_STEP);
#undef FDL_STEP
}

/* v = momentum v - lr g; w += v, or w += momentum v - lr g with the new v (Nesterov). With the rate outside:
 * v = momentum v + g; w -= lr v, or w -= lr (g + momentum v).   w, v, g: (n,) */
static void fdl_momentum(float *w, float *v, const float *g, ptrdiff_t n, const fastdl_update *update)
{
    const fastdl_update u = *update;
#define FDL_STEP(i, lanes) momentum_step(w + (i), v + (i), g + (i), &u, lanes)
    FDL_FLAT(n, FDL_STEP);
#undef FDL_STEP
}

/* w -= lr sign(beta1 m + (1 - beta1) g); m = beta2 m + (1 - beta2) g, which is Lion (Chen et al. 2023).   w, m, g: (n,) */
static void fdl_lion(float *w, float *m, const float *g, ptrdiff_t n, const fastdl_update *update)
{
    const fastdl_update u = *update;
#define FDL_STEP(i, lanes) lion_step(w + (i), m + (i), g + (i), &u, lanes)
    FDL_FLAT(n, FDL_STEP);
#undef FDL_STEP
}

/* s += g^2; w -= lr g / (sqrt(s) + eps), which is Adagrad (Duchi et al. 2011).   w, s, g: (n,) */
static void fdl_adagrad(float *w, float *s, const float *g, ptrdiff_t n, const fastdl_update *update)
{
    const fastdl_update u = *update;
#define FDL_STEP(i, lanes) adagrad_step(w + (i), s + (i), g + (i), &u, lanes)
    FDL_FLAT(n, FDL_STEP);
#undef FDL_STEP
}

/* s = rho s + (1 - rho) g^2; x = g sqrt(d + eps) / sqrt(s + eps); d = rho d + (1 - rho) x^2; w -= lr x, with rho = beta2, which
 * is Adadelta (Zeiler 2012).   w, s, d, g: (n,) */
static void fdl_adadelta(float *w, float *s, float *d, const float *g, ptrdiff_t n, const fastdl_update *update)
{
    const fastdl_update u = *update;
#define FDL_STEP(i, lanes) adadelta_step(w + (i), s + (i), d + (i), g + (i), &u, lanes)
    FDL_FLAT(n, FDL_STEP);
#undef FDL_STEP
}

/* s = rho s + (1 - rho) g^2; w -= lr g / (sqrt(s) + eps), with rho = beta2, which is RMSprop (Hinton 2012). With mean:
 * mean = rho mean + (1 - rho) g, and s - mean^2 or 0 under the root. With v: v = momentum v + g / (...); w -= lr v.
 * w, s, g: (n,)   mean, v: (n,) or NULL */
static void fdl_rmsprop(float *w, float *s, float *mean, float *v, const float *g, ptrdiff_t n, const fastdl_update *update)
{
    const fastdl_update u = *update;
#define FDL_STEP(i, lanes) rmsprop_step(w + (i), s + (i), mean ? mean + (i) : NULL, v ? v + (i) : NULL, g + (i), &u, lanes)
    FDL_FLAT(n, FDL_STEP);
#undef FDL_STEP
}

/* m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2; w -= step_size m / (sqrt(v) root_scale + eps), which is Adam
 * (Kingma & Ba 2015) with step_size = lr / (1 - beta1^t) and root_scale = 1 / sqrt(1 - beta2^t).   w, m, v, g: (n,) */
static void fdl_adam(float *w, float *m, float *v, const float *g, ptrdiff_t n, const fastdl_update *update)
{
    const fastdl_update u = *update;
#define FDL_STEP(i, lanes) adam_step(w + (i), m + (i), v + (i), NULL, g + (i), &u, 0, 1, lanes)
    FDL_FLAT(n, FDL_STEP);
#undef FDL_STEP
}

/* Adam with the largest v so far under the root (AMSGrad, Reddi et al. 2018).   w, m, v, vmax, g: (n,) */
static void fdl_amsgrad(float *w, float *m, float *v, float *vmax, const float *g, ptrdiff_t n, const fastdl_update *update)
{
    const fastdl_update u = *update;
#define FDL_STEP(i, lanes) adam_step(w + (i), m + (i), v + (i), vmax + (i), g + (i), &u, 0, 1, lanes)
    FDL_FLAT(n, FDL_STEP);
#undef FDL_STEP
}

/* Adam with step_size m + gradient_size g above the line (NAdam, Dozat 2016).   w, m, v, g: (n,) */
static void fdl_nadam(float *w, float *m, float *v, const float *g, ptrdiff_t n, const fastdl_update *update)
{
    const fastdl_update u = *update;
#define FDL_STEP(i, lanes) adam_step(w + (i), m + (i), v + (i), NULL, g + (i), &u, 1, 1, lanes)
    FDL_FLAT(n, FDL_STEP);
#undef FDL_STEP
}

/* Adam, or while too few steps have been made to know v (not rectified): w -= step_size m (RAdam, Liu et al. 2020).
 * w, m, v, g: (n,) */
static void fdl_radam(float *w, float *m, float *v, const float *g, ptrdiff_t n, const fastdl_update *update)
{
    const fastdl_update u = *update;
#define FDL_STEP(i, lanes) adam_step(w + (i), m + (i), v + (i), NULL, g + (i), &u, 0, u.rectified, lanes)
    FDL_FLAT(n, FDL_STEP);
#undef FDL_STEP
}

/* m = beta1 m + (1 - beta1) g; s = max(beta2 s, |g| + eps); w -= step_size m / s, which is Adamax (Kingma & Ba 2015) with
 * step_size = lr / (1 - beta1^t).   w, m, s, g: (n,) */
static void fdl_adamax(float *w, float *m, float *s, const float *g, ptrdiff_t n, const fastdl_update *update)
{
    const fastdl_update u = *update;
#define FDL_STEP(i, lanes) adamax_step(w + (i), m + (i), s + (i), g + (i), &u, lanes)
    FDL_FLAT(n, FDL_STEP);
#undef FDL_STEP
}
