"""The training loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fastdl.callbacks import Callback
from fastdl.errors import check_int, check_seed
from fastdl.fitting import Fit
from fastdl.history import History
from fastdl.listing import Listing
from fastdl.losses import Loss, loss_of
from fastdl.metrics import Metric, SetMetric, metrics_of
from fastdl.mixup import mixup_of
from fastdl.nn.network import Network
from fastdl.optim import Averaging, Clip, Optimizer, averaging_of, optimizer_of
from fastdl.part import Form, Part, check_inputs, check_part, codes_of, prepare
from fastdl.penalty import Penalty, penalty_of
from fastdl.program import TeamSize, run
from fastdl.progress import Progress
from fastdl.schedule import Schedule, Scheduled, schedule_of
from fastdl.schedule.hyper import base_of
from fastdl.signals import measure, with_updates
from fastdl.step import Calibration, Evaluation, Memory, TrainingStep

if TYPE_CHECKING:
    from fastdl.averages import Averages
    from fastdl.program import Array
    from fastdl.signals import Signal

SAMPLE = 256  # rows that a diagnosis looks at


class Trainer:
    """Trains a network: a whole epoch runs in native code, and returns to Python every 50 ms or so.

    Parameters
    ----------
    net : Network
        Built or not. A built or loaded one is trained on from its weights.
    loss : str, Loss or callable
        "cross_entropy", "binary_cross_entropy", "focal", "mse", "mae", "huber", "poisson", or an object of
        `fastdl.losses`. Or your own in NumPy, `f(y_true, y_pred) -> (loss per row, d loss/d y_pred)`: from arrays of
        shape (B, columns of y) and (B, outputs) to (B,) and (B, outputs); weights and the mean are seen to. Integer y
        of shape (n,) comes as (B,) if there are several outputs.
    optimizer : Optimizer or str, optional
        Adam by default.
    schedule : Schedule, str or callable, optional
        Of the learning rate; constant by default. A function `f(steps, steps_per_epoch, epochs)` gives factors for an
        array of steps.
    clip : ClipNorm, ClipValue or AdaptiveClip, optional
        Gradient clipping.
    metrics : list of str or Metric
        Of batches and validation: "accuracy", "mse", "mae". Of validation as a whole: "auc", "f1", "top_k", "rmse",
        "r2", and your own function as `metrics.Custom(name, f)`.
    seed : int
        Everything random depends on it. Same seed, same bits, at any number of threads.
    penalty : L1, L2 or L1L2, optional
        On all weights that decay, in addition to the layers' own; `history["penalty"]` has the mean of its values.
    averaging : EMA or SWA, optional
        Validation and the finished network use averages of the weights; a further fit goes on from the raw ones.
    mixup : float, optional
        Train on mixtures of two rows, in shares drawn from Beta(mixup, mixup); see `fastdl.mixup.Mixup`. 0.2 is usual.
    threads : int, optional
        Upper bound; None for all that the process may use. How many work is measured, slice by slice.

    Attributes
    ----------
    net : Network
    history : History
        A list of floats for each name, one per epoch.
    step, epoch : int
        How many have been done in all.
    epochs : int
        How many that will be at the end of the fit.
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
        loss: str | Loss | Callable[[Array, Array], tuple[Any, Any]] = "cross_entropy",
        optimizer: Optimizer | str | None = None,
        schedule: Schedule | str | Callable[..., Any] | None = None,
        clip: Clip | None = None,
        metrics: Iterable[str | Metric] = (),
        seed: int = 0,
        threads: int | None = None,
        penalty: Penalty | None = None,
        averaging: Averaging | None = None,
        mixup: float | None = None,
    ) -> None:
        if not isinstance(net, Network):
            raise TypeError(f"net: expected a network such as nn.Sequential, got {type(net).__name__}")
        if clip is not None and not isinstance(clip, Clip):
            raise TypeError(f"clip: expected ClipNorm, ClipValue, AdaptiveClip or None, got {type(clip).__name__}")
        self.net = net
        self.loss = loss_of(loss)
        self.optimizer = optimizer_of(optimizer)
        self.schedule = schedule_of(schedule)
        self.clip = clip
        self.penalty = penalty_of(penalty)
        self.averaging = averaging_of(averaging)
        self.mixup = mixup_of(mixup)
        if self.mixup is not None:
            self.mixup.check(net, self.loss)
        self.metrics = metrics_of(metrics)
        for metric in self.metrics:
            metric.check(self.loss)
        self.seed = check_seed(seed)
        self.threads = threads
        TeamSize(threads)  # checks it
        self.history = History()
        self.step = 0
        self.epoch = self.epochs = 0
        self.stopping = False
        self.sample: Part | None = None  # some rows of the last fit, for a diagnosis
        self._arena: Array | None = None  # the network's, for which memory and programs are made
        self._memory: Memory | None = None
        self._programs: dict[Any, Any] = {}
        self._teams: dict[Any, TeamSize] = {}

    # Programs

    def _program(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        """The program of a kind, made when it is first wanted, and again if the network's memory has moved."""
        if self._arena is not self.net.arena:
            self._arena = self.net.arena
            self._memory = None
            self._programs.clear()
        if key not in self._programs:
            self._programs[key] = make()
        return self._programs[key]

    def training_step(self, batch: int, form: Form) -> TrainingStep:
        """The program of a step for batches of up to so many rows."""
        key = ("step", batch, form, *self.net.segments())  # layers may have been frozen or slowed since
        step: TrainingStep = self._program(key, lambda: self._make_step(batch, form, False))
        return step

    def step_for_diagnosis(self, batch: int, form: Form) -> TrainingStep:
        """The program of a step that changes nothing, and keeps every activation to be looked at."""
        key = ("diagnosis", batch, form, *self.net.segments())
        step: TrainingStep = self._program(key, lambda: self._make_step(batch, form, True))
        return step

    def _make_step(self, batch: int, form: Form, for_diagnosis: bool) -> TrainingStep:
        if self._memory is None:
            self._memory = Memory(self.net, self.optimizer.slots, self.averaging)
        return TrainingStep(
            self.net,
            self.loss,
            self.metrics,
            form,
            batch,
            self._memory,
            self.optimizer,
            self.clip,
            self.penalty,
            self.mixup,
            for_diagnosis=for_diagnosis,
        )

    def snapshot(self) -> tuple[Any, ...]:
        """Copies of everything that training changes."""
        live = {} if self._memory is None else self._memory.slots
        slots = {name: slot.copy() if slot.any() else 0.0 for name, slot in live.items()}  # fresh ones need no memory
        averages = None if self.averages is None else self.averages.snapshot()
        return self.net.snapshot(), slots, averages, self.step

    def restore(self, snapshot: tuple[Any, ...]) -> None:
        """Go back to a `snapshot`."""
        weights, slots, averages, self.step = snapshot
        self.net.restore(weights)
        if self._memory is not None:
            for name, slot in slots.items():
                self._memory.slots[name][...] = slot
        if self.averages is not None and averages is not None:
            self.averages.restore(averages)

    @property
    def averages(self) -> Averages | None:
        """The averaged weights, once there are any."""
        return None if self._memory is None else self._memory.averages

    def schedules(self) -> list[Schedule]:
        """All that the learning rate follows: their factors are multiplied."""
        lr = self.optimizer.lr
        return [self.schedule, *([lr.schedule] if isinstance(lr, Scheduled) else [])]

    def _check_schedules(self, validates: bool) -> None:
        for schedule in self.schedules():
            schedule.check(self.recorded(validates))

    def recorded(self, validates: bool) -> list[str]:
        """What the history of a fit has, with validation data or without."""
        names = ["loss", *(metric.name for metric in self.metrics)]
        whole = {metric.name for metric in self.metrics if isinstance(metric, SetMetric)}
        return [*(name for name in names if name not in whole), *(f"val_{name}" for name in names if validates)]

    def team(self, key: Any) -> TeamSize:
        """What is known of team sizes for this kind of work."""
        if key not in self._teams:
            self._teams[key] = TeamSize(self.threads)
        return self._teams[key]

    def evaluate_part(self, part: Part) -> dict[str, float]:
        """Loss and metrics of checked data, in inference mode."""
        form = part.form
        evaluation = self._program(("evaluation", form), lambda: Evaluation(self.net, self.loss, self.metrics, form))
        means: dict[str, float] = evaluation(part.x, part.targets, part.weights, part.rows, self.team("evaluation"))
        return means

    def calibrate(self, part: Part, batch: int) -> None:
        """Estimate the running statistics of the network's norms anew from checked data."""
        calibration = self._program(("calibration", batch), lambda: Calibration(self.net, batch))
        calibration(part.x, part.rows, batch, self.seed, self.team("calibration"))

    def diagnose_step(self, batch: int, part: Part, rows: Array, scalars: Array) -> str | None:
        """Rerun the coming step on these rows without applying it; which layer goes non-finite first, if any."""
        probe = self.step_for_diagnosis(batch, part.form)
        probe.set(part.x, part.targets, part.weights, rows)
        probe.program.begin(len(rows), batch, 1, self.seed, self.step, scalars)
        run(probe.program, TeamSize(1))
        return probe.first_bad_layer()

    def look(self, batch: int, part: Part, rows: Array, scalars: Array) -> list[Signal]:
        """Signals of the coming step on these rows, which is run without being applied."""
        probe = self.step_for_diagnosis(batch, part.form)
        probe.set(part.x, part.targets, part.weights, rows)
        try:
            probe.program.begin(len(rows), batch, 1, self.seed, self.step, scalars)
            run(probe.program, self.team(("look", batch)))
            return measure(self.net, probe, len(rows), self.step)
        finally:
            probe.clear()

    def look_at(self, part: Part) -> tuple[float, list[Signal]]:
        """The largest input that is no code, behind the scaler, and the signals of a step on the first rows of a part.

        The step is not applied.
        """
        rows = np.arange(part.size)[:SAMPLE] if part.rows is None else part.rows[:SAMPLE]
        step = self.training_step(len(rows), part.form)
        scalars = np.array([[source.base for _, source in step.scalars]])
        signals = self.look(len(rows), part, rows, scalars)
        probe = self.step_for_diagnosis(len(rows), part.form)
        inputs = np.delete(dict(probe.outputs)["the inputs"].view[: len(rows)], codes_of(self.net), axis=1)
        largest = float(np.abs(inputs).max(initial=0.0))
        before, arrays = self.snapshot(), {name: array.copy() for name, array in self.net.parameters().items()}
        step.set(part.x, part.targets, part.weights, rows)
        try:
            step.program.begin(len(rows), len(rows), 1, self.seed, self.step, scalars)
            run(step.program, TeamSize(1))
            return largest, with_updates(signals, self.net, arrays)
        finally:
            step.clear()
            self.restore(before)

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
        class_weight: dict[Any, float] | Literal["balanced"] | None = None,
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
        class_weight : dict or "balanced", optional
            Factor of each class's rows; 1 for those not listed. "balanced": rows / (classes * rows of the class).
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
        if callbacks is not None and not isinstance(callbacks, Callback | Iterable):
            raise TypeError(f"callbacks: expected a list of Callback, got {type(callbacks).__name__}")
        watchers = [callbacks] if isinstance(callbacks, Callback) else list(callbacks or ())
        for i, watcher in enumerate(watchers):
            if not isinstance(watcher, Callback):
                raise TypeError(f"callbacks[{i}]: expected a Callback, got {type(watcher).__name__}")
        if validation_data is not None and not isinstance(validation_data, tuple | list):
            raise TypeError(f"validation_data: expected a tuple (X, y), got {type(validation_data).__name__}")
        if validation_data is not None and (validation_split or len(validation_data) not in (2, 3)):
            raise ValueError("validation_data: expected (X, y) or (X, y, sample_weight), without validation_split")
        self._check_schedules(bool(validation_split) or validation_data is not None)
        bar = Progress(progress)
        with self.net.busy("fit", changes=True):
            whole = batch_size if drop_last else 1
            training, validation = prepare(
                self.net,
                self.loss,
                self.seed,
                X,
                y,
                sample_weight,
                class_weight,
                validation_split,
                validation_data,
                whole,
            )
            self.stopping = False
            self.sample = training.head(SAMPLE)
            self.net.regularised = self._regularises()
            Fit(self, training, validation, epochs, batch_size, drop_last, watchers, bar).run()
        return self.history

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, batch_size: int = 32) -> History:
        """One pass over the data; parameters are those of `fit`."""
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
            x = check_inputs(self.net, X, "X")
            if not self.net.built:
                raise ValueError(f"{self.net.title()} is not built yet: fit, load or build it first")
            part, _ = check_part(self.net, self.loss, x, y, sample_weight, None, self.net.classes_)
            return self.evaluate_part(part)

    def program(self, X: Any = None, y: Any = None, batch_size: int = 32, repeats: int = 50) -> Listing:
        """Print the ops of a training step: shapes, bytes, operations, and with data the time of each.

        Parameters
        ----------
        X, y : array_like, optional
            As in `fit`; the first batch of them is what the ops are timed on. The network must be built.
        batch_size : int
        repeats : int
            How many times; the least counts. One thread.

        Returns
        -------
        Listing
            The same as an object, `rows` and all. Nothing of the training has changed.
        """
        batch, repeats = check_int("batch_size", batch_size, 1), check_int("repeats", repeats, 1)
        self.net.require_built("program()")
        with self.net.busy("program", changes=True):
            part, seconds = None, None
            if X is not None:
                x = check_inputs(self.net, X, "X")
                part, _ = check_part(self.net, self.loss, x, y, None, None, self.net.classes_)
            columns = self.loss.target_columns(self.net.widths[1])
            step = self.training_step(batch, Form(False, self.loss.labels, columns) if part is None else part.form)
            if part is not None:
                seconds = self._time_ops(step, part, batch, repeats)
        listing = Listing(step.ops, batch, seconds)
        print(listing)
        return listing

    def _time_ops(self, step: TrainingStep, part: Part, batch: int, repeats: int) -> Array:
        rows = min(batch, part.size)
        before = self.snapshot()
        step.set(part.x, part.targets, None, np.arange(rows))
        try:
            step.program.begin(rows, batch, 1, self.seed, self.step, np.ones((1, len(step.scalars))))
            return step.program.time_ops(repeats)
        finally:
            step.clear()
            self.restore(before)

    def _regularises(self) -> bool:
        """Whether something beside the layers works against overfitting."""
        options = (self.penalty, self.averaging, self.mixup)
        return any(option is not None for option in options) or base_of(self.optimizer.weight_decay) > 0.0

    def stop(self) -> None:
        """End training after the current epoch; for callbacks."""
        self.stopping = True

    def reset(self) -> None:
        """Start over: the weights of this seed, fresh slots, an empty history."""
        shape = self.net.input_shape
        with self.net.busy("reset", changes=True):
            if shape is not None:
                self.net.forget()
                self.net.build(shape, self.seed)
        self.history = History()
        self.sample = None
        self.step = self.epoch = self.epochs = 0
        self._arena = None
