"""When weights are nowcast and what is kept for it: the same for Keras and PyTorch, and knows neither."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import Any, Callable, Optional, Sequence, Union

import numpy as np

from .numpy import HORIZONS, KINDS, RECOMMENDED, WINDOW_LENGTH, forecast, horizon_index

#: Epochs ahead to jump: always the same, or chosen at each nowcast by its epoch (from 0).
Horizon = Union[int, Callable[[int], int]]

_MOST_STEP_SCALE = 10


@dataclass(frozen=True)
class Nowcast:
    """What became of one nowcast."""

    #: Epoch (from 0) at whose end it happened.
    epoch: int
    #: ``kept``: the weights were replaced; ``skipped``: nothing was.
    outcome: str
    #: Why it was skipped; None when it was not.
    reason: Optional[str]
    #: Values replaced (or to be replaced), by kind.
    scalars: dict[str, int]
    #: Seconds that reading, forecasting and writing took.
    seconds: float
    #: Loss of the epoch, which was measured before the weights were replaced; None where nobody told it.
    loss: Optional[float]


@dataclass(frozen=True)
class TrackedTensor:
    """A tensor that nowcasts replace."""

    name: str
    kind: str
    shape: tuple[int, ...]
    #: Returns the current values.
    read: Callable[[], np.ndarray]
    #: Replaces them by a float32 array of that shape.
    write: Callable[[np.ndarray], None]

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))


def _require_whole(value: Any, least: int, option: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"not a whole number of at least {least}: {option} {value!r}; give {least} or more")
    return int(value)


class PeriodicForecasting:
    """Replaces weights by their forecasts once a period; the optimizer's state is untouched.

    Nowcasts happen at the end of the epochs e (from 0) from ``start_epoch`` on with (e + 1) mod ``period`` = 0.

    Args:
        period: Epochs from one nowcast to the next. Windows longer than it look back across earlier nowcasts. Default:
            what the nowcaster's makers recommend.
        start_epoch: First epoch (from 0) at whose end a nowcast may happen. Default: as recommended.
        step_scale: Multiplier on the predicted update; 1 lands on the forecast. Above 0, at most 10. Default: as
            recommended.
        horizon: Epochs ahead to jump, one that the nowcaster was trained for; or a function that chooses one by the
            epoch (from 0). Default: the farthest.
        kinds: Kinds of tensors to nowcast. Default: all that there is a network for.
        layers: Says whether to nowcast a layer. Default: all that can be.
        on_nowcast: Called after every nowcast, also after one that was skipped.

    Raises:
        ValueError: An option is impossible.
    """

    #: Nowcasts of this training, in order.
    history: list[Nowcast]

    def __init__(
        self,
        *,
        period: Optional[int] = None,
        start_epoch: Optional[int] = None,
        step_scale: Optional[float] = None,
        horizon: Optional[Horizon] = None,
        kinds: Optional[Sequence[str]] = None,
        layers: Optional[Callable[..., bool]] = None,
        on_nowcast: Optional[Callable[[Nowcast], None]] = None,
    ) -> None:
        super().__init__()
        self.period = _require_whole(RECOMMENDED["period"] if period is None else period, 1, "period")
        self.start_epoch = _require_whole(
            RECOMMENDED["start_epoch"] if start_epoch is None else start_epoch, 0, "start_epoch"
        )
        self.step_scale = float(RECOMMENDED["step_scale"] if step_scale is None else step_scale)
        if not 0 < self.step_scale <= _MOST_STEP_SCALE:
            raise ValueError(
                f"the step scale must be above 0 and at most {_MOST_STEP_SCALE}: step_scale {step_scale}; "
                "give 1 to go as far as the forecasts, or leave it out"
            )
        if not callable(horizon):
            horizon_index(horizon)
        self.kinds = KINDS if kinds is None else tuple(kinds)
        unknown = [kind for kind in self.kinds if kind not in KINDS]
        if unknown:
            raise ValueError(f"no network for this kind of tensor: kinds {unknown[0]!r}; use {', '.join(KINDS)}")
        self._horizon = horizon
        self._layers = layers
        self._on_nowcast = on_nowcast
        self._forget()

    def _forget(self) -> None:
        """Begins a new training."""
        self.history = []
        self._tensors: Optional[list[TrackedTensor]] = None
        self._slots: list[np.ndarray] = []
        self._last = -2
        self._consecutive = 0
        self._noted = False

    def _list_tensors(self) -> list[TrackedTensor]:
        raise NotImplementedError

    def _next_nowcast(self, epoch: int) -> int:
        """The first epoch from ``epoch`` on at whose end a nowcast is due."""
        first = max(epoch, self.start_epoch)
        return -(-(first + 1) // self.period) * self.period - 1

    def _track(self) -> list[TrackedTensor]:
        if self._tensors is None:
            listed = self._list_tensors()
            self._tensors = [tensor for kind in KINDS for tensor in listed if tensor.kind == kind]
            size = sum(tensor.size for tensor in self._tensors)
            self._slots = [np.empty(size, np.float32) for _ in range(WINDOW_LENGTH)]
        return self._tensors

    def _end_epoch(self, epoch: int, loss: Optional[float]) -> Optional[Nowcast]:
        """Records the weights of an epoch that has just ended, and replaces them where a nowcast is due."""
        due = self._next_nowcast(epoch)
        if due - epoch >= WINDOW_LENGTH:
            return None
        started = time.perf_counter()
        tensors = self._track()
        self._consecutive = self._consecutive + 1 if epoch == self._last + 1 else 1
        self._last = epoch
        slot = self._slots[epoch % WINDOW_LENGTH]
        offset = 0
        for tensor in tensors:
            slot[offset : offset + tensor.size] = np.asarray(tensor.read()).reshape(-1)
            offset += tensor.size
        if epoch != due:
            return None
        reason = self._nowcast(epoch, tensors)
        scalars = {kind: sum(tensor.size for tensor in tensors if tensor.kind == kind) for kind in KINDS}
        outcome = "kept" if reason is None else "skipped"
        nowcast = Nowcast(epoch, outcome, reason, scalars, time.perf_counter() - started, loss)
        self.history.append(nowcast)
        if self._on_nowcast is not None:
            self._on_nowcast(nowcast)
        return nowcast

    def _held(self) -> list[np.ndarray]:
        """The snapshots of the last epochs in a row, oldest first, at most a window of them."""
        count = min(self._consecutive, WINDOW_LENGTH)
        return [self._slots[(self._last - count + 1 + i) % WINDOW_LENGTH] for i in range(count)]

    def _nowcast(self, epoch: int, tensors: Sequence[TrackedTensor]) -> Optional[str]:
        """Replaces the weights. Returns why not, where it does not."""
        window = self._held()
        if len(window) < WINDOW_LENGTH:
            return f"only {len(window)} of {WINDOW_LENGTH} epochs recorded"
        if not tensors:
            return self._note(epoch, "the model has no layer that can be nowcast")
        if not all(np.isfinite(snapshot).all() for snapshot in window):
            return self._note(epoch, "weights are not finite (NaN or infinite)")
        horizon = self._horizon(epoch) if callable(self._horizon) else self._horizon
        current, forecasts = window[-1], window[0]
        begin = 0
        for kind in KINDS:
            end = begin + sum(tensor.size for tensor in tensors if tensor.kind == kind)
            if end > begin:
                forecast(kind, [snapshot[begin:end] for snapshot in window], horizon, forecasts[begin:end])
            begin = end
        if self.step_scale != 1:
            forecasts -= current
            forecasts *= np.float32(self.step_scale)
            forecasts += current
        if not np.isfinite(forecasts).all():
            return self._note(epoch, "the forecast is not finite (NaN or infinite)")
        offset = 0
        for tensor in tensors:
            # A framework may keep the array that it is given, and this one is written to again.
            tensor.write(forecasts[offset : offset + tensor.size].reshape(tensor.shape).copy())
            offset += tensor.size
        return None

    def _note(self, epoch: int, reason: str) -> str:
        if not self._noted:
            self._noted = True
            warnings.warn(f"nowcast at the end of epoch {epoch} skipped: {reason}", stacklevel=2)
        return reason

    def _state(self) -> dict[str, Any]:
        """What a training needs to go on within a window: plain data and copies of the snapshots, oldest first."""
        tensors = self._track()
        return {
            "last": self._last,
            "tensors": [[tensor.name, tensor.size] for tensor in tensors],
            "snapshots": [snapshot.copy() for snapshot in self._held()],
            "history": [dict(vars(nowcast)) for nowcast in self.history],
        }

    def _load_state(self, state: dict[str, Any]) -> None:
        """Goes on from what :meth:`_state` returned.

        Raises:
            ValueError: It is of another model or another nowcaster.
        """
        self._forget()
        tensors = [[tensor.name, tensor.size] for tensor in self._track()]
        if [list(entry) for entry in state["tensors"]] != tensors or len(state["snapshots"]) > WINDOW_LENGTH:
            raise ValueError("the state of another model or nowcaster: state; load it with what it was saved with")
        self._last, self._consecutive = state["last"], len(state["snapshots"])
        for slot, snapshot in zip(self._held(), state["snapshots"]):
            slot[:] = snapshot
        self.history = [Nowcast(**entry) for entry in state["history"]]


__all__ = ["HORIZONS", "Horizon", "Nowcast", "PeriodicForecasting", "TrackedTensor"]
