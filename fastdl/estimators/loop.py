"""The loop over epochs of an estimator: scikit-learn's order of rows, rates, and reasons to stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastdl.callbacks import Callback
from fastdl.estimators.rows import RowStore
from fastdl.fitting import Fit
from fastdl.part import Part
from fastdl.progress import Progress
from fastdl.schedule import Constant

if TYPE_CHECKING:
    from fastdl.program import Array
    from fastdl.trainer import Trainer

SMALLEST_RATE = 1e-6  # below which the adaptive rate gives up


class Watch(Callback):
    """What scikit-learn does at the end of an epoch: notes the loss, scores, and lowers the rate or stops."""

    def __init__(self, estimator: Any, rows: int, constant: float, factor: float, per_epoch: float) -> None:
        self.estimator = estimator
        self.rows = rows  # of an epoch
        self.constant, self.factor, self.per_epoch = constant, factor, per_epoch
        self.rate = float(estimator.learning_rate_init)
        self.once = False
        self.score: Any = None  # () -> float, of the validation set

    def on_epoch_end(self, trainer: Trainer, epoch: int, logs: dict[str, float]) -> None:
        """Note, compare, decide."""
        e = self.estimator
        e.n_iter_ += 1
        e.loss_ = self.factor * logs["loss"] + self.constant + self.per_epoch * logs.get("penalty", 0.0)
        e.t_ += self.rows
        e.loss_curve_.append(e.loss_)
        if e.verbose:
            print(f"Iteration {e.n_iter_}, loss = {e.loss_:.8f}")
        if self.score is not None:
            e.validation_scores_.append(self.score())
            if e.verbose:
                print(f"Validation score: {e.validation_scores_[-1]:f}")
        self._compare(trainer)
        if e.learning_rate == "invscaling" and e.solver == "sgd":
            self.rate = e.learning_rate_init / (e.t_ + 1) ** e.power_t
        if e._no_improvement_count > e.n_iter_no_change:
            self._lose_patience(trainer)
        e._rate = self.rate
        if self.once:
            trainer.stop()

    def _compare(self, trainer: Trainer) -> None:
        """Count the epochs in a row that have not improved by `tol`; remember the best."""
        e = self.estimator
        if e.early_stopping:
            last, best = e.validation_scores_[-1], e.best_validation_score_
            worse = last < best + e.tol
            if last > best:
                e.best_validation_score_ = last
                e._best = trainer.net.snapshot()
        else:
            worse = e.loss_ > e.best_loss_ - e.tol
            e.best_loss_ = min(e.loss_, e.best_loss_)
        e._no_improvement_count = e._no_improvement_count + 1 if worse else 0

    def _lose_patience(self, trainer: Trainer) -> None:
        """Stop, or go on with a fifth of the rate."""
        e = self.estimator
        what = "The validation score" if e.early_stopping else "The training loss"
        text = f"{what} has not improved by more than tol={e.tol:f} for {e.n_iter_no_change} epochs in a row."
        if e.learning_rate == "adaptive" and e.solver == "sgd" and self.rate > SMALLEST_RATE:
            self.rate /= 5.0
            e._no_improvement_count = 0
            text += f" The learning rate is now {self.rate:g}."
        else:
            trainer.stop()
            text += " Stopping."
        if e.verbose:
            print(text)


class Shuffle:
    """Which rows come when: scikit-learn's permutations, each of the one before, from the same random state."""

    def __init__(self, rows: Array, random: Any) -> None:
        self.rows, self.random = rows, random

    def __call__(self) -> Array:
        """The next epoch's order."""
        if self.random is not None:
            order = np.arange(len(self.rows))
            self.random.shuffle(order)
            self.rows = self.rows[order]
        return self.rows


class EpochLoop(Fit):
    """A fit with the order and rates of an estimator; rows of a sparse matrix are made dense some batches at a time."""

    def __init__(
        self,
        trainer: Trainer,
        training: Part,
        validation: Part | None,
        batch: int,
        watchers: list[Callback],
        watch: Watch,
        order: Shuffle,
        store: RowStore | None,
    ) -> None:
        epochs = watch.estimator.max_iter
        super().__init__(trainer, training, validation, epochs, batch, False, [watch, *watchers], Progress(False))
        self.watch, self.order, self.store = watch, order, store
        only_rate = len(self.program.scalars) == 1
        self.fixed = isinstance(trainer.schedule, Constant) and not watch.estimator.optimizer and only_rate
        self.rates = np.empty((self.steps, 1))

    def _order(self) -> Array:
        return self.order()

    def _table(self) -> Array:
        if not self.watch.estimator.optimizer:
            self.trainer.optimizer.lr = self.watch.rate
        if not self.fixed:
            return super()._table()
        self.rates[...] = self.watch.rate
        return self.rates

    def _steps(self, order: Array, table: Array) -> None:
        if self.store is None:
            super()._steps(order, table)
            return
        whole, steps, program = self.training, self.steps, self.program
        sums = [*program.sums.values(), program.norm_sums, program.penalty]
        totals = [np.zeros(2) for _ in sums]
        at_once = max(1, self.store.rows_at_once // self.batch)
        try:
            for first in range(0, steps, at_once):
                rows = order[first * self.batch : (first + at_once) * self.batch]
                weights = None if whole.weights is None else whole.weights[rows]
                self.training = Part(self.store.dense(rows), whole.targets[rows], weights, None)
                self.steps = -(-len(rows) // self.batch)
                super()._steps(np.arange(len(rows)), table[first : first + self.steps])
                for total, part in zip(totals, sums, strict=True):
                    total += part
        finally:
            self.training, self.steps = whole, steps
        for total, part in zip(totals, sums, strict=True):
            part[...] = total
