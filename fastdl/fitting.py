"""One fit: the loop over epochs, from checked data to the end of training, however that comes."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.callbacks import Callback, Probe
from fastdl.data import first_bad_row, is_mapped
from fastdl.errors import NonFiniteError
from fastdl.kernels import permutation
from fastdl.program import Window, run
from fastdl.schedule import Scheduled
from fastdl.schedule.hyper import Bounded, base_of
from fastdl.signals import with_updates

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastdl.part import Part
    from fastdl.program import Array
    from fastdl.progress import Progress
    from fastdl.trainer import Trainer

SHUFFLE_STREAM = 1 << 29


class Fit:
    """Some epochs of a trainer's run. The trainer's `step` and `epoch` count what has been applied, at any time."""

    def __init__(
        self,
        trainer: Trainer,
        training: Part,
        validation: Part | None,
        epochs: int,
        batch_size: int,
        drop_last: bool,
        watchers: list[Callback],
        bar: Progress,
    ) -> None:
        self.trainer, self.training, self.validation = trainer, training, validation
        self.watchers, self.bar = watchers, bar
        self.epochs, self.first_epoch, self.first_step = epochs, trainer.epoch, trainer.step
        trainer.epochs = trainer.epoch + epochs
        self.batch = min(batch_size, training.size)
        self.steps = training.size // self.batch if drop_last else -(-training.size // self.batch)
        self.program = trainer.training_step(self.batch, training.form)
        for _, source in self.program.scalars:
            if isinstance(source, Bounded):
                source.number.schedule.check(trainer.recorded(validation is not None))
        self.averages = trainer.averages
        self.beginning: tuple[Any, ...] | None = None
        self.probes = [watcher for watcher in watchers if isinstance(watcher, Probe)]
        self.seen_step = trainer.step  # the last that on_batch_end was told of
        self.every_step = any(type(watcher).on_batch_end is not Callback.on_batch_end for watcher in watchers)

    def run(self) -> None:
        """Train. Callbacks see the end after the last epoch and after Ctrl-C, but not after an error."""
        averages = self.averages
        if averages is not None:
            averages.resume()
        try:
            self._train()
        finally:
            if averages is not None:
                averages.show()
                averages.leave()
        if averages is not None and averages.averaging.recalibrates and not averages.count:
            warnings.warn(
                f"{averages.averaging!r}: the training ended before the first epoch that counts; the network keeps its "
                "last weights",
                stacklevel=3,
            )

    def _train(self) -> None:
        trainer = self.trainer
        # A memory map is not read before training; if its first epoch meets NaN, the initial weights come back.
        parts = (self.training,) if self.validation is None else (self.training, self.validation)
        self.beginning = trainer.snapshot() if any(is_mapped(part.x) for part in parts) else None
        try:
            for watcher in self.watchers:
                watcher.on_train_begin(trainer)
            self.bar.start(self.epochs * self.steps, self.epochs)
            while trainer.epoch < self.first_epoch + self.epochs and not trainer.stopping:
                self._epoch()
        except KeyboardInterrupt:
            if self.averages is not None:
                self.averages.show()
            for watcher in self.watchers:
                watcher.on_train_end(trainer)
            raise
        finally:
            self.bar.close()
        for watcher in self.watchers:
            watcher.on_train_end(trainer)

    def _epoch(self) -> None:
        trainer = self.trainer
        if self.averages is not None:
            self.averages.hide()
        for watcher in self.watchers:
            watcher.on_epoch_begin(trainer, trainer.epoch)
        table = self._table()
        self._steps(self._order(), table)
        self._average()
        logs = self.program.means()
        logs["lr"] = float(table[-1, 0])
        logs["grad_norm"] = float(self.program.norm_sums[0] / self.steps)
        if self.program.penalised:
            logs["penalty"] = float(self.program.penalty[1] / self.steps)
        if trainer.clip is not None:
            logs["clipped"] = float(self.program.norm_sums[1] / self.steps)
        if self.validation is not None:
            values = trainer.evaluate_part(self.validation)
            if not np.isfinite(values["loss"]):
                self._refuse_nan("validation_data", self.validation, None)
            logs.update((f"val_{name}", value) for name, value in values.items())
        trainer.history.append(logs)
        trainer.epoch += 1
        self.beginning = None
        self.bar.epoch_end(trainer.epoch - 1 - self.first_epoch, logs)
        for watcher in self.watchers:
            watcher.on_epoch_end(trainer, trainer.epoch - 1, logs)

    def _order(self) -> Array:
        """The rows of this epoch, as the steps take them."""
        training, trainer = self.training, self.trainer
        order = permutation(training.size, trainer.seed, trainer.epoch, SHUFFLE_STREAM)
        return order if training.rows is None else training.rows[order]

    def _average(self) -> None:
        """Let the network hold its averaged weights, if from now on it is looked at."""
        averages, trainer = self.averages, self.trainer
        if averages is None:
            return
        if averages.averaging.takes(trainer.epoch, self.first_epoch + self.epochs):
            averages.take()
        if self.validation is not None or self.watchers or averages.averaging.recalibrates:
            averages.show()  # which costs some ten passes over the weights, with `hide`
        if averages.shown and averages.averaging.recalibrates:
            trainer.calibrate(self.training, self.batch)

    def _table(self) -> Array:
        """The scalars of this epoch's steps: column 0 is the learning rate, the others are what the ops asked for."""
        trainer = self.trainer
        numbers = np.arange(trainer.epoch * self.steps, (trainer.epoch + 1) * self.steps)
        epochs = self.first_epoch + self.epochs
        window = Window(numbers, self.steps, epochs, trainer.seed, trainer.epoch, trainer.history)
        rest = [source.over(window) for _, source in self.program.scalars[1:]]
        return np.column_stack([learning_rates(trainer, window), *rest])

    def _steps(self, order: Array, table: Array) -> None:
        """Run one epoch's steps natively, a slice at a time."""
        trainer, training, program = self.trainer, self.training, self.program
        native, before = program.program, trainer.step
        seen = np.zeros(2)

        def after_slice() -> None:
            trainer.step = before + native.steps_done
            while pending:
                pending.pop(0)()
            self.bar.update(trainer.step - self.first_step, trainer.epoch - self.first_epoch)
            if self.every_step and trainer.step > self.seen_step:
                self.seen_step = trainer.step
                sums = program.sums["loss"]
                logs = {"loss": float((sums[0] - seen[0]) / (sums[1] - seen[1])), "grad_norm": float(program.norm[0])}
                seen[...] = sums
                for watcher in self.watchers:
                    watcher.on_batch_end(trainer, trainer.step - 1, logs)

        pending: list[Callable[[], None]] = []

        def before_slice() -> int:
            now, distances = before + native.steps_done, []
            for probe in self.probes:
                due = now % probe.every == 0
                distances.append(1 if due else probe.every - now % probe.every)
                if due:
                    pending.append(self._look(probe, order, table, native.steps_done))
            return min(distances, default=0)

        program.set(training.x, training.targets, training.weights, order)
        rows = min(training.size, self.steps * self.batch)
        try:
            native.begin(rows, self.batch, self.steps, trainer.seed, before, table)
            try:
                halted = (
                    run(
                        native,
                        trainer.team(self.batch),
                        after_slice,
                        one_step=self.every_step,
                        before_slice=before_slice,
                    )
                    == "halted"
                )
            finally:
                trainer.step = before + native.steps_done
            if halted:
                raise self._non_finite(order, table)
        finally:
            program.clear()

    def _look(self, probe: Probe, order: Array, table: Array, done: int) -> Callable[[], None]:
        """Look into the coming step; what is returned tells the probe once it has been made."""
        trainer, training, start = self.trainer, self.training, done * self.batch
        number = trainer.step
        rows = np.ascontiguousarray(order[start : start + min(self.batch, training.size - start)])
        signals = trainer.look(self.batch, training, rows, table[done : done + 1])
        weights = {name: array.copy() for name, array in trainer.net.parameters().items()}

        def tell() -> None:
            if trainer.step > number:  # else the step was halted
                probe.on_probe(trainer, number, with_updates(signals, trainer.net, weights))

        return tell

    def _refuse_nan(self, name: str, part: Part, rows: Array | None) -> None:
        """In the first epoch over a memory map: go back to the beginning and say which row holds NaN, if one does."""
        if self.beginning is None or not is_mapped(part.x):
            return
        if rows is None:
            rows = np.arange(part.x.shape[0]) if part.rows is None else part.rows
        row = first_bad_row(part.x, rows)
        if row is not None:
            self.trainer.restore(self.beginning)
            raise ValueError(f"{name}: expected finite numbers, got NaN or infinity in row {row}")

    def _non_finite(self, order: Array, table: Array) -> Exception:
        """Rerun the halted step with memory of its own for every buffer, and say who went wrong first."""
        trainer, training, native = self.trainer, self.training, self.program.program
        start = native.steps_done * self.batch
        batch = np.ascontiguousarray(order[start : start + native.rows])
        bad = trainer.diagnose_step(self.batch, training, batch, table[native.steps_done : native.steps_done + 1])
        if bad == "the inputs":
            self._refuse_nan("X", training, batch)
        return NonFiniteError(
            f"step {trainer.step} (epoch {trainer.epoch}): {bad or 'the gradient norm'} is not finite. The step was "
            "not applied. A lower learning rate, clip=optim.ClipNorm(1.0), batch norm or a scaler as the first layer "
            "usually mend this",
            trainer.step,
            bad,
        )


def learning_rates(trainer: Trainer, window: Window) -> Array:
    """The learning rate of each step: the optimizer's, times its own schedule and the trainer's."""
    rates: Array = np.full(len(window.steps), base_of(trainer.optimizer.lr))
    for schedule in trainer.schedules():
        rates *= Scheduled(1.0, schedule).over(window)
    return rates
