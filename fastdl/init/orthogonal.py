"""Orthogonal weights."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from fastdl.errors import check_number
from fastdl.init.base import Initializer
from fastdl.kernels import orthonormalize, random_normal

if TYPE_CHECKING:
    from fastdl.program import Array


class Orthogonal(Initializer):
    """gain times orthonormal columns, or rows if there are fewer of them (Saxe et al. 2014): keeps lengths.

    Uniform over all such matrices (Haar measure): Gaussian rows, orthonormalised by Gram and Schmidt in float64, which
    is a QR decomposition whose R has a positive diagonal.

    Parameters
    ----------
    gain : float
        Such as sqrt(2) before ReLU.
    """

    kind = "orthogonal"
    options: ClassVar[tuple[str, ...]] = ("gain",)

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = check_number("gain", gain, -float("inf"), float("inf"))

    def __call__(self, shape: tuple[int, ...], seed: int = 0, stream: int = 0) -> Array:
        """Make the array; what stands before the last size counts as rows."""
        rows, cols = prod(shape[:-1]), shape[-1]
        deviates = random_normal(rows * cols, seed, 0, stream).reshape(min(rows, cols), max(rows, cols))
        deviates[deviates == 0] = 1.0  # a 1 x 1 matrix has to be something
        q = orthonormalize(deviates) * np.float32(self.gain)
        return np.ascontiguousarray(q.T if rows > cols else q).reshape(shape)


class LSUV(Orthogonal):
    """Layer-sequential unit variance (Mishkin & Matas 2016): orthogonal, then scaled to what the data need.

    As the `init` of a Dense: when a fit first sees data, the weights are divided by the standard deviation of its
    outputs before the activation, measured on training rows, layer after layer. Elsewhere it is `Orthogonal()`.
    """

    kind = "lsuv"
    options: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        super().__init__()
