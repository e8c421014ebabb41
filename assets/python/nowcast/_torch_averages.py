"""Averages of the weights in a training loop of PyTorch."""

from __future__ import annotations

from typing import Any, Iterable, Sequence

import torch
from torch import nn
from torch.optim.swa_utils import update_bn

from ._averages import Averaging
from ._torch_models import unwrap

__all__ = ["AveragedWeights", "estimate_batch_norm"]


class AveragedWeights(Averaging):
    """Averages a model's weights beside its training, in float32, on the model's device.

    ::

        averaged = AveragedWeights(model, average="ema", decay=0.99)
        for epoch in range(epochs):
            for inputs, labels in loader:
                ...
                optimizer.step()
                averaged.step()
            averaged.end_epoch()
            with averaged.applied():
                validate(model)

    Parameters and floating buffers are averaged; counters stay those of the training. Models may be wrapped in
    DataParallel, DistributedDataParallel and ``torch.compile``; sharded ones are refused.

    Args:
        model: The model in training.
        **options: Those of :class:`Averaging`. ``statistics`` returns batches as :func:`estimate_batch_norm` takes them.

    Raises:
        ValueError: An option is impossible, or the model is sharded.
    """

    def __init__(self, model: nn.Module, **options: Any) -> None:
        super().__init__(**options)
        self._model = unwrap(model)

    def step(self) -> None:
        """Ends a step of the optimizer.

        Raises:
            ValueError: The averages are in the model.
        """
        self._step()

    def end_epoch(self) -> None:
        """Ends an epoch, after its last :meth:`step`. ``ema`` does without."""
        self._end_epoch(None)

    def state_dict(self) -> dict[str, Any]:
        """Where averaging stands, for a checkpoint. ``torch.load`` reads it with weights_only."""
        return self._state(torch.clone)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from what :meth:`state_dict` returned.

        Raises:
            ValueError: It is of another average or model.
        """
        weights = self._weights()
        device = weights[0].device if weights else torch.device("cpu")
        self._restore(state, lambda values: values.detach().to(device, torch.float32, copy=True))
        self._require_same()

    def _weights(self) -> Sequence[torch.Tensor]:
        own = [*self._model.parameters(), *self._model.buffers()]
        return [tensor for tensor in own if tensor.is_floating_point()]

    def _copy(self, weight: torch.Tensor) -> torch.Tensor:
        return weight.detach().to(torch.float32, copy=True)

    def _blend(self, mean: torch.Tensor, weight: torch.Tensor, rate: float) -> torch.Tensor:
        return mean.lerp_(weight.detach().to(torch.float32), rate)

    def _write(self, weight: torch.Tensor, values: torch.Tensor) -> None:
        with torch.no_grad():
            weight.copy_(values)

    def _estimate_statistics(self, batches: Any) -> None:
        estimate_batch_norm(self._model, batches)


def estimate_batch_norm(model: nn.Module, batches: Iterable[Any]) -> None:
    """Estimates the batch-norm statistics of a model anew: their means over batches, as ``torch.optim.swa_utils.update_bn``.

    Args:
        model: Its weights are not changed. Without batch-norm layers nothing happens.
        batches: Inputs, or lists that begin with them, as loaders of inputs and labels yield.

    Raises:
        ValueError: There is no batch; the statistics stay as they were.
    """
    layers = [module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    layers = [layer for layer in layers if layer.running_mean is not None]
    if not layers:
        return
    before = [(layer, layer.momentum, {name: buffer.clone() for name, buffer in layer.named_buffers()}) for layer in layers]
    mode, done = model.training, False
    try:
        update_bn(_counted(batches), model, next(model.parameters()).device)
        done = True
    finally:
        for layer, momentum, buffers in [] if done else before:
            layer.momentum = momentum
            layer.load_state_dict(buffers, strict=False)
        model.train(mode)


def _counted(batches: Iterable[Any]) -> Iterable[Any]:
    count = 0
    for batch in batches:
        count += 1
        yield batch
    if count == 0:
        raise ValueError("no batch to estimate batch-norm statistics from: batches; give about ten of training")
