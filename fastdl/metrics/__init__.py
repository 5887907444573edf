"""Metrics: what the history says beside the loss."""

from __future__ import annotations

from typing import Any

from fastdl.errors import by_name
from fastdl.metrics.metric import Metric, RowMetric, SetMetric
from fastdl.metrics.rows import MAE, MSE, Accuracy
from fastdl.metrics.whole import AUC, F1, R2, RMSE, Custom, TopK

__all__ = ["AUC", "F1", "MAE", "MSE", "R2", "RMSE", "Accuracy", "Custom", "Metric", "RowMetric", "SetMetric", "TopK"]

KINDS: dict[str, type[Metric]] = {kind.name: kind for kind in (Accuracy, AUC, F1, TopK, MSE, MAE, RMSE, R2)}


def metrics_of(values: Any) -> list[Metric]:
    """Metrics from objects or names, none twice."""
    if isinstance(values, str | Metric):
        values = [values]
    if not hasattr(values, "__iter__"):
        raise TypeError(f"metrics: expected a list of names, got {type(values).__name__}")
    found: list[Metric] = [by_name("metrics", value, KINDS, Metric) for value in values]
    for metric in found:
        if not isinstance(metric, RowMetric | SetMetric):
            raise TypeError(f"metrics: expected a RowMetric or a SetMetric, got {type(metric).__name__}")
    names = [metric.name for metric in found]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"metrics: {name!r} is there twice")
    return found
