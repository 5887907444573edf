#include "driver.h"

/* x, y: (n,) */
static void drive(const fastdl_table *K, ptrdiff_t n)
{
    float *x = strange(K, n, 1), *y = memory(n, sizeof *y);
#define FDL_DRIVE(name) \
    K->name(y, x, n); \
    mix_floats(y, n);
    FDL_DRIVE(exp)
    FDL_DRIVE(log)
    FDL_DRIVE(tanh)
    FDL_DRIVE(erf)
    FDL_DRIVE(sin)
    FDL_DRIVE(cos)
    free(x), free(y);
}

void drive_vecmath(const fastdl_table *K) { each_length(K, drive); }
