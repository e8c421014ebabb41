"""What may be around a PyTorch model."""

from __future__ import annotations

from typing import Any, Optional

from torch import nn

__all__ = ["data_parallel_group", "unwrap"]


def unwrap(model: nn.Module) -> nn.Module:
    """The model itself, without DataParallel, DistributedDataParallel and ``torch.compile`` around it.

    Raises:
        ValueError: It is no model, or it is sharded over processes, so that no process has all of its weights.
    """
    if not isinstance(model, nn.Module):
        raise ValueError(f"not a PyTorch model: model {type(model).__name__}; give the model first, then the optimizer")
    while True:
        if isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            model = model.module
        elif isinstance(getattr(model, "_orig_mod", None), nn.Module):
            model = model._orig_mod
        else:
            break
    names = {type(module).__name__ for module in model.modules()}
    names |= {type(parameter).__name__ for parameter in model.parameters()}
    sharded = names & {"FullyShardedDataParallel", "DTensor"}
    if sharded:
        raise ValueError(
            f"the weights are sharded over processes: {sorted(sharded)[0]} in {type(model).__name__}; "
            "use DistributedDataParallel, or nowcast on one device"
        )
    return model


def data_parallel_group(model: nn.Module) -> Optional[Any]:
    """The processes that train the model together by DistributedDataParallel; None where one does alone."""
    while not isinstance(model, nn.parallel.DistributedDataParallel):
        inner = model.module if isinstance(model, nn.DataParallel) else getattr(model, "_orig_mod", None)
        if not isinstance(inner, nn.Module):
            return None
        model = inner
    return model.process_group
