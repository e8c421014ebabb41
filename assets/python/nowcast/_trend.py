"""The trend of the training loss: a robust line through its last values, which a nowcast is compared with."""

from __future__ import annotations

import math
from typing import Any, Optional, Sequence

__all__ = ["trend_length", "exp", "fit_trend", "median"]

# Fewest losses that a trend is fitted to.
_FEWEST = 4
# Half of the losses that a trend is fitted to, at most: this many periods, and not less than this many losses.
_HALF_PERIODS = 2
_HALF_LOSSES = 6


def trend_length(period: int) -> int:
    """Losses that a trend is fitted to, at most."""
    return 2 * max(_HALF_PERIODS * period, _HALF_LOSSES)


def exp(value: float, function: Any = math.exp) -> float:
    """``math.exp``, or ``math.expm1``, with infinity where they overflow."""
    try:
        return function(value)
    except OverflowError:
        return math.inf


def median(values: Sequence[float]) -> float:
    """Median; of an even number of values the mean of the two in the middle."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _robust_deviation(values: Sequence[float]) -> float:
    center = median(values)
    return 1.4826 * median([abs(value - center) for value in values])


def fit_trend(losses: Sequence[float], time: int, period: int) -> Optional[dict[str, Any]]:
    """Fits the trend of the last losses: slopes between losses half the window apart (Theil's incomplete method, 1950).

    The half is whole periods where there are as many losses, so that both are equally long after a nowcast.

    Args:
        losses: Oldest first; the last is at time ``time``, the others at whole times before it.
        time: At least the number of losses used.
        period: Snapshots from one nowcast to the next.

    Returns:
        The line in the logarithms of time and, if ``logarithmic``, of the loss: ``intercept``; ``slope``, at most 0; the
        standard deviations ``deviation`` of the losses around it and ``slope_deviation`` of the slope; ``recent``, losses
        that the intercept is the median of; ``range``, lowest and highest of the losses as they were taken. None when
        there are too few losses, or one is not finite.
    """
    most = min(len(losses), trend_length(period)) // 2
    half = most - most % period if most >= period else most
    used = list(losses[len(losses) - 2 * half :])
    if len(used) < _FEWEST or not all(math.isfinite(loss) for loss in used):
        return None
    logarithmic = all(loss > 0 for loss in used)
    y = [math.log(loss) for loss in used] if logarithmic else used
    x = [math.log(time - len(used) + 1 + i) for i in range(len(used))]
    slopes = [(y[i + half] - y[i]) / (x[i + half] - x[i]) for i in range(half)]
    slope = min(median(slopes), 0)
    intercepts = [value - slope * at for value, at in zip(y, x)]
    recent = min(half, (period + 1) // 2)
    return {
        "intercept": median(intercepts[-recent:]),
        "slope": slope,
        "logarithmic": logarithmic,
        "deviation": _robust_deviation(intercepts),
        "slope_deviation": _robust_deviation(slopes),
        "recent": recent,
        "range": [min(y), max(y)],
    }
