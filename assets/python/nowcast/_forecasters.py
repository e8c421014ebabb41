"""What predicts weights: the trained networks, or the change of the weights' mean."""

from __future__ import annotations

import math
from typing import Any, Callable, Mapping, Optional, Sequence, Union

import numpy as np

from . import numpy as networks
from ._cadence import require_whole

#: Snapshots ahead to jump: always the same; several, each for an equal part of the training, whose length must be known; or
#: chosen at each nowcast by its snapshot (from 0).
Horizon = Union[int, Sequence[int], Callable[[int], int]]


class NowcasterForecaster:
    """Asks the networks.

    Raises:
        ValueError: There is no such horizon.
    """

    window_length = networks.WINDOW_LENGTH
    #: Snapshots of which each value of a window is the mean.
    averaged = 1
    #: The cadence that its makers chose, and whether another one is worth a warning.
    cadence: Mapping[str, Any] = networks.CADENCE
    trained = True
    recommended: Mapping[str, Any] = networks.RECOMMENDED
    kinds = default_kinds = networks.KINDS

    def __init__(self, horizon: Optional[Horizon] = None) -> None:
        several = isinstance(horizon, (list, tuple))
        if several and not horizon:
            raise ValueError(f"no horizon: horizon {horizon!r}; give one or several")
        if not callable(horizon):
            for one in horizon if several else [horizon]:
                networks.horizon_index(one)
        self._horizon = horizon
        #: Whether forecasts depend on the part of the training that has ended.
        self.needs_length = several

    def forecast(
        self,
        tensors: Sequence[Any],
        snapshots: Sequence[np.ndarray],
        snapshot: int,
        out: np.ndarray,
        done: Optional[float] = None,
    ) -> None:
        """Forecasts all values.

        Args:
            tensors: Those that the values belong to, in order, those of one kind together.
            snapshots: The window: flat arrays, oldest first.
            snapshot: Number (from 0) of the last one.
            out: Receives the forecasts; may be the oldest of the snapshots.
            done: Part of the training that has ended, from 0 to 1; None where its length is not known.
        """
        horizon: Any = self._horizon
        if callable(horizon):
            horizon = horizon(snapshot)
        elif self.needs_length:
            horizon = horizon[min(len(horizon) - 1, int((done or 0) * len(horizon)))]
        begin = 0
        for kind in self.kinds:
            own = [(tensor.name, tensor.shape) for tensor in tensors if tensor.kind == kind]
            end = begin + sum(tensor.size for tensor in tensors if tensor.kind == kind)
            if end > begin:
                networks.forecast(kind, [values[begin:end] for values in snapshots], horizon, out[begin:end], own)
            begin = end


class MeanLinearForecaster:
    """Goes on from the mean m of the last snapshots by ``horizon * (m - m0) / (averaged * (window - 1))``.

    m0 is the first mean of the window. It needs no training.

    Args:
        averaged: Snapshots that a mean is of.
        window: Means, one behind the other, whose change from the first to the last is gone along; from 2.
        horizon: Snapshots to go along it, above 0. Default: four times as many as a mean is of.

    Raises:
        ValueError: An argument is impossible.
    """

    cadence: Mapping[str, Any] = {"unit": "step", "every": 10}
    trained = False
    kinds = ("conv", "fc", "bias", "norm", "embedding")
    default_kinds = ("conv", "fc", "bias")
    needs_length = False

    def __init__(self, averaged: int = 8, window: int = 2, horizon: Optional[float] = None) -> None:
        self.averaged = require_whole(averaged, 1, "averaged")
        self.window_length = require_whole(window, 2, "window")
        horizon = 4 * averaged if horizon is None else horizon
        if not (horizon > 0 and math.isfinite(horizon)):
            raise ValueError(f"the horizon must be above 0: horizon {horizon}; give e.g. {4 * averaged}")
        self._means = horizon / (averaged * (window - 1))
        self.recommended = {"period": 5 * averaged, "start": window * averaged - 1, "step_scale": 1}

    def forecast(
        self,
        tensors: Sequence[Any],
        snapshots: Sequence[np.ndarray],
        snapshot: int,
        out: np.ndarray,
        done: Optional[float] = None,
    ) -> None:
        """As of :class:`NowcasterForecaster`."""
        first, last = snapshots[0], snapshots[-1]
        np.subtract(last, first, out=out)
        out *= np.float32(self._means)
        out += last


Forecaster = Union[NowcasterForecaster, MeanLinearForecaster]
