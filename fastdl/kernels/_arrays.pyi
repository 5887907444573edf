# Nothing here is for Python: other kernel modules cimport it.
