"""The networks on numpy alone: normalization and forward pass, block by block, so that memory stays bounded."""

from __future__ import annotations

from typing import Optional, Sequence

import numpy as np

from ._networks import CADENCE, PARAMETERS, RECOMMENDED, SPEC, forward

__all__ = ["CADENCE", "HORIZONS", "KINDS", "RECOMMENDED", "SPEC", "WINDOW_LENGTH", "forecast", "forward"]

#: Kinds of tensors that there are networks for, of ``conv``, ``fc``, ``bias``.
KINDS: tuple[str, ...] = tuple(PARAMETERS)
#: Snapshots that a forecast looks at.
WINDOW_LENGTH: int = SPEC["inputLength"]
#: Snapshots past the last one that are forecast, ascending.
HORIZONS: tuple[int, ...] = tuple(SPEC["horizons"])

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
) -> np.ndarray:
    """Forecasts every scalar of tensors of one kind.

    Args:
        kind: One of :data:`KINDS`.
        snapshots: :data:`WINDOW_LENGTH` arrays of one shape, evenly spaced in training, oldest first.
        horizon: Snapshots past the last one, of :data:`HORIZONS`. Default: the farthest.
        out: Receives the forecasts: a contiguous float32 array of that shape; may be one of the snapshots.

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
    flat = [array.reshape(-1) for array in arrays]
    target = out.reshape(-1)
    for start in range(0, target.size, _BLOCK):
        stop = min(start + _BLOCK, target.size)
        _forecast_block(kind, [array[start:stop] for array in flat], index, target[start:stop])
    return out


def _forecast_block(kind: str, block: Sequence[np.ndarray], index: int, out: np.ndarray) -> None:
    raw = np.stack(block).astype(np.float64)
    if SPEC["normalization"] == "range":
        origin = raw[0]
        scale = 2 * (raw.max(axis=0) - raw.min(axis=0) + 1e-8 + 1e-5)
        window = (raw - origin) / scale
    else:
        origin, scale, window = np.float64(0), np.float64(1), raw
    last = window[-1].astype(np.float32) if SPEC["residual"] else np.float32(0)
    # A network may overflow on windows unlike any that it saw; who calls looks at what comes out.
    with np.errstate(over="ignore", invalid="ignore"):
        outputs = forward(kind, np.ascontiguousarray(window.T, dtype=np.float32))[:, index]
    out[:] = (last.astype(np.float64) + outputs) * scale + origin
