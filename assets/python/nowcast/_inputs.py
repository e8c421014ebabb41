"""What networks see besides the window of a scalar: how it stands in its tensor, and how the tensor moves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional, Sequence

import numpy as np

from ._kind_rules import NAMED_ROLES, ROLES

#: Scale of a tensor that does not move; added to that of every other.
_RESTING_SCALE = 1e-8
#: Divides logarithms, so that they are of the size of the other inputs.
_LOGARITHM_SCALE = 5


@dataclass(frozen=True)
class Tensor:
    """A tensor that values belong to."""

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True)
class Statistics:
    """How a tensor moved over a window."""

    #: Root mean square of the changes from snapshot to snapshot.
    change_rms: float
    #: Root mean square of the last snapshot's values.
    value_rms: float
    #: Squared length of the whole change, over that of a straight line at constant speed.
    straightness: float
    #: Mean of the inner products of successive changes, over the mean squared length of the changes.
    agreement: float

    @property
    def scale(self) -> float:
        return self.change_rms + _RESTING_SCALE


def statistics_of(raw: Sequence[np.ndarray]) -> Statistics:
    """The statistics of one tensor.

    Args:
        raw: Its values, flat, oldest first. Computed in float64, a snapshot at a time.
    """
    steps = len(raw) - 1
    changes = products = 0.0
    before: Optional[np.ndarray] = None
    for older, newer in zip(raw, raw[1:]):
        change = newer.astype(np.float64) - older
        changes += float(change @ change)
        if before is not None:
            products += float(change @ before)
        before = change
    last = raw[-1].astype(np.float64)
    whole = last - raw[0]
    squared = changes / steps
    return Statistics(
        change_rms=float(np.sqrt(squared / last.size)),
        value_rms=float(np.sqrt(last @ last / last.size)),
        straightness=float(whole @ whole) / (steps * steps * squared) if squared > 0 else 0.0,
        agreement=products / (steps - 1) / squared if squared > 0 and steps > 1 else 0.0,
    )


def context_of(tensor: Tensor, statistics: Statistics, last: np.ndarray, first: int) -> np.ndarray:
    """The input ``context`` of scalars of a tensor, [count, 6].

    Args:
        last: Their values in the last snapshot.
        first: How many of the tensor's scalars stand before the first of them.
    """
    values = statistics.value_rms + 1e-8
    rows = np.empty((last.size, 6), np.float32)
    rows[:, 0] = np.clip(last.astype(np.float64) / values, -5, 5)
    rows[:, 1] = _logarithm(statistics.change_rms / values)
    rows[:, 2] = statistics.straightness
    rows[:, 3] = statistics.agreement
    rows[:, 4] = _logarithm(tensor.size)
    rows[:, 5] = np.arange(first, first + last.size) / tensor.size
    return rows


def role_of(tensor: Tensor, kind: str) -> Optional[str]:
    """What a tensor does in its network; finer than its kind, which chooses the network."""
    shape = tensor.shape
    if kind == "conv" and len(shape) == 4 and shape[0] > 1 and shape[1] == 1 and shape[2] == shape[3] and 1 < shape[2] < 12:
        return "depthwise"
    for role, of_kind, pattern in NAMED_ROLES:
        if of_kind == kind and re.search(pattern, tensor.name, re.IGNORECASE):
            return str(role)
    return kind if kind in ROLES else None


def role_rows(tensor: Tensor, kind: str, count: int) -> np.ndarray:
    """The input ``role``, one-hot, [count, roles]."""
    rows = np.zeros((count, len(ROLES)), np.float32)
    role = role_of(tensor, kind)
    if role is not None:
        rows[:, ROLES.index(role)] = 1
    return rows


def _logarithm(value: float) -> float:
    return float(np.log10(value + 1e-8)) / _LOGARITHM_SCALE
