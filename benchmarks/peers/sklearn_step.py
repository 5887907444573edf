"""scikit-learn's MLPClassifier.partial_fit: no batch norm, no dropout, no clipping."""

from __future__ import annotations

import warnings
from time import perf_counter

import numpy as np
from sklearn.neural_network import MLPClassifier

from benchmarks.peers.cases import ADAM_EPS, BETAS, LEARNING_RATE, Case, cross_entropy


class SklearnTraining:
    """One call of ``partial_fit`` is one shuffled epoch."""

    def __init__(self, case: Case, rows: np.ndarray, labels: np.ndarray) -> None:
        self.rows, self.labels = rows, labels
        self.classes = np.arange(case.widths[-1])
        self.model = MLPClassifier(
            hidden_layer_sizes=case.hidden,
            solver="adam",
            alpha=0.0,
            batch_size=case.batch,
            learning_rate_init=LEARNING_RATE,
            beta_1=BETAS[0],
            beta_2=BETAS[1],
            epsilon=ADAM_EPS,
            random_state=0,
        )

    def epochs(self, count: int) -> list[float]:
        seconds = []
        for _ in range(count):
            start = perf_counter()
            self.model.partial_fit(self.rows, self.labels, classes=self.classes)
            seconds.append(perf_counter() - start)
        return seconds

    def loss(self) -> float:
        probabilities = self.model.predict_proba(self.rows)
        return cross_entropy(np.log(np.maximum(probabilities, 1e-30)), self.labels)


def start(case: Case, rows: np.ndarray, labels: np.ndarray, threads: int) -> SklearnTraining:
    """Return the training; its threads are those of the BLAS, which the environment has set."""
    warnings.filterwarnings("ignore", module="sklearn")
    return SklearnTraining(case, rows, labels)
