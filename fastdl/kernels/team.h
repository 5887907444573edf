/* How a team of threads works through a recorded step, many steps long.
 *
 * A run is a list of ops, repeated once a step. An op is cut into chunks of its output; the cut depends on its shape only, so
 * bits never depend on who computes what. Each thread has a range of an op's chunks: it takes them from the front, and when
 * it has none left it helps the others from the far end of theirs. An op is over when its chunks are done, not when every
 * thread has come: a thread whose core was taken by another process holds up nobody, unless in the middle of a chunk. The
 * thread that finishes an op goes on to the next; ops of a single chunk it just runs.
 *
 * This header knows threads by number only; who starts them is _team.pyx's affair. */
#ifndef FASTDL_TEAM_H
#define FASTDL_TEAM_H
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

typedef struct {             /* what changes from step to step */
    ptrdiff_t rows, first;   /* rows of this batch; where it begins in the order of the epoch */
    uint64_t seed, number;   /* number: of the step in the whole training, from 0 */
    const double *scalars;   /* this step's scheduled hyper-parameters */
    int halt;                /* an op of one chunk sets it to end the run before the next op */
} fastdl_step;

typedef void (*fastdl_run_fn)(void *args, fastdl_step *step, ptrdiff_t chunk);
typedef ptrdiff_t (*fastdl_chunks_fn)(void *args, const fastdl_step *step);

typedef struct {
    fastdl_run_fn run;       /* NULL: the op is Python's, the run pauses before it */
    fastdl_chunks_fn chunks;
    void *args;
} fastdl_op;

enum { FASTDL_RUNNING, FASTDL_FINISHED, FASTDL_DEADLINE, FASTDL_PYTHON, FASTDL_HALTED };
enum { FASTDL_MAX_CHUNKS = 32768, FASTDL_MAX_THREADS = 256 };

typedef struct {
    const fastdl_op *ops;
    ptrdiff_t n_ops, op;                     /* op: the next to run */
    ptrdiff_t n_rows, batch, n_scalars;
    ptrdiff_t steps_done, steps;             /* of this run */
    ptrdiff_t pause;                         /* so many steps done end the slice; 0: none */
    uint64_t deadline;                       /* ns of fastdl_now(), looked at between steps; 0: none */
    int status;
    fastdl_step step;
} fastdl_run;

typedef struct { _Alignas(64) _Atomic uint64_t word; } fastdl_range;   /* op's serial number : 32 | next : 16 | end : 16 */

typedef struct {
    fastdl_run *run;
    int threads;
    uint32_t serial;                         /* counts the ops shared so far; written by the thread that goes on */
    ptrdiff_t chunks;                        /* of the op being shared */
    _Alignas(64) _Atomic ptrdiff_t done;     /* its finished chunks */
    _Alignas(64) atomic_int over;
    fastdl_range range[FASTDL_MAX_THREADS];
} fastdl_board;

static inline uint64_t fastdl_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Subnormals are zero in here: Adam on dead units would be 40 times slower otherwise. Returns what restores the old mode. */
static inline uint64_t fastdl_flush_subnormals(void)
{
#if defined(__x86_64__)
    const unsigned old = _mm_getcsr();
    _mm_setcsr(old | 0x8040u);               /* flush to zero, denormals are zero */
    return old;
#elif defined(__aarch64__)
    uint64_t old;
    __asm__ volatile("mrs %0, fpcr" : "=r"(old));
    __asm__ volatile("msr fpcr, %0" : : "r"(old | 1u << 24));
    return old;
#else
    return 0;
#endif
}

static inline void fastdl_restore_subnormals(uint64_t old)
{
#if defined(__x86_64__)
    _mm_setcsr((unsigned)old);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"(old));
#else
    (void)old;
#endif
}

/* Runs what needs no team. Returns the number of chunks of the op that wants one, or 0 if the run is over (see status). */
static inline ptrdiff_t fastdl_advance(fastdl_run *r, int threads)
{
    for (;;) {
        if (r->op == r->n_ops) {
            r->op = 0;
            r->steps_done++;
            r->step.number++;
            r->step.first += r->step.rows;
            r->step.scalars += r->n_scalars;
            const ptrdiff_t left = r->n_rows - r->step.first;
            r->step.rows = left < r->batch ? left : r->batch;
            if (r->steps_done == r->steps)
                return r->status = FASTDL_FINISHED, 0;
            if (r->steps_done == r->pause || (r->deadline && fastdl_now() >= r->deadline))
                return r->status = FASTDL_DEADLINE, 0;
        }
        const fastdl_op *op = &r->ops[r->op];
        if (!op->run)
            return r->status = FASTDL_PYTHON, 0;
        const ptrdiff_t chunks = op->chunks(op->args, &r->step);
        if (chunks > 1 && threads > 1)
            return chunks;
        for (ptrdiff_t chunk = 0; chunk < chunks; chunk++)
            op->run(op->args, &r->step, chunk);
        if (r->step.halt)
            return r->status = FASTDL_HALTED, 0;
        r->op++;
    }
}

/* Goes on to the next op that is worth sharing and shares it out, or ends the run. */
static inline void fastdl_share_next(fastdl_board *b)
{
    const ptrdiff_t chunks = fastdl_advance(b->run, b->threads);
    if (chunks == 0) {
        atomic_store_explicit(&b->over, 1, memory_order_release);
        return;
    }
    const uint64_t serial = ++b->serial;
    b->chunks = chunks;
    atomic_store_explicit(&b->done, 0, memory_order_relaxed);
    for (int t = 0; t < b->threads; t++) {
        const uint64_t from = (uint64_t)(chunks * t / b->threads), to = (uint64_t)(chunks * (t + 1) / b->threads);
        atomic_store_explicit(&b->range[t].word, serial << 32 | from << 16 | to, memory_order_release);
    }
}

/* The next chunk of one's own range, else the last of somebody's, else -1. */
static inline ptrdiff_t fastdl_take(fastdl_board *b, int me)
{
    for (int i = 0; i < b->threads; i++) {
        _Atomic uint64_t *word = &b->range[me + i < b->threads ? me + i : me + i - b->threads].word;
        uint64_t w = atomic_load_explicit(word, memory_order_acquire);
        while ((w >> 16 & 0xFFFF) < (w & 0xFFFF)) {
            const uint64_t chunk = i == 0 ? w >> 16 & 0xFFFF : (w & 0xFFFF) - 1;
            if (atomic_compare_exchange_weak_explicit(word, &w, i == 0 ? w + 0x10000 : w - 1, memory_order_acq_rel,
                                                      memory_order_acquire))
                return (ptrdiff_t)chunk;
        }
    }
    return -1;
}

/* Waits a little: spins for some 20 us, since the others are seldom longer; then offers the core; then sleeps. */
static inline void fastdl_wait(unsigned *spins, uint64_t *since)
{
    if (++*spins % 64) {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("yield");
#endif
        return;
    }
    const uint64_t now = fastdl_now();
    if (*spins == 64)
        *since = now;
    if (now - *since > 1000000) {
        const struct timespec nap = {0, 50000};
        nanosleep(&nap, NULL);
    } else if (now - *since > 20000) {
        sched_yield();
    }
}

/* One thread's part of the run. Thread 0 opens the first op. Returns when the run is over. */
static inline void fastdl_work(fastdl_board *b, int me)
{
    const uint64_t mode = fastdl_flush_subnormals();
    unsigned spins = 0;
    uint64_t since = 0;
    if (me == 0)
        fastdl_share_next(b);
    while (!atomic_load_explicit(&b->over, memory_order_acquire)) {
        const ptrdiff_t chunk = fastdl_take(b, me);
        if (chunk < 0) {
            fastdl_wait(&spins, &since);
            continue;
        }
        spins = 0;
        const fastdl_op *op = &b->run->ops[b->run->op];   /* these two cannot change while this chunk is not done, */
        const ptrdiff_t chunks = b->chunks;               /* but may right after it */
        op->run(op->args, &b->run->step, chunk);
        if (atomic_fetch_add_explicit(&b->done, 1, memory_order_acq_rel) == chunks - 1) {
            b->run->op++;
            fastdl_share_next(b);
        }
    }
    fastdl_restore_subnormals(mode);
}

static inline void fastdl_work_alone(fastdl_run *run)
{
    const uint64_t mode = fastdl_flush_subnormals();
    fastdl_advance(run, 1);
    fastdl_restore_subnormals(mode);
}

static inline void fastdl_open(fastdl_board *b, fastdl_run *run, int threads)
{
    b->run = run;
    b->threads = threads;
    b->serial = 0;
    b->chunks = 0;
    atomic_store(&b->done, 0);
    atomic_store(&b->over, 0);
    for (int t = 0; t < threads; t++)
        atomic_store(&b->range[t].word, 0);
}
#endif
