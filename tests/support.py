"""What the kernel tests share: running a kernel on every instruction set and team, and the checks of its edge.

Import it by name (`import support`); it holds no fixtures and no tests, and leaves threads and instruction
set as it found them.
"""

import ctypes
import math
import mmap
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from fastdl.kernels import _team

KNOWN_ANSWERS = Path(__file__).parent / "known_answers"
U = 2.0**-24  # half a unit in the last place of 1.0: what one rounding to float32 may cost, relatively
TINY = 2.0**-126  # the smallest normal float32: below it everything may be flushed to zero
THREADS = (1, 2, 3, 7)
DEFAULT_THREADS = _team.get_num_threads()
ISAS = tuple(_team.available_isas())
FMA_ISAS = tuple(isa for isa in ISAS if isa != "baseline")

# Nothing, one row, one column, odd, smaller and larger than any tile, wide, tall, more than one chunk.
SHAPES = [(0, 5), (1, 1), (1, 37), (37, 1), (2, 3), (17, 33), (31, 7), (15, 129), (3, 1000), (1000, 3), (300, 257)]

property_test = settings(
    max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)


@contextmanager
def team(isa: str | None = None, threads: int | None = None) -> Iterator[None]:
    """Inside: that instruction set and number of threads. Afterwards: what was there before."""
    old_isa, old_threads = _team.isa(), _team.get_num_threads()
    try:
        if isa is not None:
            _team.use_isa(isa)
        if threads is not None:
            _team.set_num_threads(threads)
        yield
    finally:
        _team.use_isa(old_isa)
        _team.set_num_threads(None if old_threads == DEFAULT_THREADS else old_threads)


def arrays_of(result: Any) -> tuple[np.ndarray, ...]:
    """A kernel's result (an array, a number, or a tuple of them) as a tuple of arrays."""
    return tuple(np.asarray(part) for part in (result if isinstance(result, tuple | list) else (result,)))


def assert_same_bits(got: Any, want: Any, what: str = "") -> None:
    """Equal dtype, shape and bytes; -0.0 is not 0.0. Says where the first difference is."""
    got, want = arrays_of(got), arrays_of(want)
    assert len(got) == len(want), what
    for number, (a, b) in enumerate(zip(got, want, strict=True)):
        where = f"{what}: result {number}"
        assert (a.dtype, a.shape) == (b.dtype, b.shape), where
        if a.tobytes() != b.tobytes():
            different = [i for i in np.ndindex(a.shape) if a[i].tobytes() != b[i].tobytes()]
            at = different[0]
            raise AssertionError(f"{where}: {len(different)} of {a.size} differ, first at {at}: {a[at]!r}, {b[at]!r}")


def everywhere(call: Callable[[], Any], threads: Sequence[int] = THREADS) -> Iterator[tuple[str, Any]]:
    """Yield (instruction set, result of call()) for each set of this machine.

    Fails unless every number of threads, and every instruction set with FMA, gives the same bits.
    """
    with_fma: tuple[str, Any] | None = None
    for isa in ISAS:
        with team(isa, threads[0]):
            result = call()
        for n in threads[1:]:
            with team(isa, n):
                assert_same_bits(call(), result, f"{isa}, {n} threads against {threads[0]}")
        if isa in FMA_ISAS:
            if with_fma is not None:
                assert_same_bits(result, with_fma[1], f"{isa} against {with_fma[0]}")
            with_fma = with_fma or (isa, result)
        yield isa, result


def assert_within(
    got: np.ndarray, want: np.ndarray, bound: Any, what: str = "", dtype: type[np.floating[Any]] = np.float32
) -> None:
    """No element is further from the float64 reference than its bound (plus what flushing to zero may cost)."""
    assert got.dtype == dtype, f"{what}: {got.dtype}"
    assert got.shape == want.shape, f"{what}: {got.shape}, expected {want.shape}"
    bound = np.broadcast_to(np.asarray(bound, np.float64) + TINY, want.shape)
    error = np.abs(got.astype(np.float64) - want)
    bad = np.flatnonzero(~(error <= bound))
    if bad.size:
        at = np.unravel_index(bad[np.argmax((error / bound).ravel()[bad])], want.shape)
        raise AssertionError(
            f"{what}: {bad.size} of {want.size} too far off, worst at {tuple(map(int, at))}: "
            f"got {got[at]!r}, expected {want[at]!r}, error {error[at]:.3g}, allowed {bound[at]:.3g}"
        )


def guarded(x: np.ndarray, at_end: bool) -> np.ndarray:
    """A copy of x whose last byte (or first) borders on a page that nobody may touch: straying there is fatal."""
    page = mmap.PAGESIZE
    pages = -(-x.nbytes // page)
    memory = mmap.mmap(-1, (pages + 2) * page)
    raw = np.frombuffer(memory, np.uint8)
    libc = ctypes.CDLL(None, use_errno=True)
    for wall in (0, pages + 1):
        address = ctypes.c_void_p(raw.ctypes.data + wall * page)
        assert libc.mprotect(address, ctypes.c_size_t(page), 0) == 0, os.strerror(ctypes.get_errno())
    start = (pages + 1) * page - x.nbytes if at_end else page
    inside = raw[start : start + x.nbytes].view(x.dtype).reshape(x.shape)
    inside[...] = x
    return inside


def check_stays_inside(kernel: Callable[..., Any], args: Sequence[Any], out: np.ndarray | None = None) -> None:
    """With every array (and out) walled in, the kernel gives the same bits; if it strays, the process dies here."""
    for isa in ISAS:
        with team(isa, 1):
            want = kernel(*args)
            for at_end in (True, False):
                walled = [guarded(arg, at_end) if isinstance(arg, np.ndarray) else arg for arg in args]
                kwargs = {} if out is None else {"out": guarded(out, at_end)}
                assert_same_bits(kernel(*walled, **kwargs), want, f"{isa}, walled in")


def restoring(kernel: Callable[..., Any], place: int = 0) -> Callable[..., np.ndarray]:
    """What a kernel makes of args[place] in place, which is then as before."""

    def call(*args: Any) -> np.ndarray:
        before = args[place].copy()
        kernel(*args)
        after = args[place].copy()
        args[place][...] = before
        return after

    return call


# --------------------------------------------------------------------------------------------------- known answers


def philox_vectors() -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The published (counter (4,), key (2,), words (4,)) of Philox4x32-10, uint32."""
    lines = (KNOWN_ANSWERS / "philox4x32_10.txt").read_text().splitlines()
    rows = [np.array([int(word, 16) for word in line.split()], np.uint32) for line in lines if not line.startswith("#")]
    return [(row[:4], row[4:6], row[6:]) for row in rows]


def ulp(y: np.ndarray) -> np.ndarray:
    """Distance to the next float32 at y, of which float64 decides: subnormals count as zero."""
    return np.spacing(np.maximum(np.abs(y), TINY).astype(np.float32)).astype(np.float64)


def normal(shape: Sequence[int] | int, seed: int = 0, scale: float = 1.0, offset: float = 0.0) -> np.ndarray:
    """Float32 normal numbers, the same each time."""
    return (np.random.default_rng(seed).normal(size=shape) * scale + offset).astype(np.float32)


def whole(shape: Sequence[int] | int, seed: int = 0) -> np.ndarray:
    """Small whole numbers as float32, which integers can hold too; no -0.0."""
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(np.float32)


# ------------------------------------------------------------------------------------------- the edge of a kernel


def variants(x: np.ndarray) -> dict[str, Any]:
    """The same values as x in other clothes, each of which a kernel has to convert or read as it is."""
    wide = np.zeros([2 * n for n in x.shape], x.dtype)
    strided = wide[tuple(slice(None, None, 2) for _ in x.shape)]
    strided[...] = x
    read_only = x.copy()
    read_only.flags.writeable = False
    raw = np.zeros(x.nbytes + 1, np.uint8)
    unaligned = raw[1:].view(x.dtype).reshape(x.shape)
    unaligned[...] = x
    everything = tuple(slice(None, None, -1) for _ in x.shape)
    return {
        "float64 or int64": x.astype(np.float64 if x.dtype.kind == "f" else np.int64),
        "int32": x.astype(np.int32),
        "big-endian": x.astype(x.dtype.newbyteorder(">")),
        "Fortran order": np.asfortranarray(x),
        "transposed": np.ascontiguousarray(x.T).T,
        "strided": strided,
        "reversed": np.ascontiguousarray(x[everything])[everything],
        "read-only": read_only,
        "unaligned": unaligned,
        "nested lists": x.tolist(),
    }


def check_conversions(kernel: Callable[..., Any], args: Sequence[Any], places: Sequence[int]) -> None:
    """Other dtypes, strides and byte orders of args[place] (whole numbers) give the same bits, and stay as they are."""
    want = kernel(*args)
    for place in places:
        for name, variant in variants(args[place]).items():
            before = variant.copy()
            got = kernel(*args[:place], variant, *args[place + 1 :])
            assert_same_bits(got, want, f"argument {place}, {name}")
            np.testing.assert_array_equal(variant, before)


def check_refuses_kinds(kernel: Callable[..., Any], args: Sequence[Any], names: dict[int, str]) -> None:
    """Strings, objects and complex numbers in args[place] are refused by the argument's name."""
    for place, name in names.items():
        for dtype in ("U3", "S3", object, np.complex64, "M8[s]"):
            bad = np.zeros(np.shape(args[place]), dtype)
            with pytest.raises((TypeError, ValueError), match=rf"\b{name}\b"):
                kernel(*args[:place], bad, *args[place + 1 :])


def check_refuses(call: Callable[[], Any], *words: Any) -> None:
    """The call raises ValueError or TypeError, and the message has each word (a name, a shape, a number)."""
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    for word in words:
        assert str(word) in str(caught.value), f"{word!r} is missing in: {caught.value}"


def check_out(kernel: Callable[..., np.ndarray], args: Sequence[Any], kwargs: dict[str, Any] | None = None) -> None:
    """`out` is filled and returned if it fits exactly; anything else is refused by name before a byte is written."""
    kwargs = kwargs or {}
    want = kernel(*args, **kwargs)
    out = np.full_like(want, 7.0)
    assert kernel(*args, **kwargs, out=out) is out
    assert_same_bits(out, want, "with out")

    rows, columns = want.shape
    assert min(rows, columns) > 1, "the checks below need a real matrix"
    read_only = np.full_like(want, 7.0)
    read_only.flags.writeable = False
    wrong_shapes = [(rows + 1, columns), (rows, columns - 1), (rows * columns,), (rows, columns, 1)]
    if rows != columns:
        wrong_shapes.append((columns, rows))
    for shape in wrong_shapes:
        bad = np.full(shape, 7.0, np.float32)
        check_refuses(lambda bad=bad: kernel(*args, **kwargs, out=bad), "out", shape, want.shape)
        assert (bad == 7.0).all()
    wrong = {
        "float64": np.full(want.shape, 7.0),
        "integer": np.full(want.shape, 7),
        "big-endian": np.full(want.shape, 7.0, ">f4"),
        "Fortran order": np.full(want.shape, 7.0, np.float32, order="F"),
        "strided": np.full((rows, 2 * columns), 7.0, np.float32)[:, ::2],
        "read-only": read_only,
    }
    for name, bad in wrong.items():
        check_refuses(lambda bad=bad: kernel(*args, **kwargs, out=bad), "out")
        assert (bad == 7.0).all(), name
    check_refuses(lambda: kernel(*args, **kwargs, out=want.tolist()), "out")


def check_out_overlap(kernel: Callable[..., np.ndarray], args: Sequence[Any], place: int) -> None:
    """`out` that shares memory with args[place] is refused, and nothing is written."""
    x = args[place]
    want_shape = kernel(*args).shape
    size = math.prod(want_shape)
    memory = np.zeros(x.size + size, np.float32)
    for start in {0, x.size // 2, x.size - 1}:  # the same place, half way in, the last element
        shared = memory[: x.size].reshape(x.shape)
        shared[...] = x
        out = memory[start : start + size].reshape(want_shape)
        check_refuses(lambda s=shared, o=out: kernel(*args[:place], s, *args[place + 1 :], out=o), "out")
        np.testing.assert_array_equal(shared, x)


def check_in_place(kernel: Callable[..., Any], args: Sequence[Any], names: dict[int, str]) -> None:
    """An update refuses arrays that it could not change in place, or that don't fit, and changes none of the others."""
    arrays = [place for place, arg in enumerate(args) if isinstance(arg, np.ndarray)]
    for place, name in names.items():
        x = args[place]
        read_only = x.copy()
        read_only.flags.writeable = False
        strided = np.repeat(x, 2, axis=-1)[..., ::2]
        bad = {
            "read-only": read_only,
            "float64": x.astype(np.float64),
            "big-endian": x.astype(">f4"),
            "strided": strided,
            "Fortran order": np.asfortranarray(x),
            "list": x.tolist(),
        }
        for kind, value in bad.items():
            mine = [arg.copy() if isinstance(arg, np.ndarray) else arg for arg in args]
            mine[place] = value
            check_refuses(lambda mine=mine: kernel(*mine), name)
            for other in arrays:
                np.testing.assert_array_equal(mine[other], args[other], err_msg=f"{name} {kind}")
    for place in arrays[1:]:  # the first array sets the shape, all others have to follow
        for shape in (args[0].shape[::-1], (args[0].size,), (args[0].shape[0], args[0].shape[1] - 1)):
            mine = [arg.copy() if isinstance(arg, np.ndarray) else arg for arg in args]
            mine[place] = np.zeros(shape, np.float32)
            check_refuses(lambda mine=mine: kernel(*mine), shape, args[0].shape)
            np.testing.assert_array_equal(mine[0], args[0])
