"""Periodic embeddings of numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastdl.errors import check_int, check_number
from fastdl.init import Gaussian, Uniform
from fastdl.kernels import periodic
from fastdl.kernels._partial import partial_shape
from fastdl.kernels.embedding import record_columns
from fastdl.nn.layer import Layer, features_of
from fastdl.program import Backward, Buffer, Recorder, Signal

RADIANS = 2.0 * math.pi  # of a turn


class PeriodicEmbedding(Layer):
    """Each number x becomes x beside mixtures of its waves: z_q = b_q + sum_h w_hq cos(2 pi (frequency_h x + phase_h)).

    Every feature has coefficients of its own, and all are learned. It is the PBLD embedding of RealMLP (Holzmueller et
    al. 2024), and lets a network follow a feature through many ups and downs. It wants scaled inputs.

    Parameters
    ----------
    features : int, optional
        How many columns, counted from the first, are embedded; by default all. The others pass, and come first in the
        output; then all embedded ones, then all their first mixtures, and so on.
    waves : int
        Waves of a feature.
    mixtures : int
        Numbers that a feature becomes beside itself, 1 .. 8.
    sigma : float
        Standard deviation of the initial frequencies, in turns per unit.
    lr_factor : float
        Factor of the learning rate of all coefficients; RealMLP has 0.1.
    decay : float
        Factor of the optimizer's weight decay of all coefficients; RealMLP has 1.
    name : str, optional

    Notes
    -----
    Phases begin uniform in a turn, weights and biases uniform within 1 / sqrt(waves). Phases count turns; Adam and
    its decay move them as they would move the paper's radians.
    """

    inspected = ("features", "waves", "mixtures", "sigma", "lr_factor", "decay")

    def __init__(
        self,
        features: int | None = None,
        waves: int = 16,
        mixtures: int = 3,
        sigma: float = 0.1,
        lr_factor: float = 1.0,
        decay: float = 0.0,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.features = None if features is None else check_int("features", features, 1)
        self.waves = check_int("waves", waves, 1)
        self.mixtures = check_int("mixtures", mixtures, 1)
        if self.mixtures > periodic.MOST_MIXTURES:
            raise ValueError(f"mixtures: expected at most {periodic.MOST_MIXTURES}, got {mixtures}")
        self.sigma = check_number("sigma", sigma, 0.0, 1e6)
        self.lr_factor = check_number("lr_factor", lr_factor, 0.0, 3.4e38)
        self.decay = check_number("decay", decay, 0.0, 1e37)

    def _embedded(self, features: int) -> int:
        return features if self.features is None else self.features

    def build(self, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Declare the coefficients."""
        features = features_of(self, in_shape)
        n, k, m = self._embedded(features), self.waves, self.mixtures
        if n > features:
            raise ValueError(f"{self.title()}: features={n}, but the inputs have {features}")
        even = Uniform(-1.0 / math.sqrt(k), 1.0 / math.sqrt(k))
        slow: Any = {"decay": self.decay, "lr_factor": self.lr_factor}
        turns: Any = {"decay": self.decay * RADIANS, "lr_factor": self.lr_factor / RADIANS}
        self.add_parameter("frequency", (k, n), Gaussian(self.sigma), **slow)
        self.add_parameter("phase", (k, n), Uniform(-0.5, 0.5), **turns)
        self.add_parameter("weight", (k, m, n), even, **slow)
        self.add_parameter("bias", (m, n), even, **slow)
        return (features + m * n,)

    def lower(self, recorder: Recorder, x: Signal) -> tuple[Signal, Backward]:
        """A copy of what passes, and the embedding; backwards the same, and the sums of what the coefficients learn."""
        n = self._embedded(x.features)
        passing = np.arange(n, x.features)
        y = recorder.matrix(x.features + self.mixtures * n)
        values = {name: parameter.value for name, parameter in self.parameters_.items()}
        if len(passing):
            recorder.add(record_columns, y=y, x=x.buffer, columns=passing, put=False)
        recorder.add(periodic.record_forward, y=y, start=len(passing), x=x.buffer, **values)

        def backward(dy: Buffer) -> Buffer | None:
            dx = recorder.matrix(x.features) if x.needs_gradient else None
            shape = partial_shape(recorder.rows, periodic.groups(self.waves, self.mixtures), n)
            if dx is not None and len(passing):
                recorder.add(record_columns, y=dy, x=dx, columns=passing, put=True)
            gradients = {f"d{name}": recorder.gradients[id(p)] for name, p in self.parameters_.items()}
            recorder.add(
                periodic.record_backward,
                dx=dx,
                dy=dy,
                start=len(passing),
                x=x.buffer,
                **values,
                partial=recorder.array(shape, np.float64),
                **gradients,
            )
            return dx

        return Signal(y, True), backward
