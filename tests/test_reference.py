"""The float64 references themselves: gradients against finite differences, at torch.autograd.gradcheck's tolerances."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import reference as ref
import reference_norm
import support

from fastdl import kernels

SHAPES = [(1, 1), (1, 4), (5, 1), (4, 3), (3, 5)]


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    """Normal numbers of float64."""
    return np.random.default_rng(seed).normal(size=shape)


def gradcheck(
    function: Callable[..., np.ndarray], gradients: Sequence[np.ndarray], inputs: Sequence[np.ndarray], dy: np.ndarray
) -> None:
    """Central differences of sum(dy * function(*inputs)) by each element of each input."""
    eps, atol, rtol = 1e-6, 1e-5, 1e-3
    for place, (x, analytic) in enumerate(zip(inputs, gradients, strict=True)):
        numeric = np.zeros_like(x)
        for at in np.ndindex(x.shape):
            ends = []
            for step in (eps, -eps):
                moved = x.copy()
                moved[at] += step
                ends.append((dy * function(*inputs[:place], moved, *inputs[place + 1 :])).sum())
            numeric[at] = (ends[0] - ends[1]) / (2.0 * eps)
        assert analytic.shape == x.shape
        np.testing.assert_allclose(analytic, numeric, atol=atol, rtol=rtol, err_msg=f"input {place}")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("outputs", [1, 3])
def test_dense(shape: tuple[int, int], outputs: int) -> None:
    x, w, b = numbers(*shape), numbers(shape[1], outputs, seed=1), numbers(outputs, seed=2)
    dy = numbers(shape[0], outputs, seed=3)
    gradcheck(ref.dense_forward, ref.dense_backward(dy, x, w), [x, w, b], dy)


@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
def test_matmul_is_the_sum_of_products(transpose_a: bool, transpose_b: bool) -> None:
    a, b = numbers(3, 4), numbers(4, 2, seed=1)
    want = np.array([[sum(a[i, k] * b[k, j] for k in range(4)) for j in range(2)] for i in range(3)])
    got = ref.matmul(a.T if transpose_a else a, b.T if transpose_b else b, transpose_a, transpose_b)
    np.testing.assert_allclose(got, want, rtol=1e-14)


@pytest.mark.parametrize("kind", kernels._activation.KINDS)
@pytest.mark.parametrize("alpha", [None, 0.0, 0.3, 2.5])
def test_activation(kind: str, alpha: float | None) -> None:
    x, dy = 2.0 * numbers(7, 5), numbers(7, 5, seed=1)
    saved = x if kernels.activation_saves(kind) == "x" else ref.activation_forward(x, kind, alpha)
    gradient = ref.activation_backward(dy, saved, kind, alpha)
    gradcheck(lambda v: ref.activation_forward(v, kind, alpha), [gradient], [x], dy)


@pytest.mark.parametrize("shape", [(2, 1), (4, 3), (7, 2)])
def test_batchnorm_through_its_statistics(shape: tuple[int, int]) -> None:
    x, gamma, beta = numbers(*shape), numbers(shape[1], seed=1), numbers(shape[1], seed=2)
    dy = numbers(*shape, seed=3)

    def normalise(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray) -> np.ndarray:
        return ref.batchnorm_forward(x, gamma, beta, *ref.batchnorm_stats(x), eps=1e-3)

    gradcheck(normalise, ref.batchnorm_backward(dy, x, gamma, *ref.batchnorm_stats(x), eps=1e-3), [x, gamma, beta], dy)


def test_batchnorm_normalises() -> None:
    x = numbers(50, 4) * 3.0 + 5.0
    y = ref.batchnorm_forward(x, np.full(4, 2.0), np.full(4, -1.0), *ref.batchnorm_stats(x), eps=0.0)
    np.testing.assert_allclose(y.mean(axis=0), -1.0, rtol=1e-12)
    np.testing.assert_allclose(y.std(axis=0), 2.0, rtol=1e-12)


@pytest.mark.parametrize("shape", [(1, 2), (4, 3), (3, 5)])
def test_row_norms_through_their_statistics(shape: tuple[int, int]) -> None:
    x, gamma, beta, dy = numbers(*shape), numbers(shape[1], seed=1), numbers(shape[1], seed=2), numbers(*shape, seed=3)
    of = reference_norm
    gradcheck(
        lambda *args: of.layernorm_forward(*args, 1e-3), of.layernorm_backward(dy, x, gamma, 1e-3), [x, gamma, beta], dy
    )
    gradcheck(lambda *args: of.rmsnorm_forward(*args, 1e-3), of.rmsnorm_backward(dy, x, gamma, 1e-3), [x, gamma], dy)


@pytest.mark.parametrize("shape", SHAPES)
def test_weightnorm(shape: tuple[int, int]) -> None:
    v, g, dw = numbers(*shape), numbers(shape[1], seed=1), numbers(*shape, seed=2)
    gradcheck(reference_norm.weightnorm_forward, reference_norm.weightnorm_backward(dw, v, g), [v, g], dw)


def test_dropout() -> None:
    x, dy = numbers(6, 5), numbers(6, 5, seed=1)
    gradcheck(lambda v: ref.dropout_forward(v, 0.4, 7, 3, 2), [ref.dropout_backward(dy, 0.4, 7, 3, 2)], [x], dy)


WEIGHTS = [None, np.array([0.5, 0.0, 2.0, 1.0])]


@pytest.mark.parametrize("weights", WEIGHTS, ids=["even", "weighted"])
@pytest.mark.parametrize("classes", [1, 2, 5])
def test_softmax_cross_entropy(weights: np.ndarray | None, classes: int) -> None:
    logits, labels = numbers(4, classes) * 2.0, np.array([0, 1, 4, 2]) % classes
    _, dlogits = ref.softmax_cross_entropy(logits, labels, weights)
    s = ref.row_shares(4, weights)[:, 0]
    gradcheck(lambda v: ref.softmax_cross_entropy(v, labels)[0], [dlogits], [logits], s)


@pytest.mark.parametrize("weights", WEIGHTS, ids=["even", "weighted"])
@pytest.mark.parametrize("outputs", [1, 3])
def test_mse(weights: np.ndarray | None, outputs: int) -> None:
    pred, target = numbers(4, outputs), numbers(4, outputs, seed=1)
    _, dpred = ref.mse(pred, target, weights)
    gradcheck(lambda v: ref.mse(v, target)[0], [dpred], [pred], ref.row_shares(4, weights)[:, 0])


def test_philox_known_answers() -> None:
    for counter, key, words in support.philox_vectors():
        np.testing.assert_array_equal(ref.philox4x32(counter, key), words)


def test_clip_reaches_theta() -> None:
    arrays = [numbers(3, 4), numbers(5)]
    clipped, norm = ref.clip_by_global_norm(arrays, 0.5)
    assert norm == pytest.approx(np.sqrt(sum(np.square(a).sum() for a in arrays)), rel=1e-14)
    assert ref.global_norm(clipped) == pytest.approx(0.5, rel=1e-14)
    assert ref.clip_by_global_norm(arrays, 2.0 * norm)[0][0].tolist() == arrays[0].tolist()
