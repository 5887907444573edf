"""Freeze 25 steps of torch's optimizers: `python make_torch_traces.py` writes torch_traces.json beside this script.

torch 2.13 on CPU, in float64, from weights and gradients that are exact in float32. The tests read the file and need no
torch. At a constant rate torch's momentum (rate outside the velocity) walks the same path as fastdl's (rate inside).
"""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch

STEPS = 25
# One parameter each: ordinary, tiny gradients, huge gradients, dead, steady, alternating.
WEIGHTS = [0.5, -1.25, 2.0, 0.75, -0.375, 0.0625]
SCALES = [1.0, 1e-4, 1e3, 0.0, 1.0, 1.0]

# Of each: torch's class, fastdl's kernel, and the hyper-parameters by fastdl's names.
ADAM = {"lr": 1e-2, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
OTHER = {"lr": 1e-2, "beta1": 0.8, "beta2": 0.95, "eps": 1e-6, "weight_decay": 0.1}
CASES: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "adam": (torch.optim.Adam, "adam", ADAM),
    "adam_coupled": (torch.optim.Adam, "adam", OTHER),
    "adam_decoupled": (torch.optim.AdamW, "adam", {**ADAM, "weight_decay": 0.1, "decoupled": True}),
    "amsgrad": (torch.optim.Adam, "adam", {**OTHER, "amsgrad": True}),
    "amsgrad_decoupled": (torch.optim.AdamW, "adam", {**OTHER, "amsgrad": True, "decoupled": True}),
    "adamax": (torch.optim.Adamax, "adamax", ADAM),
    "adamax_coupled": (torch.optim.Adamax, "adamax", OTHER),
    "nadam": (torch.optim.NAdam, "nadam", ADAM),
    "nadam_coupled": (torch.optim.NAdam, "nadam", {**OTHER, "momentum_decay": 0.05}),
    "nadam_decoupled": (torch.optim.NAdam, "nadam", {**OTHER, "decoupled": True}),
    "radam": (torch.optim.RAdam, "radam", ADAM),
    "radam_coupled": (torch.optim.RAdam, "radam", OTHER),
    "radam_decoupled": (torch.optim.RAdam, "radam", {**OTHER, "decoupled": True}),
    "sgd": (torch.optim.SGD, "sgd", {"lr": 1e-3, "weight_decay": 0.1}),
    "momentum": (torch.optim.SGD, "momentum", {"lr": 1e-3, "momentum": 0.9}),
    "nesterov": (torch.optim.SGD, "momentum", {"lr": 1e-3, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    "adagrad": (torch.optim.Adagrad, "adagrad", {"lr": 1e-2, "eps": 1e-10}),
    "adagrad_coupled": (torch.optim.Adagrad, "adagrad", {"lr": 0.1, "eps": 1e-3, "weight_decay": 0.1}),
    "adadelta": (torch.optim.Adadelta, "adadelta", {"lr": 1.0, "rho": 0.9, "eps": 1e-6}),
    "adadelta_coupled": (torch.optim.Adadelta, "adadelta", {"lr": 0.5, "rho": 0.7, "eps": 1e-3, "weight_decay": 0.1}),
    "rmsprop": (torch.optim.RMSprop, "rmsprop", {"lr": 1e-2, "rho": 0.9, "eps": 1e-8}),
    "rmsprop_coupled": (torch.optim.RMSprop, "rmsprop", {"lr": 1e-2, "rho": 0.9, "eps": 1e-3, "weight_decay": 0.1}),
    "rmsprop_centered": (torch.optim.RMSprop, "rmsprop", {"lr": 1e-2, "rho": 0.9, "eps": 1e-3, "centered": True}),
    "rmsprop_momentum": (torch.optim.RMSprop, "rmsprop", {"lr": 1e-3, "rho": 0.9, "eps": 1e-8, "momentum": 0.5}),
    "rmsprop_both": (
        torch.optim.RMSprop, "rmsprop", {"lr": 1e-3, "rho": 0.8, "eps": 1e-2, "momentum": 0.9, "centered": True},
    ),
}  # fmt: skip


def torch_names(kind: Any, hyper: dict[str, Any]) -> dict[str, Any]:
    """Hyper-parameters as torch calls them."""
    names = dict(hyper)
    if "beta1" in names:
        names["betas"] = (names.pop("beta1"), names.pop("beta2"))
    if kind is torch.optim.RMSprop:
        names["alpha"] = names.pop("rho")
    if names.pop("decoupled", False) and kind is not torch.optim.AdamW:
        names["decoupled_weight_decay"] = True
    return names


def gradients() -> np.ndarray:
    """(STEPS, 6) float64, each exact in float32."""
    rng = np.random.default_rng(2013)
    g = rng.normal(size=(STEPS, len(WEIGHTS))) * SCALES
    g[:, 4] = 0.5
    g[:, 5] = 0.25 * (-1.0) ** np.arange(STEPS)
    return g.astype(np.float32).astype(np.float64)


def trace(case: str, grads: np.ndarray) -> list[list[float]]:
    """The weights after each step."""
    kind, _, hyper = CASES[case]
    w = torch.tensor(WEIGHTS, requires_grad=True)
    optimizer = kind([w], **torch_names(kind, hyper))
    steps = []
    for g in grads:
        w.grad = torch.tensor(g)
        optimizer.step()
        steps.append(w.detach().tolist())
    return steps


def main() -> None:
    """Write the file, one step a line so that a difference can be read."""
    torch.set_default_dtype(torch.float64)  # or NAdam would keep the product of its rates in float32
    grads = gradients()
    record = {"torch": torch.__version__.split("+")[0], "weights": WEIGHTS, "gradients": grads.tolist(), "cases": {}}
    for case, (_, kernel, hyper) in CASES.items():
        record["cases"][case] = {"kernel": kernel, "hyper": hyper, "weights": trace(case, grads)}
    one_row_a_line = re.sub(r"\[[^\[\]]*\]", lambda row: " ".join(row[0].split()), json.dumps(record, indent=1))
    (Path(__file__).parent / "torch_traces.json").write_text(one_row_a_line + "\n")


if __name__ == "__main__":
    main()
