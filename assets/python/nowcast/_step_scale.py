"""How far nowcasts go: a fixed step scale, one that the watch adapts, and its decrease towards the end of a training."""

from __future__ import annotations

import math
from typing import Any, Mapping, Optional, Union

from ._options import require_mapping

__all__ = ["StepScale", "decay_factor", "require_decay", "step_scale_range"]

#: A number, ``"adaptive"``, or bounds: ``{"start": ..., "min": ..., "max": ...}``.
StepScale = Union[float, str, Mapping[str, float]]

_MOST = 10


def _require(value: float) -> float:
    if not isinstance(value, (int, float)) or not 0 < value <= _MOST:
        raise ValueError(
            f"the step scale must be above 0 and at most {_MOST}: step_scale {value!r}; "
            "give 1 to go as far as the forecasts, or leave it out"
        )
    return float(value)


def step_scale_range(choice: Optional[StepScale], recommended: float) -> tuple[float, float, float]:
    """The first step scale, the least and the most; one value for a fixed one.

    Raises:
        ValueError: It is impossible.
    """
    adaptive: Any = {} if choice == "adaptive" else choice
    if not isinstance(adaptive, Mapping):
        start = _require(recommended if choice is None else choice)
        return start, start, start
    start = _require(adaptive.get("start", recommended))
    least = _require(adaptive.get("min", start / 2))
    most = _require(adaptive.get("max", max(start, min(_MOST, 2 * start))))
    if set(adaptive) - {"start", "min", "max"} or not least <= start <= most:
        raise ValueError(f"no bounds of an adaptive step scale: step_scale {dict(adaptive)!r}; give min <= start <= max")
    return start, least, most


def require_decay(decay: Mapping[str, Any]) -> dict[str, Any]:
    """A decay with all of its fields.

    Raises:
        ValueError: It is none.
    """
    require_mapping(decay, "step_scale_decay", "{'shape': 'linear'}")
    full = {"shape": "cosine", "over": 0.5, "to": 0.1, **decay}
    valid = len(full) == 3 and full["shape"] in ("linear", "cosine") and 0 < full["over"] <= 1 and 0 <= full["to"] <= 1
    if not valid:
        raise ValueError(
            f"not a decay of the step scale: step_scale_decay {dict(decay)!r}; "
            "give shape 'linear' or 'cosine', over above 0 and at most 1, to from 0 to 1"
        )
    return full


def decay_factor(decay: Mapping[str, Any], done: float) -> float:
    """Factor on the step scale, when this part of the training, from 0 to 1, has ended."""
    part = min(1, max(0, (done - (1 - decay["over"])) / decay["over"]))
    fall = part if decay["shape"] == "linear" else (1 - math.cos(math.pi * part)) / 2
    return 1 - (1 - decay["to"]) * fall
