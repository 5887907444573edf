"""Freeze 25 steps of torch's optimizers: `python make_torch_traces.py` writes torch_traces.json beside this script.

torch 2.13 on CPU, in float64, from weights and gradients that are exact in float32. The tests read the file and need no
torch. At a constant rate torch's momentum (rate outside the velocity) walks the same path as fastdl's (rate inside).
"""

import json
import re
from pathlib import Path

import numpy as np
import torch

STEPS = 25
# One parameter each: ordinary, tiny gradients, huge gradients, dead, steady, alternating.
WEIGHTS = [0.5, -1.25, 2.0, 0.75, -0.375, 0.0625]
SCALES = [1.0, 1e-4, 1e3, 0.0, 1.0, 1.0]

CASES = {
    "adam": (torch.optim.Adam, {"lr": 1e-2, "betas": (0.9, 0.999), "eps": 1e-8}),
    "adam_coupled": (torch.optim.Adam, {"lr": 1e-2, "betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.1}),
    "adam_decoupled": (torch.optim.AdamW, {"lr": 1e-2, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.1}),
    "sgd": (torch.optim.SGD, {"lr": 1e-3, "weight_decay": 0.1}),
    "momentum": (torch.optim.SGD, {"lr": 1e-3, "momentum": 0.9}),
    "nesterov": (torch.optim.SGD, {"lr": 1e-3, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
}


def gradients() -> np.ndarray:
    """(STEPS, 6) float64, each exact in float32."""
    rng = np.random.default_rng(2013)
    g = rng.normal(size=(STEPS, len(WEIGHTS))) * SCALES
    g[:, 4] = 0.5
    g[:, 5] = 0.25 * (-1.0) ** np.arange(STEPS)
    return g.astype(np.float32).astype(np.float64)


def trace(case: str, grads: np.ndarray) -> list[list[float]]:
    """The weights after each step."""
    optimizer_class, hyper = CASES[case]
    w = torch.tensor(WEIGHTS, dtype=torch.float64, requires_grad=True)
    optimizer = optimizer_class([w], **hyper)
    steps = []
    for g in grads:
        w.grad = torch.tensor(g)
        optimizer.step()
        steps.append(w.detach().tolist())
    return steps


def main() -> None:
    """Write the file, one step a line so that a difference can be read."""
    grads = gradients()
    record = {"torch": torch.__version__.split("+")[0], "weights": WEIGHTS, "gradients": grads.tolist()}
    for case, (_, hyper) in CASES.items():
        record[case] = {"hyper": hyper, "weights": trace(case, grads)}
    one_row_a_line = re.sub(r"\[[^\[\]]*\]", lambda row: " ".join(row[0].split()), json.dumps(record, indent=1))
    (Path(__file__).parent / "torch_traces.json").write_text(one_row_a_line + "\n")


if __name__ == "__main__":
    main()
