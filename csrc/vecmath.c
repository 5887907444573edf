/* Elementary functions of an array. Always y = f(x).   y, x: (n,), may be the same */
#include "fastdl.h"
#include "vecmath.h"

FDL_INLINE v16 only_sine(v16 x)
{
    v16 sine, cosine;
    v16_sincos(x, &sine, &cosine);
    return sine;
}

FDL_INLINE v16 only_cosine(v16 x)
{
    v16 sine, cosine;
    v16_sincos(x, &sine, &cosine);
    return cosine;
}

FDL_MAP(static void fdl_exp, v16_exp)
FDL_MAP(static void fdl_log, v16_log)
FDL_MAP(static void fdl_tanh, v16_tanh)
FDL_MAP(static void fdl_erf, v16_erf)
FDL_MAP(static void fdl_sin, only_sine)
FDL_MAP(static void fdl_cos, only_cosine)
