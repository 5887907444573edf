"""Networks of one kind that differ in their seed, trained side by side."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fastdl import data
from fastdl.callbacks import Callback
from fastdl.committee import Committee
from fastdl.errors import as_array, check_int, check_number, check_seed
from fastdl.kernels._team import get_num_threads
from fastdl.nn import Identity, Sequential, load
from fastdl.nn.network import Network
from fastdl.part import check_part
from fastdl.progress import Progress
from fastdl.trainer import Trainer

if TYPE_CHECKING:
    from fastdl.history import History

SEED_STEP = 0x9E3779B97F4A7C15  # between members: odd, so that no two of 2^64 members share a seed


class Ensemble(Committee):
    """n networks from different seeds, whose predictions are averaged.

    Each has initial weights, an order of the rows and dropout masks of its own. They are trained at the same time, each
    by one thread, as long as there are as many as threads: networks that are independent share the cores better than
    the rows of a batch do. A member's bits are those that it would have alone.

    Parameters
    ----------
    net : Network
        What a member is like. It is copied, and stays as it is; if it is built, its weights are not used.
    n : int
        How many members.
    loss : str, Loss or callable
        As in `Trainer`.
    seed : int
        What the members' seeds depend on. The first member has this one.
    threads : int, optional
        For all members together; None for all that the process may use.
    **options
        Whatever else `Trainer` takes: optimizer, schedule, clip, metrics, penalty, averaging, mixup.

    Attributes
    ----------
    members : list of Network
    histories : list of History
    trainers : list of Trainer

    Notes
    -----
    Hansen & Salamon 1990; Lakshminarayanan et al. 2017 for what the mean probabilities are worth.

    Examples
    --------
    >>> import fastdl as fdl
    >>> X, y = fdl.datasets.load_digits()
    >>> net = fdl.nn.Sequential(fdl.nn.MinMaxScale(), fdl.nn.Dense(32), fdl.nn.ReLU(), fdl.nn.Dense(10))
    >>> ensemble = fdl.Ensemble(net, 3, metrics=["accuracy"]).fit(X, y, epochs=2, batch_size=128)
    >>> sorted(ensemble.evaluate(X, y))
    ['accuracy', 'loss']
    """

    def __init__(
        self,
        net: Network,
        n: int = 5,
        loss: Any = "cross_entropy",
        seed: int = 0,
        threads: int | None = None,
        **options: Any,
    ) -> None:
        if not isinstance(net, Network):
            raise TypeError(f"net: expected a network such as nn.Sequential, got {type(net).__name__}")
        n, seed = check_int("n", n, 1), check_seed(seed)
        self.seed = seed
        self.threads = threads
        self.trainers: list[Trainer] = []
        for i in range(n):
            member = copy.deepcopy(net)
            member.forget()
            self.trainers.append(
                Trainer(member, loss, seed=(seed + i * SEED_STEP) % 2**64, threads=threads, **copy.deepcopy(options))
            )

    @property
    def members(self) -> list[Network]:  # type: ignore[override]
        """The networks."""
        return [trainer.net for trainer in self.trainers]

    @property
    def histories(self) -> list[History]:
        """The members' histories."""
        return [trainer.history for trainer in self.trainers]

    def fit(
        self,
        X: Any,
        y: Any,
        epochs: int = 1,
        validation_split: float = 0.0,
        sample_weight: Any = None,
        callbacks: Iterable[Callback] | Callback | None = None,
        progress: Literal["auto"] | bool = "auto",
        **options: Any,
    ) -> Ensemble:
        """Train all members; a second fit goes on from where they stand.

        Parameters
        ----------
        X, y, epochs, sample_weight, progress :
            As in `Trainer.fit`, as are all other options.
        validation_split : float
            Fraction of the rows that no member is trained on, drawn by the seed: the same for all. X is copied then.
        callbacks : list of Callback, optional
            Each member gets copies of its own, which write to places of their own.

        Returns
        -------
        Ensemble
            Itself.
        """
        epochs = check_int("epochs", epochs, 1)
        check_number("validation_split", validation_split, 0.0, 1.0, open_high=True)
        given = [callbacks] if isinstance(callbacks, Callback) else list(callbacks or ())
        if validation_split:
            if options.get("validation_data") is not None:
                raise ValueError("validation_data: expected (X, y) or (X, y, sample_weight), without validation_split")
            X, y, sample_weight, options["validation_data"] = split(X, y, sample_weight, validation_split, self.seed)
        cores = get_num_threads() if self.threads is None else self.threads
        at_once = min(cores, len(self.trainers))
        bar, lock = Progress(progress, "epochs"), Lock()
        bar.start(epochs * len(self.trainers), epochs * len(self.trainers))
        ticks = Ticks(bar, lock)

        def train(trainer: Trainer) -> None:
            number, several = self.trainers.index(trainer), len(self.trainers) > 1
            own = [callback.for_member(number) for callback in given] if several else copy.deepcopy(given)
            watchers = [*own, ticks]
            trainer.threads = max(1, cores // at_once)
            trainer.fit(
                X, y, epochs, sample_weight=sample_weight, callbacks=watchers, progress=False, **options
            )  # fmt: skip

        try:
            train_all(train, self.trainers, at_once)
        finally:
            bar.close()
        return self

    def evaluate(self, X: Any, y: Any, sample_weight: Any = None) -> dict[str, float]:
        """Loss and metrics of the averaged prediction.

        Parameters
        ----------
        X, y, sample_weight : array_like
            As in `Trainer.fit`.

        Returns
        -------
        dict of str to float
        """
        outputs = self.predict(X)
        first = self.trainers[0]
        passing = Sequential(Identity())  # a network whose outputs are what it is given
        passing.build((outputs.shape[1],))
        passing.head, passing.classes_ = first.net.head, first.net.classes_
        judge = Trainer(passing, first.loss, metrics=first.metrics, threads=self.threads)
        part, _ = check_part(passing, first.loss, outputs, y, sample_weight, None, passing.classes_)
        return judge.evaluate_part(part)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write each member to a file "member-0.safetensors" and so on in a folder, which is made if need be."""
        self._first()
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        for i, member in enumerate(self.members):
            member.save(folder / f"member-{i}.safetensors")
        for stale in folder.glob("member-*.safetensors"):
            if int(stale.stem.removeprefix("member-")) >= len(self.members):
                stale.unlink()

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Committee:
        """The saved members, to predict with."""
        files = sorted(Path(path).glob("member-*.safetensors"), key=lambda f: int(f.stem.removeprefix("member-")))
        if not files:
            raise FileNotFoundError(f"{os.fspath(path)}: no member-0.safetensors is there")
        committee = Committee()
        committee.members = [load(file) for file in files]
        return committee


class Ticks(Callback):
    """Shows the epochs of all members in one bar."""

    def __init__(self, bar: Progress, lock: Lock) -> None:
        self.bar, self.lock, self.done = bar, lock, 0

    def on_epoch_end(self, trainer: Trainer, epoch: int, logs: dict[str, float]) -> None:
        """One more."""
        with self.lock:
            self.done += 1
            self.bar.update(self.done, self.done - 1, logs)


def train_all(train: Any, trainers: list[Trainer], at_once: int) -> None:
    """Train some at a time. After an error or Ctrl-C the others end their epoch, and none begins."""
    if at_once == 1:
        for trainer in trainers:
            train(trainer)
        return
    with ThreadPoolExecutor(at_once, thread_name_prefix="fastdl-member") as pool:
        futures = [pool.submit(train, trainer) for trainer in trainers]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
        finally:
            for future in futures:
                future.cancel()
            for trainer in trainers:
                trainer.stop()


def split(X: Any, y: Any, sample_weight: Any, fraction: float, seed: int) -> tuple[Any, Any, Any, tuple[Any, ...]]:
    """Arrays of the rows to train on, and those held out as `validation_data`."""
    x, targets = as_array("X", X), as_array("y", y)
    if len(targets) != len(x):
        raise ValueError(f"y: expected a target for each of {len(x)} rows of X, got {len(targets)}")
    training, held = data.split(len(x), fraction, seed)
    if sample_weight is None:
        return x[training], targets[training], None, (x[held], targets[held])
    weights = np.asarray(sample_weight)
    return x[training], targets[training], weights[training], (x[held], targets[held], weights[held])
