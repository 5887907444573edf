"""Threads: how many there may be, how many are at work, and that the bits are the same in any company."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from networks import assert_same_state, blobs, mlp, run_python, trained
from support import check_refuses

import fastdl as fdl
from fastdl import program
from fastdl.kernels import _team
from fastdl.program import TeamSize


@pytest.fixture(autouse=True)
def _limit() -> Iterator[None]:
    yield
    fdl.set_num_threads(None)


# ---------------------------------------------------------------------------------------------------------- limits


def test_set_and_get() -> None:
    all_of_them = fdl.get_num_threads()
    assert all_of_them >= 1
    for n in (1, 3, np.int64(2), 200):
        fdl.set_num_threads(n)
        assert fdl.get_num_threads() == n
    fdl.set_num_threads(None)
    assert fdl.get_num_threads() == all_of_them


@pytest.mark.parametrize("bad", [0, -1, 1.5, "2", True, [1], 2.0])
def test_refuses(bad: Any) -> None:
    before = fdl.get_num_threads()
    check_refuses(lambda: fdl.set_num_threads(bad), "threads")
    assert fdl.get_num_threads() == before
    check_refuses(lambda: fdl.Trainer(mlp(), threads=bad), "threads")


@pytest.mark.parametrize(
    ("env", "code", "expected"),
    [
        ({"OMP_NUM_THREADS": "1"}, "", "1"),
        ({"OMP_NUM_THREADS": "3"}, "", "3"),
        ({}, "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})", "1"),
    ],
)
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs CPU affinity")
def test_the_surroundings_are_honoured(env: dict[str, str], code: str, expected: str) -> None:
    code = f"import os; {code or 'pass'}\nimport fastdl as fdl; print(fdl.get_num_threads())"
    assert run_python(code, env={"OMP_NUM_THREADS": "", **env}).stdout.strip() == expected


def test_threadpoolctl_is_honoured() -> None:
    threadpoolctl = pytest.importorskip("threadpoolctl")
    with threadpoolctl.threadpool_limits(1, "openmp"):
        assert fdl.get_num_threads() == 1


class Sizes(list[int]):
    """Every team size that programs were run with."""


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> Sizes:
    used = Sizes()
    plain = TeamSize.next

    def spy(self: TeamSize) -> tuple[int, float]:
        used.append((answer := plain(self))[0])
        return answer

    monkeypatch.setattr(TeamSize, "next", spy)
    return used


def test_trainers_limit_is_an_upper_bound(sizes: Sizes) -> None:
    X, y = blobs(2000, 32)
    trainer = trained(mlp(64), X, y, {"threads": 3}, epochs=10)
    until(lambda: trainer.fit(X, y, epochs=5, progress=False), sizes, {1, 2, 3})


def until(work: Callable[[], object], sizes: Sizes, want: set[int]) -> None:
    """Work until each of the sizes was tried: how soon is a matter of how fast the machine is at the moment."""
    for _ in range(100):
        if set(sizes) == want:
            break
        work()
    assert set(sizes) == want


def test_a_lower_limit_holds_for_trainers_that_have_run(sizes: Sizes) -> None:
    X, y = blobs(2000, 32)
    fdl.set_num_threads(4)
    trainer = trained(mlp(64), X, y, epochs=5)
    until(lambda: trainer.fit(X, y, epochs=5, progress=False), sizes, {1, 2, 4})
    fdl.set_num_threads(1)
    sizes.clear()
    trainer.fit(X, y, epochs=3, progress=False)
    trainer.evaluate(X, y)
    assert set(sizes) == {1}
    fdl.set_num_threads(2)
    sizes.clear()
    until(lambda: trainer.fit(X, y, epochs=5, progress=False), sizes, {1, 2})


def test_fewer_threads_than_asked_for_do_the_whole_work() -> None:
    code = """
        import hashlib
        import fastdl as fdl
        from networks import blobs, mlp, trained
        from fastdl.program import TeamSize
        TeamSize.next = lambda self: ({threads}, 0.002)
        X, y = blobs(600, 64)
        net = mlp(128)
        trained(net, X, y, batch_size=256)
        print(hashlib.sha256(b"".join(a.tobytes() for a in net.state_dict().values())).hexdigest())
    """
    alone = run_python(code.format(threads=1)).stdout
    assert run_python(code.format(threads=7), env={"OMP_THREAD_LIMIT": "2"}).stdout == alone
    assert run_python(code.format(threads=2), env={"OMP_THREAD_LIMIT": "1"}).stdout == alone
    assert run_python(code.format(threads=3), env={"OMP_DYNAMIC": "true"}).stdout == alone


def test_busy_neighbours_change_nothing_but_time() -> None:
    X, y = blobs(800, 64)
    quiet, crowded = mlp(96), mlp(96)
    trained(quiet, X, y, {"threads": 1}, batch_size=128)
    spin = [sys.executable, "-c", "while True: pass"]
    neighbours = [subprocess.Popen(spin) for _ in range(os.cpu_count() or 1)]
    try:
        trained(crowded, X, y, {"threads": 7}, batch_size=128)
    finally:
        for neighbour in neighbours:
            neighbour.kill()
            neighbour.wait()
    assert_same_state(crowded.state_dict(), quiet.state_dict())


def test_subnormals_are_zero_inside_and_back_outside() -> None:
    X, y = blobs(300, 32)
    tiny = np.array([1e-40], np.float32)
    for threads in (1, 2, 3):
        trained(mlp(64), X, y, {"threads": threads})
        assert (tiny * np.float32(1.0))[0] != 0 and (tiny / np.float32(2.0))[0] != 0

    seen = []

    class Look(fdl.nn.Layer):
        def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
            seen.append(float((tiny * np.float32(1.0))[0]))
            return x

        def backward(self, dy: np.ndarray) -> np.ndarray:
            return dy

    trained(fdl.nn.Sequential(fdl.nn.Dense(4), Look(), fdl.nn.Dense(3)), X, y)
    assert seen and all(value != 0 for value in seen), "user code runs in the caller's floating-point mode"


# ---------------------------------------------------------------------------------------------------------- policy


class World:
    """A machine on which a step costs so much with a team of a size; time passes as slices do."""

    def __init__(self, cost: dict[int, float], most: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(program, "check_threads", lambda threads: most)
        self.cost, self.team = cost, TeamSize(None)
        self.time = dict.fromkeys(cost, 0.0)

    def pass_slices(self, count: int) -> dict[int, float]:
        """Run so many slices; the share of the time that each size got."""
        time = dict.fromkeys(self.cost, 0.0)
        for _ in range(count):
            size, seconds = self.team.next()
            assert size in self.cost and 0 < seconds <= 0.05
            steps = max(1, round(seconds / self.cost[size]))
            self.team.learn(size, self.cost[size], steps * self.cost[size])
            time[size] += steps * self.cost[size]
        total = sum(time.values())
        return {size: spent / total for size, spent in time.items()}


@pytest.mark.parametrize("best", [1, 2, 4, 6])
def test_the_fastest_size_gets_most_of_the_time(monkeypatch: pytest.MonkeyPatch, best: int) -> None:
    cost = {size: 1e-4 if size == best else 3e-4 for size in (1, 2, 4, 6)}
    world = World(cost, 6, monkeypatch)
    assert world.team.sizes == [1, 2, 4, 6]
    world.pass_slices(10)
    assert world.pass_slices(200)[best] > 0.95


def test_a_size_that_has_become_slow_is_left_and_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World({1: 2e-4, 2: 1e-4}, 2, monkeypatch)
    assert world.pass_slices(100)[2] > 0.9
    world.cost[2] = 1e-2  # a neighbour has taken the other core
    world.pass_slices(5)
    assert world.pass_slices(100)[1] > 0.8
    world.cost[2] = 1e-4  # and gone
    world.pass_slices(200)
    assert world.pass_slices(100)[2] > 0.9


def test_one_outlier_does_not_decide_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World({1: 2e-4, 2: 1e-4}, 2, monkeypatch)
    world.pass_slices(50)
    world.team.learn(2, 1e-2, 1e-2)
    assert world.pass_slices(400)[2] > 0.5


def test_a_slow_slice_is_looked_at_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World({1: 1.9e-4, 2: 1e-4}, 2, monkeypatch)
    world.pass_slices(100)
    for _ in range(40):  # whatever the distance from the last probe
        world.pass_slices(1)
        world.team.learn(2, 3e-4, 0.045)
        assert world.pass_slices(10)[2] > 0.6


def test_a_team_of_one_is_never_measured_against_others(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World({1: 1e-4}, 1, monkeypatch)
    assert world.team.sizes == [1] and world.pass_slices(50) == {1: 1.0}


def test_isa_can_be_forced_and_a_wrong_one_is_named() -> None:
    code = "import fastdl; from fastdl.kernels import _team; print(_team.isa())"
    for isa in _team.available_isas():
        assert run_python(code, env={"FASTDL_ISA": isa}).stdout.strip() == isa
    result = run_python(code, env={"FASTDL_ISA": "z80"}, check=False)
    assert result.returncode == 1 and "z80" in result.stderr


def test_show_config(capsys: pytest.CaptureFixture[str]) -> None:
    text = fdl.show_config()
    assert text.strip() == capsys.readouterr().out.strip()
    for word in (fdl.__version__, _team.isa(), str(fdl.get_num_threads())):
        assert word in text
