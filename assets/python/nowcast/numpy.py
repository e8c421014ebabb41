"""The networks on numpy alone: normalization and forward pass, block by block, so that memory stays bounded."""

from __future__ import annotations

from typing import Optional, Sequence

import numpy as np

from ._inputs import Statistics, Tensor, context_of, role_rows, statistics_of
from ._networks import CADENCE, INPUTS, PARAMETERS, RECOMMENDED, SPEC, forward

__all__ = ["CADENCE", "HORIZONS", "KINDS", "LOOKS_AT_TENSORS", "RECOMMENDED", "SPEC", "WINDOW_LENGTH", "forecast", "forward"]

#: Kinds of tensors that there are networks for, of ``conv``, ``fc``, ``bias``.
KINDS: tuple[str, ...] = tuple(PARAMETERS)
#: Snapshots that a forecast looks at.
WINDOW_LENGTH: int = SPEC["inputLength"]
#: Snapshots past the last one that are forecast, ascending.
HORIZONS: tuple[int, ...] = tuple(SPEC["horizons"])

#: Whether forecasts of a scalar depend on the tensor that it belongs to.
LOOKS_AT_TENSORS: bool = INPUTS != ("window",) or SPEC["normalization"] == "tensor"

# Scalars that go through a network at once. OpenBLAS multiplies matrices of this size on the calling thread: its threads
# wait spinning where other work has the cores, and with blocks of 4,096 a forecast took ten times as long there.
_BLOCK = 128


def horizon_index(horizon: Optional[int]) -> int:
    """Position of a horizon among :data:`HORIZONS`; the last without one.

    Raises:
        ValueError: There is no such horizon.
    """
    if horizon is None:
        return len(HORIZONS) - 1
    if horizon not in HORIZONS:
        known = ", ".join(map(str, HORIZONS))
        raise ValueError(f"no forecast {horizon} snapshots ahead: horizon {horizon}; use one of {known}")
    return HORIZONS.index(horizon)


def forecast(
    kind: str,
    snapshots: Sequence[np.ndarray],
    horizon: Optional[int] = None,
    out: Optional[np.ndarray] = None,
    tensors: Optional[Sequence[tuple[str, Sequence[int]]]] = None,
) -> np.ndarray:
    """Forecasts every scalar of tensors of one kind.

    Args:
        kind: One of :data:`KINDS`.
        snapshots: :data:`WINDOW_LENGTH` arrays of one shape, evenly spaced in training, oldest first.
        horizon: Snapshots past the last one, of :data:`HORIZONS`. Default: the farthest.
        out: Receives the forecasts: a contiguous float32 array of that shape; may be one of the snapshots.
        tensors: Name (with that of its layer) and shape of each tensor that the values belong to, in their order. Networks
            that look at tensors need them; default: one tensor without a name, of the snapshots' shape.

    Returns:
        The forecasts, float32, in the shape of a snapshot.

    Raises:
        ValueError: There is no network for the kind or no such horizon, or the snapshots do not fit.
    """
    if kind not in PARAMETERS:
        raise ValueError(f"no network for this kind of tensor: kind {kind!r}; use one of {', '.join(KINDS)}")
    index = horizon_index(horizon)
    arrays = [np.asarray(snapshot) for snapshot in snapshots]
    shapes = {array.shape for array in arrays}
    if len(arrays) != WINDOW_LENGTH or len(shapes) != 1:
        raise ValueError(
            f"{len(arrays)} snapshots of {len(shapes)} shapes: snapshots; "
            f"give {WINDOW_LENGTH} of one shape, oldest first"
        )
    if out is None:
        out = np.empty(arrays[0].shape, np.float32)
    elif out.shape != arrays[0].shape or out.dtype != np.float32 or not out.flags.c_contiguous:
        raise ValueError("the output does not fit: out; give a contiguous float32 array of the snapshots' shape")
    listed = [Tensor("", arrays[0].shape)] if tensors is None else [Tensor(name, tuple(shape)) for name, shape in tensors]
    if sum(tensor.size for tensor in listed) != out.size:
        raise ValueError(f"tensors of another size than the snapshots: tensors; give those of {out.size} values")
    flat = [array.reshape(-1) for array in arrays]
    target = out.reshape(-1)
    begin = 0
    for tensor in listed:
        end = begin + tensor.size
        # Before the first forecast is written: `out` may be the oldest snapshot.
        statistics = statistics_of([array[begin:end] for array in flat]) if LOOKS_AT_TENSORS and end > begin else None
        for start in range(begin, end, _BLOCK):
            stop = min(start + _BLOCK, end)
            block = [array[start:stop] for array in flat]
            further = {} if statistics is None else _further_inputs(kind, tensor, statistics, block[-1], start - begin)
            _forecast_block(kind, block, index, target[start:stop], further, statistics)
        begin = end
    return out


def _further_inputs(
    kind: str, tensor: Tensor, statistics: Statistics, last: np.ndarray, first: int
) -> dict[str, np.ndarray]:
    inputs = {}
    if "context" in INPUTS:
        inputs["context"] = context_of(tensor, statistics, last, first)
    if "role" in INPUTS:
        inputs["role"] = role_rows(tensor, kind, last.size)
    return inputs


def _forecast_block(
    kind: str,
    block: Sequence[np.ndarray],
    index: int,
    out: np.ndarray,
    further: dict[str, np.ndarray],
    statistics: Optional[Statistics],
) -> None:
    raw = np.stack(block).astype(np.float64)
    if SPEC["normalization"] == "range":
        origin = raw[0]
        scale = 2 * (raw.max(axis=0) - raw.min(axis=0) + 1e-8 + 1e-5)
        window = (raw - origin) / scale
    elif SPEC["normalization"] == "tensor":
        origin, scale = raw[0], np.float64(statistics.scale if statistics else 1)
        window = (raw - origin) / scale
    else:
        origin, scale, window = np.float64(0), np.float64(1), raw
    last = window[-1].astype(np.float32) if SPEC["residual"] else np.float32(0)
    # A network may overflow on windows unlike any that it saw; who calls looks at what comes out.
    with np.errstate(over="ignore", invalid="ignore"):
        outputs = forward(kind, np.ascontiguousarray(window.T, dtype=np.float32), **further)[:, index]
    out[:] = (last.astype(np.float64) + outputs) * scale + origin
