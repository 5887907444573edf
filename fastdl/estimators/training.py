"""A fit of an estimator, from its parameters to published weights."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from fastdl.callbacks import Callback
from fastdl.errors import NonFiniteError
from fastdl.estimators.architecture import is_plain
from fastdl.estimators.base import BaseMLP
from fastdl.estimators.lbfgs import fit_lbfgs
from fastdl.estimators.loop import EpochLoop, Shuffle, Watch
from fastdl.estimators.objective import EpsilonHat, Objective, PerRow, poisson_constant
from fastdl.estimators.parameters import NOT_FINITE, check_parameters, hidden_sizes
from fastdl.estimators.rows import dense_or_store, sorted_part
from fastdl.kernels._rows import as_readable
from fastdl.optim import KINDS as OPTIMIZERS
from fastdl.optim import SGD, Clip, ClipNorm, Optimizer, optimizer_of
from fastdl.part import Part
from fastdl.trainer import Trainer

if TYPE_CHECKING:
    from fastdl.program import Array

LARGEST_BATCH = 200  # of batch_size="auto"
MOST_SORTED = 4096  # rows


class TrainedMLP(BaseMLP):
    """How the estimators train."""

    def _fit(self, X: Any, y: Any, sample_weight: Any, eval_set: Any = None, incremental: bool = False) -> Any:
        check_parameters(self)
        hidden_sizes(self.hidden_layer_sizes)
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        first = not hasattr(self, "coefs_") or (not self.warm_start and not incremental)
        X, y = self._check_data(X, y, incremental, first)
        weights = self._weights(y, sample_weight, incremental)
        held = None if eval_set is None else self._check_eval(eval_set)
        objective = self._begin(X, y, first, X.dtype)
        if self.solver == "lbfgs" and self.optimizer is None:
            fit_lbfgs(self, X, self._targets(y, np.float64), weights, objective)
        else:
            self._fit_stochastic(X, y, weights, objective, held, incremental)
        return self

    # Step by step

    def _fit_stochastic(
        self, X: Any, y: Any, weights: Array | None, objective: Objective, held: Any, incremental: bool
    ) -> None:
        targets = self._targets(y)
        rows = np.arange(X.shape[0])
        if self.early_stopping and held is None:
            rows, apart = self._split(rows, y)
            held = X[apart], y[apart], None if weights is None else weights[apart]
        if weights is not None:
            rows = rows[weights[rows] > 0]
        size = len(rows)
        if self.batch_size != "auto" and self.batch_size > size:
            warnings.warn(f"batch_size={self.batch_size} is more than there are rows: it is {size}", stacklevel=4)
        batch = min(LARGEST_BATCH if self.batch_size == "auto" else int(self.batch_size), size)
        dense, store = dense_or_store(X)
        if store is not None and getattr(self.averaging, "recalibrates", False):
            raise ValueError(
                "averaging: SWA reads all rows at once, and this sparse X is too large for that; take optim.EMA"
            )
        part = Part(np.empty((0, X.shape[1])) if dense is None else as_readable(dense), targets, weights, rows)
        whole = batch == size
        if dense is not None and whole and size <= MOST_SORTED and is_plain(self):
            part = sorted_part(part)
        shuffle = Shuffle(np.arange(part.x.shape[0]) if part.rows is None else part.rows, self._random(whole))
        trainer = self._make_trainer(objective, part, min(batch, part.size), incremental)
        total = size if weights is None else float(weights[rows].sum(dtype=np.float64))
        constant = 0.0
        if objective.activation == "exp":
            constant = poisson_constant(targets[rows], None if weights is None else weights[rows])
        watch = Watch(self, size, constant, objective.factor, -(-size // batch) / total)
        watch.once = incremental
        if incremental and self._rate is not None:
            watch.rate = self._rate
        if held is not None:
            watch.score = self._score_of(*held)
            self.validation_scores_ = self.validation_scores_ or []
        watchers = self._watchers()
        checked = None if held is None or not watchers else self._part_of(*held)
        self._run(EpochLoop(trainer, part, checked, part.size if whole else batch, watchers, watch, shuffle, store))

    def _run(self, loop: EpochLoop) -> None:
        """Train, and publish what came of it, however it ended."""
        trainer, incremental = loop.trainer, loop.watch.once
        self.n_iter_ = 0
        if self.early_stopping and self._best is None:
            self._best = trainer.net.snapshot()
        try:
            with trainer.net.busy("fit", changes=True):
                trainer.stopping = False
                loop.run()
            if self.n_iter_ == self.max_iter and not incremental and not trainer.stopping:
                warnings.warn(
                    f"{type(self).__name__}: all of max_iter={self.max_iter} epochs are done, and the optimization has "
                    "not converged yet.",
                    ConvergenceWarning,
                    stacklevel=5,
                )
        except NonFiniteError as error:
            if not self.early_stopping:
                self._publish(self._published[0].dtype)
                raise ValueError(f"{NOT_FINITE} ({error})") from error
            assert self.validation_scores_ is not None
            self.validation_scores_.append(float("nan"))
            warnings.warn(f"{error}. The weights are those of the best epoch before", ConvergenceWarning, stacklevel=5)
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=5)
        if self.early_stopping:
            trainer.net.restore(self._best)
        self.history_ = trainer.history
        self._publish(self._published[0].dtype)

    def _split(self, rows: Array, y: Any) -> tuple[Array, Array]:
        """Rows to train on and rows to score, as scikit-learn draws them: by class if there is one question."""
        by = self._stratify(y)
        training, held = train_test_split(
            rows, random_state=self._random_state, test_size=self.validation_fraction, stratify=by
        )
        if len(held) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
            )
        return training, held

    def _random(self, whole: bool) -> Any:
        """What shuffles; the order of rows within a batch of all of them means nothing."""
        return self._random_state if self.shuffle and not whole else None

    def _watchers(self) -> list[Callback]:
        given = self.callbacks
        watchers = [given] if isinstance(given, Callback) else list(given or ())
        for i, watcher in enumerate(watchers):
            if not isinstance(watcher, Callback):
                raise TypeError(f"callbacks[{i}]: expected a Callback, got {type(watcher).__name__}")
        return watchers

    def _make_optimizer(self) -> Optimizer:
        lr = float(self.learning_rate_init)
        if isinstance(self.optimizer, str) and self.optimizer in OPTIMIZERS:
            make: Any = OPTIMIZERS[self.optimizer]
            found: Optimizer = make(lr=lr)
            return found
        if self.optimizer is not None:
            return copy.deepcopy(optimizer_of(self.optimizer))
        if self.solver == "sgd":
            return SGD(lr, self.momentum, bool(self.nesterovs_momentum and self.momentum > 0))
        return EpsilonHat(lr, (self.beta_1, self.beta_2), self.epsilon)

    def _make_trainer(self, objective: Objective, part: Part, batch: int, incremental: bool) -> Trainer:
        """A new trainer, or for `partial_fit` the one before."""
        kept = getattr(self, "_trainer", None)
        if incremental and kept is not None:
            return kept
        clip = self.clip_norm
        progress = self.__dict__.pop("_progress", None) if incremental else None  # from before it was copied or stored
        seed = progress[2] if progress is not None else 0 if is_plain(self) else self._seed()
        self._rate: float | None = None
        trainer = Trainer(
            self.network_,
            objective.recorded(),
            self._make_optimizer(),
            self.schedule,
            clip if clip is None or isinstance(clip, Clip) else ClipNorm(clip),
            seed=seed,
            threads=self.threads,
            penalty=PerRow(0.5 * self.alpha) if self.alpha else None,
            averaging=self.averaging,
        )
        if progress is not None:
            kept, trainer.epoch, _, self._rate = progress
            trainer.training_step(batch, part.form)
            trainer.restore((self.network_.snapshot(), *kept))
        self._trainer = trainer
        return trainer

    # Data that is held out

    def _check_eval(self, eval_set: Any) -> tuple[Any, Any, Array | None]:
        """X, y and weights of a validation set that the caller gives."""
        if isinstance(eval_set, list) and len(eval_set) == 1:
            eval_set = eval_set[0]
        if not isinstance(eval_set, tuple | list) or len(eval_set) not in (2, 3):
            raise TypeError("eval_set: expected a tuple (X, y) or (X, y, sample_weight)")
        X, y = self._check_data(eval_set[0], eval_set[1], True, False)
        if len(eval_set) == 3 and not np.any(eval_set[2]):
            raise ValueError("eval_set: all rows to score have weight 0")
        return X, y, BaseMLP._weights(self, y, eval_set[2] if len(eval_set) == 3 else None, False)

    def _part_of(self, X: Any, y: Any, weights: Array | None) -> Part:
        """Held data as the evaluation reads them."""
        x = X.toarray() if hasattr(X, "tocsr") else X
        return Part(as_readable(x), self._targets(y), weights, None)

    def _score_of(self, X: Any, y: Any, weights: Array | None) -> Callable[[], float]:
        """What scores the network as it stands."""
        if weights is not None and not weights.any():
            raise ValueError(
                "sample_weight: expected one above 0 in the validation set, all rows to score have weight 0"
            )
        predict = self.network_.predict
        dense, store = dense_or_store(X)
        return lambda: self._score(predict(dense) if store is None else store.map(predict), y, weights)

    def _score(self, raw: Array, y: Any, weights: Array | None) -> float:
        raise NotImplementedError

    def _stratify(self, y: Any) -> Any:
        return None
