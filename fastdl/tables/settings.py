"""The choices of a model: RealMLP's published defaults, each of which may be set."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from fastdl.errors import check_bool, check_int, check_number, unknown_name
from fastdl.nn.activation import KINDS

Task = Literal["classification", "regression"]
TASKS: tuple[Task, ...] = ("classification", "regression")
PRESETS = ("default", "simple")


@dataclass(frozen=True, slots=True)
class Settings:
    """Hyper-parameters of a model on a table; `Settings.preset` gives the published ones.

    Parameters
    ----------
    task : {"classification", "regression"}
    hidden : tuple of int
        Units of each hidden layer.
    activation : str
    parametric : bool
        Whether each unit learns how much of its activation it wants.
    waves : int
        Waves of the periodic embedding of numbers; 0 for none.
    one_hot : int
        Categories up to so many are one-hot; more get learned vectors.
    embedding : int
        Length of these vectors.
    epochs, batch_size : int
    lr : float
        Base rate, which follows coslog4.
    bias_lr, scale_lr, activation_lr, embedding_lr : float
        Factors of that rate for biases, feature scales, parametric activations and periodic embeddings.
    beta2 : float
        Of Adam.
    dropout, weight_decay : float
        Both fall by FlatCos. The decay is decoupled.
    label_smoothing : float
        Of classes.
    zero_last : bool
        Whether the last layer begins with zeros.
    data_init : bool
        Whether first weights and biases are fitted to the data, see `fastdl.tables.initial`.
    validation_fraction : float
        Of the rows, where no validation data is given and n_cv is 1; they choose the epoch that is kept.
    patience : int, optional
        Epochs without improvement that end a training; by default none does.
    n_cv : int
        Folds: with more than 1 each member is trained on all folds but one, on which it is validated.
    n_ens : int
        Members of each fold, which differ in their seeds.

    Notes
    -----
    Holzmueller, Grinsztajn and Steinwart (2024), "Better by default: strong pre-tuned MLPs and boosted trees on tabular
    data", arXiv 2407.04491: "simple" is RealMLP-TD-S, "default" follows RealMLP-TD.
    """

    task: Task = "classification"
    hidden: tuple[int, ...] = (256, 256, 256)
    activation: str = "selu"
    parametric: bool = True
    waves: int = 16
    one_hot: int = 9
    embedding: int = 8
    epochs: int = 256
    batch_size: int = 256
    lr: float = 0.04
    bias_lr: float = 0.1
    scale_lr: float = 6.0
    activation_lr: float = 0.1
    embedding_lr: float = 0.1
    beta2: float = 0.95
    dropout: float = 0.15
    weight_decay: float = 0.02
    label_smoothing: float = 0.1
    zero_last: bool = False
    data_init: bool = True
    validation_fraction: float = 0.2
    patience: int | None = None
    n_cv: int = 1
    n_ens: int = 1

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise unknown_name("task", self.task, TASKS)
        hidden = (self.hidden,) if hasattr(self.hidden, "__index__") else tuple(self.hidden)
        object.__setattr__(self, "hidden", tuple(check_int("hidden", units, 1) for units in hidden))
        if not isinstance(self.activation, str) or self.activation not in KINDS:
            raise unknown_name("activation", self.activation, KINDS)
        for name, check in CHECKS.items():
            object.__setattr__(self, name, check(name, getattr(self, name)))

    @staticmethod
    def preset(preset: str = "default", task: Task = "classification") -> Settings:
        """The published settings.

        Parameters
        ----------
        preset : {"default", "simple"}
            RealMLP-TD, or the faster and simpler RealMLP-TD-S.
        task : {"classification", "regression"}

        Returns
        -------
        Settings
        """
        if preset not in PRESETS:
            raise unknown_name("preset", preset, PRESETS)
        if task not in TASKS:
            raise unknown_name("task", task, TASKS)
        classes = task == "classification"
        settings = Settings(
            task, activation="selu" if classes else "mish", label_smoothing=0.1 if classes else 0.0, zero_last=True,
            lr=0.04 if classes else 0.07, parametric=False, waves=0, one_hot=255, dropout=0.0, weight_decay=0.0,
            data_init=False,
        )  # fmt: skip
        if preset == "simple":
            return settings
        return settings.replace(
            parametric=True, waves=16, one_hot=9, dropout=0.15, weight_decay=0.02, zero_last=False, data_init=True,
            lr=0.04 if classes else 0.2,
        )  # fmt: skip

    def replace(self, **changes: Any) -> Settings:
        """The same with other values; unknown names and bad values are refused."""
        for name in changes:
            if name not in self.__slots__:
                raise unknown_name("setting", name, self.__slots__)
        return replace(self, **changes)

    def config(self) -> dict[str, Any]:
        """All values, as JSON can hold them."""
        return asdict(self)


def _int(low: int) -> Callable[[str, Any], Any]:
    return lambda name, value: check_int(name, value, low)


def _number(low: float, high: float, open_low: bool = False, open_high: bool = False) -> Callable[[str, Any], Any]:
    return lambda name, value: check_number(name, value, low, high, open_low=open_low, open_high=open_high)


CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "parametric": check_bool,
    "waves": _int(0),
    "one_hot": _int(2),
    "embedding": _int(1),
    "epochs": _int(1),
    "batch_size": _int(1),
    "lr": _number(0.0, 1e3, open_low=True),
    "bias_lr": _number(0.0, 1e6),
    "scale_lr": _number(0.0, 1e6),
    "activation_lr": _number(0.0, 1e6),
    "embedding_lr": _number(0.0, 1e6),
    "beta2": _number(0.0, 1.0, open_high=True),
    "dropout": _number(0.0, 1.0, open_high=True),
    "weight_decay": _number(0.0, math.inf, open_high=True),
    "label_smoothing": _number(0.0, 1.0, open_high=True),
    "zero_last": check_bool,
    "data_init": check_bool,
    "validation_fraction": _number(0.0, 1.0, open_high=True),
    "patience": lambda name, value: None if value is None else check_int(name, value, 0),
    "n_cv": _int(1),
    "n_ens": _int(1),
}
