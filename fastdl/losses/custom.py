"""A loss that a user wrote in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.errors import as_array
from fastdl.losses.loss import Loss, real_targets

if TYPE_CHECKING:
    from fastdl.program import Array, Buffer, Recorder


class Custom(Loss):
    """The loss that a function computes: `function(y_true, y_pred) -> (loss per row, d loss/d y_pred)`.

    It ends the native slice and runs with the GIL. y_pred has shape (B, outputs), y_true (B, columns of y), both
    float32. Integer y of shape (n,) stays integer, shape (B,), if the network has several outputs: such are labels.
    The gradient is that of each row's own loss; weights and the mean over the batch are seen to here.
    """

    estimates = True

    def __init__(self, function: Callable[[Array, Array], tuple[Any, Any]]) -> None:
        self.function = function
        self.title = f"loss {getattr(function, '__name__', type(function).__name__)!r}"

    def prepare(self, y: Any, rows: int, outputs: int, classes: Array | None) -> tuple[Array, Array | None]:
        """Targets as the function gets them: int32 (rows, 1) or float32 (rows, columns)."""
        target = as_array("y", y)
        if target.ndim == 1 and outputs > 1 and target.dtype.kind in "iub":
            if target.size and not -(2**31) <= int(target.min()) <= int(target.max()) < 2**31:
                raise ValueError(f"y: expected labels of 32 bits, got {target.min()} .. {target.max()}")
            return np.ascontiguousarray(target, np.int32).reshape(-1, 1), None
        columns = 1 if target.ndim == 1 else target.shape[-1] if target.ndim else 0
        return real_targets(target, rows, columns, f"{columns} columns"), None

    def record(
        self,
        recorder: Recorder,
        values: Buffer,
        dx: Buffer | None,
        x: Buffer,
        targets: Buffer,
        total: Array,
        weights: Buffer | None,
    ) -> None:
        """Record the call."""
        buffers = {"values": values, "x": x, "targets": targets}
        buffers.update({name: buffer for name, buffer in (("dx", dx), ("weights", weights)) if buffer is not None})

        def compute(rows: int) -> None:
            y_true, y_pred = targets.view[:rows].copy(), x.view[:rows].copy()
            result = self.function(y_true, y_pred)
            if not isinstance(result, tuple | list) or len(result) != 2:
                raise TypeError(
                    f"{self.title}: expected (loss per row, d loss/d y_pred), got {type(result).__name__}"
                    + (f" of {len(result)}" if isinstance(result, tuple | list) else "")
                )
            values.view[:rows] = self._checked("the loss per row", result[0], (rows,))
            slope = self._checked("d loss/d y_pred", result[1], y_pred.shape)
            if dx is not None:
                s = np.ones(rows) if weights is None else weights.view[:rows].astype(np.float64)
                share = (s / total[1] if total[1] > 0 else 0.0 * s).astype(np.float32)[:, None]
                dx.view[:rows] = np.where(share == 0, np.float32(0), share * slope)

        recorder.call(compute, **buffers)
        if dx is not None:
            recorder.outputs.append((f"the gradient of {self.title}", dx))

    def _checked(self, what: str, value: Any, shape: tuple[int, ...]) -> Array:
        """What the function returned, as float32, or an error that names it; NaN is found where losses are summed."""
        array = as_array(f"{self.title}, {what}", value)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{self.title}: expected {what} in real numbers, got dtype {array.dtype}")
        if array.shape != shape:
            raise ValueError(f"{self.title}: expected {what} of shape {shape}, got {array.shape}")
        with np.errstate(over="ignore"):
            return array.astype(np.float32)

    def __repr__(self) -> str:
        return f"Custom({self.function!r})"
