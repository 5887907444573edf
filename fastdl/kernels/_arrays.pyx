"""Arguments of the public kernels: converted, or refused with a message that names them."""
import numpy as np

from cpython.long cimport PyLong_AsLongLongAndOverflow
cimport numpy as cnp
from numpy cimport ndarray

cnp.import_array()


cdef ndarray _numbers(object x, str name):
    cdef ndarray a
    if type(x) is ndarray and (<ndarray>x).descr.type_num == cnp.NPY_FLOAT32:
        return x
    a = np.asarray(x)
    if a.dtype.kind not in "fiub":
        raise TypeError(f"{name}: expected an array of real numbers, got dtype {a.dtype}")
    return a


cdef ndarray native(ndarray a):
    """a as aligned, C-ordered float32 of this machine's byte order, copied only if it is not."""
    if cnp.PyArray_ISCARRAY_RO(a) and a.descr.type_num == cnp.NPY_FLOAT32:
        return a
    return np.require(a, np.float32, ("C", "A"))


cdef ndarray elements(object x, str name):
    """x as a C-ordered float32 array of its shape, copied only if it is not one."""
    return native(_numbers(x, name))


cdef ndarray matrix(object x, str name):
    """x as a C-ordered float32 matrix, copied only if it is not one."""
    cdef ndarray a = _numbers(x, name)
    if a.ndim != 2:
        raise ValueError(f"{name}: expected 2 dimensions, got shape {(<object>a).shape}")
    return native(a)


cdef ndarray vector(object x, str name, ptrdiff_t n):
    """x as a contiguous float32 vector of n elements (any number if n is negative)."""
    cdef ndarray a = _numbers(x, name)
    if a.ndim != 1 or (n >= 0 and a.shape[0] != n):
        raise ValueError(f"{name}: expected shape ({n if n >= 0 else 'n'},), got {(<object>a).shape}")
    return native(a)


cdef ndarray result(object out, tuple shape, tuple inputs):
    """A new float32 array, or `out` if it fits exactly and shares no memory with the inputs."""
    cdef cnp.npy_intp sizes[2]
    cdef int i, dimensions = len(shape)
    if out is None:
        if dimensions > 2:
            return np.empty(shape, np.float32)
        for i in range(dimensions):
            sizes[i] = shape[i]
        return cnp.PyArray_EMPTY(dimensions, sizes, cnp.NPY_FLOAT32, 0)
    in_place(out, "out", shape)
    for x in inputs:
        if overlap(out, x):
            raise ValueError("out: expected an array that shares no memory with the inputs, got one that overlaps")
    return out


cdef ndarray in_place(object x, str name, object shape):
    """x itself, which is written: a writeable C-ordered float32 array of the given shape (None: any)."""
    if isinstance(x, ndarray) and (<ndarray>x).descr.type_num == cnp.NPY_FLOAT32 and cnp.PyArray_ISCARRAY(<ndarray>x):
        if shape is None or x.shape == shape:
            return x
    if not isinstance(x, np.ndarray):
        raise TypeError(f"{name}: expected a NumPy array, got {type(x).__name__}")
    if x.dtype != np.float32 or not x.dtype.isnative:
        raise TypeError(f"{name}: expected dtype float32, got {x.dtype}")
    if shape is not None and x.shape != shape:
        raise ValueError(f"{name}: expected shape {shape}, got {x.shape}")
    if not x.flags.c_contiguous or not x.flags.aligned:
        raise ValueError(f"{name}: expected a C-contiguous array, got strides {x.strides} for shape {x.shape}")
    if not x.flags.writeable:
        raise ValueError(f"{name}: expected a writeable array, got a read-only one")
    return x


cdef bint is_plain(object x, ndarray like):
    """Whether x is a writeable C-ordered float32 array of the shape of another."""
    cdef ndarray a
    cdef int i
    if not isinstance(x, ndarray):
        return False
    a = x
    if a.descr.type_num != cnp.NPY_FLOAT32 or not cnp.PyArray_ISCARRAY(a) or a.ndim != like.ndim:
        return False
    for i in range(a.ndim):
        if a.shape[i] != like.shape[i]:
            return False
    return True


cdef bint overlap(object a, object b) except -1:
    """Whether the extents of two arrays have a byte in common."""
    if not (isinstance(a, ndarray) and isinstance(b, ndarray)
            and cnp.PyArray_ISCONTIGUOUS(<ndarray>a) and cnp.PyArray_ISCONTIGUOUS(<ndarray>b)):
        return np.may_share_memory(a, b)
    cdef char* first = (<ndarray>a).data
    cdef char* second = (<ndarray>b).data
    cdef cnp.npy_intp n = cnp.PyArray_NBYTES(<ndarray>a), m = cnp.PyArray_NBYTES(<ndarray>b)
    return n > 0 and m > 0 and first < second + m and second < first + n


cdef ndarray beside(object x, str name, ndarray written, str other):
    """x as float32 of the shape of an array that is written, with which it shares no memory."""
    cdef ndarray a = _numbers(x, name)
    if (<object>a).shape != (<object>written).shape:
        raise ValueError(f"{name}: expected the shape of {other}, {(<object>written).shape}, got {(<object>a).shape}")
    a = native(a)
    if overlap(a, written):
        raise ValueError(f"{other}: expected an array that shares no memory with {name}, got one that overlaps")
    return a


cdef double number(object x, str name) except? -1.0:
    """A real number that is not NaN."""
    if type(x) is not float and (isinstance(x, (str, bytes)) or not hasattr(x, "__float__")):
        raise TypeError(f"{name}: expected a number, got {type(x).__name__}")
    cdef double value = float(x)
    if value != value:
        raise ValueError(f"{name}: expected a number, got {value}")
    return value


cdef double rate_of(object rate) except? -1.0:
    """A dropout rate lies in [0, 1)."""
    cdef double value = number(rate, "rate")
    if not 0.0 <= value < 1.0:
        raise ValueError(f"rate: expected a number in [0, 1), got {rate}")
    return value


cdef uint64_t word(object x, str name, int bits) except? 0:
    """An unsigned integer of so many bits: part of a counter or key, of which nothing may be cut off silently."""
    cdef int overflow = 0
    cdef long long small
    if type(x) is int:
        small = PyLong_AsLongLongAndOverflow(x, &overflow)
        if overflow == 0 and small >= 0 and (bits > 62 or small >> bits == 0):
            return <uint64_t>small
    if type(x) is not int and (isinstance(x, bool) or not hasattr(x, "__index__")):
        raise TypeError(f"{name}: expected an int, got {type(x).__name__}")
    value = x.__index__()
    if not 0 <= value < (<object>1) << bits:
        raise ValueError(f"{name}: expected an int in 0 .. 2^{bits} - 1, got {value}")
    return value
