"""What a metric is."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from fastdl.losses import Loss
    from fastdl.program import Array, Buffer, Recorder


class Metric:
    """Base class.

    Attributes
    ----------
    name : str
        As in the history, with "val_" in front for validation data.
    """

    name: ClassVar[str] = ""

    def goes_with(self, of: Loss) -> bool:
        """Whether it means something beside this loss."""
        raise NotImplementedError

    def check(self, of: Loss) -> None:
        """Refuse a loss that it does not go with."""
        if not self.goes_with(of):
            raise ValueError(f"metrics: {self.name!r} does not go with the loss {of.name or of!r}")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in vars(self).items())})"


class RowMetric(Metric):
    """A mean over the rows, by their weights. It is taken in the step itself, also of the training batches."""

    def record(self, recorder: Recorder, values: Buffer, x: Buffer, targets: Buffer, of: Loss) -> None:
        """Record each row's value."""
        raise NotImplementedError


class SetMetric(Metric):
    """A number of a whole set of rows that is no mean over them. Validation and `Trainer.evaluate` have it."""

    def value(self, targets: Array, outputs: Array, weights: Array) -> float:
        """The number.

        Parameters
        ----------
        targets : ndarray, (n,) or (n, outputs)
            Integers from 0 where they are labels: positions in `classes_`. Else float64.
        outputs : ndarray, (n, outputs), float64
            Probabilities where the loss has them, else what the network gives.
        weights : ndarray, (n,), float64
            Of the rows; ones without any.
        """
        raise NotImplementedError
