"""Optimizer steps, in place: one against float64, many against torch and float64, and what they refuse."""

import json
from typing import Any

import numpy as np
import pytest
import reference_optimizer as ref
import support
from hypothesis import given
from hypothesis import strategies as st
from support import KNOWN_ANSWERS, U, normal, whole

from fastdl import kernels

SHAPES = [(0, 3), (1, 1), (3, 5), (17, 33), (1, 1000), (300, 257)]
SLOTS: dict[str, tuple[str, ...]] = {
    "sgd_update": (),
    "normalized_sgd_update": (),
    "momentum_update": ("v",),
    "lion_update": ("m",),
    "adagrad_update": ("s",),
    "adadelta_update": ("s", "d"),
    "rmsprop_update": ("s",),
    "adam_update": ("m", "v"),
    "adamax_update": ("m", "u"),
    "nadam_update": ("m", "v"),
    "radam_update": ("m", "v"),
}
OPTIONAL = {"adam_update": ("vmax",), "rmsprop_update": ("mean", "velocity")}  # slots that may miss
SIGNED = {"m", "mean", "velocity"}  # all others are squares or sizes, but for momentum's v
ADAM = {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
OTHER_ADAM = {"lr": 0.1, "beta1": 0.8, "beta2": 0.95, "eps": 0.1, "weight_decay": 0.3}
DECAY = {"weight_decay": 0.3, "grad_scale": 0.25}
Case = tuple[str, tuple[str, ...], dict[str, Any]]  # the update, optional slots, hyper-parameters
CASES: list[Case] = [
    ("sgd_update", (), {"lr": 0.1}),
    ("sgd_update", (), {"lr": 0.1, **DECAY}),
    ("normalized_sgd_update", (), {"lr": 0.1}),
    ("normalized_sgd_update", (), {"lr": 0.1, "weight_decay": 0.3, "grad_scale": -2.0}),
    ("normalized_sgd_update", (), {"lr": 0.1, "norm": 3.0}),
    ("momentum_update", (), {"lr": 0.1, "momentum": 0.9}),
    ("momentum_update", (), {"lr": 0.1, "momentum": 0.0}),
    ("momentum_update", (), {"lr": 0.1, "momentum": 1.0, **DECAY}),
    ("momentum_update", (), {"lr": 0.1, "momentum": 0.7, "nesterov": True, **DECAY}),
    ("momentum_update", (), {"lr": 0.1, "momentum": 0.7, "rate_outside": True, **DECAY}),
    ("momentum_update", (), {"lr": 0.1, "momentum": 0.7, "rate_outside": True, "nesterov": True}),
    ("lion_update", (), {"lr": 1e-2, "beta1": 0.9, "beta2": 0.99}),
    ("lion_update", (), {"lr": 0.1, "beta1": 0.0, "beta2": 0.5, **DECAY}),
    ("adagrad_update", (), {"lr": 0.1, "eps": 1e-10}),
    ("adagrad_update", (), {"lr": 0.1, "eps": 0.1, **DECAY}),
    ("adadelta_update", (), {"lr": 1.0, "rho": 0.9, "eps": 1e-6}),
    ("adadelta_update", (), {"lr": 0.1, "rho": 0.0, "eps": 0.1, **DECAY}),
    ("rmsprop_update", (), {"lr": 0.01, "rho": 0.9, "eps": 1e-8}),
    ("rmsprop_update", (), {"lr": 0.1, "rho": 0.3, "eps": 0.1, **DECAY}),
    ("rmsprop_update", ("mean",), {"lr": 0.01, "rho": 0.9, "eps": 1e-3}),
    ("rmsprop_update", ("velocity",), {"lr": 0.01, "rho": 0.9, "eps": 1e-8, "momentum": 0.9}),
    ("rmsprop_update", ("mean", "velocity"), {"lr": 0.01, "rho": 0.6, "eps": 0.1, "momentum": 1.0, **DECAY}),
    ("adam_update", (), {**ADAM, "step": 1}),
    ("adam_update", (), {**ADAM, "step": 1_000_000}),
    ("adam_update", (), {**OTHER_ADAM, "step": 7, "grad_scale": 4.0}),
    ("adam_update", (), {**OTHER_ADAM, "step": 2, "beta1": 0.0, "decoupled": True}),
    ("adam_update", ("vmax",), {**ADAM, "step": 3}),
    ("adam_update", ("vmax",), {**OTHER_ADAM, "step": 2, "decoupled": True, "grad_scale": 4.0}),
    ("adamax_update", (), {**ADAM, "step": 1}),
    ("adamax_update", (), {**OTHER_ADAM, "step": 9, "grad_scale": 4.0}),
    ("nadam_update", (), {**ADAM, "step": 1}),
    ("nadam_update", (), {**ADAM, "step": 20_000}),
    ("nadam_update", (), {**OTHER_ADAM, "step": 7, "grad_scale": 4.0, "momentum_decay": 0.1}),
    ("nadam_update", (), {**OTHER_ADAM, "step": 2, "beta1": 0.0, "decoupled": True}),
    ("radam_update", (), {**ADAM, "step": 5}),
    ("radam_update", (), {**ADAM, "step": 6}),
    ("radam_update", (), {**OTHER_ADAM, "step": 1, "grad_scale": 4.0}),
    ("radam_update", (), {**OTHER_ADAM, "step": 70, "beta1": 0.0, "decoupled": True}),
]
IDS = [f"{update.removesuffix('_update')}-{number}" for number, (update, _, _) in enumerate(CASES)]
every_case = pytest.mark.parametrize("case", CASES, ids=IDS)


def state(case: Case, shape: tuple[int, ...], seed: int = 0) -> list[np.ndarray]:
    """w, g and the slots; squares and sizes are not negative."""
    update, more, _ = case
    names = (*SLOTS[update], *more)
    arrays = [normal(shape, seed + i) for i in range(2 + len(names))]
    for i, name in enumerate(names, start=2):
        if name not in SIGNED and update != "momentum_update":
            arrays[i] = np.square(arrays[i])
    return arrays


def call(module: Any, case: Case, arrays: Any, **other: Any) -> Any:
    """The update of kernels or of the reference."""
    update, more, hyper = case
    return getattr(module, update)(*arrays[:2], **dict(zip((*SLOTS[update], *more), arrays[2:], strict=True)),
                                   **{**hyper, **other})  # fmt: skip


def after(case: Case, arrays: list[np.ndarray], **other: Any) -> tuple[np.ndarray, ...]:
    """w and the slots after the kernel changed copies of them. The gradient must stay as it is."""
    mine = [array.copy() for array in arrays]
    assert call(kernels, case, mine, **other) is None
    support.assert_same_bits(mine[1], arrays[1], "the gradient")
    return mine[0], *mine[2:]


def bounds(case: Case, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """What the roundings of one step may cost.

    Four to eight units of the new values, and what would come of it if each array, or the decay, were 16 units off: no
    formula here cancels but where its inputs do.
    """
    exact = call(ref, case, arrays)
    moved = np.abs(exact[0] - ref.f64(arrays[0]))
    total = [4.0 * U * np.abs(one) for one in exact]
    total[0] = total[0] + 4.0 * U * np.abs(ref.f64(arrays[0])) + 8.0 * U * moved
    decay = case[2].get("weight_decay", 0.0)
    for place in range(len(arrays) + 1):
        sides = []
        for factor in (1.0 + 16.0 * U, 1.0 - 16.0 * U):
            other = [factor * ref.f64(x) if i == place else x for i, x in enumerate(arrays)]
            more = {"weight_decay": factor * decay} if decay and place == len(arrays) else {}
            sides.append(call(ref, case, other, **more))
        for i in range(len(total)):
            total[i] = total[i] + np.maximum(*(np.abs(side[i] - exact[i]) for side in sides))
    return total


def check(case: Case, arrays: list[np.ndarray], threads: tuple[int, ...] = support.THREADS) -> None:
    want, allowed = call(ref, case, arrays), bounds(case, arrays)
    names = ("w", *SLOTS[case[0]], *case[1])
    for isa, got in support.everywhere(lambda: after(case, arrays), threads):
        for name, one, exact, bound in zip(names, got, want, allowed, strict=True):
            support.assert_within(one, exact, bound, f"{isa}, {name}")


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@every_case
def test_one_step(case: Case, shape: tuple[int, int]) -> None:
    check(case, state(case, shape))


@support.property_test
@given(st.sampled_from(CASES), st.integers(0, 9), st.integers(0, 90), st.integers(0, 99), st.floats(1e-4, 1e4))
def test_one_step_at_any_small_shape(case: Case, rows: int, columns: int, seed: int, scale: float) -> None:
    arrays = state(case, (rows, columns), seed)
    arrays[1] *= np.float32(scale)
    check(case, arrays, (1, 2))


# ---------------------------------------------------------------------------------------------------- many steps

TORCH = json.loads((KNOWN_ANSWERS / "torch_traces.json").read_text())


def torch_case(name: str) -> tuple[Case, int | None]:
    """A case of known_answers/make_torch_traces.py as one of ours, whose step has to be given if it has one."""
    hyper = dict(TORCH["cases"][name]["hyper"])
    wanted = {"vmax": hyper.pop("amsgrad", False), "mean": hyper.pop("centered", False),
              "velocity": "velocity" if hyper.get("momentum") else False}  # fmt: skip
    update = TORCH["cases"][name]["kernel"] + "_update"
    return (
        update,
        tuple(slot for slot in OPTIONAL.get(update, ()) if wanted[slot]),
        hyper,
    ), 1 if "beta1" in hyper else None


def start_of(case: Case, w: np.ndarray) -> list[np.ndarray]:
    """Slots before the first step."""
    return [np.zeros_like(w) for _ in (*SLOTS[case[0]], *case[1])]


@pytest.mark.parametrize("name", TORCH["cases"])
def test_25_steps_along_torchs_path(name: str) -> None:
    """The reference agrees with torch's float64 to rounding, the kernels to a few roundings of w and of each move."""
    case, counted = torch_case(name)
    start, gradients, path = (
        np.array(rows) for rows in (TORCH["weights"], TORCH["gradients"], TORCH["cases"][name]["weights"])
    )
    w, slots = start, start_of(case, start)
    for step, (g, want) in enumerate(zip(gradients, path, strict=True), start=1):
        w, *slots = call(ref, case, (w, g, *slots), **({"step": step} if counted else {}))
        np.testing.assert_allclose(w, want, rtol=1e-11, err_msg=f"step {step}")
    for isa in support.ISAS:
        w = start.astype(np.float32)
        slots, length, previous = start_of(case, w), np.zeros_like(start), start
        with support.team(isa):
            for step, (g, want) in enumerate(zip(gradients, path, strict=True), start=1):
                call(kernels, case, (w, g.astype(np.float32), *slots), **({"step": step} if counted else {}))
                length += np.abs(want - previous) + np.abs(want)
                support.assert_within(w, want, 4.0 * U * length, f"{isa}, step {step}")
                previous = want


@every_case
def test_25_steps_down_a_bowl(case: Case) -> None:
    """Gradients of the own weights, a rate and a clip factor that change: 1e-4 of the float64 path, at every step."""
    bowl = normal((12, 12), 5)
    bowl = bowl @ bowl.T / 12
    exact, target = normal(12, 6).astype(np.float64), normal(12, 7)
    mine, far = exact.astype(np.float32), start_of(case, exact)
    slots = start_of(case, mine)
    for step in range(1, 26):
        other = {"lr": case[2]["lr"] * 0.1 * (1.0 if step < 12 else 0.5), "grad_scale": 1.0 if step % 3 else 0.5}
        if "step" in case[2]:
            other["step"] = step
        exact, *far = call(ref, case, (exact, ref.f64(bowl) @ (exact - target), *far), **other)
        call(kernels, case, (mine, bowl @ (mine - target), *slots), **other)
        np.testing.assert_allclose(mine, exact, rtol=1e-4, atol=1e-5, err_msg=f"step {step}")


def test_the_rate_is_inside_the_velocity() -> None:
    """The page's and Keras's form: after the rate changed, old velocity keeps its old rate."""
    w, g, v = (np.array([[x]], np.float32) for x in (1.0, 1.0, 0.0))
    kernels.momentum_update(w, g, v, 0.5, 0.5)
    kernels.momentum_update(w, g, v, 0.25, 0.5)
    assert (w.item(), v.item()) == (0.0, -0.5)  # torch's form, w -= 0.25 * 1.5, would stand at 0.125


# ------------------------------------------------------------------------------------------------ special numbers


@every_case
def test_nothing_happens_at_rate_zero_and_gradient_zero(case: Case) -> None:
    arrays = state(case, (5, 33))
    for slot in arrays[2:]:
        slot[...] = 0.0
    still = {"weight_decay": 0.0}
    support.assert_same_bits(after(case, arrays, lr=0.0, **still)[0], arrays[0], "rate zero")
    arrays[1][...] = 0.0
    support.assert_same_bits(after(case, arrays, **still)[0], arrays[0], "gradient zero")


def test_normalized_sgd_leaves_all_as_it_is_if_the_gradient_is_zero() -> None:
    w = normal((3, 20))
    for g, scale in ((np.zeros_like(w), 1.0), (w, 0.0)):
        mine = w.copy()
        kernels.normalized_sgd_update(mine, g, 0.5, weight_decay=0.5, grad_scale=scale)
        support.assert_same_bits(mine, w)


def test_the_step_of_normalized_sgd_is_as_long_as_the_rate() -> None:
    for scale in (1e-30, 1.0, 1e30):
        w = np.zeros((200, 300), np.float32)
        kernels.normalized_sgd_update(w, normal(w.shape) * np.float32(scale), 0.25)
        assert kernels.global_norm([w]) == pytest.approx(0.25, rel=1e-6)


@every_case
def test_nan_reaches_its_own_weight_only(case: Case) -> None:
    if case[0] == "normalized_sgd_update" and "norm" not in case[2]:
        return  # one norm for all
    arrays = state(case, (3, 37))
    want = after(case, arrays)
    arrays[1][1, 5] = np.nan
    got = after(case, arrays)
    for one, other in zip(got, want, strict=True):
        assert np.isnan(one[1, 5])
        one[1, 5] = other[1, 5]
        support.assert_same_bits(one, other, case[0])


@every_case
def test_nan_in_a_slot_stays_there(case: Case) -> None:
    arrays = state(case, (3, 37))
    for place in range(2, len(arrays)):
        mine = [array.copy() for array in arrays]
        mine[place][1, 5] = np.nan
        for isa in support.ISAS:
            with support.team(isa):
                got = after(case, mine)
            assert np.isnan(got[place - 1][1, 5])
            assert np.isnan(got[0][1, 5]) or case[0] == "radam_update", "the weight hides it"


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


def test_steps_without_end() -> None:
    """Bias corrections have gone to 1 long before; the product of NAdam's rates is not multiplied out to the end."""
    for update in ("adam_update", "adamax_update", "nadam_update", "radam_update"):
        case: Case = (update, (), {**ADAM, "step": 10**6})
        arrays = state(case, (2, 9))
        support.assert_same_bits(after(case, arrays), after(case, arrays, step=10**15), update)


# ------------------------------------------------------------------------------------------------------- the edge

POSITIONAL: dict[str, tuple[Any, ...]] = {
    "sgd_update": (0.5,),
    "normalized_sgd_update": (0.5,),
    "momentum_update": (0.5, 0.75),
    "lion_update": (0.5, 0.5, 0.75),
    "adagrad_update": (0.5, 0.25),
    "adadelta_update": (0.5, 0.5, 0.25),
    "rmsprop_update": (0.5, 0.5, 0.25),
    "adam_update": (0.5, 0.5, 0.75, 0.25, 3),
    "adamax_update": (0.5, 0.5, 0.75, 0.25, 3),
    "nadam_update": (0.5, 0.5, 0.75, 0.25, 3),
    "radam_update": (0.5, 0.5, 0.75, 0.25, 3),
}


@pytest.mark.parametrize("update", SLOTS)
def test_edge(update: str) -> None:
    arrays = [np.abs(whole((5, 7), seed)) for seed in range(2 + len(SLOTS[update]))]

    def changed(*args: Any) -> tuple[np.ndarray, ...]:
        mine = [arg.copy() if place != 1 else arg for place, arg in enumerate(args)]
        getattr(kernels, update)(*mine, *POSITIONAL[update])
        return mine[0], *mine[2:]

    support.check_conversions(changed, arrays, (1,))  # the gradient is read only, so any clothes will do
    support.check_refuses_kinds(changed, arrays, {1: "g"})
    names = {0: "w", **dict(enumerate(SLOTS[update], start=2))}
    support.check_in_place(getattr(kernels, update), [*arrays, *POSITIONAL[update]], names)


@pytest.mark.parametrize(("update", "slot"), [(update, slot) for update in OPTIONAL for slot in OPTIONAL[update]])
def test_edge_of_optional_slots(update: str, slot: str) -> None:
    arrays = state((update, (), {}), (5, 7))
    read_only = np.zeros((5, 7), np.float32)
    read_only.flags.writeable = False
    for bad in (np.zeros((5, 7)), np.zeros((7, 5), np.float32), read_only, [[0.0]], arrays[0], arrays[2]):
        mine = [array.copy() if array is not bad else array for array in arrays]
        before = [array.copy() for array in mine]
        support.check_refuses(
            lambda m=mine, b=bad: getattr(kernels, update)(*m, *POSITIONAL[update], **{slot: b}), slot
        )
        support.assert_same_bits(tuple(mine), tuple(before))


@pytest.mark.parametrize("update", [update for update in SLOTS if SLOTS[update]])
def test_arrays_that_share_memory_are_refused(update: str) -> None:
    """A slot that is also the weights, or the other slot, would be read after it was written."""
    case: Case = (update, (), {})
    for one, other in [(0, 1), (0, 2), (1, 2), (2, 1 + len(SLOTS[update]))]:
        if one == other:
            continue
        arrays = state(case, (5, 7))
        memory = np.concatenate([arrays[one].ravel(), arrays[other].ravel()])
        arrays[one], arrays[other] = memory[:35].reshape(5, 7), memory[34:69].reshape(5, 7)
        before = [array.copy() for array in arrays]
        support.check_refuses(lambda arrays=arrays: getattr(kernels, update)(*arrays, *POSITIONAL[update]))
        support.assert_same_bits(tuple(arrays), tuple(before))


@every_case
@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (1, 130)], ids=str)
def test_memory_outside_the_arrays_is_left_alone(case: Case, shape: tuple[int, int]) -> None:
    arrays = state(case, shape)

    def changed(*args: np.ndarray) -> tuple[np.ndarray, ...]:
        for arg, value in zip(args, arrays, strict=True):
            arg[...] = value
        call(kernels, case, args)
        return args[0].copy(), *(arg.copy() for arg in args[2:])

    support.check_stays_inside(changed, [array.copy() for array in arrays])


NOT_RATES = (np.nan, -0.1, np.inf, "0.1", None)
NOT_DECAYS = (1.0, -0.1, np.nan, "0.9", None)
DOMAINS: dict[str, tuple[Any, ...]] = {
    "lr": NOT_RATES, "weight_decay": NOT_RATES, "eps": NOT_RATES, "momentum_decay": NOT_RATES,
    "norm": (-1.0, np.inf, "1"),
    "grad_scale": (np.nan, np.inf, "1", None), "momentum": (-0.1, 1.1, np.nan, None), "rho": NOT_DECAYS,
    "beta1": NOT_DECAYS, "beta2": NOT_DECAYS, "step": (0, -3, 1.5, True, "1", None, 2**80),
}  # fmt: skip
TAKES = {
    "normalized_sgd_update": ("norm",), "momentum_update": ("momentum",), "lion_update": ("beta1", "beta2"),
    "adagrad_update": ("eps",), "adadelta_update": ("rho", "eps"), "rmsprop_update": ("rho", "eps", "momentum"),
    "adam_update": ("beta1", "beta2", "eps", "step"), "adamax_update": ("beta1", "beta2", "eps", "step"),
    "nadam_update": ("beta1", "beta2", "eps", "step", "momentum_decay"),
    "radam_update": ("beta1", "beta2", "eps", "step"),
}  # fmt: skip


@pytest.mark.parametrize("update", SLOTS)
def test_hyper_parameters_outside_their_domain_change_nothing(update: str) -> None:
    case = next(case for case in CASES if case[0] == update)
    arrays = state(case, (5, 7))
    for name in ("lr", "weight_decay", "grad_scale", *TAKES.get(update, ())):
        for value in DOMAINS[name]:
            mine = [array.copy() for array in arrays]
            support.check_refuses(lambda n=name, v=value, m=mine: call(kernels, case, m, **{n: v}), name)
            support.assert_same_bits(tuple(mine), tuple(arrays))


def test_momentum_of_rmsprop_wants_a_velocity() -> None:
    arrays = state(("rmsprop_update", (), {}), (5, 7))
    support.check_refuses(lambda: kernels.rmsprop_update(*arrays, 0.1, 0.9, 1e-8, momentum=0.5), "velocity")
