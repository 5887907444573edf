"""JAX: a whole epoch as one jitted scan, with Adam and the tricks written by hand."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from time import perf_counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.peers.cases import (
    ADAM_EPS,
    BATCHNORM_EPS,
    BATCHNORM_MOMENTUM,
    BETAS,
    CLIP_NORM,
    DROPOUT,
    LEARNING_RATE,
    Case,
    cross_entropy,
)

Array = jax.Array
Tree = Any


def initial_parameters(case: Case, rng: np.random.Generator) -> list[dict[str, Array]]:
    """Return He weights (inputs, outputs), zero biases, and the two vectors of each batch norm."""
    layers = []
    for number, (inputs, outputs) in enumerate(pairwise(case.widths), start=2):
        w = rng.standard_normal((inputs, outputs), dtype=np.float32) * np.float32(np.sqrt(2 / inputs))
        layer = {"w": jnp.asarray(w), "b": jnp.zeros(outputs)}
        if number < len(case.widths) and not case.plain:
            layer.update(gamma=jnp.ones(outputs), beta=jnp.zeros(outputs))
        layers.append(layer)
    return layers


def forward(layers: Tree, running: Tree, x: Array, key: Array | None) -> tuple[Array, Tree]:
    """Return logits and new running statistics; without a key, in inference mode."""
    updated = []
    for number, (layer, (mean, var)) in enumerate(zip(layers[:-1], running, strict=True)):
        x = x @ layer["w"] + layer["b"]
        if "gamma" not in layer:  # of a plain network
            updated.append((mean, var))
            x = jax.nn.relu(x)
            continue
        if key is None:
            batch_mean, batch_var = mean, var
        else:
            batch_mean, batch_var = x.mean(axis=0), x.var(axis=0)
            unbiased = batch_var * (len(x) / (len(x) - 1))
            mean = BATCHNORM_MOMENTUM * mean + (1 - BATCHNORM_MOMENTUM) * batch_mean
            var = BATCHNORM_MOMENTUM * var + (1 - BATCHNORM_MOMENTUM) * unbiased
        updated.append((mean, var))
        scale = layer["gamma"] * jax.lax.rsqrt(batch_var + BATCHNORM_EPS)
        x = jax.nn.relu((x - batch_mean) * scale + layer["beta"])
        if key is not None:
            kept = jax.random.bernoulli(jax.random.fold_in(key, number), 1 - DROPOUT, x.shape)
            x = jnp.where(kept, x * (1 / (1 - DROPOUT)), 0)
    return x @ layers[-1]["w"] + layers[-1]["b"], updated


def mean_loss(layers: Tree, running: Tree, x: Array, labels: Array, key: Array) -> tuple[Array, Tree]:
    """Return the mean cross-entropy of a batch, and the new running statistics."""
    logits, running = forward(layers, running, x, key)
    picked = jnp.take_along_axis(logits, labels[:, None], axis=1)[:, 0]
    return (jax.nn.logsumexp(logits, axis=1) - picked).mean(), running


def adam(
    w: Array, g: Array, m: Array, v: Array, clip: Array | float, rate: Array, root: Array
) -> tuple[Array, Array, Array]:
    """Return updated w, m, v; ``rate`` and ``root`` hold the bias corrections of this step."""
    g = g * clip
    m = BETAS[0] * m + (1 - BETAS[0]) * g
    v = BETAS[1] * v + (1 - BETAS[1]) * g * g
    return w - rate * m / (jnp.sqrt(v) * root + ADAM_EPS), m, v


def step(rows: Array, labels: Array, state: Tree, index: Array) -> tuple[Tree, Array]:
    """One training step on the rows of ``index``; returns the new state and the loss."""
    layers, first, second, running, t, key = state
    t, key = t + 1, jax.random.fold_in(key, 0)
    gradient = jax.value_and_grad(mean_loss, has_aux=True)
    (loss, running), grads = gradient(layers, running, rows[index], labels[index], key)
    clip = 1.0
    if "gamma" in layers[0]:
        norm = jnp.sqrt(sum(jnp.vdot(g, g) for g in jax.tree.leaves(grads)))
        clip = jnp.minimum(1.0, CLIP_NORM / norm)
    rate, root = LEARNING_RATE / (1 - BETAS[0] ** t), 1 / jnp.sqrt(1 - BETAS[1] ** t)
    update = jax.tree.map(partial(adam, clip=clip, rate=rate, root=root), layers, grads, first, second)
    layers, first, second = jax.tree.transpose(jax.tree.structure(layers), jax.tree.structure((0, 0, 0)), update)
    return (layers, first, second, running, t, key), loss


@partial(jax.jit, donate_argnums=2)
def epoch(rows: Array, labels: Array, state: Tree, indices: Array) -> tuple[Tree, Array]:
    """All steps of an epoch; ``indices`` is (steps, batch)."""
    state, losses = jax.lax.scan(partial(step, rows, labels), state, indices)
    return state, losses.mean()


class JaxTraining:
    """The state lives on JAX's side; NumPy draws the permutation, which is faster than JAX's sort."""

    def __init__(self, case: Case, rows: np.ndarray, labels: np.ndarray) -> None:
        self.case, self.rng = case, np.random.default_rng(0)
        self.rows, self.labels = jnp.asarray(rows), jnp.asarray(labels, dtype=jnp.int32)
        layers = initial_parameters(case, self.rng)
        running = [(jnp.zeros(width), jnp.ones(width)) for width in case.hidden]
        first, second = jax.tree.map(jnp.zeros_like, layers), jax.tree.map(jnp.zeros_like, layers)
        self.state = (layers, first, second, running, jnp.zeros((), jnp.float32), jax.random.key(0))

    def epochs(self, count: int) -> list[float]:
        seconds = []
        for _ in range(count):
            start = perf_counter()
            order = self.rng.permutation(self.case.rows).astype(np.int32)
            indices = order.reshape(self.case.steps, self.case.batch)
            self.state, loss = epoch(self.rows, self.labels, self.state, indices)
            loss.block_until_ready()
            seconds.append(perf_counter() - start)
        return seconds

    def loss(self) -> float:
        logits, _ = forward(self.state[0], self.state[3], self.rows, None)
        return cross_entropy(np.asarray(logits), np.asarray(self.labels))


def start(case: Case, rows: np.ndarray, labels: np.ndarray, threads: int) -> JaxTraining:
    """Return the training; XLA takes as many threads as the process has CPUs, which the worker has seen to."""
    return JaxTraining(case, rows, labels)
