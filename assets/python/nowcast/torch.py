"""Nowcasts in a training loop of PyTorch."""

from __future__ import annotations

import copy
from typing import Any, Iterable, Iterator, Optional, Union

import numpy as np
import torch
from torch import nn

from ._forecasters import Forecaster, Horizon, MeanLinearForecaster, NowcasterForecaster
from ._kinds import kind_of
from ._periodic import Nowcast, PeriodicForecasting, Probation, TrackedTensor
from ._torch_averages import AveragedWeights, estimate_batch_norm
from ._torch_models import data_parallel_group, unwrap
from .record import RecordedTensor

__all__ = [
    "AveragedWeights",
    "MeanLinearNowcaster",
    "Nowcast",
    "Probation",
    "WeightNowcaster",
    "estimate_batch_norm",
]

_WEIGHTED = (nn.modules.conv._ConvNd, nn.Linear)
#: Where kinds other than kernels and biases are.
_MODULES_OF = {
    "norm": (
        nn.modules.batchnorm._NormBase,
        nn.LayerNorm,
        nn.GroupNorm,
        *([nn.RMSNorm] if hasattr(nn, "RMSNorm") else []),
    ),
    "embedding": (nn.Embedding, nn.EmbeddingBag),
}


class _Nowcaster(PeriodicForecasting):
    """Replaces a model's weights once a period by what a forecaster says."""

    def __init__(
        self,
        forecaster: Forecaster,
        model: nn.Module,
        optimizer: Optional[torch.optim.Optimizer] = None,
        **options: Any,
    ) -> None:
        super().__init__(forecaster, **options)
        if self._keep_norm is True:
            raise ValueError("which filters keep their norms has to be said: keep_norm; give names of their weights")
        self._model = unwrap(model)
        self._optimizer = optimizer
        self._processes = data_parallel_group(model)

    def step(self, loss: Union[float, torch.Tensor, None] = None) -> Optional[Nowcast]:
        """Ends an epoch or a step, whichever ``cadence`` counts. The nowcast happens at once, as training goes on.

        Args:
            loss: The training loss of it, which the watch needs; without it every nowcast is kept. With
                DistributedDataParallel the mean over the processes counts.

        Returns:
            The nowcast that happened or was reverted; None when neither.
        """
        if loss is None and self._budget is not None:
            self._note("loss", "no loss is given to step, so that every nowcast is kept: give it, or watch=False")
        loss = float(loss.detach()) if isinstance(loss, torch.Tensor) else loss
        if loss is not None and self._processes is not None and self._budget is not None:
            # All processes have to decide the same.
            shared = torch.tensor(loss, device=next(self._model.parameters()).device)
            torch.distributed.all_reduce(shared, group=self._processes)
            loss = float(shared) / torch.distributed.get_world_size(self._processes)
        self._end(loss)
        return self._apply(None)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint of the training needs to go on, watch included. ``torch.load`` reads it with weights_only."""
        state = self._state()
        slots = [torch.from_numpy(values) for values in state["window"]["slots"]]
        return {**state, "window": {**state["window"], "slots": slots}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from what :meth:`state_dict` returned.

        Raises:
            ValueError: It is of another cadence or nowcaster. From the next :meth:`step`, when it is of another model.
        """
        self._reset()
        if isinstance(state, dict) and "window" in state:
            slots = [values.cpu().numpy() for values in state["window"]["slots"]]
            state = {**state, "window": {**state["window"], "slots": slots}}
        self._restore(state)

    def _read_point(self) -> dict[str, Any]:
        optimizer = self._optimizer
        return {
            "weights": _copied(dict(self._model.state_dict())),
            "optimizer": None if optimizer is None else _copied(optimizer.state_dict()["state"]),
        }

    def _return_to(self, point: dict[str, Any]) -> None:
        self._model.load_state_dict(point["weights"])
        if point["optimizer"] is not None and self._optimizer is not None:
            # Learning rates and other settings stay. A copy, since the optimizer may keep what it is given.
            groups = self._optimizer.state_dict()["param_groups"]
            self._optimizer.load_state_dict({"state": _copied(point["optimizer"]), "param_groups": groups})

    def _estimate_batch_norm(self, batches: Iterable[Any]) -> None:
        estimate_batch_norm(self._model, batches)

    def _candidates(self) -> Iterator[tuple[int, str, TrackedTensor]]:
        unwrap(self._model)
        classes = (*_WEIGHTED, *(one for kind in self.kinds for one in _MODULES_OF.get(kind, ())))
        others = {
            id(parameter)
            for module in self._model.modules()
            if not isinstance(module, classes)
            for parameter in module.parameters(recurse=False)
        }
        for path, module in self._model.named_modules():
            if not isinstance(module, classes):
                continue
            path = path.replace("_orig_mod.", "").replace("._orig_mod", "")
            if self._layers is not None and not self._layers(path, module):
                continue
            for own in ("weight", "bias"):
                parameter = module._parameters.get(own)
                if parameter is None or not parameter.requires_grad or id(parameter) in others:
                    continue
                name = f"{path}.{own}" if path else own
                if isinstance(parameter, nn.parameter.UninitializedParameter):
                    raise ValueError(f"a lazy module without weights: {name}; run the model once before the first step")
                shape = tuple(parameter.shape)
                kind = kind_of(name, shape, type(module).__name__)
                filters = _filters_of(module) if own == "weight" and self._keep_norm and name in self._keep_norm else None
                tensor = TrackedTensor(name, kind, shape, _reader(parameter), _writer(parameter), filters)
                yield id(parameter), str(parameter.dtype), tensor


class WeightNowcaster(_Nowcaster):
    """Replaces, once a period, a model's weights by what the nowcaster says they will be some snapshots later.

    ::

        nowcaster = WeightNowcaster(model, optimizer)
        for epoch in range(epochs):
            ...
            nowcaster.step(loss)

    Nowcast are ``weight`` and ``bias`` of convolutions and linear layers: weights by rank (3 and more ``conv``, 2 ``fc``),
    biases as ``bias``; where there are networks for them, parameters of normalizations as ``norm`` and of embeddings as
    ``embedding``. Left alone are all other modules and what is tied to them, and parameters that do not require gradients.
    ``layers`` is a function of a module's name and the module. Models may be wrapped in DataParallel,
    DistributedDataParallel and ``torch.compile``, on any device; sharded ones are refused.

    Args:
        model: The model in training.
        optimizer: Its optimizer, whose state the watch rolls back with the weights.
        horizon: Snapshots ahead to jump, one that the nowcaster was trained for; several, each for an equal part of the
            training (of known length); or a function that chooses one by the snapshot (from 0). Default: the farthest.
        **options: Those of :class:`PeriodicForecasting`.

    Raises:
        ValueError: An option is impossible, or the model is sharded.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optional[torch.optim.Optimizer] = None,
        *,
        horizon: Optional[Horizon] = None,
        **options: Any,
    ) -> None:
        super().__init__(NowcasterForecaster(horizon), model, optimizer, **options)


class MeanLinearNowcaster(_Nowcaster):
    """Replaces a model's weights once a period by where the mean of their last snapshots is heading, without a nowcaster.

    By default a snapshot is taken every 10 steps, a mean is of 8 of them, a jump happens every 40, and goes as far as the
    mean would move in 32. Choose the cadence so that 8 snapshots are about an epoch.

    Args:
        model: The model in training.
        optimizer: As of :class:`WeightNowcaster`.
        averaged: Snapshots that a mean is of.
        window: Means, one behind the other, whose change from the first to the last is gone along; from 2.
        horizon: Snapshots to go along it, above 0. Default: four times as many as a mean is of.
        **options: Those of :class:`PeriodicForecasting`; ``period`` is a multiple of ``averaged``.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optional[torch.optim.Optimizer] = None,
        *,
        averaged: int = 8,
        window: int = 2,
        horizon: Optional[float] = None,
        **options: Any,
    ) -> None:
        super().__init__(MeanLinearForecaster(averaged, window, horizon), model, optimizer, **options)


def _copied(held: Any) -> Any:
    """A copy in memory of the tensors in dictionaries and lists, and of what else is there."""
    if isinstance(held, torch.Tensor):
        return held.detach().to("cpu", copy=True)
    if isinstance(held, dict):
        return {key: _copied(value) for key, value in held.items()}
    if isinstance(held, (list, tuple)):
        return type(held)(_copied(value) for value in held)
    return copy.deepcopy(held)


def _filters_of(module: nn.Module) -> tuple[int, ...]:
    # Transposed convolutions have [in, out, ...].
    return (1,) if getattr(module, "transposed", False) else (0,)


def _reader(parameter: torch.Tensor) -> Any:
    return lambda: parameter.detach().to("cpu", torch.float32).contiguous().numpy()


def _writer(parameter: torch.Tensor) -> Any:
    def write(values: np.ndarray) -> None:
        with torch.no_grad():
            parameter.copy_(torch.from_numpy(values))

    return write


def list_recorded(model: nn.Module) -> list[RecordedTensor]:
    """All parameters and floating buffers of a model, with the classes of their modules."""
    if not isinstance(model, nn.Module):
        raise ValueError(f"not a PyTorch model: model {type(model).__name__}; in Keras, give the recorder to fit alone")
    model = unwrap(model)
    return [
        RecordedTensor(name, kind_of(name, tuple(tensor.shape), owner), tuple(tensor.shape), owner, _reader(tensor))
        for name, tensor, owner in _named_tensors(model)
    ]


def _named_tensors(model: nn.Module) -> Iterator[tuple[str, torch.Tensor, str]]:
    seen: set[int] = set()
    for path, module in model.named_modules():
        own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
        for name, tensor in own:
            if id(tensor) in seen or not tensor.is_floating_point():
                continue
            seen.add(id(tensor))
            yield f"{path}.{name}".lstrip(".").replace("_orig_mod.", ""), tensor, type(module).__name__


def describe_optimizer(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Name and settings of the first group of parameters."""
    settings = {
        name: value
        for name, value in optimizer.param_groups[0].items()
        if isinstance(value, (bool, int, float, str))
    }
    return {**settings, "name": type(optimizer).__name__}
