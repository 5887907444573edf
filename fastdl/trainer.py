"""The training loop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fastdl import data
from fastdl.callbacks import Callback
from fastdl.errors import NonFiniteError, check_int
from fastdl.history import History
from fastdl.kernels import permutation
from fastdl.losses import Loss, loss_of
from fastdl.metrics import Metric, metrics_of
from fastdl.nn.network import Network
from fastdl.optim import ClipNorm, Optimizer, optimizer_of
from fastdl.program import TeamSize
from fastdl.progress import Progress
from fastdl.schedule import Schedule, Scheduled, schedule_of
from fastdl.step import Evaluation, Memory, TrainingStep, run

if TYPE_CHECKING:
    from fastdl.program import Array

SHUFFLE_STREAM = 1 << 29


@dataclass(slots=True)
class Part:
    """Checked data of a fit or an evaluation: inputs, targets, weights, and which rows count (None: all)."""

    x: Array
    targets: Array
    weights: Array | None
    rows: Array | None

    @property
    def size(self) -> int:
        """Number of rows that count."""
        return self.x.shape[0] if self.rows is None else len(self.rows)


class Trainer:
    """Trains a network: a whole epoch runs in native code, and returns to Python every 50 ms or so.

    Parameters
    ----------
    net : Network
        Built or not. A built or loaded one is trained on from its weights.
    loss : str or Loss
        "cross_entropy", "mse", or an object of `fastdl.losses`.
    optimizer : Optimizer or str, optional
        Adam by default.
    schedule : Schedule or str, optional
        Of the learning rate; constant by default.
    clip : ClipNorm, optional
        Gradient clipping.
    metrics : list of str or Metric
        "accuracy", "mse".
    seed : int
        Everything random depends on it. Same seed, same bits, at any number of threads.
    threads : int, optional
        Upper bound; None for all that the process may use. How many are at work is measured, slice by slice.

    Attributes
    ----------
    net : Network
    history : History
        A list of floats for each name, one per epoch.
    step, epoch : int
        How many have been done in all.
    optimizer : Optimizer

    Examples
    --------
    >>> import fastdl as fdl
    >>> from fastdl import nn, datasets
    >>> X, y = datasets.load_digits()
    >>> net = nn.Sequential(nn.MinMaxScale(), nn.Dense(32), nn.ReLU(), nn.Dense(10))
    >>> trainer = fdl.Trainer(net, "cross_entropy", metrics=["accuracy"])
    >>> history = trainer.fit(X, y, epochs=3, validation_split=0.1)
    >>> len(history["val_loss"])
    3
    """

    def __init__(
        self,
        net: Network,
        loss: str | Loss = "cross_entropy",
        optimizer: Optimizer | str | None = None,
        schedule: Schedule | str | None = None,
        clip: ClipNorm | None = None,
        metrics: Iterable[str | Metric] = (),
        seed: int = 0,
        threads: int | None = None,
    ) -> None:
        if not isinstance(net, Network):
            raise TypeError(f"net: expected a network such as nn.Sequential, got {type(net).__name__}")
        if clip is not None and not isinstance(clip, ClipNorm):
            raise TypeError(f"clip: expected a ClipNorm or None, got {type(clip).__name__}")
        self.net = net
        self.loss = loss_of(loss)
        self.optimizer = optimizer_of(optimizer)
        self.schedule = schedule_of(schedule)
        self.clip = clip
        self.metrics = metrics_of(metrics)
        for metric in self.metrics:
            metric.check(self.loss)
        self.seed = check_int("seed", seed, 0)
        self.threads = threads
        TeamSize(threads)  # checks it
        self.history = History()
        self.step = 0
        self.epoch = 0
        self._stop = False
        self._memory: Memory | None = None
        self._programs: dict[Any, Any] = {}
        self._teams: dict[Any, TeamSize] = {}

    # Data

    def _part(self, X: Any, y: Any, sample_weight: Any, class_weight: Any, name: str, *, fresh: bool) -> Part:
        """Check data against the network, which is built for it if it is not yet."""
        net = self.net
        x = data.as_rows(X, None if net.input_shape is None else net.input_shape[0], f"{net._first_title()} expects")
        data.check_training_rows(x, name, scaled=net.scaler() is not None)
        if not net.built:
            if not fresh:
                raise ValueError(f"{net.title()} is not built yet: fit it first")
            net.build((x.shape[1],), self.seed)
        assert net.output_shape is not None
        try:
            rows = len(y)
        except TypeError:
            raise TypeError(f"y: expected an array, got {type(y).__name__}") from None
        if rows != x.shape[0]:
            raise ValueError(f"y: expected a target for each of {x.shape[0]} rows of X, got {rows}")
        targets, classes = self.loss.prepare(y, rows, net.output_shape[0], net.classes_)
        weights = data.row_weights(sample_weight, class_weight, y, rows)
        if fresh:
            net.classes_ = classes
        counting = None
        if weights is not None and not (weights > 0).all():
            counting = np.flatnonzero(weights)  # rows of weight 0 take no part, so that they can't change a bit
        return Part(x, targets, weights, counting)

    def _split(self, part: Part, fraction: float) -> tuple[Part, Part | None]:
        if not fraction:
            data.split(2, fraction, 0)
            return part, None
        training, held = data.split(part.size, fraction, self.seed)
        rows = np.arange(part.x.shape[0]) if part.rows is None else part.rows
        return (
            Part(part.x, part.targets, part.weights, rows[training]),
            Part(part.x, part.targets, part.weights, rows[held]),
        )

    # Programs

    def _program(self, key: tuple[Any, ...], make: Any) -> Any:
        """The program of a kind, made when it is first wanted, and again if the network's memory has moved."""
        key = (*key, id(self.net._arena))
        if key not in self._programs:
            self._programs[key] = make()
        return self._programs[key]

    def _team(self, key: Any) -> TeamSize:
        if key not in self._teams:
            self._teams[key] = TeamSize(self.threads)
        return self._teams[key]

    def _training_step(self, batch: int, weighted: bool, for_diagnosis: bool = False) -> TrainingStep:
        if self._memory is None or self._memory.parameters is not self.net._arena:
            self._memory = Memory(self.net, self.optimizer.slots)
            self._programs.clear()
        memory = self._memory

        def make() -> TrainingStep:
            return TrainingStep(
                self.net, self.loss, self.metrics, weighted, batch, memory, self.optimizer, self.clip,
                for_diagnosis=for_diagnosis,
            )  # fmt: skip

        if for_diagnosis:
            return make()
        step: TrainingStep = self._program(("step", batch, weighted), make)
        return step

    def _evaluate(self, part: Part) -> dict[str, float]:
        weighted = part.weights is not None
        evaluation = self._program(
            ("evaluation", weighted), lambda: Evaluation(self.net, self.loss, self.metrics, weighted)
        )
        means: dict[str, float] = evaluation(part.x, part.targets, part.weights, part.rows, self._team("evaluation"))
        return means

    # What users call

    def fit(
        self,
        X: Any,
        y: Any,
        epochs: int = 1,
        batch_size: int = 32,
        validation_split: float = 0.0,
        validation_data: Sequence[Any] | None = None,
        sample_weight: Any = None,
        class_weight: dict[Any, float] | None = None,
        drop_last: bool = False,
        callbacks: Iterable[Callback] | Callback | None = None,
        progress: Literal["auto"] | bool = "auto",
    ) -> History:
        """Train; a second fit goes on from where training stands.

        Parameters
        ----------
        X : array_like, shape (n, features)
            Floats, integers or booleans. Read where it lies: a memory map stays on disk.
        y : array_like, shape (n,) or (n, outputs)
            Labels or targets, as the loss wants them.
        epochs, batch_size : int
            At least 1. The last short batch is trained on unless `drop_last`.
        validation_split : float
            Fraction of the rows held out, drawn by the seed.
        validation_data : (X, y) or (X, y, sample_weight), optional
            Instead of a split.
        sample_weight : array_like, shape (n,), optional
            Rows of weight 0 take no part.
        class_weight : dict, optional
            Factor of each class's rows; 1 for those not listed.
        drop_last : bool
        callbacks : list of Callback, optional
        progress : {"auto", True, False}
            "auto" shows a bar on a terminal and in notebooks.

        Returns
        -------
        History
            Also `trainer.history`, over all fits.

        Raises
        ------
        ValueError, TypeError
            For data that will not do; nothing has changed then.
        NonFiniteError
            If a loss or gradient is not finite. That step is not applied.
        KeyboardInterrupt
            After Ctrl-C; network and history are those of the last complete step and epoch, callbacks have ended.
        """
        epochs, batch_size = check_int("epochs", epochs, 1), check_int("batch_size", batch_size, 1)
        watchers = [callbacks] if isinstance(callbacks, Callback) else list(callbacks or ())
        for i, watcher in enumerate(watchers):
            if not isinstance(watcher, Callback):
                raise TypeError(f"callbacks[{i}]: expected a Callback, got {type(watcher).__name__}")
        if validation_data is not None and (validation_split or len(validation_data) not in (2, 3)):
            raise ValueError("validation_data: expected (X, y) or (X, y, sample_weight), and no validation_split beside it")
        bar = Progress(progress)
        with self.net.busy("fit"):
            training, validation = self._prepare(
                X, y, sample_weight, class_weight, validation_split, validation_data, batch_size, drop_last
            )
            self._loop(training, validation, epochs, min(batch_size, training.size), drop_last, watchers, bar)
        return self.history

    def _prepare(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        class_weight: Any,
        fraction: float,
        validation_data: Sequence[Any] | None,
        batch_size: int,
        drop_last: bool,
    ) -> tuple[Part, Part | None]:
        """Check everything; on an error the network is as it was."""
        net = self.net
        was_built, classes = net.built, net.classes_
        try:
            part = self._part(X, y, sample_weight, class_weight, "X", fresh=True)
            training, validation = self._split(part, fraction)
            if validation_data is not None:
                given = (*validation_data, None)[:3]
                validation = self._part(given[0], given[1], given[2], None, "validation_data", fresh=False)
            if drop_last and training.size < batch_size:
                raise ValueError(f"drop_last: {training.size} rows hold no whole batch of {batch_size}")
            scaler = net.scaler()
            if scaler is not None:
                scaler.adapt(training.x, training.rows)
        except BaseException:
            net.classes_ = classes
            if not was_built:
                net.forget()
            raise
        net.head = self.loss.head
        net.training_rows = training.size
        return training, validation

    def _loop(
        self,
        training: Part,
        validation: Part | None,
        epochs: int,
        batch: int,
        drop_last: bool,
        watchers: list[Callback],
        bar: Progress,
    ) -> None:
        program = self._training_step(batch, training.weights is not None)
        steps = training.size // batch if drop_last else -(-training.size // batch)
        mapped = isinstance(training.x, np.memmap) or isinstance(training.x.base, np.memmap)
        beginning = self.net.snapshot() if mapped else None
        first_step, last_epoch = self.step, self.epoch + epochs
        every_step = any(type(watcher).on_batch_end is not Callback.on_batch_end for watcher in watchers)
        self._stop = False
        try:
            for watcher in watchers:
                watcher.on_train_begin(self)
            bar.start(epochs * steps, epochs)
            while self.epoch < last_epoch and not self._stop:
                for watcher in watchers:
                    watcher.on_epoch_begin(self, self.epoch)
                rates = self._rates(steps, last_epoch)
                order = permutation(training.size, self.seed, self.epoch, SHUFFLE_STREAM)
                if training.rows is not None:
                    order = training.rows[order]
                self._epoch(program, training, order, steps, rates, watchers if every_step else [], bar, first_step, beginning)
                logs = self._logs(program, steps, rates)
                if validation is not None:
                    logs.update((f"val_{name}", value) for name, value in self._evaluate(validation).items())
                self.history.append(logs)
                self.epoch += 1
                bar.epoch_end(self.epoch - 1 - (last_epoch - epochs), logs)
                for watcher in watchers:
                    watcher.on_epoch_end(self, self.epoch - 1, logs)
                beginning = None
        except KeyboardInterrupt:
            for watcher in watchers:
                watcher.on_train_end(self)
            raise
        finally:
            bar.close()
        for watcher in watchers:
            watcher.on_train_end(self)

    def _rates(self, steps: int, epochs: int) -> Array:
        """The scalars of this epoch's steps: column 0 is the learning rate."""
        numbers = np.arange(self.epoch * steps, (self.epoch + 1) * steps)
        rate = self.schedule.values(numbers, steps, epochs) * float(self.optimizer.lr)
        if isinstance(self.optimizer.lr, Scheduled):
            rate = rate * self.optimizer.lr.schedule.values(numbers, steps, epochs)
        return np.ascontiguousarray(rate, np.float64).reshape(steps, 1)

    def _epoch(
        self,
        program: TrainingStep,
        training: Part,
        order: Array,
        steps: int,
        rates: Array,
        watchers: list[Callback],
        bar: Progress,
        first_step: int,
        beginning: Any,
    ) -> None:
        """Run one epoch's steps; whatever happens, `self.step` counts those that were applied."""
        native, before = program.program, self.step
        program.set(training.x, training.targets, training.weights, order)
        seen = np.zeros(2)

        def after_slice() -> None:
            self.step = before + native.steps_done
            bar.update(self.step - first_step, (self.step - first_step - 1) // steps)
            if watchers:
                sums = program.sums["loss"]
                logs = {"loss": float((sums[0] - seen[0]) / max(sums[1] - seen[1], 1e-300)), "grad_norm": float(program.norm[0])}
                seen[...] = sums
                for watcher in watchers:
                    watcher.on_batch_end(self, self.step - 1, logs)

        try:
            native.begin(min(len(order), steps * program.batch), program.batch, steps, self.seed, before, rates)
            status = run(native, self._team(program.batch), after_slice, one_step=bool(watchers))
            if status == "halted":
                raise self._non_finite(program, training, order, beginning)
        finally:
            self.step = before + native.steps_done
            program.clear()

    def _non_finite(self, program: TrainingStep, training: Part, order: Array, beginning: Any) -> Exception:
        """Rerun the halted step without shared memory, and say who went wrong first."""
        start = program.program.steps_done * program.batch
        batch = order[start : start + program.program.rows]
        probe = self._training_step(program.batch, training.weights is not None, for_diagnosis=True)
        probe.set(training.x, training.targets, training.weights, np.ascontiguousarray(batch))
        probe.program.begin(len(batch), program.batch, 1, self.seed, self.step, np.zeros((1, 1)))
        run(probe.program, TeamSize(1), lambda: None)
        bad = probe.first_bad_layer()
        probe.clear()
        if bad == "the inputs":
            rows = [int(row) for row in batch if not np.isfinite(np.asarray(training.x[row], np.float64)).all()]
            if beginning is not None:
                self.net.restore(beginning)
                return ValueError(f"X: expected finite numbers, row {rows[0] if rows else '?'} has NaN or infinity")
        return NonFiniteError(
            f"step {self.step} (epoch {self.epoch}): {bad or 'the gradient norm'} is not finite. The step was not applied. A "
            "lower learning rate, clip=optim.ClipNorm(1.0), batch norm or a scaler as the first layer usually mend this",
            self.step,
            bad,
        )

    def _logs(self, program: TrainingStep, steps: int, rates: Array) -> dict[str, float]:
        logs = program.means()
        logs["lr"] = float(rates[-1, 0])
        logs["grad_norm"] = float(program.norm_sums[0] / steps)
        if self.clip is not None:
            logs["clipped"] = float(program.norm_sums[1] / steps)
        return logs

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, batch_size: int = 32) -> History:
        """Train one pass over the data; parameters are those of `fit`."""
        return self.fit(X, y, 1, batch_size, sample_weight=sample_weight, progress=False)

    def evaluate(self, X: Any, y: Any, sample_weight: Any = None) -> dict[str, float]:
        """Loss and metrics in inference mode.

        Parameters
        ----------
        X, y, sample_weight : array_like
            As in `fit`.

        Returns
        -------
        dict of str to float
            "loss" and a value for each metric, means over the rows by weight.
        """
        with self.net.busy("evaluate"):
            return self._evaluate(self._part(X, y, sample_weight, None, "X", fresh=False))

    def stop(self) -> None:
        """End training after the current epoch; for callbacks."""
        self._stop = True

    def reset(self) -> None:
        """Start over: the weights of this seed, fresh slots, an empty history."""
        shape = self.net.input_shape
        with self.net.busy("reset"):
            if shape is not None:
                self.net.forget()
                self.net.build(shape, self.seed)
        self.history = History()
        self.step = self.epoch = 0
        self._memory = None
        self._programs.clear()
