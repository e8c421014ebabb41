"""The callback for ``fit`` of Keras 3, on any backend, and of tf.keras from 2.13."""

from __future__ import annotations

from typing import Any, Iterator, Optional

from ._keras import attach_state, keras, require_single_steps, type_name
from ._keras_averages import AveragedWeights, estimate_batch_norm
from ._kinds import kind_of
from ._periodic import Nowcast, PeriodicForecasting, TrackedTensor
from .record import RecordedTensor, TrajectoryRecorder

__all__ = ["AveragedWeights", "Nowcast", "WeightForecasting", "estimate_batch_norm"]

# Layers that hold more arrays are left alone, as by the published callback.
_MOST_ARRAYS = 3


class WeightForecasting(PeriodicForecasting, keras.callbacks.Callback):
    """Replaces, once a period, a model's weights by what the nowcaster says they will be some snapshots later.

    ``model.fit(x, y, epochs=50, callbacks=[WeightForecasting()])``

    A nowcast is due at the end of an epoch (or step) and applied when the next one begins: the metrics of an epoch and the
    weights that other callbacks see at its end belong together, and no nowcast happens where no training follows.

    Kernels are forecast by rank (3 and more ``conv``, 2 ``fc``), one-dimensional tensors as ``bias``; where there are
    networks for them, scale and offset of normalizations as ``norm`` and tables of embeddings as ``embedding``. Layers and
    nested models that are frozen or hold more than three arrays are left alone; a shared layer is nowcast once.
    ``layers`` is a function of a layer. Fits at the same time need an instance each.

    Args:
        continue_training: Carries window and counters over from one ``fit`` to the next of the same model. Default: each
            fit starts afresh.
        **options: Those of :class:`PeriodicForecasting`.
    """

    def __init__(self, *, continue_training: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self._continue = continue_training
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
        self._reset(self._continue and self._trained is self.model)
        self._trained = self.model
        self._base: Optional[int] = None
        self._epoch: Optional[int] = None

    def on_epoch_begin(self, epoch: int, logs: Optional[dict[str, Any]] = None) -> None:
        if self.cadence["unit"] == "epoch":
            attach_state(self)
            self._apply(self._epoch if self._epoch is not None else epoch - 1)
        self._epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: Optional[dict[str, Any]] = None) -> None:
        if self.cadence["unit"] == "step":
            attach_state(self)
            self._apply(self._epoch)

    def on_train_batch_end(self, batch: int, logs: Optional[dict[str, Any]] = None) -> None:
        if self.cadence["unit"] == "step":
            attach_state(self)
            self._end(_loss_of(logs))

    def on_epoch_end(self, epoch: int, logs: Optional[dict[str, Any]] = None) -> None:
        if self.cadence["unit"] == "step":
            return
        # Epochs of a fit that goes on in the middle are counted as it counts them, those of a continued one from the last.
        if self._base is None:
            self._base = self._ended() - epoch if self._continue else 0
        attach_state(self)
        self._end(_loss_of(logs), self._base + epoch + 1)

    def on_train_end(self, logs: Optional[dict[str, Any]] = None) -> None:
        if not self._continue:
            self._finish()

    def _candidates(self) -> Iterator[tuple[int, str, TrackedTensor]]:
        for layer in _trainable_layers(self.model):
            normalizes = "Normalization" in type(layer).__name__
            fits = "norm" in self.kinds if normalizes else 1 <= len(layer.weights) <= _MOST_ARRAYS
            if not fits:
                continue
            if self._layers is not None and not self._layers(layer):
                continue
            for variable in layer.trainable_weights:
                name, shape = f"{layer.name}/{_own_name(variable)}", tuple(variable.shape)
                kind = "norm" if normalizes else kind_of(name, shape)
                tensor = TrackedTensor(name, kind, shape, _reader(variable), _writer(variable))
                yield id(variable), str(type_name(variable)), tensor


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
