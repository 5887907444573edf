"""Networks for other programs: as ONNX, and as a file of plain NumPy.

`layers` says of each layer what it computes in inference, once, in the operations of `graph`; `numpy_code` and `onnx`
write these down.
"""

from fastdl.export.numpy_code import to_numpy_code
from fastdl.export.onnx import to_onnx

__all__ = ["to_numpy_code", "to_onnx"]
