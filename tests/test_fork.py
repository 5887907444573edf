"""A forked child runs on one thread, with the same bits. libgomp hangs there otherwise: hangs are failures here."""

import importlib.util
import os

import pytest
from networks import run_python

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

# The parent has run OpenMP regions before it forks; the child does BODY and says so.
PARENT = """
    import os, signal, sys, warnings
    import numpy as np
    import fastdl as fdl
    from fastdl import kernels
    from networks import blobs, mlp, trained
    warnings.simplefilter("ignore", DeprecationWarning)  # of fork beside threads: that is what is tested
    {before}
    X, y = blobs(3000, 64)

    def run():
        net = mlp(256)
        trainer = trained(net, X, y, epochs=1, batch_size=512)
        return net, trainer

    def bits(net):
        return b"".join(array.tobytes() for array in net.state_dict().values())

    fdl.set_num_threads(3)
    net, trainer = run()
    want, outputs = bits(net), net.predict(X)
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        code = 1
        try:
{body}
            code = 0
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
        os._exit(code)
    _, status = os.waitpid(child, 0)
    assert status == 0, f"the child ended with status {{status}} (14: it hung)"
    # And the parent works on.
    assert bits(run()[0]) == want
"""

BODIES = {
    "predict, eager kernels, a new training": """
assert net.predict(X).tobytes() == outputs.tobytes()
a = np.ones((700, 700), np.float32)
assert (kernels.matmul(a, a) == 700).all()
kernels.global_norm([a]), kernels.dropout_forward(a, 0.5, 1)
assert bits(run()[0]) == want
""",
    "the parent's trainer": """
before = trainer.step
trainer.fit(X, y, epochs=1, batch_size=512, progress=False)
assert trainer.step == 2 * before
trainer.evaluate(X, y)
trainer.reset()
trainer.fit(X, y, epochs=1, batch_size=512, progress=False)
assert bits(trainer.net) == want
""",
    "limits": """
assert fdl.get_num_threads() == 1
new = lambda: fdl.Trainer(mlp(), threads=2)
for ask in (lambda: fdl.set_num_threads(2), new, lambda: own.fit(X, y, progress=False)):
    try:
        ask()
    except RuntimeError as error:
        assert "spawn" in str(error), error
    else:
        raise SystemExit("not refused")
assert fdl.get_num_threads() == 1
fdl.set_num_threads(1)
fdl.set_num_threads(None)
assert fdl.get_num_threads() == 1
assert fdl.Trainer(mlp(), threads=1).fit(X, y, progress=False)["loss"]
""",
    "a child of the child": """
inner = os.fork()
if inner == 0:
    signal.alarm(20)
    os._exit(0 if bits(run()[0]) == want else 1)
assert os.waitpid(inner, 0)[1] == 0
""",
}


def script(before: str, body: str) -> str:
    inside = "\n".join(" " * 12 + line for line in body.strip().splitlines())
    return PARENT.format(before=before or "pass", body=inside)


@pytest.mark.parametrize("what", BODIES)
def test_after_fastdl_ran_threads(what: str) -> None:
    run_python(script("own = fdl.Trainer(mlp(), threads=2)", BODIES[what]), timeout=90)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs torch")
def test_after_torch_ran_threads() -> None:
    before = "import torch; torch.set_num_threads(2); torch.relu(torch.randn(4000, 1000)).sum().item()"
    run_python(script(before, next(iter(BODIES.values()))), timeout=90)


def test_multiprocessing_with_fork_and_spawn_gives_the_same_bits() -> None:
    code = """
        import multiprocessing, sys
        from fork_worker import work

        if __name__ == "__main__":
            alone = work(3)
            for method in ("fork", "spawn"):
                with multiprocessing.get_context(method).Pool(2) as pool:
                    for result in pool.map_async(work, [3, 3]).get(timeout=60):
                        assert result == alone, method
    """
    run_python(code, timeout=90)
