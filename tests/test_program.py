"""The recorded step: the same bits as eager kernels, whoever computes them, and no memory taken while it runs."""

import itertools
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import assert_same_state, blobs, mlp, run_python, trained
from support import FMA_ISAS, ISAS, assert_same_bits, property_test, team

import fastdl as fdl
from fastdl import kernels, nn, optim, program
from fastdl.fitting import SHUFFLE_STREAM
from fastdl.program import Buffer, Op, TeamSize, place

# ------------------------------------------------------------------------------------------------- program and eager

RATE, THETA, LR, BETAS, EPS, SEED = 0.25, 0.7, 0.02, (0.9, 0.999), 1e-8, 11


def arena_of(parameters: dict[str, np.ndarray], arrays: dict[str, np.ndarray]) -> np.ndarray:
    """The gradient arena: every array begins at a multiple of 16 elements, zeros between."""
    parts = []
    for name in parameters:
        flat = arrays[name].ravel()
        parts.append(np.concatenate([flat, np.zeros(-flat.size % 16, np.float32)]))
    return np.concatenate(parts)


def eager_training(
    state: dict[str, np.ndarray], X: np.ndarray, y: np.ndarray, batch: int, epochs: int, weights: np.ndarray | None
) -> tuple[dict[str, np.ndarray], list[float]]:
    """Dense-BatchNorm-ReLU-Dropout-Dense, cross-entropy, ClipNorm, Adam, spelt out with the public kernels."""
    state = {name: array.copy() for name, array in state.items()}
    names = ["0.weight", "0.bias", "1.gamma", "1.beta", "4.weight", "4.bias"]
    slots = {name: (np.zeros_like(state[name]), np.zeros_like(state[name])) for name in names}
    step, means = 0, []
    for epoch in range(epochs):
        order = kernels.permutation(len(X), SEED, epoch, SHUFFLE_STREAM)
        total = weight = 0.0
        for start in range(0, len(X), batch):
            rows = order[start : start + batch]
            x = kernels.gather(X, rows)
            s = None if weights is None else weights[rows]
            one = kernels.dense_forward(x, state["0.weight"], state["0.bias"])
            mean, var = kernels.batchnorm_stats(one)
            two = kernels.batchnorm_forward(one, state["1.gamma"], state["1.beta"], mean, var)
            three = kernels.activation_forward(two, "relu")
            four = kernels.dropout_forward(three, RATE, SEED, step, 0)
            five = kernels.dense_forward(four, state["4.weight"], state["4.bias"])
            losses, dy = kernels.softmax_cross_entropy(five, y[rows], s)
            total += float((losses.astype(np.float64) * (1 if s is None else s)).sum())
            weight += len(rows) if s is None else float(s.sum(dtype=np.float64))
            g: dict[str, np.ndarray] = {}
            dy, g["4.weight"], g["4.bias"] = kernels.dense_backward(dy, four, state["4.weight"])
            dy = kernels.dropout_backward(dy, RATE, SEED, step, 0)
            dy = kernels.activation_backward(dy, three, "relu")
            dy, g["1.gamma"], g["1.beta"] = kernels.batchnorm_backward(dy, one, state["1.gamma"], mean, var)
            _, g["0.weight"], g["0.bias"] = kernels.dense_backward(dy, x, state["0.weight"])
            norm = kernels.global_norm([arena_of({name: state[name] for name in names}, g)])
            n = len(rows)
            state["1.running_mean"] = (0.9 * state["1.running_mean"].astype(np.float64) + (1 - 0.9) * mean).astype("f4")
            unbiased = (1 - 0.9) * var * n / (n - 1)
            state["1.running_var"] = (0.9 * state["1.running_var"].astype(np.float64) + unbiased).astype("f4")
            step += 1
            for name in names:
                m, v = slots[name]
                factor = THETA / norm if norm > THETA else 1.0
                kernels.adam_update(state[name], g[name], m, v, LR, *BETAS, EPS, step, grad_scale=factor)
        means.append(total / weight)
    return state, means


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("features", "width"), [(6, 16), (33, 70)])
def test_a_training_equals_its_eager_spelling_bit_for_bit(isa: str, weighted: bool, features: int, width: int) -> None:
    X, y = blobs(90, features)
    weights = np.random.default_rng(1).uniform(0.1, 2, 90).astype(np.float32) if weighted else None
    net = nn.Sequential(nn.Dense(width), nn.BatchNorm(), nn.ReLU(), nn.Dropout(RATE), nn.Dense(3))
    net.build(features, seed=3)
    with team(isa):
        want, means = eager_training(net.state_dict(), X, y, 32, 3, weights)
        trainer = fdl.Trainer(net, "cross_entropy", optim.Adam(LR, BETAS, EPS), clip=optim.ClipNorm(THETA), seed=SEED)
        history = trainer.fit(X, y, epochs=3, batch_size=32, sample_weight=weights, progress=False)
        outputs = net.predict(X)
    assert_same_state(net.state_dict(), want)
    np.testing.assert_allclose(history["loss"], means, rtol=1e-12)
    assert np.mean(history["clipped"]) > 0 and min(history["grad_norm"]) > 0
    with team(isa):
        x = kernels.dense_forward(X, want["0.weight"], want["0.bias"])
        x = kernels.batchnorm_forward(x, want["1.gamma"], want["1.beta"], want["1.running_mean"], want["1.running_var"])
        x = kernels.dense_forward(kernels.activation_forward(x, "relu"), want["4.weight"], want["4.bias"])
    assert_same_bits(outputs, x)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("kind", ["relu", "tanh"])
def test_a_fused_regression_equals_its_eager_spelling_bit_for_bit(kind: str, nesterov: bool) -> None:
    X, _ = blobs(60, 5)
    y = np.stack([X[:, 0] * X[:, 1], X[:, 2]], axis=1)
    net = nn.Sequential(nn.Dense(19), nn.Activation(kind), nn.Dense(2))
    net.build(5)
    state = net.state_dict()
    v = {name: np.zeros_like(array) for name, array in state.items()}
    for epoch in range(2):
        order = kernels.permutation(60, 0, epoch, SHUFFLE_STREAM)
        for start in range(0, 60, 16):
            x, t = X[order[start : start + 16]], y[order[start : start + 16]]
            one = kernels.dense_forward(x, state["0.weight"], state["0.bias"], activation=kind)
            _, dy = kernels.mse(kernels.dense_forward(one, state["2.weight"], state["2.bias"]), t)
            g: dict[str, np.ndarray] = {}
            dy, g["2.weight"], g["2.bias"] = kernels.dense_backward(dy, one, state["2.weight"])
            _, g["0.weight"], g["0.bias"] = kernels.dense_backward(
                kernels.activation_backward(dy, one, kind), x, state["0.weight"]
            )
            for name, w in state.items():
                decay = 0.01 if name.endswith("weight") else 0.0
                kernels.momentum_update(w, g[name], v[name], 0.05, 0.9, nesterov, weight_decay=decay)
    trained(net, X, y, {"loss": "mse", "optimizer": optim.SGD(0.05, 0.9, nesterov, weight_decay=0.01)})
    assert_same_state(net.state_dict(), state)


# --------------------------------------------------------------------------------------- whoever computes, same bits

X_BIG, Y_BIG = blobs(700, 96)


def big_training(monkeypatch: pytest.MonkeyPatch, threads: int, isa: str | None = None, **more: Any) -> Any:
    """A network whose ops have many chunks, trained by a team of exactly so many."""
    with monkeypatch.context() as patch, team(isa, threads):
        patch.setattr(TeamSize, "next", lambda self: (threads, 0.003))
        net = mlp(width=160)
        trainer = trained(
            net, X_BIG, Y_BIG, {"clip": optim.ClipNorm(0.5), "metrics": ["accuracy"], **more}, batch_size=256
        )
        return net.state_dict(), trainer.history, net.predict(X_BIG), trainer.evaluate(X_BIG, Y_BIG)


@pytest.fixture(scope="module")
def alone() -> Any:
    """What one thread gives on the best instruction set."""
    with pytest.MonkeyPatch.context() as patch:
        return big_training(patch, 1, ISAS[0])


def assert_same_training(got: Any, want: Any, what: str) -> None:
    assert_same_state(got[0], want[0], what)
    assert got[1] == want[1] and got[3] == want[3], what
    assert_same_bits(got[2], want[2], what)


@pytest.mark.parametrize("isa", FMA_ISAS)
@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_threads_and_instruction_sets(monkeypatch: pytest.MonkeyPatch, alone: Any, isa: str, threads: int) -> None:
    assert_same_training(big_training(monkeypatch, threads, isa), alone, f"{isa}, {threads} threads")


def test_baseline_is_the_same_at_any_number_of_threads_and_close_to_the_others(
    monkeypatch: pytest.MonkeyPatch, alone: Any
) -> None:
    one, three = (big_training(monkeypatch, threads, "baseline") for threads in (1, 3))
    assert_same_training(three, one, "baseline")
    for name, array in alone[0].items():
        np.testing.assert_allclose(one[0][name], array, rtol=2e-2, atol=2e-4, err_msg=name)


def test_a_team_that_changes_from_slice_to_slice(monkeypatch: pytest.MonkeyPatch, alone: Any) -> None:
    sizes = iter([1, 3, 2, 5] * 1000)
    monkeypatch.setattr(TeamSize, "next", lambda self: (next(sizes), 1e-9))
    net = mlp(width=160)
    trained(net, X_BIG, Y_BIG, {"clip": optim.ClipNorm(0.5), "metrics": ["accuracy"]}, batch_size=256)
    assert_same_state(net.state_dict(), alone[0])


def test_not_fused(monkeypatch: pytest.MonkeyPatch, alone: Any) -> None:
    counts = []
    fuse = program.fuse

    def not_at_all(ops: list[Op]) -> list[Op]:
        fused = fuse([Op(op.record, dict(op.arguments), op.label, op.function) for op in ops])
        counts.append((len(ops), len(fused)))
        return ops

    monkeypatch.setattr(program, "fuse", not_at_all)
    assert_same_training(big_training(monkeypatch, 1), alone, "not fused")
    assert counts and all(fused < ops for ops, fused in counts), "nothing was there to fuse: this test is void"


def test_a_product_whose_plain_result_somebody_reads_is_not_fused() -> None:
    a, b, c = (Buffer((4, 16), np.float32, 16, False) for _ in range(3))
    w = np.zeros((16, 16), np.float32)

    def ops(*more: Op) -> list[Op]:
        forward = {"y": b, "x": a, "w": w, "b": None, "activation": None}
        return [
            Op(kernels.dense.record_forward, forward, ""),
            Op(kernels.activation.record_forward, {"y": c, "x": b, "kind": "relu"}, ""),
            *more,
        ]

    assert len(program.fuse(ops())) == 1
    assert len(program.fuse(ops(Op(kernels.activation.record_forward, {"y": a, "x": b, "kind": "tanh"}, "")))) == 3


def test_not_sharing_memory(monkeypatch: pytest.MonkeyPatch, alone: Any) -> None:
    sizes = []

    def apart(ops: list[Op], share_memory: bool) -> Any:
        sizes.append((place(ops, True)[1], place(ops, False)[1]))
        return place(ops, False)

    monkeypatch.setattr(program, "place", apart)
    assert_same_training(big_training(monkeypatch, 1), alone, "memory not shared")
    assert all(shared < unshared for shared, unshared in sizes), "nothing was shared: this test is void"


# ---------------------------------------------------------------------------------------------------------- memory


@st.composite
def op_lists(draw: Any) -> list[Op]:
    """Ops over a few buffers, each used in any of them."""
    buffers = [
        Buffer((draw(st.integers(1, 40)), cols := draw(st.integers(1, 40))), np.float32, cols, draw(st.booleans()))
        for _ in range(draw(st.integers(1, 8)))
    ]
    ops = []
    for _ in range(draw(st.integers(1, 12))):
        used = draw(st.lists(st.sampled_from(buffers), max_size=3))
        ops.append(Op(None, {str(i): buffer for i, buffer in enumerate(used)}, ""))
    return ops


@property_test
@given(op_lists(), st.booleans())
def test_no_two_living_buffers_overlap(ops: list[Op], share_memory: bool) -> None:
    offsets, size = place(ops, share_memory)
    buffers = {id(buffer): buffer for op in ops for buffer in op.buffers()}
    assert set(offsets) == set(buffers)
    life = {}
    for key, buffer in buffers.items():
        uses = [i for i, op in enumerate(ops) if any(b is buffer for b in op.buffers())]
        # What lasts keeps its memory from step to step, so nobody else may have it at any time.
        life[key] = range(len(ops)) if buffer.lasting or not share_memory else range(uses[0], uses[-1] + 1)
        assert offsets[key] % 64 == 0 and offsets[key] >= 0 and offsets[key] + buffer.size <= size
    for a in buffers:
        for b in buffers:
            together = life[a].start < life[b].stop and life[b].start < life[a].stop
            apart = offsets[a] + buffers[a].size <= offsets[b] or offsets[b] + buffers[b].size <= offsets[a]
            assert a == b or apart or not together


def test_memory_is_shared_by_buffers_that_do_not_meet() -> None:
    chain = [Buffer((64, 16), np.float32, 16, False) for _ in range(10)]
    ops = [Op(None, {"x": a, "y": b}, "") for a, b in itertools.pairwise(chain)]
    assert place(ops, True)[1] == 2 * chain[0].size and place(ops, False)[1] == 10 * chain[0].size


COUNTER = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdatomic.h>
static _Atomic long count;
long allocations(void) { return count; }
extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
void *malloc(size_t n) { count++; return __libc_malloc(n); }
void *calloc(size_t n, size_t m) { count++; return __libc_calloc(n, m); }
void *realloc(void *p, size_t n) { count++; return __libc_realloc(p, n); }
void *aligned_alloc(size_t a, size_t n) { count++; return __libc_memalign(a, n); }
void *memalign(size_t a, size_t n) { count++; return __libc_memalign(a, n); }
int posix_memalign(void **p, size_t a, size_t n) { count++; *p = __libc_memalign(a, n); return *p ? 0 : 12; }
"""


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc, to count calls of malloc")
@pytest.mark.skipif(os.uname().sysname != "Linux", reason="needs LD_PRELOAD and glibc")
@pytest.mark.parametrize("threads", [1, 2])
def test_no_step_allocates(tmp_path: Path, threads: int) -> None:
    """5 steps in a slice call malloc as often as 400: not once a step, not even in Python."""
    (tmp_path / "count.c").write_text(COUNTER)
    build = ["gcc", "-shared", "-fPIC", "-O1", "-o", tmp_path / "count.so", tmp_path / "count.c"]
    if subprocess.run(build, capture_output=True, check=False).returncode:
        pytest.skip("needs glibc")
    code = f"""
        import ctypes, sys
        import numpy as np
        from networks import blobs, mlp
        import fastdl as fdl
        from fastdl import optim
        from fastdl.part import Form
        allocations = ctypes.CDLL({str(tmp_path / "count.so")!r}).allocations
        allocations.restype = ctypes.c_long
        X, y = blobs(8000, 32)
        weights = np.ones(8000, np.float32)
        trainer = fdl.Trainer(mlp(64), clip=optim.ClipNorm(0.1), metrics=["accuracy"])
        trainer.fit(X, y, batch_size=20, sample_weight=weights, progress=False)
        step = trainer.training_step(20, Form(weighted=True, labels=True, columns=1))
        targets = y.astype(np.int32).reshape(-1, 1)
        order = np.arange(8000)[::-1].copy()

        def count(steps):
            step.set(X, targets, weights, order)
            step.program.begin(20 * steps, 20, steps, 0, 0, np.full((steps, 1), 1e-3))
            blocks, before = sys.getallocatedblocks(), allocations()
            status = step.program.advance({threads}, 60.0)
            after = allocations()
            assert status == "finished" and step.program.steps_done == steps
            return after - before, sys.getallocatedblocks() - blocks

        for _ in range(3):
            count(5), count(400)
        results = [(count(5), count(400)) for _ in range(3)]
        probe = allocations()
        bytearray(100_000)
        assert allocations() > probe, "the counter counts nothing"
        # Of several tries the least: threads may come and go meanwhile.
        print(min(few[0] for few, _ in results), min(many[0] for _, many in results), results[-1])
        """
    # dlopen of a library that was preloaded gives the one that is there.
    out = run_python(code, env={"LD_PRELOAD": str(tmp_path / "count.so"), "PYTHONMALLOC": "malloc"}).stdout.split()
    few, many = int(out[0]), int(out[1])
    assert many <= few + 2, out
    assert many < 40, out
