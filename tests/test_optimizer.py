"""SGD, momentum and Adam, in place: one step against float64, many steps against torch, and what they refuse."""

from typing import Any

import numpy as np
import pytest
import reference as ref
import support
from hypothesis import given
from hypothesis import strategies as st
from support import U, normal, whole

from fastdl import kernels

SHAPES = [(0, 3), (1, 1), (3, 5), (17, 33), (1, 1000), (300, 257)]
SLOTS = {"sgd_update": 0, "momentum_update": 1, "adam_update": 2}
ADAM = {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
OTHER_ADAM = {"lr": 0.1, "beta1": 0.8, "beta2": 0.95, "eps": 0.1, "weight_decay": 0.3}
HYPERS: list[tuple[str, dict[str, Any]]] = [
    ("sgd_update", {"lr": 0.1}),
    ("sgd_update", {"lr": 0.1, "weight_decay": 0.3, "grad_scale": 0.25}),
    ("momentum_update", {"lr": 0.1, "momentum": 0.9}),
    ("momentum_update", {"lr": 0.1, "momentum": 0.0}),
    ("momentum_update", {"lr": 0.1, "momentum": 1.0, "weight_decay": 0.3, "grad_scale": 0.25}),
    ("momentum_update", {"lr": 0.1, "momentum": 0.7, "nesterov": True, "weight_decay": 0.3, "grad_scale": 0.25}),
    ("adam_update", {**ADAM, "step": 1}),
    ("adam_update", {**ADAM, "step": 1_000_000}),
    ("adam_update", {**OTHER_ADAM, "step": 7, "grad_scale": 4.0}),
    ("adam_update", {**OTHER_ADAM, "step": 2, "beta1": 0.0, "decoupled": True}),
]
IDS = [f"{name.removesuffix('_update')}-{number}" for number, (name, _) in enumerate(HYPERS)]


def state(update: str, shape: tuple[int, ...], seed: int = 0) -> list[np.ndarray]:
    """w, g and the slots; Adam's second moment is not negative."""
    arrays = [normal(shape, seed + i) for i in range(2 + SLOTS[update])]
    if update == "adam_update":
        arrays[3] = np.square(arrays[3])
    return arrays


def after(update: str, arrays: list[np.ndarray], hyper: dict[str, Any]) -> tuple[np.ndarray, ...]:
    """w and the slots after the kernel changed copies of them. The gradient must stay as it is."""
    mine = [array.copy() for array in arrays]
    assert getattr(kernels, update)(*mine, **hyper) is None
    support.assert_same_bits(mine[1], arrays[1], "the gradient")
    return mine[0], *mine[2:]


def bounds(update: str, arrays: list[np.ndarray], hyper: dict[str, Any]) -> list[np.ndarray]:
    """What the roundings of one step may cost in w and in each slot: each relative to the terms of its sum."""
    w, g, *slots = (np.abs(ref.f64(array)) for array in arrays)
    decay, lr = hyper.get("weight_decay", 0.0), hyper["lr"]
    terms = hyper.get("grad_scale", 1.0) * g + (0.0 if hyper.get("decoupled") else decay * w)
    if update == "sgd_update":
        return [U * (2.0 * w + 5.0 * lr * terms)]
    if update == "momentum_update":
        velocity = hyper["momentum"] * slots[0] + lr * terms
        return [U * (2.0 * w + 8.0 * (velocity + lr * terms)), 5.0 * U * velocity]
    beta1, beta2, step = hyper["beta1"], hyper["beta2"], hyper["step"]
    first, second = beta1 * slots[0] + (1.0 - beta1) * terms, beta2 * slots[1] + (1.0 - beta2) * terms**2
    _, _, exact = ref.adam_update(*arrays, **hyper)
    root = np.sqrt(exact / (1.0 - beta2**step)) + hyper["eps"]
    # v's own error reaches w through its root, where v is mostly a cancelled gradient
    slack = 8.0 + 4.0 * second / np.maximum(exact, 1e-30)
    return [U * (3.0 * w + slack * lr * first / (1.0 - beta1**step) / root), 5.0 * U * first, 8.0 * U * second]


def check(
    update: str, arrays: list[np.ndarray], hyper: dict[str, Any], threads: tuple[int, ...] = support.THREADS
) -> None:
    want = getattr(ref, update)(*arrays, **hyper)
    want = want if isinstance(want, tuple) else (want,)
    allowed = bounds(update, arrays, hyper)
    for isa, got in support.everywhere(lambda: after(update, arrays, hyper), threads):
        for name, one, exact, bound in zip(("w", "first slot", "second slot"), got, want, allowed, strict=False):
            support.assert_within(one, exact, bound, f"{isa}, {name}")


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("update", "hyper"), HYPERS, ids=IDS)
def test_one_step(update: str, hyper: dict[str, Any], shape: tuple[int, int]) -> None:
    check(update, state(update, shape), hyper)


@support.property_test
@given(st.sampled_from(HYPERS), st.integers(0, 9), st.integers(0, 90), st.integers(0, 99), st.floats(1e-4, 1e4))
def test_one_step_at_any_small_shape(
    case: tuple[str, dict[str, Any]], rows: int, columns: int, seed: int, scale: float
) -> None:
    update, hyper = case
    arrays = state(update, (rows, columns), seed)
    arrays[1] *= np.float32(scale)
    check(update, arrays, hyper, (1, 2))


@pytest.mark.parametrize("case", support.TORCH_CASES)
def test_25_steps_along_torchs_path(case: str) -> None:
    """Float32 against torch's float64: a rounding of w each step, and each step itself good to a few roundings."""
    trace = support.torch_trace(case)
    for isa in support.ISAS:
        w = trace.start.astype(np.float32)
        slots = [np.zeros_like(w) for _ in range(trace.slots)]
        path = np.zeros_like(trace.start)
        with support.team(isa):
            previous = trace.start
            for step, (g, want) in enumerate(zip(trace.gradients, trace.weights, strict=True), start=1):
                getattr(kernels, trace.update)(w, g.astype(np.float32), *slots, **trace.arguments(step))
                path += np.abs(want - previous) + np.abs(want)
                support.assert_within(w, want, 4.0 * U * path, f"{isa}, step {step}")
                previous = want


def test_the_rate_is_inside_the_velocity() -> None:
    """The page's and Keras's form: after the rate changed, old velocity keeps its old rate."""
    w, g, v = (np.array([[x]], np.float32) for x in (1.0, 1.0, 0.0))
    kernels.momentum_update(w, g, v, 0.5, 0.5)
    kernels.momentum_update(w, g, v, 0.25, 0.5)
    assert (w.item(), v.item()) == (0.0, -0.5)  # torch's form, w -= 0.25 * 1.5, would stand at 0.125


def test_nothing_happens_at_rate_zero_and_gradient_zero() -> None:
    for update, hyper in (HYPERS[0], HYPERS[3], HYPERS[6]):
        arrays = state(update, (5, 33))
        for slot in arrays[2:]:
            slot[...] = 0.0
        support.assert_same_bits(after(update, arrays, {**hyper, "lr": 0.0})[0], arrays[0], update)
        arrays[1][...] = 0.0
        support.assert_same_bits(after(update, arrays, hyper)[0], arrays[0], update)


def test_nan_reaches_its_own_weight_only() -> None:
    for update, hyper in HYPERS:
        arrays = state(update, (3, 37))
        want = after(update, arrays, hyper)
        arrays[1][1, 5] = np.nan
        got = after(update, arrays, hyper)
        for one, other in zip(got, want, strict=True):
            assert np.isnan(one[1, 5])
            one[1, 5] = other[1, 5]
            support.assert_same_bits(one, other, update)


@pytest.mark.parametrize("threads", [1, 2])
def test_subnormals_count_as_zero_and_the_caller_keeps_his(threads: int) -> None:
    """Moments of dead units decay into subnormals, which are forty times slower. NumPy must go on seeing them."""
    tiny = np.full((200, 300), 1e-40, np.float32)
    for isa in support.ISAS:
        w, m, v = np.ones_like(tiny), tiny.copy(), tiny.copy()
        with support.team(isa, threads):
            kernels.adam_update(w, tiny, m, v, 1e-3, 0.9, 0.999, 1e-8, 1)
        for name, array in (("w", w - 1.0), ("m", m), ("v", v)):
            np.testing.assert_array_equal(array, 0.0, err_msg=f"{isa}, {name}")
        assert (tiny * np.float32(0.5)).min() > 0.0, f"{isa}: the calling thread was left flushing to zero"


# ------------------------------------------------------------------------------------------------------- the edge

POSITIONAL = {
    "sgd_update": (0.5,),
    "momentum_update": (0.5, 0.75),
    "adam_update": (0.5, 0.5, 0.75, 0.25, 3),
}
STATE_NAMES = {"sgd_update": {0: "w"}, "momentum_update": {0: "w", 2: "v"}, "adam_update": {0: "w", 2: "m", 3: "v"}}


@pytest.mark.parametrize("update", SLOTS)
def test_edge(update: str) -> None:
    arrays = [whole((5, 7), seed) for seed in range(2 + SLOTS[update])]
    arrays[3:] = [np.abs(array) for array in arrays[3:]]

    def call(*args: Any) -> tuple[np.ndarray, ...]:
        mine = [arg.copy() if place != 1 else arg for place, arg in enumerate(args)]
        getattr(kernels, update)(*mine, *POSITIONAL[update])
        return mine[0], *mine[2:]

    support.check_conversions(call, arrays, (1,))  # the gradient is read only, so any clothes will do
    support.check_refuses_kinds(call, arrays, {1: "g"})
    support.check_in_place(getattr(kernels, update), [*arrays, *POSITIONAL[update]], STATE_NAMES[update])


@pytest.mark.parametrize("update", ["momentum_update", "adam_update"])
def test_arrays_that_share_memory_are_refused(update: str) -> None:
    """A slot that is also the weights, or the other slot, would be read after it was written."""
    for one, other in [(0, 2), (1, 2), (2, len(state(update, (1, 1))) - 1)]:
        if one == other:
            continue
        arrays = state(update, (5, 7))
        memory = np.concatenate([arrays[one].ravel(), arrays[other].ravel()])
        arrays[one], arrays[other] = memory[:35].reshape(5, 7), memory[34:69].reshape(5, 7)
        before = [array.copy() for array in arrays]
        support.check_refuses(lambda arrays=arrays: getattr(kernels, update)(*arrays, *POSITIONAL[update]))
        support.assert_same_bits(tuple(arrays), tuple(before))


@pytest.mark.parametrize("update", SLOTS)
@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (1, 130)], ids=str)
def test_memory_outside_the_arrays_is_left_alone(update: str, shape: tuple[int, int]) -> None:
    arrays = state(update, shape)

    def call(*args: np.ndarray) -> tuple[np.ndarray, ...]:
        for arg, value in zip(args, arrays, strict=True):
            arg[...] = value
        getattr(kernels, update)(*args, *POSITIONAL[update])
        return args[0].copy(), *(arg.copy() for arg in args[2:])

    support.check_stays_inside(call, [array.copy() for array in arrays])


@pytest.mark.parametrize(
    ("update", "name", "value"),
    [
        ("sgd_update", "lr", np.nan), ("sgd_update", "lr", -0.1), ("sgd_update", "lr", "0.1"),
        ("sgd_update", "lr", None), ("sgd_update", "weight_decay", -0.1), ("sgd_update", "weight_decay", np.nan),
        ("sgd_update", "grad_scale", np.nan), ("momentum_update", "momentum", -0.1),
        ("momentum_update", "momentum", 1.1), ("momentum_update", "momentum", np.nan),
        ("adam_update", "beta1", 1.0), ("adam_update", "beta1", -0.1), ("adam_update", "beta2", 1.0),
        ("adam_update", "beta2", np.nan), ("adam_update", "eps", -1e-8), ("adam_update", "eps", np.nan),
        ("adam_update", "step", 0), ("adam_update", "step", -3), ("adam_update", "step", 1.5),
    ],
)  # fmt: skip
def test_hyper_parameters_outside_their_domain_change_nothing(update: str, name: str, value: object) -> None:
    arrays = state(update, (5, 7))
    mine = [array.copy() for array in arrays]
    hyper = next(hyper for known, hyper in HYPERS if known == update)
    support.check_refuses(lambda: getattr(kernels, update)(*mine, **{**hyper, name: value}), name)
    support.assert_same_bits(tuple(mine), tuple(arrays))
