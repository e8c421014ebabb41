"""Averages of the weights in ``fit`` of Keras 3, on any backend, and of tf.keras from 2.13."""

from __future__ import annotations

from typing import Any, Iterable, Optional, Sequence

from ._averages import Averaging
from ._keras import attach_state, keras, require_single_steps, type_name
from ._options import require_flag

__all__ = ["AveragedWeights", "estimate_batch_norm"]


class AveragedWeights(Averaging, keras.callbacks.Callback):
    """Averages a model's weights beside its training, in float32.

    ::

        averaged = AveragedWeights(average="ema", decay=0.99, validation=(x_val, y_val))
        model.fit(x, y, epochs=50, callbacks=[averaged])
        with averaged.applied():
            model.evaluate(x_test, y_test)

    Args:
        validation: Inputs and targets to evaluate the averages on at the end of each epoch; the results are in the
            epoch's logs, and so in the history: ``averaged_val_loss``, ... Default: none.
        leave_in_model: Leaves the averages in the model when a fit ends. Default: the trained weights stay.
        continue_training: Carries the average over from one ``fit`` to the next of the same model. Default: each fit
            starts afresh.
        **options: Those of :class:`Averaging`. ``statistics`` returns batches of inputs.

    Raises:
        ValueError: An option is impossible.
    """

    def __init__(
        self,
        *,
        validation: Optional[tuple[Any, Any]] = None,
        leave_in_model: bool = False,
        continue_training: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._validation = _require_validation(validation)
        self._leave = require_flag(leave_in_model, "leave_in_model")
        self._continue = require_flag(continue_training, "continue_training")
        self._averaged: Any = None
        self._restored = False
        # Batches need not wait for a callback that does nothing at their ends.
        self.async_safe = self.average != "ema"

    def state(self) -> dict[str, Any]:
        """Where averaging stands: plain data and numpy arrays. Keep it with a checkpoint, and :meth:`restore` it."""
        return self._state(_to_numpy)

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from a state, before the ``fit`` with the ``initial_epoch`` that follows.

        Raises:
            ValueError: It is of another average. From the training, when it is of another model.
        """
        self._restore(state, _from_numpy)
        self._restored = True

    def on_train_begin(self, logs: Optional[dict[str, Any]] = None) -> None:
        if self.average == "ema":
            require_single_steps(self.model)
        if not (self._restored or (self._continue and self._averaged is self.model)):
            self._forget()
        self._averaged = self.model
        if self._restored:
            self._require_same()
        self._restored = False

    def on_train_batch_end(self, batch: int, logs: Optional[dict[str, Any]] = None) -> None:
        if self.average == "ema":
            attach_state(self)
            self._step()

    def on_epoch_end(self, epoch: int, logs: Optional[dict[str, Any]] = None) -> None:
        attach_state(self)
        self._end_epoch(None if self._continue else (self.params or {}).get("epochs"))
        if self._validation is None or self.value() is None:
            return
        with self.applied():
            results = self.model.evaluate(*self._validation, verbose=0, return_dict=True)
        if logs is not None:
            logs.update({f"averaged_val_{name}": value for name, value in results.items()})

    def on_train_end(self, logs: Optional[dict[str, Any]] = None) -> None:
        if self._leave:
            attach_state(self)
            self.apply()
            self._trained = None

    def _weights(self) -> Sequence[Any]:
        return [variable for variable in self._averaged.weights if "float" in str(type_name(variable))]

    def _copy(self, weight: Any) -> Any:
        return _from_numpy(_to_numpy(weight)) if not hasattr(keras, "ops") else keras.ops.copy(_values(weight))

    def _blend(self, mean: Any, weight: Any, rate: float) -> Any:
        return mean + rate * (_values(weight) - mean)

    def _write(self, weight: Any, values: Any) -> None:
        # JAX keeps the array that it is given, and gives its memory away in the next step.
        weight.assign(self._copy(values))

    def _estimate_statistics(self, batches: Any) -> None:
        estimate_batch_norm(self._averaged, batches)


def estimate_batch_norm(model: Any, batches: Iterable[Any]) -> None:
    """Estimates the moving statistics of a model's batch-norm layers anew: their means over batches.

    Args:
        model: Its other weights are not changed. Without batch-norm layers that train nothing happens.
        batches: Inputs, as the model takes them.

    Raises:
        ValueError: There is no batch; the statistics stay as they were.
    """
    layers = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]
    layers = [layer for layer in layers if layer.trainable]
    if not layers:
        return
    moving = {id(v) for layer in layers for v in (layer.moving_mean, layer.moving_variance)}
    # What else a pass changes, such as the seeds of dropout, is put back.
    before = [(variable, _to_numpy(variable)) for variable in model.non_trainable_variables]
    momenta = [layer.momentum for layer in layers]
    count, done = 0, False
    try:
        for batch in batches:
            count += 1
            for layer in layers:
                layer.momentum = 1 - 1 / count
            model(batch, training=True)
        if count == 0:
            raise ValueError("no batch to estimate batch-norm statistics from: batches; give about ten of training")
        done = True
    finally:
        for layer, momentum in zip(layers, momenta):
            layer.momentum = momentum
        for variable, values in before:
            if not done or id(variable) not in moving:
                variable.assign(values)



def _values(weight: Any) -> Any:
    """The current values as float32, outside of any gradient."""
    if not hasattr(keras, "ops"):
        return weight.numpy().astype("float32") if hasattr(weight, "numpy") else weight
    values = weight.value if hasattr(weight, "value") else weight
    return keras.ops.stop_gradient(keras.ops.cast(values, "float32"))


def _to_numpy(values: Any) -> Any:
    return keras.ops.convert_to_numpy(values).copy() if hasattr(keras, "ops") else values.numpy().copy()


def _require_validation(validation: Any) -> Any:
    if validation is None or (isinstance(validation, (tuple, list)) and len(validation) in (2, 3)):
        return validation
    raise ValueError(f"not inputs and targets: validation {type(validation).__name__}; give (x, y)")


def _from_numpy(values: Any) -> Any:
    return keras.ops.convert_to_tensor(values) if hasattr(keras, "ops") else values
