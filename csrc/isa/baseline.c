/* What every machine runs. On x86-64 that is SSE2, without FMA: the one table whose bits differ from the others'. */
#if !defined(__aarch64__)
#define FASTDL_ISA baseline
#include "table.inc"
#else
typedef int fastdl_neon_is_the_baseline_here;
#endif
