"""What `fastdl bench` measures is every kernel, and right before it is timed."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from fastdl import kernels
from fastdl.cli import bench, main
from fastdl.cli.races import CASES, SIZES, UNRIVALLED, Case
from fastdl.cli.races.case import alternate, normals


def test_every_kernel_has_a_case() -> None:
    assert {case.name.split()[0] for case in CASES} | UNRIVALLED == set(kernels.__all__)
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("size", [SIZES["small"], (5, 7)], ids=str)
def test_both_sides_give_what_float64_gives(case: Case, size: tuple[int, int]) -> None:
    for side in case.sides(*size):
        side()


def test_a_wrong_result_is_found() -> None:
    one = normals(1)
    Case("good", one, lambda x: x * 2, lambda x: x + x).sides(3, 4)
    with pytest.raises(ArithmeticError, match="bad, fastdl: result 0 is off by"):
        Case("bad", one, lambda x: x * np.float32(2.001), lambda x: x + x).sides(3, 4)
    with pytest.raises(ArithmeticError, match="bad, fastdl: result 0 is off by nan"):
        Case("bad", one, lambda x: x * np.float32(np.nan), lambda x: x + x).sides(3, 4)
    with pytest.raises(ArithmeticError, match="shape"):
        Case("bad", one, lambda x: x[:1], lambda x: x).sides(3, 4)

    def changed(x: np.ndarray) -> None:
        x += 1

    with pytest.raises(ArithmeticError, match="in place, fastdl"):
        Case("in place", one, changed, lambda x: None).sides(3, 4)


def test_sides_take_turns() -> None:
    turns: list[str] = []
    alternate([lambda: turns.append("a"), lambda: turns.append("b")], 2)
    assert re.fullmatch("ab(a+b+){2}", "".join(turns))


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if NumPy had been imported with these already, so that the command needs no process of its own."""
    for name in bench.POOLS:
        monkeypatch.setenv(name, "1")


@pytest.mark.usefixtures("one_thread")
def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--quick", "--only", "relu", "--out", str(tmp_path / "out")]) == 0
    out = capsys.readouterr().out
    assert "processor" in out and "128 x 512" in out and "512 x 2048" not in out and "geometric mean" in out
    saved = json.loads((tmp_path / "out" / bench.NUMBERS).read_text())
    assert saved["machine"]["threads"] == "1"
    assert saved["seconds"]["activation_forward relu"]["small"].keys() == {"fastdl", "numpy"}
    assert (tmp_path / "out" / bench.PICTURE).read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("one_thread")
def test_what_the_command_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["bench", "--only", "nothing"]) == 2
    assert "--only" in capsys.readouterr().err
    assert main(["bench", "--threads", "0"]) == 2
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    assert main(["bench", "--quick", "--out", str(tmp_path / "out")]) == 2
    assert 'pip install "fastdl-nn[plot]"' in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_another_number_of_threads_takes_another_process(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.chdir(tmp_path)  # where another folder of that name lies, as in a checkout
    (tmp_path / "fastdl").mkdir()
    (tmp_path / "fastdl" / "__init__.py").write_text("raise ImportError('not this one')")
    assert main(["bench", "--quick", "--only", "add", "--threads", "2"]) == 0
    assert re.search(r"^threads +2$", capfd.readouterr().out, re.M)
