from fastdl.kernels._hyper cimport Scalars

cdef int update_now(Scalars s, object lr, double t, object grad_scale, object w, object g, dict slots,
                    tuple optional=*, object norm=*) except -1
