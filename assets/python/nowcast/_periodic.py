"""When snapshots are taken and nowcasts happen: the same for Keras and PyTorch, and knows neither."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import Any, Callable, Iterator, Mapping, Optional, Sequence, Union

import numpy as np

from ._cadence import describe_cadence, require_cadence, require_whole
from .numpy import CADENCE, KINDS, RECOMMENDED, WINDOW_LENGTH, forecast, horizon_index

#: Snapshots ahead to jump: always the same, or chosen at each nowcast by its snapshot (from 0).
Horizon = Union[int, Callable[[int], int]]

_MOST_STEP_SCALE = 10


@dataclass(frozen=True)
class Nowcast:
    """What became of one nowcast."""

    #: Number (from 0) of the snapshot that it followed.
    snapshot: int
    #: Epoch (from 0) that had ended last, or that it happened in; None in loops of one's own.
    epoch: Optional[int]
    #: ``kept``: the weights were replaced; ``skipped``: nothing was.
    outcome: str
    #: Why it was skipped; None when it was not.
    reason: Optional[str]
    #: Values replaced (or to be replaced), by kind.
    scalars: dict[str, int]
    #: Seconds that reading, forecasting and writing took.
    seconds: float
    #: Loss that was told with the snapshot, measured before the weights were replaced; None where none was.
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


class PeriodicForecasting:
    """Replaces weights by their forecasts once a period; the optimizer's state is untouched.

    Nowcasts follow the snapshots s (from 0) from ``start`` on with (s + 1) mod ``period`` = 0, and happen when
    training goes on.

    Args:
        period: Snapshots from one nowcast to the next. Windows longer than it look back across earlier nowcasts.
            Default: what the nowcaster's makers recommend.
        start: First snapshot (from 0) after which a nowcast may happen. Default: as recommended.
        step_scale: Multiplier on the predicted update; 1 lands on the forecast. Above 0, at most 10. Default: as
            recommended.
        horizon: Snapshots ahead to jump, one that the nowcaster was trained for; or a function that chooses one by the
            snapshot (from 0). Default: the farthest.
        cadence: When snapshots are taken: ``{"unit": "epoch" or "step", "every": n}``. Default: as the nowcaster was
            trained.
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
        start: Optional[int] = None,
        step_scale: Optional[float] = None,
        horizon: Optional[Horizon] = None,
        cadence: Optional[Mapping[str, Any]] = None,
        kinds: Optional[Sequence[str]] = None,
        layers: Optional[Callable[..., bool]] = None,
        on_nowcast: Optional[Callable[[Nowcast], None]] = None,
    ) -> None:
        super().__init__()
        recommended = RECOMMENDED
        self.period = require_whole(recommended["period"] if period is None else period, 1, "period")
        start = recommended["start"] if start is None else start
        self.start = require_whole(start, 0, "start")
        self.step_scale = float(recommended["step_scale"] if step_scale is None else step_scale)
        if not 0 < self.step_scale <= _MOST_STEP_SCALE:
            raise ValueError(
                f"the step scale must be above 0 and at most {_MOST_STEP_SCALE}: step_scale {step_scale}; "
                "give 1 to go as far as the forecasts, or leave it out"
            )
        if not callable(horizon):
            horizon_index(horizon)
        self.cadence = require_cadence(CADENCE if cadence is None else cadence)
        if self.cadence != CADENCE:
            warnings.warn(
                f"the nowcaster was trained on snapshots {describe_cadence(CADENCE)} and is applied to snapshots "
                f"{describe_cadence(self.cadence)}",
                stacklevel=2,
            )
        self.kinds = KINDS if kinds is None else tuple(kinds)
        unknown = [kind for kind in self.kinds if kind not in KINDS]
        if unknown:
            raise ValueError(f"no network for this kind of tensor: kinds {unknown[0]!r}; use {', '.join(KINDS)}")
        self._horizon = horizon
        self._layers = layers
        self._on_nowcast = on_nowcast
        self._restored: Optional[dict[str, Any]] = None
        self._reset()

    def _candidates(self) -> Iterator[tuple[int, str, TrackedTensor]]:
        """The tensors that can be nowcast, each with its identity and the name of its type, in the order of the model."""
        raise NotImplementedError

    def _list_tensors(self) -> list[TrackedTensor]:
        """The tensors that nowcasts replace, in the order of the model; shared ones once."""
        found: dict[int, TrackedTensor] = {}
        other_types: list[str] = []
        for identity, type_name, tensor in self._candidates():
            if identity in found or tensor.kind not in self.kinds:
                continue
            if type_name.endswith("float32"):
                found[identity] = tensor
            else:
                other_types.append(f"{tensor.name} ({type_name})")
        if other_types:
            warnings.warn(f"only float32 is nowcast; left alone: {', '.join(other_types[:4])}", stacklevel=2)
        return list(found.values())

    def _reset(self, keep: bool = False) -> None:
        """Begins a new training; with ``keep`` one of the same model, whose window and counters go on."""
        self.history = []
        self._noted = False
        if keep:
            return
        self._tensors: Optional[list[TrackedTensor]] = None
        # A ring: snapshot s stands in slot s mod the window's length.
        self._slots: list[np.ndarray] = []
        self._last = -2
        self._consecutive = 0
        # Epochs or steps that have ended, and the snapshot whose nowcast is still to be applied.
        self._count = 0
        self._due: Optional[int] = None
        self._loss: Optional[float] = None
        self._read_seconds = 0.0

    def _ended(self) -> int:
        """Epochs or steps that have ended, those of a state that is to be restored included."""
        return self._count if self._restored is None else self._restored["count"]

    def _next_nowcast(self, snapshot: int) -> int:
        """The first snapshot from this one on that a nowcast follows."""
        first = max(snapshot, self.start)
        return -(-(first + 1) // self.period) * self.period - 1

    def _track(self) -> list[TrackedTensor]:
        if self._tensors is None:
            listed = self._list_tensors()
            self._tensors = [tensor for kind in KINDS for tensor in listed if tensor.kind == kind]
            size = sum(tensor.size for tensor in self._tensors)
            self._slots = [np.zeros(size, np.float32) for _ in range(WINDOW_LENGTH)]
        if self._restored is not None:
            self._put_back(self._tensors, self._restored)
        return self._tensors

    def _end(self, loss: Optional[float], count: Optional[int] = None) -> None:
        """Ends an epoch or step, whichever the cadence counts; takes a snapshot where one is needed.

        Args:
            loss: The loss of it, for the history.
            count: How many have ended, this one included. Default: one more than before.
        """
        if self._restored is not None:
            self._track()
        self._count = self._count + 1 if count is None else count
        if self._count % self.cadence["every"] != 0:
            return
        snapshot = self._count // self.cadence["every"] - 1
        following = self._next_nowcast(snapshot)
        if following - snapshot >= WINDOW_LENGTH:
            return
        started = time.perf_counter()
        tensors = self._track()
        self._consecutive = self._consecutive + 1 if snapshot == self._last + 1 else 1
        self._last = snapshot
        slot = self._slots[snapshot % WINDOW_LENGTH]
        offset = 0
        for tensor in tensors:
            slot[offset : offset + tensor.size] = np.asarray(tensor.read()).reshape(-1)
            offset += tensor.size
        self._read_seconds = time.perf_counter() - started
        if snapshot == following:
            self._due, self._loss = snapshot, loss

    def _apply(self, epoch: Optional[int]) -> Optional[Nowcast]:
        """Goes on training: applies the nowcast that is due, if one is.

        Args:
            epoch: The epoch (from 0) that ended last, for the history.
        """
        if self._restored is not None:
            self._track()
        snapshot, self._due = self._due, None
        if snapshot is None:
            return None
        started = time.perf_counter()
        tensors = self._track()
        reason = self._nowcast(snapshot, tensors)
        nowcast = Nowcast(
            snapshot=snapshot,
            epoch=epoch,
            outcome="kept" if reason is None else "skipped",
            reason=reason,
            scalars={kind: sum(tensor.size for tensor in tensors if tensor.kind == kind) for kind in KINDS},
            seconds=self._read_seconds + time.perf_counter() - started,
            loss=self._loss,
        )
        self.history.append(nowcast)
        if self._on_nowcast is not None:
            self._on_nowcast(nowcast)
        return nowcast

    def _finish(self) -> None:
        """Says when a training was too short for a nowcast."""
        snapshots = self._count // self.cadence["every"]
        needed = max(self._next_nowcast(0), WINDOW_LENGTH - 1) + 1
        if not self.history and snapshots <= needed:
            warnings.warn(
                f"no nowcast happened: the training ended after {snapshots} snapshots ({describe_cadence(self.cadence)}), "
                f"the first nowcast follows snapshot {needed} when training goes on",
                stacklevel=2,
            )

    def _held(self) -> list[np.ndarray]:
        """The snapshots in a row up to the last one, oldest first, at most a window of them."""
        count = min(self._consecutive, WINDOW_LENGTH)
        return [self._slots[(self._last - count + 1 + i) % WINDOW_LENGTH] for i in range(count)]

    def _nowcast(self, snapshot: int, tensors: Sequence[TrackedTensor]) -> Optional[str]:
        """Replaces the weights. Returns why not, where it does not."""
        window = self._held()
        if len(window) < WINDOW_LENGTH:
            return f"only {len(window)} of {WINDOW_LENGTH} snapshots recorded"
        if not tensors:
            return self._note(snapshot, "the model has no layer that can be nowcast")
        if not all(np.isfinite(values).all() for values in window):
            return self._note(snapshot, "weights are not finite (NaN or infinite)")
        horizon = self._horizon(snapshot) if callable(self._horizon) else self._horizon
        current, forecasts = window[-1], window[0]
        begin = 0
        for kind in KINDS:
            end = begin + sum(tensor.size for tensor in tensors if tensor.kind == kind)
            if end > begin:
                forecast(kind, [values[begin:end] for values in window], horizon, forecasts[begin:end])
            begin = end
        if self.step_scale != 1:
            forecasts -= current
            forecasts *= np.float32(self.step_scale)
            forecasts += current
        if not np.isfinite(forecasts).all():
            return self._note(snapshot, "the forecast is not finite (NaN or infinite)")
        offset = 0
        for tensor in tensors:
            # A framework may keep the array that it is given, and this one is written to again.
            tensor.write(forecasts[offset : offset + tensor.size].reshape(tensor.shape).copy())
            offset += tensor.size
        return None

    def _note(self, snapshot: int, reason: str) -> str:
        if not self._noted:
            self._noted = True
            warnings.warn(f"nowcast after snapshot {snapshot} skipped: {reason}", stacklevel=2)
        return reason

    def _state(self) -> dict[str, Any]:
        """Where a training stands: plain data, and copies of the snapshots, oldest first."""
        if self._restored is not None:
            return self._restored
        return {
            "cadence": dict(self.cadence),
            "tensors": [[tensor.name, tensor.size] for tensor in self._tensors or []],
            "count": self._count,
            "due": self._due,
            "last": self._last,
            "snapshots": [values.copy() for values in self._held()],
        }

    def _restore(self, state: dict[str, Any]) -> None:
        """Goes on, in the next training, from what :meth:`_state` returned.

        Raises:
            ValueError: It is none, or of another cadence. From the training, when it is of another model.
        """
        remedy = "give what was saved for this training"
        if not isinstance(state, dict) or not {"cadence", "tensors", "count", "due", "last", "snapshots"} <= set(state):
            raise ValueError(f"not a nowcasting state: state; {remedy}")
        if state["cadence"] != self.cadence or len(state["snapshots"]) > WINDOW_LENGTH:
            raise ValueError(f"the state of another cadence or nowcaster: state; {remedy}")
        self._restored = state

    def _put_back(self, tensors: Sequence[TrackedTensor], state: dict[str, Any]) -> None:
        self._restored = None
        own = [[tensor.name, tensor.size] for tensor in tensors]
        if state["snapshots"] and [list(entry) for entry in state["tensors"]] != own:
            raise ValueError("the state of another model: state; give what was saved for this training")
        self._count, self._due, self._last = state["count"], state["due"], state["last"]
        self._consecutive = len(state["snapshots"])
        for slot, values in zip(self._held(), state["snapshots"]):
            slot[:] = values


__all__ = ["Horizon", "Nowcast", "PeriodicForecasting", "TrackedTensor"]
