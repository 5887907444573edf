# The C kernels as Cython sees them: csrc/fastdl.h line by line. The compiler compares the two.
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

cdef extern from "fastdl.h" nogil:
    enum:
        FASTDL_LINEAR
        FASTDL_RELU
        FASTDL_TANH
        FASTDL_LEAKY_RELU
        FASTDL_ELU
        FASTDL_SELU
        FASTDL_GELU
        FASTDL_SILU
        FASTDL_MISH
        FASTDL_SIGMOID
        FASTDL_SOFTPLUS
        FASTDL_FLOAT32
        FASTDL_FLOAT64
        FASTDL_INT8
        FASTDL_INT16
        FASTDL_INT32
        FASTDL_INT64
        FASTDL_UINT8
        FASTDL_UINT16
        FASTDL_UINT32
        FASTDL_UINT64
        FASTDL_FLOAT16
        FASTDL_BOOL

    ctypedef struct fastdl_gemm:
        float* c
        const float* a
        const float* b
        const float* bias
        ptrdiff_t ldc, a_i, a_p, b_p, b_j, k
        int activation

    ctypedef struct fastdl_tail:
        int activation
        const uint8_t* bits
        ptrdiff_t width, column
        float keep

    ctypedef struct fastdl_loss:
        float* loss
        float* dx
        const float* x
        const float* target
        const int32_t* labels
        const float* weights
        const double* total_weight
        const float* parameters
        ptrdiff_t n_parameters, cols, lddx, ldx, ldt

    ctypedef struct fastdl_update:
        float lr, grad_scale, coupled_decay, shrink
        float momentum
        int nesterov, rate_outside
        float beta1, beta2, rest1, rest2
        float eps, step_size, root_scale
        float gradient_size
        int rectified

    enum:
        FASTDL_MIXTURES

    ctypedef struct fastdl_periodic:
        const float* frequency
        const float* phase
        const float* weight
        const float* bias
        ptrdiff_t waves, cols, ld
        int mixtures

    ctypedef struct fastdl_table:
        const char* isa
        void (*gemm_block)(const fastdl_gemm* g, ptrdiff_t i0, ptrdiff_t i1, ptrdiff_t j0, ptrdiff_t j1) noexcept nogil
        void (*exp)(float* y, const float* x, ptrdiff_t n) noexcept nogil
        void (*log)(float* y, const float* x, ptrdiff_t n) noexcept nogil
        void (*tanh)(float* y, const float* x, ptrdiff_t n) noexcept nogil
        void (*erf)(float* y, const float* x, ptrdiff_t n) noexcept nogil
        void (*sin)(float* y, const float* x, ptrdiff_t n) noexcept nogil
        void (*cos)(float* y, const float* x, ptrdiff_t n) noexcept nogil
        void (*activate)(float* y, const float* x, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t ldx,
                         int kind, float alpha) noexcept nogil
        void (*activate_backward)(float* dx, const float* dy, const float* saved, ptrdiff_t rows, ptrdiff_t cols,
                                  ptrdiff_t lddx, ptrdiff_t lddy, ptrdiff_t lds, int kind, float alpha) noexcept nogil
        void (*add)(float* y, const float* a, const float* b, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldy,
                    ptrdiff_t lda, ptrdiff_t ldb) noexcept nogil
        void (*norm_stats)(double* mean, double* var, const float* x, ptrdiff_t rows, ptrdiff_t cols,
                           ptrdiff_t ldx) noexcept nogil
        void (*norm_coefficients)(float* mean32, float* scale, float* shift, const double* mean, const double* var,
                                  const float* gamma, const float* beta, ptrdiff_t cols, double eps) noexcept nogil
        void (*norm_gradients)(float* dgamma, float* dbeta, float* mean_dy, float* slope, const double* sum_g,
                               const double* sum_g_x, const float* mean32, const double* mean, const double* var,
                               ptrdiff_t cols, double eps, double per_row) noexcept nogil
        void (*norm_apply)(float* y, const float* x, const float* mean, const float* scale, const float* shift,
                           ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t ldx,
                           const fastdl_tail* tail) noexcept nogil
        void (*norm_sums)(double* sum_g, double* sum_g_x, float* g, const float* dy, const float* x, const float* mean,
                          const float* scale, const float* shift, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldg,
                          ptrdiff_t lddy, ptrdiff_t ldx, const fastdl_tail* tail) noexcept nogil
        void (*norm_backward)(float* dx, const float* dy, const float* x, const float* mean, const float* scale,
                              const float* mean_dy, const float* slope, ptrdiff_t rows, ptrdiff_t cols,
                              ptrdiff_t lddx, ptrdiff_t lddy, ptrdiff_t ldx) noexcept nogil
        void (*layernorm)(float* y, float* coef, const float* x, const float* gamma, const float* beta, ptrdiff_t rows,
                          ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t ldx, double eps, int centered) noexcept nogil
        void (*layernorm_backward)(float* dx, const float* dy, const float* x, const float* coef, const float* gamma,
                                   ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t lddx, ptrdiff_t lddy, ptrdiff_t ldx,
                                   int centered) noexcept nogil
        void (*layernorm_sums)(double* sum_dy, double* sum_dy_h, const float* dy, const float* x, const float* coef,
                               ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t lddy, ptrdiff_t ldx,
                               int centered) noexcept nogil
        void (*add_partial)(float* sums, const double* partial, ptrdiff_t blocks, ptrdiff_t cols,
                            ptrdiff_t ld) noexcept nogil
        void (*weightnorm)(float* w, const float* v, const float* g, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldw,
                           ptrdiff_t ldv) noexcept nogil
        void (*weightnorm_backward)(float* dv, float* dg, const float* dw, const float* v, const float* g,
                                    ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t lddv, ptrdiff_t lddw,
                                    ptrdiff_t ldv) noexcept nogil
        void (*dropout_bits)(uint8_t* bits, uint64_t first, ptrdiff_t groups, uint64_t seed, uint32_t step,
                             uint32_t stream, uint32_t threshold) noexcept nogil
        void (*dropout_apply)(float* y, const float* x, const uint8_t* bits, ptrdiff_t row0, ptrdiff_t rows,
                              ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t ldx, float scale) noexcept nogil
        void (*alpha_dropout)(float* y, const float* x, const uint8_t* bits, ptrdiff_t row0, ptrdiff_t rows,
                              ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t ldx, float scale, float kept,
                              float dropped) noexcept nogil
        void (*noise)(float* y, const float* x, ptrdiff_t row0, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldy,
                      ptrdiff_t ldx, float std, uint64_t seed, uint32_t step, uint32_t stream) noexcept nogil
        void (*smooth_clip)(float* y, const float* x, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t ldx,
                            float clip) noexcept nogil
        void (*embedding)(float* y, const float* codes, const float* table, ptrdiff_t rows, ptrdiff_t dim,
                          ptrdiff_t size, ptrdiff_t ldy, ptrdiff_t ldx) noexcept nogil
        void (*embedding_backward)(float* dtable, const float* dy, const float* codes, ptrdiff_t first, ptrdiff_t last,
                                   ptrdiff_t rows, ptrdiff_t dim, ptrdiff_t size, ptrdiff_t lddy,
                                   ptrdiff_t ldx) noexcept nogil
        void (*take_columns)(float* y, const float* x, const int64_t* columns, ptrdiff_t rows, ptrdiff_t count,
                             ptrdiff_t ldy, ptrdiff_t ldx) noexcept nogil
        void (*put_columns)(float* x, const float* y, const int64_t* columns, ptrdiff_t rows, ptrdiff_t count,
                            ptrdiff_t cols, ptrdiff_t ldx, ptrdiff_t ldy) noexcept nogil
        void (*dot64)(double* product, const double* a, const double* b, ptrdiff_t n) noexcept nogil
        void (*project_out)(double* x, const double* q, double factor, ptrdiff_t rows, ptrdiff_t n) noexcept nogil
        void (*philox)(uint32_t* words, uint64_t first, ptrdiff_t blocks, uint64_t seed, uint32_t step,
                       uint32_t stream) noexcept nogil
        void (*uniform)(float* y, uint64_t first, ptrdiff_t n, uint64_t seed, uint32_t step,
                        uint32_t stream) noexcept nogil
        void (*normal)(float* y, uint64_t first, ptrdiff_t n, uint64_t seed, uint32_t step,
                       uint32_t stream) noexcept nogil
        void (*cross_entropy)(const fastdl_loss* a, ptrdiff_t i0, ptrdiff_t i1) noexcept nogil
        void (*probability_cross_entropy)(const fastdl_loss* a, ptrdiff_t i0, ptrdiff_t i1) noexcept nogil
        void (*focal)(const fastdl_loss* a, ptrdiff_t i0, ptrdiff_t i1) noexcept nogil
        void (*binary_cross_entropy)(const fastdl_loss* a, ptrdiff_t i0, ptrdiff_t i1) noexcept nogil
        void (*squared_error)(const fastdl_loss* a, ptrdiff_t i0, ptrdiff_t i1) noexcept nogil
        void (*absolute_error)(const fastdl_loss* a, ptrdiff_t i0, ptrdiff_t i1) noexcept nogil
        void (*huber)(const fastdl_loss* a, ptrdiff_t i0, ptrdiff_t i1) noexcept nogil
        void (*poisson)(const fastdl_loss* a, ptrdiff_t i0, ptrdiff_t i1) noexcept nogil
        void (*quantile)(const fastdl_loss* a, ptrdiff_t i0, ptrdiff_t i1) noexcept nogil
        void (*softmax)(float* y, const float* x, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldy,
                        ptrdiff_t ldx) noexcept nogil
        void (*log_softmax)(float* y, const float* x, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldy,
                            ptrdiff_t ldx) noexcept nogil
        void (*argmax)(int32_t* best, const float* x, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldx) noexcept nogil
        void (*agreement)(float* hits, const float* x, const float* t, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldx,
                          ptrdiff_t ldt) noexcept nogil
        void (*sgd)(float* w, const float* g, ptrdiff_t n, const fastdl_update* u) noexcept nogil
        void (*momentum)(float* w, float* v, const float* g, ptrdiff_t n, const fastdl_update* u) noexcept nogil
        void (*lion)(float* w, float* m, const float* g, ptrdiff_t n, const fastdl_update* u) noexcept nogil
        void (*adagrad)(float* w, float* s, const float* g, ptrdiff_t n, const fastdl_update* u) noexcept nogil
        void (*adadelta)(float* w, float* s, float* d, const float* g, ptrdiff_t n,
                         const fastdl_update* u) noexcept nogil
        void (*rmsprop)(float* w, float* s, float* mean, float* v, const float* g, ptrdiff_t n,
                        const fastdl_update* u) noexcept nogil
        void (*adam)(float* w, float* m, float* v, const float* g, ptrdiff_t n, const fastdl_update* u) noexcept nogil
        void (*amsgrad)(float* w, float* m, float* v, float* vmax, const float* g, ptrdiff_t n,
                        const fastdl_update* u) noexcept nogil
        void (*nadam)(float* w, float* m, float* v, const float* g, ptrdiff_t n, const fastdl_update* u) noexcept nogil
        void (*radam)(float* w, float* m, float* v, const float* g, ptrdiff_t n, const fastdl_update* u) noexcept nogil
        void (*adamax)(float* w, float* m, float* s, const float* g, ptrdiff_t n, const fastdl_update* u) noexcept nogil
        void (*sum_of_squares)(double* sum, const float* x, ptrdiff_t n) noexcept nogil
        void (*column_sums)(float* sums, const float* x, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldx) noexcept nogil
        void (*column_squares)(double* sums, const float* x, ptrdiff_t rows, ptrdiff_t cols,
                               ptrdiff_t ldx) noexcept nogil
        void (*scale)(float* y, const float* x, ptrdiff_t n, float factor) noexcept nogil
        void (*scale_columns)(float* y, const float* x, const float* factor, ptrdiff_t rows, ptrdiff_t cols,
                              ptrdiff_t ldy, ptrdiff_t ldx) noexcept nogil
        void (*column_products)(double* sums, const float* dy, const float* x, const float* minus, ptrdiff_t rows,
                                ptrdiff_t cols, ptrdiff_t lddy, ptrdiff_t ldx, ptrdiff_t ldm) noexcept nogil
        void (*parametric)(float* y, const float* x, const float* f, const float* alpha, ptrdiff_t rows,
                           ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t ldx, ptrdiff_t ldf) noexcept nogil
        void (*parametric_backward)(float* dx, const float* dy, const float* alpha, ptrdiff_t rows, ptrdiff_t cols,
                                    ptrdiff_t lddx, ptrdiff_t lddy) noexcept nogil
        void (*periodic)(float* y, const float* x, const fastdl_periodic* p, ptrdiff_t rows, ptrdiff_t ldy,
                         ptrdiff_t ldx) noexcept nogil
        void (*periodic_backward)(float* dx, double* sums, const float* dy, const float* x, const fastdl_periodic* p,
                                  ptrdiff_t rows, ptrdiff_t lddx, ptrdiff_t lddy, ptrdiff_t ldx) noexcept nogil
        void (*clip_value)(float* x, int* clipped, ptrdiff_t n, float limit) noexcept nogil
        void (*penalty)(float* g, double* sums, const float* w, ptrdiff_t n, float c1, float twice_c2) noexcept nogil
        void (*average)(float* a, const float* w, ptrdiff_t n, float rest) noexcept nogil
        void (*gather)(float* y, const void* x, const int64_t* indices, const double* offset, const double* factor,
                       ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t row_bytes, int type) noexcept nogil

    const fastdl_table* fastdl_select(const char* isa) noexcept nogil
    const fastdl_table* fastdl_available(int i) noexcept nogil
