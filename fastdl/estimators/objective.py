"""What an estimator minimizes: a loss of ours, and how it differs from scikit-learn's by constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.kernels.merge import record_sum
from fastdl.losses import MSE, BinaryCrossEntropy, CrossEntropy, Loss, Poisson
from fastdl.optim import Adam
from fastdl.penalty import L2

if TYPE_CHECKING:
    from fastdl.program import Array, Buffer, Recorder


@dataclass(slots=True)
class Objective:
    """A loss with targets ready for it.

    Attributes
    ----------
    loss : Loss
        Ours, a mean over outputs.
    slope : float
        Factor of its gradient.
    factor : float
        Factor of its value.
    outputs : int
        Of the network.
    activation : str
        What scikit-learn calls `out_activation_`.
    standard : bool
        Whether it is one of scikit-learn's.
    """

    loss: Loss
    slope: float
    factor: float
    outputs: int
    activation: str
    standard: bool = True

    def recorded(self) -> Loss:
        """The loss whose gradient is scaled."""
        return self.loss if self.slope == 1.0 else Scaled(self.loss, self.slope)


def objective_of(loss: Loss, outputs: int, activation: str) -> Objective:
    """As scikit-learn counts: half of a squared error, and sums over outputs where ours are means.

    Of several outputs' squared error it reports the mean, but follows the gradient of the sum; so does this.
    """
    if type(loss) is MSE:
        return Objective(loss, 0.5 * outputs, 0.5, outputs, activation)
    if type(loss) in (BinaryCrossEntropy, Poisson):
        return Objective(loss, float(outputs), float(outputs), outputs, activation)
    return Objective(loss, 1.0, 1.0, outputs, activation, type(loss) is CrossEntropy)


class Scaled(Loss):
    """A loss whose gradient is multiplied by a number; its value is not."""

    def __init__(self, inner: Loss, slope: float) -> None:
        self.inner, self.slope = inner, slope
        for name in ("name", "head", "labels", "estimates"):
            setattr(self, name, getattr(inner, name))

    def prepare(self, y: Any, rows: int, outputs: int, classes: Array | None) -> tuple[Array, Array | None]:
        """As the inner one."""
        return self.inner.prepare(y, rows, outputs, classes)

    def target_columns(self, outputs: int) -> int:
        """As the inner one."""
        return self.inner.target_columns(outputs)

    def record(
        self,
        recorder: Recorder,
        values: Buffer,
        dx: Buffer | None,
        x: Buffer,
        targets: Buffer,
        total: Array,
        weights: Any,
    ) -> None:
        """Record the inner loss, and the factor behind its gradient."""
        self.inner.record(recorder, values, dx, x, targets, total, weights)
        if dx is not None:
            recorder.add(record_sum, y=dx, factor=self.slope, x0=dx)


class PerRow(L2):
    """c sum w^2, added to the sum of the rows' losses: a batch of B rows has the gradient 2 c w / B."""

    per_row = True


class EpsilonHat(Adam):
    """Adam with eps beside the uncorrected root, as scikit-learn and Keras have it: sqrt(v) + eps."""

    def hyper(self) -> dict[str, Any]:
        """Those of Adam."""
        return {**super().hyper(), "eps_hat": True}


def poisson_constant(y: Array, weights: Array | None) -> float:
    """What scikit-learn adds to the Poisson loss: the mean of t log t - t, summed over outputs."""
    t = np.asarray(y, np.float64)
    terms = t * np.log(np.where(t > 0, t, 1.0)) - t
    return float(np.average(terms, weights=weights, axis=0).sum())
