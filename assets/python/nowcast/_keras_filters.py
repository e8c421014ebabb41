"""Filters that stand directly before batch-norm, which takes out their scale, so that only their direction matters."""

from __future__ import annotations

from typing import Any, Optional

# By class of layer the axes of its kernel that number the filters.
_FILTERS = {"Dense": (-1,), "Conv1D": (-1,), "Conv2D": (-1,), "Conv3D": (-1,), "DepthwiseConv2D": (-2, -1)}
_KERNELS = ("kernel", "depthwise_kernel")


def filters_before_batch_norm(layer: Any, own: str) -> Optional[tuple[int, ...]]:
    """The axes of the filters, when nothing but batch-norm sees the layer's outputs, and no activation is between.

    Args:
        own: Name of one of the layer's weights.
    """
    filters = _FILTERS.get(type(layer).__name__)
    if filters is None or own not in _KERNELS:
        return None
    config = layer.get_config()
    if config.get("activation", "linear") != "linear" or config.get("data_format") == "channels_first":
        return None
    nodes = layer._outbound_nodes
    followers = [type(getattr(node, "operation", None) or node.layer).__name__ for node in nodes]
    return filters if followers and set(followers) == {"BatchNormalization"} else None
