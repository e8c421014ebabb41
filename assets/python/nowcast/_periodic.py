"""When snapshots are taken and nowcasts happen: the same for Keras and PyTorch, and knows neither."""

from __future__ import annotations

import time
import warnings
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Callable, Iterable, Iterator, Mapping, Optional, Sequence, Union

import numpy as np

from ._cadence import describe_cadence, require_cadence, require_snapshots, require_whole
from ._forecasters import Forecaster
from ._nowcast import Nowcast, Probation, ProbationKeeper, nowcast_of
from ._options import require_flag, require_function, require_mapping, require_names
from ._step_scale import StepScale, decay_factor, require_decay, step_scale_range
from ._window import SnapshotWindow
from .watch import JumpWatch

_REMEDY = "give what was saved for this training"
_STATE = {"version", "cadence", "tensors", "count", "length", "due", "window", "history", "loss", "watch", "before"}


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
    #: Axes that number the filters, where nowcasts keep the filters' norms.
    filters: Optional[tuple[int, ...]] = None

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
        step_scale: Multiplier on the predicted update; 1 lands on the forecast. Above 0, at most 10. ``"adaptive"`` or
            ``{"start": ..., "min": ..., "max": ...}``: the watch makes it grow while nowcasts gain, and shrink when they
            do not, from half to twice the first one unless told otherwise. Default: as recommended.
        step_scale_decay: Decrease of the step scale over the last part of the training, whose length has to be known:
            ``{"shape": "cosine" or "linear", "over": 0.5, "to": 0.1}``. Default: none.
        cadence: When snapshots are taken: ``{"unit": "epoch" or "step", "every": n}``, or ``{"snapshots": n}`` for so many
            over a training whose length in steps is known. Default: as the nowcaster was trained.
        watch: Judges each nowcast by the training loss of the period that follows, rolls the training back
            when the nowcast did not help, and makes pauses longer. It begins when it sees losses.
        budget: Share of the training that nowcasts which did not help may cost, above 0 and below 1.
        length: Epochs or steps of the whole training, whichever the cadence counts. Default: what ``fit`` says; unknown in
            loops of one's own and with ``continue_training``.
        kinds: Kinds of tensors to nowcast. Default: all that the nowcaster was trained on; without one, conv, fc and bias, and norm
            and embedding can be given.
        layers: Says whether to nowcast a layer. Default: all that can be.
        keep_norm: Filters that stand directly before batch-norm keep their norms, since only their direction matters.
            In Keras True; in PyTorch names of their weights.
        recalibrate: Returns inputs of training batches, of which the first 8 are taken to estimate the moving statistics
            of batch-norm anew after each nowcast; or ``{"batches": function, "n": 8}``. Default: they follow as training
            goes on.
        on_nowcast: Called after every nowcast, also after one that was skipped, and again when one is reverted.

    Raises:
        ValueError: An option is impossible.
    """

    #: Nowcasts of this training, in order.
    history: list[Nowcast]

    def __init__(
        self,
        forecaster: Forecaster,
        *,
        period: Optional[int] = None,
        start: Optional[int] = None,
        step_scale: Optional[StepScale] = None,
        step_scale_decay: Optional[Mapping[str, Any]] = None,
        cadence: Optional[Mapping[str, Any]] = None,
        watch: bool = True,
        budget: float = 0.1,
        length: Optional[int] = None,
        kinds: Optional[Sequence[str]] = None,
        layers: Optional[Callable[..., bool]] = None,
        keep_norm: Union[bool, Sequence[str]] = False,
        recalibrate: Union[Callable[[], Iterable[Any]], Mapping[str, Any], None] = None,
        on_nowcast: Optional[Callable[[Nowcast], None]] = None,
    ) -> None:
        super().__init__()
        recommended, averaged = forecaster.recommended, forecaster.averaged
        self._forecaster = forecaster
        self.period = require_whole(recommended["period"] if period is None else period, 1, "period")
        self.start = require_whole(recommended["start"] if start is None else start, 0, "start")
        self._range = step_scale_range(step_scale, recommended["step_scale"])
        self._decay = None if step_scale_decay is None else require_decay(step_scale_decay)
        if isinstance(watch, Mapping):
            raise ValueError(f"the budget is an option of its own: watch {dict(watch)!r}; give e.g. budget=0.1")
        require_flag(watch, "watch")
        chosen = forecaster.cadence if cadence is None else cadence
        require_mapping(chosen, "cadence", "{'unit': 'step', 'every': 100}")
        # A number over the training: its length decides every how many steps that is.
        self._snapshots = require_snapshots(chosen)
        self.cadence = {"unit": "step", "every": 1} if self._snapshots else require_cadence(chosen)
        self._budget = budget if watch else None
        self._given_length = None if length is None else require_whole(length, 1, "length")
        if watch and not (isinstance(budget, (int, float)) and 0 < budget < 1):
            raise ValueError(f"the budget of a watch is a share of the training: budget {budget!r}; give e.g. 0.1")
        if not watch and self._range[1] < self._range[2]:
            raise ValueError(
                "a step scale adapts by what the watch sees, and the watch is off: step_scale; "
                "leave out watch=False, or give a number"
            )
        if self.period % averaged:
            raise ValueError(
                f"means of {averaged} snapshots end at a nowcast when the period is a multiple of {averaged}: "
                f"period {self.period}; give e.g. {-(-self.period // averaged) * averaged}"
            )
        self.kinds = forecaster.default_kinds if kinds is None else require_names(kinds, "kinds")
        unknown = [kind for kind in self.kinds if kind not in forecaster.kinds]
        if unknown:
            raise ValueError(
                f"no network for this kind of tensor: kinds {unknown[0]!r}; use {', '.join(forecaster.kinds)}"
            )
        self._layers = require_function(layers, "layers")
        self._keep_norm = keep_norm if isinstance(keep_norm, bool) else require_names(keep_norm, "keep_norm")
        self._recalibrate = None if recalibrate is None else _require_recalibration(recalibrate)
        self._on_nowcast = require_function(on_nowcast, "on_nowcast")
        self._window = SnapshotWindow(forecaster.window_length, averaged)
        self._restored: Optional[dict[str, Any]] = None
        self._notes: set[str] = set()
        self._reset()
        if self._snapshots is None:
            self._note_cadence()

    @property
    def step_scale(self) -> float:
        """The current step scale, before its decay."""
        watch = self._keeper.watch
        return self._range[0] if watch is None else watch.step_scale

    def _candidates(self) -> Iterator[tuple[int, str, TrackedTensor]]:
        """The tensors that can be nowcast, each with its identity and the name of its type, in the order of the model."""
        raise NotImplementedError

    def _read_point(self) -> dict[str, Any]:
        """All that the training can go back to: ``weights`` and ``optimizer``, None where that is out of reach."""
        raise NotImplementedError

    def _return_to(self, point: dict[str, Any]) -> None:
        """Goes back. The learning rate stays, because schedules set it by time."""
        raise NotImplementedError

    def _estimate_batch_norm(self, batches: Iterable[Any]) -> None:
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
        self._notes.discard("skipped")
        if keep:
            return
        self.history = []
        self._tensors: Optional[list[TrackedTensor]] = None
        self._window.forget()
        # Epochs or steps that have ended, of the whole training, and the snapshot whose nowcast is still to be applied.
        self._count: int = 0 if self._restored is None else self._restored["count"]
        self._is_settled = self._snapshots is None
        self._length = self._given_length
        self._due: Optional[int] = None
        self._loss: Optional[float] = None
        self._read_seconds = 0.0
        watch = None if self._budget is None else JumpWatch(self.period, self._budget, self._range)
        self._keeper = ProbationKeeper(watch)

    @property
    def _length(self) -> Optional[int]:
        """Epochs or steps of the whole training; None where nobody knows."""
        return self._total

    @_length.setter
    def _length(self, length: Optional[int]) -> None:
        self._total = length
        if self._snapshots is None:
            return
        if self._restored is not None:
            # The window that was restored has snapshots as they were taken.
            self.cadence, self._is_settled = dict(self._restored["cadence"]), True
        elif length is not None and self._count == 0:
            self.cadence, self._is_settled = {"unit": "step", "every": max(1, length // self._snapshots)}, True
            if length < self._snapshots:
                self._note(
                    "count", f"a training of {length} steps has no {self._snapshots} snapshots: one is taken at each step"
                )

    @property
    def counts_snapshots(self) -> bool:
        """Whether a number of snapshots over the training is taken, so that the cadence follows from its length."""
        return self._snapshots is not None

    def settled_cadence(self) -> dict[str, Any]:
        """When snapshots are taken.

        Raises:
            ValueError: It follows from the length of the training, which is not known.
        """
        self._require_cadence()
        return self.cadence

    def _require_cadence(self) -> None:
        if self._forecaster.needs_length and self._length is None:
            raise ValueError(
                "horizons for parts of the training, whose length is not known: horizon; "
                f"give length in {self.cadence['unit']}s, or one horizon"
            )
        if not self._is_settled:
            raise ValueError(
                f"how many steps the training has is not known: cadence {{'snapshots': {self._snapshots}}}; give length in "
                "steps, or a cadence, e.g. {'unit': 'step', 'every': 20}"
            )

    def _note_cadence(self) -> None:
        if self._forecaster.trained and self.cadence != self._forecaster.cadence:
            self._note(
                "cadence",
                f"the nowcaster was trained on snapshots {describe_cadence(self._forecaster.cadence)} and is applied to "
                f"snapshots {describe_cadence(self.cadence)}",
            )

    def _next_nowcast(self, snapshot: int) -> int:
        """The first snapshot from this one on that a nowcast follows."""
        first = max(snapshot, self.start)
        return -(-(first + 1) // self.period) * self.period - 1

    def _track(self) -> list[TrackedTensor]:
        if self._tensors is None:
            listed = self._list_tensors()
            self._tensors = [tensor for kind in self._forecaster.kinds for tensor in listed if tensor.kind == kind]
            self._window.reset(sum(tensor.size for tensor in self._tensors))
        if self._restored is not None:
            self._put_back(self._tensors, self._restored)
        return self._tensors

    def _end(self, loss: Optional[float], count: Optional[int] = None) -> None:
        """Ends an epoch or step, whichever the cadence counts; takes a snapshot where one is needed.

        Args:
            loss: The training loss of it; None where it is not known.
            count: How many have ended, this one included. Default: one more than before.
        """
        if self._restored is not None:
            self._track()
        self._require_cadence()
        self._note_cadence()
        self._count = self._count + 1 if count is None else count
        self._keeper.add(loss)
        if self._count % self.cadence["every"] != 0:
            return
        snapshot = self._count // self.cadence["every"] - 1
        self._keeper.observe(snapshot, self.history)
        watch = self._keeper.watch
        following = self._next_nowcast(snapshot if watch is None else max(snapshot, watch.not_before))
        if self._keeper.back_to is not None or following - snapshot >= self._window.length:
            return
        started = time.perf_counter()
        tensors = self._track()

        def read(slot: np.ndarray) -> None:
            offset = 0
            for tensor in tensors:
                slot[offset : offset + tensor.size] = np.asarray(tensor.read()).reshape(-1)
                offset += tensor.size

        self._window.record(snapshot, read)
        self._read_seconds = time.perf_counter() - started
        if snapshot == following:
            self._due, self._loss = snapshot, loss

    def _apply(self, epoch: Optional[int]) -> Optional[Nowcast]:
        """Goes on training: rolls back where the watch says so, and applies the nowcast that is due.

        Args:
            epoch: The epoch (from 0) that ended last, for the history.

        Returns:
            The nowcast that was due, or reverted; None when neither.
        """
        if self._restored is not None:
            self._track()
        point = self._keeper.back_to
        if point is not None:
            nowcast = self._revert(point)
        elif self._due is not None:
            snapshot, self._due = self._due, None
            nowcast = self._nowcast(snapshot, epoch, self._track())
            self.history.append(nowcast)
        else:
            return None
        if nowcast is not None and self._on_nowcast is not None:
            self._on_nowcast(nowcast)
        return nowcast

    def _finish(self) -> None:
        """Says when a training was too short for a nowcast."""
        snapshots = self._count // self.cadence["every"]
        needed = max(self._next_nowcast(0), self._window.length - 1) + 1
        if self.history and all(nowcast.outcome == "skipped" for nowcast in self.history):
            warnings.warn(
                f"no nowcast happened in {snapshots} snapshots ({describe_cadence(self.cadence)}): {self.history[0].reason}",
                stacklevel=2,
            )
        if not self.history and snapshots <= needed:
            warnings.warn(
                f"no nowcast happened: the training ended after {snapshots} snapshots ({describe_cadence(self.cadence)}), "
                f"the first nowcast follows snapshot {needed} when training goes on",
                stacklevel=2,
            )

    def _revert(self, point: dict[str, Any]) -> Optional[Nowcast]:
        started = time.perf_counter()
        self._return_to(point)
        # The trajectory goes on from there, behind a gap.
        self._window.forget()
        self._due = None
        if point["optimizer"] is None:
            self._note("optimizer", "rolled back to the weights before a nowcast, but the optimizer's state is out of reach")
        return self._keeper.reverted(self.history, time.perf_counter() - started)

    def _nowcast(self, snapshot: int, epoch: Optional[int], tensors: Sequence[TrackedTensor]) -> Nowcast:
        """Replaces the weights, where it can."""
        started = time.perf_counter()
        counted = dict.fromkeys(self._forecaster.kinds, 0)
        for tensor in tensors:
            counted[tensor.kind] += tensor.size
        nowcast = Nowcast(snapshot, epoch, "skipped", None, counted, self.step_scale * self._decay_factor(), 0, self._loss)
        nowcast.reason = self._attempt(nowcast, tensors)
        if nowcast.reason is None:
            nowcast.outcome = "kept"
            if self._recalibrate is not None:
                self._estimate_batch_norm(islice(self._recalibrate["batches"](), self._recalibrate["n"]))
        nowcast.seconds = self._read_seconds + time.perf_counter() - started
        return nowcast

    def _attempt(self, nowcast: Nowcast, tensors: Sequence[TrackedTensor]) -> Optional[str]:
        """Replaces the weights, and puts that on probation. Returns why not, where it does not."""
        window = self._window.window()
        if window is None:
            return f"only {self._window.consecutive} of {self._window.length} snapshots recorded"
        watch = self._keeper.watch
        length = None if watch is None else watch.affordable(self._snapshots_left())
        if length == 0:
            if self._length is not None:
                return "too few snapshots are left, or seen, for the budget of the watch"
            self._note(
                "unknown",
                "the length of the training is unknown, so the watch allows no nowcast before its budget has grown; "
                "give length",
            )
            return "too early for the watch, which does not know the length"
        forecasts = self._forecast(window, nowcast, tensors)
        if isinstance(forecasts, str):
            self._note("skipped", f"nowcast after snapshot {nowcast.snapshot} skipped: {forecasts}")
            return forecasts
        if watch is not None and length is not None:
            nowcast.probation = self._keeper.begin(watch, self._read_point(), length)
        offset = 0
        for tensor in tensors:
            # A framework may keep the array that it is given, and this one is written to again.
            tensor.write(forecasts[offset : offset + tensor.size].reshape(tensor.shape).copy())
            offset += tensor.size
        return None

    def _forecast(
        self, window: Sequence[np.ndarray], nowcast: Nowcast, tensors: Sequence[TrackedTensor]
    ) -> Union[np.ndarray, str]:
        """The weights to put in place of the current ones; or why there are none. The oldest snapshot is overwritten."""
        if not tensors:
            return "the model has no layer that can be nowcast"
        if not all(np.isfinite(values).all() for values in window):
            return "weights are not finite (NaN or infinite)"
        current, forecasts = window[-1], window[0]
        done = None if self._length is None else self._count / self._length
        self._forecaster.forecast(tensors, window, nowcast.snapshot, forecasts, done)
        if nowcast.step_scale != 1:
            forecasts -= current
            forecasts *= np.float32(nowcast.step_scale)
            forecasts += current
        offset = 0
        for tensor in tensors:
            if tensor.filters is not None:
                values, before = (flat[offset : offset + tensor.size].reshape(tensor.shape) for flat in (forecasts, current))
                values *= _norm_ratios(before, values, tensor.filters)
            offset += tensor.size
        return forecasts if np.isfinite(forecasts).all() else "the forecast is not finite (NaN or infinite)"

    def _snapshots_left(self) -> Optional[int]:
        """Snapshots that follow in this training; None where nobody knows."""
        return None if self._length is None else (self._length - self._count) // self.cadence["every"]

    def _decay_factor(self) -> float:
        if self._decay is None:
            return 1
        if self._length is not None:
            return decay_factor(self._decay, self._count / self._length)
        self._note("length", "the step scale does not decay: the length of the training is unknown; give length")
        return 1

    def _note(self, topic: str, note: str) -> None:
        if topic not in self._notes:
            self._notes.add(topic)
            warnings.warn(note, stacklevel=2)

    def _state(self) -> dict[str, Any]:
        """Where a training stands: plain data, copies of the snapshots, and what a rollback needs."""
        if self._restored is not None:
            return self._restored
        return {
            "version": 2,
            "cadence": dict(self.cadence),
            "tensors": [[tensor.name, tensor.size] for tensor in self._tensors or []],
            "count": self._count,
            "length": self._length,
            "due": self._due,
            "window": self._window.state(),
            "history": [asdict(nowcast) for nowcast in self.history],
            **self._keeper.state(),
        }

    def _restore(self, state: dict[str, Any]) -> None:
        """Goes on, in the next training, from what :meth:`_state` returned.

        Raises:
            ValueError: It is none, or of another cadence, or the watch is off in one of both. From the training, when it
                is of another model.
        """
        if not isinstance(state, dict) or not _STATE <= set(state) or state["version"] != 2:
            raise ValueError(f"not a nowcasting state of this version: state; {_REMEDY}")
        if (self._snapshots is None and state["cadence"] != self.cadence) or len(state["window"]["slots"]) not in (0, self._window.points):
            raise ValueError(f"the state of another cadence or nowcaster: state; {_REMEDY}")
        if (state["watch"] is None) != (self._budget is None):
            on, off = ("with", "off") if self._budget is None else ("without", "on")
            raise ValueError(f"a state {on} a watch, and the watch is {off}: state; {_REMEDY}")
        self._restored = state
        self._count = state["count"]
        if self._snapshots is not None:
            self.cadence, self._is_settled = dict(state["cadence"]), True

    def _put_back(self, tensors: Sequence[TrackedTensor], state: dict[str, Any]) -> None:
        self._restored = None
        own = [[tensor.name, tensor.size] for tensor in tensors]
        if state["tensors"] and [list(entry) for entry in state["tensors"]] != own:
            raise ValueError(f"the state of another model: state; {_REMEDY}")
        self._count, self._due = state["count"], state["due"]
        self._length = state["length"] if self._length is None else self._length
        self.history = [nowcast_of(entry) for entry in state["history"]]
        self._keeper.restore(state)
        self._window.restore(state["window"])


def _require_recalibration(recalibrate: Any) -> dict[str, Any]:
    full = {"batches": recalibrate} if callable(recalibrate) else recalibrate
    if not isinstance(full, Mapping) or not callable(full.get("batches")) or set(full) - {"batches", "n"}:
        raise ValueError("recalibration needs training batches: recalibrate; give a function that returns them")
    return {"batches": full["batches"], "n": require_whole(full.get("n", 8), 1, "n of recalibrate")}


def _norm_ratios(before: np.ndarray, values: np.ndarray, filters: Sequence[int]) -> np.ndarray:
    """What filters are multiplied by to have the norms that they had; 1 for a filter of zeros."""
    others = tuple(axis for axis in range(values.ndim) if axis not in [one % values.ndim for one in filters])
    kept, own = (np.square(array, dtype=np.float64).sum(axis=others, keepdims=True) for array in (before, values))
    return np.where(own > 0, np.sqrt(kept / np.where(own > 0, own, 1)), 1).astype(np.float32)


__all__ = ["Nowcast", "PeriodicForecasting", "Probation", "TrackedTensor"]
