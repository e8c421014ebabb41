"""Nowcasts in a training loop of PyTorch."""

from __future__ import annotations

from typing import Any, Iterator, Optional, Union

import numpy as np
import torch
from torch import nn

from ._kinds import kind_of
from ._periodic import Nowcast, PeriodicForecasting, TrackedTensor
from ._torch_averages import AveragedWeights, estimate_batch_norm
from ._torch_models import unwrap
from .record import RecordedTensor

__all__ = ["AveragedWeights", "Nowcast", "WeightNowcaster", "estimate_batch_norm"]

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


class WeightNowcaster(PeriodicForecasting):
    """Replaces, once a period, a model's weights by what the nowcaster says they will be some snapshots later.

    ::

        nowcaster = WeightNowcaster(model)
        for epoch in range(epochs):
            ...
            nowcaster.step(loss)

    Nowcast are ``weight`` and ``bias`` of convolutions and linear layers: weights by rank (3 and more ``conv``, 2 ``fc``),
    biases as ``bias``; where there are networks for them, parameters of normalizations as ``norm`` and of embeddings as
    ``embedding``. Left alone are all other modules and what is tied to them, and parameters that do not require gradients. Networks act scalar by scalar, so PyTorch's layout needs no transposition.
    ``layers`` is a function of a module's name and the module. Models may be wrapped in DataParallel,
    DistributedDataParallel and ``torch.compile``, on any device; sharded ones are refused.

    Args:
        model: The model in training.
        **options: Those of :class:`PeriodicForecasting`.

    Raises:
        ValueError: An option is impossible, or the model is sharded.
    """

    def __init__(self, model: nn.Module, **options: Any) -> None:
        super().__init__(**options)
        self._model = unwrap(model)

    def step(self, loss: Union[float, torch.Tensor, None] = None) -> Optional[Nowcast]:
        """Ends an epoch or a step, whichever ``cadence`` counts. The nowcast happens at once, as training goes on.

        Args:
            loss: What was measured, for :attr:`history`.

        Returns:
            The nowcast, where one was due.
        """
        self._end(float(loss.detach()) if isinstance(loss, torch.Tensor) else loss)
        return self._apply(None)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint of the training needs to go on within a window. ``torch.load`` reads it with weights_only."""
        state = self._state()
        return {**state, "snapshots": [torch.from_numpy(values) for values in state["snapshots"]]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from what :meth:`state_dict` returned.

        Raises:
            ValueError: It is of another cadence or nowcaster. From the next :meth:`step`, when it is of another model.
        """
        self._reset()
        self._restore({**state, "snapshots": [values.cpu().numpy() for values in state["snapshots"]]})

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
                tensor = TrackedTensor(name, kind, shape, _reader(parameter), _writer(parameter))
                yield id(parameter), str(parameter.dtype), tensor



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
