"""A recorded program run over arrays of a few rows, with nothing of Python between the caller and the ops.

One row of a small network takes a microsecond or two: as much as a handful of Python calls, or as releasing the GIL
twice. So what is plain (a C-contiguous matrix of floats that is not too tall) is settled here, in one call, on the
calling thread and under the GIL. All else is left to the general path, which also has the words for what is wrong.
"""
cimport cython
cimport numpy as cnp
from libc.string cimport memset
from numpy cimport ndarray

from fastdl.kernels._arrays cimport overlap, result
from fastdl.kernels._csrc cimport FASTDL_FLOAT32, FASTDL_FLOAT64
from fastdl.kernels._program cimport Program
from fastdl.kernels._rows cimport Rows, Source
from fastdl.kernels._team cimport run_alone

cnp.import_array()


cdef inline bint plain(ndarray a, Py_ssize_t cols) noexcept:
    """Whether it is a matrix of so many columns: aligned, C-ordered, of this machine's byte order."""
    return a.ndim == 2 and a.shape[1] == cols and cnp.PyArray_ISCARRAY_RO(a)


def output(x, Py_ssize_t cols, out=None):
    """A new float32 array of as many rows as x, or `out` if it is such an array and shares no memory with x."""
    return result(out, (x.shape[0], cols), (x,))


@cython.final
cdef class FewRows:
    """Runs a program that gathers from `source` and stores to `target`, on at most `most` rows at once.

    offset and factor (cols,) float64 are those of `Rows.set`. Both sources are free for others between calls.
    """

    def __init__(self, Program program, Rows source, Rows target, Py_ssize_t most, offset=None, factor=None):
        cdef const double[::1] shift, scale
        self.program, self.source, self.target = program, source, target
        self.most = 0 if program.python_ops() else most
        memset(&self.scaled, 0, sizeof(Source))
        self.scaled.cols = source.cols
        if offset is not None:
            shift, scale = offset, factor
            self.scaled.offset, self.scaled.factor = &shift[0], &scale[0]
        self.keep = (offset, factor)

    def __call__(self, x, out=None):
        """Outputs (n, outputs) float32 of rows x, in `out` if it is given; None if this is not the plain case."""
        cdef ndarray a, y
        cdef cnp.npy_intp shape[2]
        cdef int kind
        if type(x) is not ndarray:
            return None
        a = <ndarray>x
        kind = a.descr.type_num
        if (kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64) or not plain(a, self.source.cols):
            return None
        if not 0 < a.shape[0] <= self.most or self.program.running:
            return None
        if out is None:
            shape[0], shape[1] = a.shape[0], self.target.cols
            y = cnp.PyArray_EMPTY(2, shape, cnp.NPY_FLOAT32, 0)
        else:
            if type(out) is not ndarray:
                return None
            y = <ndarray>out
            if (y.descr.type_num != cnp.NPY_FLOAT32 or not plain(y, self.target.cols) or y.shape[0] != a.shape[0]
                    or not cnp.PyArray_ISWRITEABLE(y) or overlap(a, y)):
                return None
        self.source.source = self.scaled
        self.source.source.x = <char*>a.data
        self.source.source.row_bytes = a.shape[1] * a.descr.itemsize
        self.source.source.type = FASTDL_FLOAT32 if kind == cnp.NPY_FLOAT32 else FASTDL_FLOAT64
        self.target.source = Source(<char*>y.data, NULL, NULL, NULL, self.target.cols, 4 * self.target.cols,
                                    FASTDL_FLOAT32)
        self.program.set_up(a.shape[0], a.shape[0], 1)
        run_alone(&self.program.run)
        return y
