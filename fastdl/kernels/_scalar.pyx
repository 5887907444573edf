"""Numbers of a step that are the same at every step, or follow a schedule: then they stand in its table of scalars."""
cimport cython

from fastdl.kernels._arrays cimport number


@cython.final
@cython.auto_pickle(False)
cdef class Column:
    """A column of the table that a program is begun with, in place of a number."""

    cdef readonly Py_ssize_t place

    def __init__(self, Py_ssize_t place):
        self.place = place

    def __repr__(self) -> str:
        return f"Column({self.place})"


cdef Scalar scalar(object x, str name) except *:
    """The number x, or the Column x."""
    if isinstance(x, Column):
        return Scalar(0.0, (<Column>x).place)
    return Scalar(number(x, name), -1)
