"""Optimizers' updates."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from fastdl import kernels
from fastdl.cli.races.case import Arrays, Case, normal

RATE, MOMENTUM, RHO, BETAS, EPS, STEP = 1e-3, 0.9, 0.9, (0.9, 0.999), 1e-8, 3
Array = np.ndarray


def state(slots: int) -> Callable[[int, int], Arrays]:
    """What makes weights so small that an update shows in their check, the gradient, and positive slots."""
    return lambda rows, cols: (
        normal(rows, cols) / 100,
        normal(rows, cols, 1),
        *(np.abs(normal(rows, cols, 2 + slot)) for slot in range(slots)),
    )


def average(mean: Array, new: Array, decay: float, scratch: Array) -> None:
    """mean = decay mean + (1 - decay) new."""
    np.multiply(new, 1 - decay, out=scratch)
    mean *= decay
    mean += scratch


def average_of_squares(mean: Array, new: Array, decay: float, scratch: Array) -> None:
    """mean = decay mean + (1 - decay) new^2."""
    np.multiply(new, new, out=scratch)
    scratch *= 1 - decay
    mean *= decay
    mean += scratch


def move(w: Array, above: Array, squares: Array, rate: float, correction: float, scratch: Array) -> None:
    """w -= rate above / (sqrt(squares) correction + eps)."""
    np.sqrt(squares, out=scratch)
    scratch *= correction
    scratch += EPS
    np.divide(above, scratch, out=scratch)
    scratch *= rate
    w -= scratch


def sgd(w: Array, g: Array, scratch: Array) -> None:
    """w -= rate g."""
    np.multiply(g, RATE, out=scratch)
    w -= scratch


def normalized_sgd(w: Array, g: Array, scratch: Array) -> None:
    """w -= rate g / |g|."""
    np.multiply(g, RATE / float(np.sqrt(np.vdot(g, g))), out=scratch)
    w -= scratch


def momentum(w: Array, g: Array, v: Array, scratch: Array) -> None:
    """v = momentum v - rate g; w += v."""
    np.multiply(g, RATE, out=scratch)
    v *= MOMENTUM
    v -= scratch
    w += v


def lion(w: Array, g: Array, m: Array, scratch: Array, other: Array) -> None:
    """w -= rate sign(mean of m and g); m = another mean."""
    np.multiply(m, BETAS[0], out=scratch)
    np.multiply(g, 1 - BETAS[0], out=other)
    scratch += other
    np.sign(scratch, out=scratch)
    scratch *= RATE
    w -= scratch
    average(m, g, BETAS[1], scratch)


def adagrad(w: Array, g: Array, s: Array, scratch: Array) -> None:
    """s += g^2; w -= rate g / (sqrt(s) + eps)."""
    np.multiply(g, g, out=scratch)
    s += scratch
    move(w, g, s, RATE, 1.0, scratch)


def adadelta(w: Array, g: Array, s: Array, d: Array, scratch: Array, step: Array) -> None:
    """A step of the size of earlier steps."""
    average_of_squares(s, g, RHO, scratch)
    np.add(d, EPS, out=step)
    np.add(s, EPS, out=scratch)
    step /= scratch
    np.sqrt(step, out=step)
    step *= g
    average_of_squares(d, step, RHO, scratch)
    step *= RATE
    w -= step


def rmsprop(w: Array, g: Array, s: Array, scratch: Array) -> None:
    """s = mean of g^2; w -= rate g / (sqrt(s) + eps)."""
    average_of_squares(s, g, RHO, scratch)
    move(w, g, s, RATE, 1.0, scratch)


def adam(w: Array, g: Array, m: Array, v: Array, scratch: Array) -> None:
    """In place, with the bias corrections in two scalars."""
    average(m, g, BETAS[0], scratch)
    average_of_squares(v, g, BETAS[1], scratch)
    move(w, m, v, RATE / (1 - BETAS[0] ** STEP), 1 / math.sqrt(1 - BETAS[1] ** STEP), scratch)


def adamax(w: Array, g: Array, m: Array, u: Array, scratch: Array) -> None:
    """u = max(beta2 u, |g| + eps); w -= rate m / u."""
    average(m, g, BETAS[0], scratch)
    np.abs(g, out=scratch)
    scratch += EPS
    u *= BETAS[1]
    np.maximum(u, scratch, out=u)
    np.divide(m, u, out=scratch)
    scratch *= RATE / (1 - BETAS[0] ** STEP)
    w -= scratch


def nadam(w: Array, g: Array, m: Array, v: Array, scratch: Array, above: Array) -> None:
    """Adam with a look ahead."""
    rates = [BETAS[0] * (1 - 0.5 * 0.96 ** (4e-3 * step)) for step in range(1, STEP + 2)]
    average(m, g, BETAS[0], scratch)
    average_of_squares(v, g, BETAS[1], scratch)
    np.multiply(g, (1 - rates[-2]) / (1 - math.prod(rates[:-1])), out=above)
    np.multiply(m, rates[-1] / (1 - math.prod(rates)), out=scratch)
    above += scratch
    move(w, above, v, RATE, 1 / math.sqrt(1 - BETAS[1] ** STEP), scratch)


def radam(w: Array, g: Array, m: Array, v: Array, scratch: Array) -> None:
    """In its first steps, where it does not divide yet."""
    average(m, g, BETAS[0], scratch)
    average_of_squares(v, g, BETAS[1], scratch)
    np.multiply(m, RATE / (1 - BETAS[0] ** STEP), out=scratch)
    w -= scratch


def adam_like(name: str, kernel: Callable[..., Any], theirs: Callable[..., Any], scratch: int = 1) -> Case:
    """A case of two slots with Adam's arguments."""
    return Case(name, state(2), lambda *arrays: kernel(*arrays, RATE, *BETAS, EPS, STEP), theirs, scratch=scratch)


CASES = [
    Case("sgd_update", state(0), lambda w, g: kernels.sgd_update(w, g, RATE), sgd, scratch=1),
    Case("normalized_sgd_update", state(0), lambda w, g: kernels.normalized_sgd_update(w, g, RATE), normalized_sgd,
         scratch=1),
    Case("momentum_update", state(1),
         lambda w, g, v: kernels.momentum_update(w, g, v, RATE, MOMENTUM), momentum, scratch=1),
    Case("lion_update", state(1), lambda w, g, m: kernels.lion_update(w, g, m, RATE, *BETAS), lion, scratch=2),
    Case("adagrad_update", state(1), lambda w, g, s: kernels.adagrad_update(w, g, s, RATE, EPS), adagrad, scratch=1),
    Case("adadelta_update", state(2),
         lambda w, g, s, d: kernels.adadelta_update(w, g, s, d, RATE, RHO, EPS), adadelta, scratch=2),
    Case("rmsprop_update", state(1),
         lambda w, g, s: kernels.rmsprop_update(w, g, s, RATE, RHO, EPS), rmsprop, scratch=1),
    adam_like("adam_update", kernels.adam_update, adam),
    adam_like("adamax_update", kernels.adamax_update, adamax),
    adam_like("nadam_update", kernels.nadam_update, nadam, scratch=2),
    adam_like("radam_update", kernels.radam_update, radam),
]  # fmt: skip
