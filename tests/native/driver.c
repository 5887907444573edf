/* Runs every noun on every instruction set of the machine, and prints a line for each: instruction set, noun, hash. */
#include "driver.h"
#include <math.h>
#include <stdio.h>

static const ptrdiff_t sizes[] = {0, 1, 2, 15, 16, 17, 33, 47, 64, 131};
enum { SIZES = sizeof sizes / sizeof *sizes };
static uint64_t hash;

void mix(const void *block, size_t size)   /* FNV-1a */
{
    const unsigned char *byte = block;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ byte[i]) * 1099511628211u;
}

void mix_floats(const float *x, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        const float y = isnan(x[i]) ? NAN : x[i];
        mix(&y, sizeof y);
    }
}

void *memory(ptrdiff_t count, size_t size)
{
    void *block = calloc(count ? (size_t)count : 1, size);
    if (!block)
        exit(2);
    return block;
}

float *numbers(const fastdl_table *K, ptrdiff_t n, uint32_t stream)
{
    float *x = memory(n, sizeof *x);
    K->normal(x, 0, n, 42, 0, stream);
    return x;
}

float *strange(const fastdl_table *K, ptrdiff_t n, uint32_t stream)
{
    static const float values[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 3e38f, -3e38f, 1e-40f, -1e-40f, 1e-20f, 90.0f};
    float *x = numbers(K, n, stream);
    for (ptrdiff_t i = 0; i < n; i += 5)
        x[i] = values[((uint32_t)i / 5 + stream) % (sizeof values / sizeof *values)];
    return x;
}

void each_shape(const fastdl_table *K, void (*drive)(const fastdl_table *K, ptrdiff_t B, ptrdiff_t n))
{
    for (int a = 0; a < SIZES; a++)
        for (int b = 1; b < SIZES; b++)
            drive(K, sizes[a], sizes[b]);
}

void each_length(const fastdl_table *K, void (*drive)(const fastdl_table *K, ptrdiff_t n))
{
    for (int a = 0; a < SIZES; a++)
        drive(K, sizes[a]);
}

int main(void)
{
    const fastdl_table *K;
    for (int i = 0; (K = fastdl_available(i)) != NULL; i++) {
#define DRIVE(noun) \
    hash = 14695981039346656037u; \
    drive_##noun(K); \
    printf("%s %s %016llx\n", K->isa, #noun, (unsigned long long)hash);
        NOUNS(DRIVE)
    }
    return 0;
}
