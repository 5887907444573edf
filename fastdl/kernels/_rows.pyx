"""Arrays of the caller's that recorded steps read and write by rows, where they lie."""
import numpy as np

cimport cython
cimport numpy as cnp
from libc.stdint cimport int64_t
from numpy cimport dtype, ndarray

from fastdl.kernels._csrc cimport (
    FASTDL_BOOL, FASTDL_FLOAT16, FASTDL_FLOAT32, FASTDL_FLOAT64, FASTDL_INT8, FASTDL_INT16, FASTDL_INT32, FASTDL_INT64,
    FASTDL_UINT8, FASTDL_UINT16, FASTDL_UINT32, FASTDL_UINT64,
)

cnp.import_array()

KINDS = {                       # by kind and size
    ("f", 2): FASTDL_FLOAT16, ("f", 4): FASTDL_FLOAT32, ("f", 8): FASTDL_FLOAT64, ("i", 1): FASTDL_INT8,
    ("i", 2): FASTDL_INT16, ("i", 4): FASTDL_INT32, ("i", 8): FASTDL_INT64, ("u", 1): FASTDL_UINT8,
    ("u", 2): FASTDL_UINT16, ("u", 4): FASTDL_UINT32, ("u", 8): FASTDL_UINT64, ("b", 1): FASTDL_BOOL,
}


cdef int type_of(dtype kind) except -2:
    """What the C gather calls this element type, -1 if it does not know it."""
    if kind.type_num == cnp.NPY_FLOAT32:
        return FASTDL_FLOAT32
    return KINDS.get(((<object>kind).kind, kind.itemsize), -1)


def readable(x) -> bool:
    """Whether the gather can read this array where it lies."""
    if (isinstance(x, ndarray) and (<ndarray>x).ndim == 2 and (<ndarray>x).descr.type_num == cnp.NPY_FLOAT32
            and cnp.PyArray_ISCARRAY_RO(<ndarray>x)):
        return True
    return (isinstance(x, np.ndarray) and x.ndim == 2 and x.dtype.isnative and type_of(x.dtype) >= 0
            and (x.shape[1] <= 1 or x.shape[0] == 0 or x.strides[1] == x.itemsize) and x.flags.aligned)


def as_readable(x):
    """A matrix of real numbers as one that is readable: itself, or a copy, of its own type if the gather knows that."""
    if readable(x):
        return x
    own = x.dtype.newbyteorder("=")
    if type_of(own) < 0:
        own = np.float64
    return np.require(x, own, ("C", "A"))


@cython.final
cdef class Rows:
    """An array of the caller's that a recorded step reads or writes by rows; another one may be set between runs."""

    def __init__(self, Py_ssize_t cols):
        self.cols = cols

    def set(self, x, order=None, offset=None, factor=None) -> None:
        """Read these rows from now on, in the given order, as (x - offset) * factor in float64.

        x: (rows, cols), `readable`   order: (rows,) int64 or None   offset, factor: (cols,) float64 or None.
        """
        cdef const int64_t[::1] o
        cdef const double[::1] shift, scale
        if not readable(x) or x.shape[1] != self.cols:
            raise ValueError(f"x: expected a matrix of {self.cols} columns that can be read in place, got "
                             f"{getattr(x, 'dtype', type(x).__name__)} {getattr(x, 'shape', '')}")
        cdef ndarray data = x
        self.source = Source(<char*>data.data, NULL, NULL, NULL, self.cols, data.strides[0], type_of(x.dtype))
        if order is not None:
            o = order
            if o.shape[0]:
                self.source.order = &o[0]
        if offset is not None:
            shift, scale = offset, factor
            self.source.offset, self.source.factor = &shift[0], &scale[0]
        self.keep = (x, order, offset, factor)

    def clear(self) -> None:
        """Let go of the array."""
        self.keep = None
