"""exp, log, tanh, erf, sin and cos of arrays: their errors in units of the last place, over a sample or all float32."""

from collections.abc import Callable

import numpy as np
import pytest
import reference_activation as ref
import support
from support import TINY, normal, ulp, whole

from fastdl import kernels

REFERENCES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "exp": np.exp,
    "log": np.log,
    "tanh": np.tanh,
    "erf": ref.erf,
    "sin": np.sin,
    "cos": np.cos,
}
ULPS = {"exp": 1.0, "log": 0.84, "tanh": 1.25, "erf": 1.82, "sin": 1.6, "cos": 1.6}  # as the docstrings say
NAMES = list(REFERENCES)
LARGEST = float(np.finfo(np.float32).max)


def kernel(name: str) -> Callable[..., np.ndarray]:
    function: Callable[..., np.ndarray] = getattr(kernels, name)
    return function


def reference(name: str, x: np.ndarray) -> np.ndarray:
    """In float64, subnormals being zero; what float32 can't hold is infinite."""
    with np.errstate(all="ignore"):
        x = x.astype(np.float64)
        x = np.where(np.abs(x) < TINY, np.copysign(0.0, x), x)
        y = REFERENCES[name](x)
    return np.where(np.abs(y) >= LARGEST + 2.0**103, np.copysign(np.inf, y), y)


def errors(name: str, x: np.ndarray, got: np.ndarray) -> np.ndarray:
    """Distance to the reference in units of the last place; infinite where a NaN, infinity, zero or sign is wrong."""
    want = reference(name, x)
    with np.errstate(invalid="ignore"):
        distance = np.abs(got.astype(np.float64) - want) / ulp(np.where(np.isfinite(want), want, 0.0))
        right = np.where(np.isfinite(want), np.abs(want) >= TINY, got == want) | (np.isnan(want) & np.isnan(got))
    exact = right & ~np.isfinite(want)
    flushed = (np.abs(want) < TINY) & (np.abs(got) <= TINY) & ((got == 0.0) | (np.signbit(got) == np.signbit(want)))
    return np.where(exact | flushed, 0.0, np.where(right, distance, np.inf))


def floats(bits: np.ndarray) -> np.ndarray:
    return bits.astype(np.uint32).view(np.float32)


def sample() -> np.ndarray:
    """Every exponent of either sign, the ends of the functions' ranges, their neighbours, and what is no number."""
    rng = np.random.default_rng(0)
    ends = [
        0.0, np.inf, TINY, LARGEST, 1.0, 0.5, np.sqrt(0.5), np.sqrt(2.0), 0.41421356, 88.722839, 87.336544, 88.0, 104.0,
        87.68, 0.625, 9.0, 9.1, 0.9, 3.9, 4.0, np.pi / 4, np.pi / 2, np.pi, 355.0, 2.0**20, 2.0**23, 2.0**24,
        2.0**32, 5.3e14, 0.5 * np.log(2.0), 1.5 * np.log(2.0), 2.0**-14, 6e-39, 1e-45,
    ]  # fmt: skip
    near = np.array(ends, np.float32).view(np.uint32)[:, None] + np.arange(-3, 4)
    bits = np.concatenate([near.ravel(), rng.integers(0, 0x7F80_0000, 40_000), [0x7FC0_0000, 0x7FC1_2345, 0x7F80_0001]])
    usual = normal(30_000, seed=1, scale=5.0)
    quarters = (np.arange(20_000) * (np.pi / 2)).astype(np.float32)  # where sine or cosine nearly vanish
    positive = np.concatenate([floats(np.maximum(bits, 0)), np.abs(usual), quarters])
    return np.concatenate([positive, -positive])


@pytest.mark.parametrize("name", NAMES)
def test_sample(name: str) -> None:
    x = sample()
    for isa, got in support.everywhere(lambda: kernel(name)(x), (1, 3)):
        if isa in support.FMA_ISAS:
            error = errors(name, x, got)
            worst = int(error.argmax())
            assert error[worst] <= ULPS[name], f"{isa}: {error[worst]} ULP at {x[worst]!r}, got {got[worst]!r}"
        else:  # products that flush to zero before they are added: an error of one smallest number
            want = reference(name, x)
            np.testing.assert_array_equal(np.isnan(got), np.isnan(want), err_msg=isa)
            finite = np.isfinite(want)
            np.testing.assert_array_equal(got[np.isinf(want)], want[np.isinf(want)], err_msg=isa)
            support.assert_within(got[finite], want[finite], 2.0 * ulp(want[finite]), isa)


@pytest.mark.parametrize("name", NAMES)
def test_symmetry(name: str) -> None:
    x = np.abs(sample())
    if name in ("tanh", "erf", "sin", "cos"):
        positive, negative = kernel(name)(x), kernel(name)(-x)
        numbers = ~np.isnan(positive)
        support.assert_same_bits(negative[numbers], positive[numbers] if name == "cos" else -positive[numbers])
        assert np.nanmax(np.abs(positive)) <= 1.0


def test_special_values() -> None:
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-40], np.float32)
    nan, inf = np.nan, np.inf
    for name, want in {
        "exp": [1, 1, inf, 0, nan, 1],
        "log": [-inf, -inf, inf, nan, nan, -inf],
        "tanh": [0.0, -0.0, 1, -1, nan, 0],
        "erf": [0.0, -0.0, 1, -1, nan, 0],
        "sin": [0.0, -0.0, nan, nan, nan, 0],
        "cos": [1, 1, nan, nan, nan, 1],
    }.items():
        for isa, got in support.everywhere(lambda name=name: kernel(name)(x)):
            np.testing.assert_array_equal(got, np.array(want, np.float32), err_msg=f"{name} {isa}")
            zero = np.equal(want, 0.0) & (np.abs(x) == 0.0)
            np.testing.assert_array_equal(np.signbit(got[zero]), np.signbit(np.array(want)[zero]), err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_all_of_float32(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each of the 2^32 inputs, on the best instruction set: the bits of all that have FMA are the same."""
    worst, where = -1.0, np.float32(0.0)
    size = 1 << 22
    odd = name == "erf"  # whose reference is slow
    for start in range(0, 1 << (31 if odd else 32), size):
        x = floats(np.arange(start, start + size, dtype=np.uint64))
        got = kernel(name)(x)
        if odd:
            numbers = ~np.isnan(x)
            support.assert_same_bits(kernel(name)(-x)[numbers], -got[numbers])
            if start >= 0x4100_0000 and start < 0x7F80_0000:  # 8, and before infinity: the error function is 1
                assert (got == 1.0).all()
                continue
        error = errors(name, x, got)
        at = int(error.argmax())
        if error[at] > worst:
            worst, where = float(error[at]), x[at]
    with capsys.disabled():
        print(f"\n{name}: at most {worst:.4f} ULP, at {where!r}")
    assert worst <= ULPS[name]


# ------------------------------------------------------------------------------------------------------- the edge


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (37,), (3, 5), (0, 4), (2, 3, 0), (2, 3, 7), (70_001,)], ids=str)
def test_any_shape(name: str, shape: tuple[int, ...]) -> None:
    x = np.abs(normal(shape, scale=2.0))
    flat = kernel(name)(x.ravel())
    for _, got in support.everywhere(lambda: kernel(name)(x)):
        assert got.shape == shape and got.dtype == np.float32
    support.assert_same_bits(kernel(name)(x), flat.reshape(shape))


@pytest.mark.parametrize("name", NAMES)
def test_edge(name: str) -> None:
    x = whole((5, 7))
    support.check_conversions(kernel(name), (x,), (0,))
    support.check_refuses_kinds(kernel(name), (x,), {0: "x"})
    support.check_out(kernel(name), (x,))
    support.check_out_overlap(kernel(name), (x,), 0)
    support.check_stays_inside(kernel(name), (x,), out=x)
    assert kernel(name)(0.5).shape == () and kernel(name)([1, 2]).shape == (2,)
