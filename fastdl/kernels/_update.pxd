from fastdl.kernels._hyper cimport Scalars

cdef int update_now(Scalars s, object lr, double t, object grad_scale, object w, object g, tuple names, tuple slots,
                    int needed=*, object norm=*) except -1
