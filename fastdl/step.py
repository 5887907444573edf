"""The two programs of a training: the step, and the evaluation of many rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fastdl.averages import Averages
from fastdl.kernels import loss, reduce
from fastdl.kernels._rows import Rows
from fastdl.kernels.gather import record_gather, record_store
from fastdl.kernels.unit import record_max_norm
from fastdl.metrics import RowMetric, SetMetric
from fastdl.nn.network import Network, probabilities
from fastdl.nn.predictor import BATCH_ROWS, first_bad, lower_input, read_from
from fastdl.nn.weights import padded
from fastdl.optim.clip import Tensor
from fastdl.penalty import record_penalties
from fastdl.program import Backward, Buffer, Recorder, Signal, TeamSize, aligned, bases, bind, run
from fastdl.schedule import Constant, Scheduled
from fastdl.schedule.hyper import base_of

if TYPE_CHECKING:
    from fastdl.losses import Loss
    from fastdl.metrics import Metric
    from fastdl.mixup import Mixup
    from fastdl.nn.layer import Parameter
    from fastdl.optim import Averaging, Clip, Optimizer
    from fastdl.part import Form
    from fastdl.penalty import Penalty
    from fastdl.program import Array


class Batches:
    """What both programs share: sources of inputs, targets and weights, and the sums that are kept over an epoch."""

    def __init__(self, network: Network, of: Loss, metrics: Sequence[Metric], form: Form) -> None:
        self.network, self.loss, self.metrics, self.form = network, of, metrics, form
        self.inputs = Rows(network.widths[0])
        self.targets = Rows(form.columns)
        self.weights = Rows(1) if form.weighted else None
        self.total = np.zeros(2)  # sums over the batch
        self.row_metrics = [metric for metric in metrics if isinstance(metric, RowMetric)]
        self.sums = {name: np.zeros(2) for name in ("loss", *(metric.name for metric in self.row_metrics))}

    def set(self, x: Array, targets: Array, weights: Array | None, order: Array | None) -> None:
        """Read these arrays from now on, and count from zero."""
        read_from(self.inputs, self.network, x, order)
        self.targets.set(targets, order)
        if self.weights is not None:
            assert weights is not None
            self.weights.set(weights.reshape(-1, 1), order)
        for sums in self.sums.values():
            sums[...] = 0.0

    def clear(self) -> None:
        """Let go of the arrays."""
        for source in (self.inputs, self.targets, self.weights):
            if source is not None:
                source.clear()

    def means(self) -> dict[str, float]:
        """Loss and metrics over all rows seen since `set`, by weight."""
        return {name: float(sums[0] / sums[1]) if sums[1] else float("nan") for name, sums in self.sums.items()}

    def record_forward(
        self, recorder: Recorder, mixup: Mixup | None = None
    ) -> tuple[Buffer, Buffer | None, tuple[Signal, Backward]]:
        """Record everything up to the network's output. Returns targets, weights, and what `lower` gave."""
        x = lower_input(recorder, self.network, self.inputs)
        targets = self.loss.record_targets(recorder, self.targets, self.form.labels)
        weights = None
        if self.weights is not None:
            weights = recorder.vector()
            recorder.add(record_gather, y=weights, source=self.weights)
        if mixup is not None:
            outputs = self.network.widths[1]
            x.buffer, targets, weights = mixup.record(recorder, self.loss, outputs, x.buffer, targets, weights)
        recorder.add(loss.record_total, total=self.total, weights=weights)
        recorder.outputs.append(("the inputs", x.buffer))
        return targets, weights, self.network.lower(recorder, x)

    def record_loss(
        self, recorder: Recorder, y: Buffer, dy: Buffer | None, targets: Buffer, weights: Buffer | None
    ) -> None:
        """Record loss and metrics of outputs y, and the sums over the epoch."""
        values = recorder.vector()
        self.loss.record(recorder, values, dy, y, targets, self.total, weights)
        recorder.add(
            loss.record_count, totals=self.sums["loss"], values=values, weights=weights, guard=recorder.training
        )
        recorder.outputs.append(("the loss", values))
        for metric in self.row_metrics:
            values = recorder.vector()
            metric.record(recorder, values, y, targets, self.loss)
            recorder.add(loss.record_count, totals=self.sums[metric.name], values=values, weights=weights)


class Memory:
    """Gradients and optimizer slots: one arena each, laid out like the parameters; and averages, if wanted."""

    def __init__(self, network: Network, slots: Sequence[str], averaging: Averaging | None = None) -> None:
        size = sum(padded(parameter.size) for parameter in network.all_parameters())
        self.parameters = network.arena
        self.gradient = aligned(4 * size).view(np.float32)
        self.slots = {name: aligned(4 * size).view(np.float32) for name in slots}
        self.gradients: dict[int, Array] = {}
        start = 0
        for parameter in network.all_parameters():
            self.gradients[id(parameter)] = self.gradient[start : start + parameter.size].reshape(parameter.shape)
            start += padded(parameter.size)
        self.averages = None if averaging is None else Averages(network, averaging)


class TrainingStep(Batches):
    """Forward, loss, backward, penalties, finite check, clip, update, max-norm, averages.

    One native program for batches of up to `batch` rows.
    """

    def __init__(
        self,
        network: Network,
        of: Loss,
        metrics: Sequence[Metric],
        form: Form,
        batch: int,
        memory: Memory,
        optimizer: Optimizer,
        clip: Clip | None,
        penalty: Penalty | None = None,
        mixup: Mixup | None = None,
        *,
        for_diagnosis: bool = False,
    ) -> None:
        super().__init__(network, of, metrics, form)
        self.batch = batch
        self.memory = memory
        self.norm = np.ones(2)  # of the gradient, and the factor that clips it
        self.norm_sums = np.zeros(2)  # of the norms, and number of clipped steps
        recorder = Recorder(batch, True, memory.gradients, share_memory=not for_diagnosis)
        recorder.scalars.append(("lr", Scheduled(base_of(optimizer.lr), Constant())))  # the fit multiplies schedules
        targets, weights, (y, backward) = self.record_forward(recorder, mixup)
        dy = recorder.matrix(y.features)
        self.record_loss(recorder, y.buffer, dy, targets, weights)
        backward(dy)
        placed = network.placed()
        self.penalty = np.zeros(2)  # of the last step, and the sum over the epoch
        self.penalised = record_penalties(
            recorder, memory.gradient, memory.parameters, self.penalty, placed, penalty, self.total
        )
        theta, unit = (np.inf, False) if clip is None else clip.whole
        recorder.add(
            reduce.record_norm,
            norm=self.norm,
            totals=self.norm_sums,
            partial=np.zeros(reduce.norm_blocks(memory.gradient.size)),
            g=memory.gradient,
            theta=theta,
            unit=unit,
        )
        if for_diagnosis:
            recorder.update.clear()
        else:
            if clip is not None:
                tensors = tensors_of(placed, network.output_parameters())
                clip.record(recorder, memory.gradient, memory.parameters, self.norm_sums, tensors)
            limits = limits_of(placed)
            averages = memory.averages
            fused = {} if averages is None or limits else averages.within_update()
            optimizer.record(
                recorder, memory.parameters, memory.gradient, memory.slots, self.norm, network.segments(), fused
            )
            if limits:
                recorder.add_update(record_max_norm, w=memory.parameters, tensors=limits)
            if averages is not None:
                averages.averaging.record(recorder, averages.pairs[1:] if fused else averages.pairs)
        self.program = bind(recorder)
        self.scalars = recorder.scalars
        self.ops = recorder.ops
        self.outputs = recorder.outputs

    def set(self, x: Array, targets: Array, weights: Array | None, order: Array | None) -> None:
        """Read these arrays from now on, and count from zero."""
        super().set(x, targets, weights, order)
        self.norm_sums[...] = 0.0
        self.penalty[...] = 0.0

    def first_bad_layer(self) -> str | None:
        """After a halted step of a program made for diagnosis: who went non-finite first, forwards, then backwards."""
        bad = first_bad(self.outputs, self.program.rows)
        if bad is not None:
            return bad
        for prefix, layer in reversed(list(self.network.walk())):
            for name, parameter in layer.parameters_.items():
                if not np.isfinite(self.memory.gradients[id(parameter)]).all():
                    return f"the gradient of {prefix}{name} in layer {prefix.rstrip('.')} ({layer.title()})"
        return None


def tensors_of(placed: Sequence[tuple[int, Parameter]], output: Sequence[Parameter]) -> list[Tensor]:
    """The trained parameters as a clip sees them."""
    last = {id(parameter) for parameter in output}
    return [
        Tensor(start, parameter.shape, parameter.size, id(parameter) in last)
        for start, parameter in placed
        if parameter.trainable
    ]


def limits_of(placed: Sequence[tuple[int, Parameter]]) -> list[tuple[int, tuple[int, ...], float]]:
    """Start, shape and max-norm of the parameters that have one."""
    return [
        (start, parameter.shape if len(parameter.shape) > 1 else (1, parameter.size), parameter.max_norm)
        for start, parameter in placed
        if parameter.max_norm is not None and parameter.trainable
    ]


class Evaluation(Batches):
    """Loss and metrics of many rows in inference mode."""

    def __init__(self, network: Network, of: Loss, metrics: Sequence[Metric], form: Form) -> None:
        super().__init__(network, of, metrics, form)
        recorder = Recorder(BATCH_ROWS, training=False)
        targets, weights, (y, _) = self.record_forward(recorder)
        self.record_loss(recorder, y.buffer, None, targets, weights)
        self.set_metrics = [metric for metric in metrics if isinstance(metric, SetMetric)]
        self.outputs = Rows(y.features)
        if self.set_metrics:
            recorder.add(record_store, target=self.outputs, x=y.buffer)
        self.program = bind(recorder)

    def __call__(
        self, x: Array, targets: Array, weights: Array | None, order: Array | None, team: TeamSize
    ) -> dict[str, float]:
        """Means over the rows in `order` (all for None), and the metrics of all of them together."""
        rows = x.shape[0] if order is None else len(order)
        steps = -(-rows // BATCH_ROWS)
        outputs = np.empty((rows if self.set_metrics else 0, self.network.widths[1]), np.float32)
        self.set(x, targets, weights, order)
        if self.set_metrics:
            self.outputs.set(outputs)
        try:
            self.program.begin(rows, BATCH_ROWS, steps, 0, 0, np.empty((steps, 0)))
            run(self.program, team)
        finally:
            self.clear()
            self.outputs.clear()
        return {**self.means(), **self._of_the_set(outputs, targets, weights, order)}

    def _of_the_set(
        self, outputs: Array, targets: Array, weights: Array | None, order: Array | None
    ) -> dict[str, float]:
        if not self.set_metrics:
            return {}
        rows = slice(None) if order is None else order
        y = targets[rows].reshape(-1) if self.form.labels else targets[rows].astype(np.float64)
        shares = np.ones(len(y)) if weights is None else weights[rows].reshape(-1).astype(np.float64)
        predicted = probabilities(outputs, self.loss.head).astype(np.float64)
        return {metric.name: metric.value(y, predicted, shares) for metric in self.set_metrics}


class Calibration:
    """Running statistics of norms as the mean over a pass, for weights that were never trained as they are."""

    def __init__(self, network: Network, batch: int) -> None:
        self.network = network
        self.inputs = Rows(network.widths[0])
        recorder = Recorder(batch, training=True, calibrates=True)
        network.lower(recorder, lower_input(recorder, network, self.inputs))
        self.has_statistics = bool(recorder.update)
        self.scalars = bases(recorder)
        self.program = bind(recorder)

    def __call__(self, x: Array, order: Array | None, batch: int, seed: int, team: TeamSize) -> None:
        """Estimate them from the rows in `order` (all for None), which is the order that they are read in."""
        if not self.has_statistics:
            return
        rows = x.shape[0] if order is None else len(order)
        steps = -(-rows // batch)
        read_from(self.inputs, self.network, x, order)
        try:
            self.program.begin(rows, batch, steps, seed, 0, np.repeat(self.scalars, steps, axis=0))
            run(self.program, team)
        finally:
            self.inputs.clear()
