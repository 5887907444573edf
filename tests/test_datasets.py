"""The bundled data: shapes, values, and that nothing shared is handed out."""

import numpy as np
import pytest

from fastdl import datasets


def test_digits_have_the_promised_shapes_and_dtypes() -> None:
    x, y = datasets.load_digits()
    assert x.shape == (1797, 64) and x.dtype == np.float32 and x.flags.c_contiguous
    assert y.shape == (1797,) and y.dtype == np.int64


def test_digits_are_the_published_ones() -> None:
    x, y = datasets.load_digits()
    assert x.min() == 0 and x.max() == 16 and np.array_equal(x, np.round(x))
    assert np.bincount(y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert x.sum(dtype=np.float64) == 561718  # over all pixels
    # The first image, a zero: a ring of ink around an empty middle.
    assert x[0].reshape(8, 8)[3].astype(int).tolist() == [0, 4, 12, 0, 0, 8, 8, 0]


def test_digits_equal_scikit_learns_copy() -> None:
    peer = pytest.importorskip("sklearn.datasets").load_digits()
    x, y = datasets.load_digits()
    assert np.array_equal(x, peer.data) and np.array_equal(y, peer.target)


def test_every_call_returns_arrays_of_its_own() -> None:
    x, y = datasets.load_digits()
    x[:], y[:] = -1, -1
    again_x, again_y = datasets.load_digits()
    assert again_x.min() == 0 and again_y.min() == 0
