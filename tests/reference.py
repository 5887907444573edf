"""Every kernel once more, in float64 NumPy: slow, plain, and what the fast ones are tested against.

Same names and arguments as `fastdl.kernels`, with two differences: nothing is changed in place (the updates return the
new weights and slots), and there is no `out`. Letters: B rows, I inputs of a layer, O outputs, F features, C classes.
The gradients here are checked by finite differences in test_reference.py.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from reference_activation import activation_backward as activation_backward
from reference_activation import activation_forward as activation_forward

Array = NDArray[np.float64]
Words = NDArray[np.uint32]

MASK32 = 0xFFFFFFFF


def f64(x: ArrayLike) -> Array:
    """The same values in float64."""
    return np.asarray(x, np.float64)


# ---------------------------------------------------------------------------------------------------------- dense


def matmul(a: ArrayLike, b: ArrayLike, transpose_a: bool = False, transpose_b: bool = False) -> Array:
    """Product of two matrices, each transposed first when asked: a (M, K), b (K, N) -> (M, N)."""
    a, b = f64(a), f64(b)
    return (a.T if transpose_a else a) @ (b.T if transpose_b else b)


def dense_forward(x: ArrayLike, w: ArrayLike, b: ArrayLike | None = None, activation: str | None = None) -> Array:
    """y = activation(x w + b): x (B, I), w (I, O), b (O,) -> y (B, O)."""
    y = matmul(x, w)
    if b is not None:
        y = y + f64(b)
    return y if activation is None else activation_forward(y, activation)


def dense_backward(dy: ArrayLike, x: ArrayLike, w: ArrayLike) -> tuple[Array, Array, Array]:
    """Gradients of x w + b: dy (B, O), x (B, I), w (I, O) -> dx (B, I), dw (I, O), db (O,)."""
    dy = f64(dy)
    return dy @ f64(w).T, f64(x).T @ dy, dy.sum(axis=0)


# ------------------------------------------------------------------------------------------------------ batchnorm


def batchnorm_stats(x: ArrayLike) -> tuple[Array, Array]:
    """Mean and biased variance of each column: x (B, F) -> mean (F,), var (F,)."""
    x = f64(x)
    mean = x.mean(axis=0)
    return mean, np.square(x - mean).mean(axis=0)


def batchnorm_forward(
    x: ArrayLike, gamma: ArrayLike, beta: ArrayLike, mean: ArrayLike, var: ArrayLike, eps: float = 1e-5
) -> Array:
    """y = gamma (x - mean) / sqrt(var + eps) + beta: x (B, F), the rest (F,) -> y (B, F)."""
    return f64(gamma) * (f64(x) - f64(mean)) / np.sqrt(f64(var) + eps) + f64(beta)


def batchnorm_backward(
    dy: ArrayLike, x: ArrayLike, gamma: ArrayLike, mean: ArrayLike, var: ArrayLike, eps: float = 1e-5
) -> tuple[Array, Array, Array]:
    """Gradients when mean and var are those of x itself: dy, x (B, F) -> dx (B, F), dgamma (F,), dbeta (F,).

    The two sums are what reaches the mean and the variance; both are taken back out of dx.
    """
    dy = f64(dy)
    inverse_std = 1.0 / np.sqrt(f64(var) + eps)
    normalised = (f64(x) - f64(mean)) * inverse_std
    dgamma = (dy * normalised).sum(axis=0)
    dbeta = dy.sum(axis=0)
    rows = max(len(dy), 1)
    dx = f64(gamma) * inverse_std * (dy - dbeta / rows - normalised * dgamma / rows)
    return dx, dgamma, dbeta


# ---------------------------------------------------------------------------------------------------------- merge


def add(a: ArrayLike, b: ArrayLike) -> Array:
    """a + b, element by element: both (B, F) -> (B, F)."""
    return f64(a) + f64(b)


def concatenate(arrays: Sequence[ArrayLike]) -> Array:
    """Matrices side by side: (B, F) each -> (B, sum of F)."""
    return np.concatenate([f64(a) for a in arrays], axis=1)


# --------------------------------------------------------------------------------------------- random and dropout


def philox4x32(counter: ArrayLike, key: ArrayLike) -> Words:
    """Philox4x32-10 (Salmon and others, 2011): counter (..., 4), key (2,), 32-bit words -> (..., 4) uint32."""
    c0, c1, c2, c3 = np.moveaxis(np.asarray(counter, np.uint64), -1, 0)
    k0, k1 = (int(k) for k in np.asarray(key, np.uint64))
    mask, half = np.uint64(MASK32), np.uint64(32)
    for _ in range(10):
        p0, p1 = c0 * np.uint64(0xD2511F53), c2 * np.uint64(0xCD9E8D57)
        c0, c1, c2, c3 = (p1 >> half) ^ c1 ^ np.uint64(k0), p1 & mask, (p0 >> half) ^ c3 ^ np.uint64(k1), p0 & mask
        k0, k1 = (k0 + 0x9E3779B9) & MASK32, (k1 + 0xBB67AE85) & MASK32
    return np.stack([c0, c1, c2, c3], axis=-1).astype(np.uint32)


def philox_words(blocks: int, seed: int, step: int = 0, stream: int = 0) -> Words:
    """The first blocks of one stream: -> (blocks, 4) uint32, counter (block low, block high, step, stream)."""
    index = np.arange(blocks, dtype=np.uint64)
    counter = np.zeros((blocks, 4), np.uint64)
    counter[:, 0], counter[:, 1] = index & np.uint64(MASK32), index >> np.uint64(32)
    counter[:, 2], counter[:, 3] = step, stream
    return philox4x32(counter, (seed & MASK32, seed >> 32))


def random_uniform(n: int, seed: int, step: int = 0, stream: int = 0) -> Array:
    """Multiples of 2^-24 in [0, 1): the upper 24 bits of each word, in order -> (n,)."""
    return (philox_words(-(-n // 4), seed, step, stream).reshape(-1)[:n] >> 8) * 2.0**-24


def random_normal(n: int, seed: int, step: int = 0, stream: int = 0) -> Array:
    """Box and Muller's (1958) pairs, each from two words: a radius and an angle -> (n,)."""
    bits = philox_words(-(-n // 4), seed, step, stream).reshape(-1, 2) >> 8
    radius = np.sqrt(-2.0 * np.log((bits[:, 0] + 1.0) * 2.0**-24))
    angle = 2.0 * math.pi * bits[:, 1] * 2.0**-24
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1).reshape(-1)[:n]


def permutation(n: int, seed: int, step: int = 0, stream: int = 0) -> NDArray[np.int64]:
    """Fisher and Yates, from the last place down; a swap takes the high half of 64 bits times i + 1 -> (n,)."""
    pairs = philox_words(-(-n // 2), seed, step, stream).reshape(-1, 2).tolist()
    order = list(range(n))
    for i, (low, high) in zip(range(n - 1, 0, -1), pairs, strict=False):
        j = ((low | high << 32) * (i + 1)) >> 64
        order[i], order[j] = order[j], order[i]
    return np.array(order, np.int64)


def dropout_mask(shape: Sequence[int], rate: float, seed: int, step: int = 0, stream: int = 0) -> NDArray[np.bool_]:
    """True where an element is kept: 16 random bits an element, eight elements a block, low half of a word first."""
    size = math.prod(shape)
    words = philox_words(-(-size // 8), seed, step, stream)
    halves = np.stack([words & 0xFFFF, words >> 16], axis=-1).reshape(-1)[:size]
    return (halves >= round(rate * 65536)).reshape(shape)


def dropout_forward(x: ArrayLike, rate: float, seed: int, step: int = 0, stream: int = 0) -> Array:
    """Zero what is dropped and scale what is kept by 1 / (1 - rate), NaN kept either way: x (B, F) -> y (B, F)."""
    x = f64(x)
    return x * dropout_mask(x.shape, rate, seed, step, stream) / (1.0 - rate)


def dropout_backward(dy: ArrayLike, rate: float, seed: int, step: int = 0, stream: int = 0) -> Array:
    """The same mask and scale on the gradient: dy (B, F) -> dx (B, F)."""
    return dropout_forward(dy, rate, seed, step, stream)


# ----------------------------------------------------------------------------------------------------------- loss


def row_shares(rows: int, weights: ArrayLike | None) -> Array:
    """Each row's share s_i / sum(s) of the loss: weights (B,) -> (B, 1); zeros when nothing weighs anything."""
    s = np.ones(rows) if weights is None else f64(weights)
    total = s.sum()
    return (s / total if total else s)[:, None]


def softmax(x: ArrayLike) -> Array:
    """e^x over its sum, row by row: x (B, C) -> (B, C)."""
    x = f64(x)
    e = np.exp(x - x.max(axis=1, keepdims=True, initial=-np.inf))
    return e / e.sum(axis=1, keepdims=True)


def log_softmax(x: ArrayLike) -> Array:
    """Logarithm of the softmax: x (B, C) -> (B, C)."""
    shifted = f64(x) - np.max(x, axis=1, keepdims=True, initial=-np.inf)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def smooth_clip(x: ArrayLike, clip: float) -> Array:
    """x / sqrt(1 + (x / clip)^2): x (...) -> y (...)."""
    x = f64(x)
    return x / np.sqrt(1.0 + np.square(x / clip))


def softmax_cross_entropy(
    logits: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None
) -> tuple[Array, Array]:
    """Loss of each row and the gradient of their weighted mean: logits (B, C), labels (B,) -> (B,), (B, C)."""
    logits, labels = f64(logits), np.asarray(labels)
    shifted = logits - logits.max(axis=1, keepdims=True, initial=-np.inf)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    onehot = np.arange(logits.shape[1]) == labels[:, None]
    return -log_p[onehot], row_shares(len(logits), weights) * (np.exp(log_p) - onehot)


def mse(pred: ArrayLike, target: ArrayLike, weights: ArrayLike | None = None) -> tuple[Array, Array]:
    """Mean square over each row's outputs, and the gradient of the weighted mean: pred (B, O) -> (B,), (B, O)."""
    difference = f64(pred) - f64(target)
    return np.square(difference).mean(axis=1), row_shares(len(difference), weights) * 2.0 * difference / max(
        difference.shape[1], 1
    )


# ----------------------------------------------------------------------------------------------- reduce and gather


def global_norm(arrays: Sequence[ArrayLike]) -> float:
    """Square root of the sum of all squares: arrays of any shapes -> a number."""
    flat = np.concatenate([f64(a).ravel() for a in arrays] + [np.zeros(0)])
    return math.sqrt(math.fsum(np.square(flat)))


def clip_by_global_norm(arrays: Sequence[ArrayLike], theta: float) -> tuple[list[Array], float]:
    """Scale all arrays together down to norm theta, if they are above it -> new arrays, norm before."""
    norm = global_norm(arrays)
    factor = theta / norm if norm > theta else 1.0
    return [factor * f64(a) for a in arrays], norm


def gather(x: ArrayLike, indices: ArrayLike) -> NDArray[np.float32]:
    """Rows of x in the order of indices: x (N, F) of any number type, indices (B,) -> (B, F) float32."""
    return np.asarray(x)[np.asarray(indices, np.intp)].astype(np.float32)
