/* Optimizer steps over a flat range of parameters: gradient scale (clipping), decay and update in one pass; the gradient
 * itself is never rewritten. Square root and division are the IEEE instructions: estimates differ between vendors. */
#include "fastdl.h"
#include "vec.h"

FDL_INLINE v16 effective_gradient(v16 g, v16 w, const fastdl_update *u)
{
    return v16_fma(v16_set1(u->coupled_decay), w, v16_mul(g, v16_set1(u->grad_scale)));
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

FDL_INLINE void adam_step(float *w, float *m, float *v, const float *g, const fastdl_update *u, int lanes)
{
    const v16 x = v16_load_n(w, lanes), e = effective_gradient(v16_load_n(g, lanes), x, u);
    const v16 first = v16_fma(v16_set1(u->beta1), v16_load_n(m, lanes), v16_mul(v16_set1(u->rest1), e));
    const v16 second = v16_fma(v16_set1(u->beta2), v16_load_n(v, lanes), v16_mul(v16_set1(u->rest2), v16_mul(e, e)));
    const v16 root = v16_fma(v16_sqrt(second), v16_set1(u->root_scale), v16_set1(u->eps));
    const v16 move = v16_div(v16_mul(v16_set1(u->step_size), first), root);
    v16_store_n(m, first, lanes);
    v16_store_n(v, second, lanes);
    v16_store_n(w, v16_sub(v16_mul(x, v16_set1(u->shrink)), move), lanes);
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

/* m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2; w -= step_size m / (sqrt(v) root_scale + eps), which is Adam
 * (Kingma & Ba 2015) with step_size = lr / (1 - beta1^t) and root_scale = 1 / sqrt(1 - beta2^t).   w, m, v, g: (n,) */
static void fdl_adam(float *w, float *m, float *v, const float *g, ptrdiff_t n, const fastdl_update *update)
{
    const fastdl_update u = *update;
#define FDL_STEP(i, lanes) adam_step(w + (i), m + (i), v + (i), g + (i), &u, lanes)
    FDL_FLAT(n, FDL_STEP);
#undef FDL_STEP
}
