"""The callback for ``fit`` of Keras 3, on any backend, and of tf.keras from 2.13."""

from __future__ import annotations

from typing import Any, Iterable, Iterator, Optional

import numpy as np

from ._cadence import describe_cadence
from ._forecasters import Forecaster, Horizon, MeanLinearForecaster, NowcasterForecaster
from ._keras import attach_state, keras, require_single_steps, type_name
from ._keras_averages import AveragedWeights, estimate_batch_norm
from ._keras_filters import filters_before_batch_norm
from ._kinds import kind_of
from ._options import require_flag
from ._periodic import Nowcast, PeriodicForecasting, Probation, TrackedTensor
from .record import RecordedTensor, TrajectoryRecorder

__all__ = [
    "AveragedWeights",
    "MeanLinearForecasting",
    "Nowcast",
    "Probation",
    "WeightForecasting",
    "estimate_batch_norm",
]

# Layers that hold more arrays are left alone, as by the published callback.
_MOST_ARRAYS = 3


class _Forecasting(PeriodicForecasting, keras.callbacks.Callback):
    """Replaces a model's weights once a period by what a forecaster says. One instance serves one ``fit`` after another."""

    def __init__(self, forecaster: Forecaster, *, continue_training: bool = False, **options: Any) -> None:
        super().__init__(forecaster, **options)
        self._continue = require_flag(continue_training, "continue_training")
        self._trained: Any = None
        # Batches need not wait for a callback that does nothing at their ends.
        self.async_safe = self.cadence["unit"] == "epoch"

    def state(self) -> dict[str, Any]:
        """Where nowcasting stands: plain data and numpy arrays. Keep it with a checkpoint, and :meth:`restore` it."""
        return self._state()

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from a state, before the ``fit`` with the ``initial_epoch`` that follows.

        Raises:
            ValueError: It is none, or of another cadence. From the training, when it is of another model.
        """
        self._restore(state)

    def on_train_begin(self, logs: Optional[dict[str, Any]] = None) -> None:
        if self.cadence["unit"] == "step":
            require_single_steps(self.model)
        same = self._continue and self._trained is self.model
        self._reset(same)
        self._trained = self.model
        # Epochs that had ended before epoch 0 of this fit, and the one that ended last, or that is open.
        self._base: Optional[int] = None
        self._epoch: Optional[int] = None
        self._goes_on = same or self._restored is not None
        self._set_length(0)
        self._require_cadence()
        if self._restored is not None and self.model.built:
            self._track()

    def on_epoch_begin(self, epoch: int, logs: Optional[dict[str, Any]] = None) -> None:
        # The parameters do not have the initial epoch.
        if self._epoch is None:
            self._set_length(epoch)
        if self.cadence["unit"] == "epoch":
            attach_state(self)
            self._apply(self._epoch if self._epoch is not None else epoch - 1)
        self._epoch = epoch
        self._epoch_began = self._count
        self._seen = (0.0, 0.0)

    def on_train_batch_begin(self, batch: int, logs: Optional[dict[str, Any]] = None) -> None:
        if self.cadence["unit"] == "step":
            attach_state(self)
            self._apply(self._epoch)

    def on_train_batch_end(self, batch: int, logs: Optional[dict[str, Any]] = None) -> None:
        if self.cadence["unit"] == "step":
            attach_state(self)
            self._end(self._loss_of_batch(logs) if self._budget is not None else None)

    def on_epoch_end(self, epoch: int, logs: Optional[dict[str, Any]] = None) -> None:
        if self.cadence["unit"] == "step":
            self._learn_length(epoch)
            return
        # Epochs of a fit that goes on in the middle are counted as it counts them, those of a continued one from the last.
        if self._base is None:
            self._base = self._count - epoch if self._goes_on else 0
        attach_state(self)
        self._end(_loss_of(logs), self._base + epoch + 1)

    def on_train_end(self, logs: Optional[dict[str, Any]] = None) -> None:
        if not self._continue:
            self._finish()

    def _set_length(self, first_epoch: int) -> None:
        """Takes the length of the training from what ``fit`` says."""
        params = getattr(self, "params", None) or {}
        epochs, steps = params.get("epochs"), params.get("steps")
        if self._given_length is not None or self._continue or epochs is None:
            return
        left, unit = epochs - first_epoch, self.cadence["unit"]
        if unit == "epoch":
            self._length = self._count + left if self._goes_on else epochs
        else:
            self._length = None if steps is None else self._count + left * steps
        if self._length is not None and self._length < self.cadence["every"]:
            raise ValueError(
                f"the training ends before its first snapshot: it has {self._length} {unit}s: cadence "
                f"{describe_cadence(self.cadence)}; train longer, or give a shorter cadence"
            )

    def _learn_length(self, epoch: int) -> None:
        """Learns from the first epoch of data of unknown size how long the training is."""
        epochs = (getattr(self, "params", None) or {}).get("epochs")
        if self._length is None and not self._continue and epochs is not None:
            self._length = self._count + (epochs - epoch - 1) * (self._count - self._epoch_began)

    def _loss_of_batch(self, logs: Optional[dict[str, Any]]) -> Optional[float]:
        """The loss of the last batch. What Keras logs is the mean since the epoch began."""
        mean = next((metric for metric in self.model.metrics if metric.name == "loss" and hasattr(metric, "total")), None)
        if mean is None:
            return _loss_of(logs)
        total, count = (float(_reader(variable)()) for variable in (mean.total, mean.count))
        before, counted = self._seen if count > self._seen[1] else (0.0, 0.0)
        self._seen = (total, count)
        return (total - before) / (count - counted) if count > counted else None

    def _read_point(self) -> dict[str, Any]:
        variables = self._optimizer_variables()
        return {
            "weights": [np.array(_reader(variable)()) for variable in self.model.weights],
            "optimizer": None if variables is None else [np.array(_reader(variable)()) for variable in variables],
        }

    def _return_to(self, point: dict[str, Any]) -> None:
        for variable, values in zip(self.model.weights, point["weights"]):
            variable.assign(values)
        if point["optimizer"] is not None:
            for variable, values in zip(self._optimizer_variables() or [], point["optimizer"]):
                variable.assign(values)

    def _optimizer_variables(self) -> Optional[list[Any]]:
        """The optimizer's variables that go back: all but the learning rate, and what a schedule makes it from."""
        optimizer = getattr(self.model, "optimizer", None)
        if optimizer is None:
            return None
        if not optimizer.built:
            optimizer.build(self.model.trainable_variables)
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        rate = getattr(inner, "_learning_rate", None)
        stays = {id(rate)}
        if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
            stays.add(id(inner.iterations))
        return [variable for variable in optimizer.variables if id(variable) not in stays]

    def _estimate_batch_norm(self, batches: Iterable[Any]) -> None:
        estimate_batch_norm(self.model, batches)

    def _candidates(self) -> Iterator[tuple[int, str, TrackedTensor]]:
        for layer in _trainable_layers(self.model):
            normalizes = "Normalization" in type(layer).__name__
            fits = "norm" in self.kinds if normalizes else 1 <= len(layer.weights) <= _MOST_ARRAYS
            if not fits:
                continue
            if self._layers is not None and not self._layers(layer):
                continue
            for variable in layer.trainable_weights:
                own, shape = _own_name(variable), tuple(variable.shape)
                name = f"{layer.name}/{own}"
                kind = "norm" if normalizes else kind_of(name, shape)
                filters = filters_before_batch_norm(layer, own) if self._keep_norm else None
                tensor = TrackedTensor(name, kind, shape, _reader(variable), _writer(variable), filters)
                yield id(variable), str(type_name(variable)), tensor


class WeightForecasting(_Forecasting):
    """Replaces, once a period, a model's weights by what the nowcaster says they will be some snapshots later.

    ``model.fit(x, y, epochs=50, callbacks=[WeightForecasting()])``

    A nowcast is due at the end of an epoch (or step) and applied when the next one begins: the metrics of an epoch and the
    weights that other callbacks see at its end belong together, and no nowcast happens where no training follows.

    Kernels are forecast by rank (3 and more ``conv``, 2 ``fc``), one-dimensional tensors as ``bias``; where there are
    networks for them, scale and offset of normalizations as ``norm`` and tables of embeddings as ``embedding``. Layers and
    nested models that are frozen or hold more than three arrays are left alone; a shared layer is nowcast once.
    ``layers`` is a function of a layer. Fits at the same time need an instance each.

    Args:
        horizon: Snapshots ahead to jump, one that the nowcaster was trained for; several, each for an equal part of the
            training (of known length); or a function that chooses one by the snapshot (from 0). Default: the farthest.
        continue_training: Carries window and counters over from one ``fit`` to the next of the same model. Default: each
            fit starts afresh.
        **options: Those of :class:`PeriodicForecasting`.
    """

    def __init__(self, *, horizon: Optional[Horizon] = None, **options: Any) -> None:
        super().__init__(NowcasterForecaster(horizon), **options)


class MeanLinearForecasting(_Forecasting):
    """Replaces a model's weights once a period by where the mean of their last snapshots is heading, without a nowcaster.

    By default a snapshot is taken every 10 steps, a mean is of 8 of them, a jump happens every 40, and goes as far as the
    mean would move in 32. Choose the cadence so that 8 snapshots are about an epoch.

    Args:
        averaged: Snapshots that a mean is of.
        window: Means, one behind the other, whose change from the first to the last is gone along; from 2.
        horizon: Snapshots to go along it, above 0. Default: four times as many as a mean is of.
        **options: Those of :class:`WeightForecasting`; ``period`` is a multiple of ``averaged``.
    """

    def __init__(self, *, averaged: int = 8, window: int = 2, horizon: Optional[float] = None, **options: Any) -> None:
        super().__init__(MeanLinearForecaster(averaged, window, horizon), **options)


class RecordingCallback(TrajectoryRecorder, keras.callbacks.Callback):
    """What :class:`TrajectoryRecorder` is for ``fit``."""

    # Says that batches need not wait for a callback that does nothing at their ends.
    async_safe = True

    def set_params(self, params: Optional[dict[str, Any]]) -> None:
        super().set_params(params)
        self._epochs_planned = (params or {}).get("epochs")

    def on_epoch_end(self, epoch: int, logs: Optional[dict[str, Any]] = None) -> None:
        attach_state(self)
        self._end(epoch, logs or {})

    def on_train_end(self, logs: Optional[dict[str, Any]] = None) -> None:
        self.close()

    def _framework(self) -> dict[str, str]:
        backend = keras.config.backend() if hasattr(keras, "config") else "tensorflow"
        return {"name": "keras", "version": keras.__version__, "backend": backend}

    def _list_recorded(self) -> list[RecordedTensor]:
        recorded: dict[int, RecordedTensor] = {}
        taken: set[str] = set()
        for prefix, layer in _all_layers(self.model):
            classes = {}
            for part in layer._flatten_layers():
                classes.update({id(variable): type(part).__name__ for variable in part.weights})
            for variable in layer.weights:
                if id(variable) in recorded:
                    continue
                name = base = f"{prefix}{layer.name}/{_name_within(variable, layer)}"
                count = 0
                while name in taken:
                    count += 1
                    name = f"{base}_{count}"
                taken.add(name)
                layer_class = classes[id(variable)]
                shape = tuple(variable.shape)
                kind = kind_of(name, shape, layer_class)
                recorded[id(variable)] = RecordedTensor(name, kind, shape, layer_class, _reader(variable))
        return list(recorded.values())

    def _describe_optimizer(self) -> Optional[dict[str, Any]]:
        optimizer = self.model.optimizer
        if optimizer is None:
            return None
        settings = {name: value for name, value in optimizer.get_config().items() if isinstance(value, (int, float, str))}
        return {**settings, "name": type(optimizer).__name__}


class StepRecordingCallback(RecordingCallback):
    """What :class:`TrajectoryRecorder` is for ``fit`` where it counts steps."""

    async_safe = False

    def on_train_begin(self, logs: Optional[dict[str, Any]] = None) -> None:
        require_single_steps(self.model)

    def on_epoch_end(self, epoch: int, logs: Optional[dict[str, Any]] = None) -> None:
        pass

    def on_train_batch_end(self, batch: int, logs: Optional[dict[str, Any]] = None) -> None:
        attach_state(self)
        self._end(self._count, logs or {})


def _loss_of(logs: Optional[dict[str, Any]]) -> Optional[float]:
    loss = (logs or {}).get("loss")
    return None if loss is None else float(loss)


def _trainable_layers(model: Any) -> Iterator[Any]:
    if not model.trainable:
        return
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _trainable_layers(layer)
        else:
            yield layer


def _all_layers(model: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _all_layers(layer, f"{prefix}{layer.name}/")
        else:
            yield prefix, layer


def _path(variable: Any) -> str:
    return getattr(variable, "path", variable.name).split(":")[0]


def _own_name(variable: Any) -> str:
    return _path(variable).rsplit("/", 1)[-1]


def _name_within(variable: Any, layer: Any) -> str:
    """The variable's name with those of the layers within its layer: ``query/kernel`` of a MultiHeadAttention."""
    _, found, own = f"/{_path(variable)}".rpartition(f"/{layer.name}/")
    return own if found else _own_name(variable)


def _reader(variable: Any) -> Any:
    # Keras 2 has no ops.
    return (lambda: keras.ops.convert_to_numpy(variable)) if hasattr(keras, "ops") else variable.numpy


def _writer(variable: Any) -> Any:
    def write(values: Any) -> None:
        variable.assign(values)
        constraint = getattr(variable, "constraint", None)
        if constraint is not None:
            variable.assign(constraint(variable))

    return write
