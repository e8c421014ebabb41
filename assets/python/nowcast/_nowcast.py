"""The record of a nowcast, and the watch over it: the losses that it is told, and what a rollback needs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Optional

from .watch import JumpWatch


@dataclass
class Probation:
    """The watch over one nowcast; the fields of a :class:`.watch.Judgment`."""

    #: ``pending`` until it is judged.
    verdict: str
    snapshots: int
    expected: Optional[float]
    allowed: Optional[float]
    loss: Optional[float]
    gain: Optional[float]
    cost: float
    #: Bytes of weights and optimizer state that were held for a rollback.
    bytes: int


@dataclass
class Nowcast:
    """What became of one nowcast."""

    #: Number (from 0) of the snapshot that it followed.
    snapshot: int
    #: Epoch (from 0) that had ended last, or that it happened in; None in loops of one's own.
    epoch: Optional[int]
    #: ``kept``: the weights were replaced; ``reverted``: they were, and the training was rolled back; ``skipped``: nothing was.
    outcome: str
    #: Why it was reverted or skipped; None when kept.
    reason: Optional[str]
    #: Values replaced (or to be replaced), by kind.
    scalars: dict[str, int]
    #: Multiplier on the predicted update.
    step_scale: float
    #: Seconds that reading, forecasting, writing, keeping what a rollback needs, and rolling back took.
    seconds: float
    #: Loss that was told with the snapshot, measured before the weights were replaced; None where none was.
    loss: Optional[float]
    #: The watch over it; None where there was none.
    probation: Optional[Probation] = None


def nowcast_of(fields: dict[str, Any]) -> Nowcast:
    """The nowcast whose fields ``dataclasses.asdict`` listed."""
    probation = fields["probation"]
    return Nowcast(**{**fields, "probation": None if probation is None else Probation(**probation)})


def bytes_of(held: Any) -> int:
    """Bytes of the arrays and tensors in lists and dictionaries."""
    if isinstance(held, dict):
        held = list(held.values())
    if isinstance(held, (list, tuple)):
        return sum(map(bytes_of, held))
    return int(getattr(held, "nbytes", 0))


class ProbationKeeper:
    """Tells the watch of one training the losses, and keeps what a rollback needs.

    Args:
        watch: None: every nowcast is kept.
    """

    def __init__(self, watch: Optional[JumpWatch]) -> None:
        self._watch = watch
        # Sum of the losses since the last snapshot, and how many; None when one is missing.
        self._loss: Optional[list[float]] = [0, 0]
        self._before: Optional[dict[str, Any]] = None

    @property
    def watch(self) -> Optional[JumpWatch]:
        """The watch, where it has seen losses: without any, nowcasts happen as if there were none."""
        return self._watch if self._watch is not None and self._watch.sees else None

    @property
    def back_to(self) -> Optional[dict[str, Any]]:
        """What a rollback needs; None when it need not."""
        return self._before["point"] if self._before is not None and self._before["revert"] else None

    def add(self, loss: Optional[float]) -> None:
        """Takes the loss of an epoch or a step; None where it is not known."""
        if loss is None:
            self._loss = None
        elif self._loss is not None:
            self._loss = [self._loss[0] + loss, self._loss[1] + 1]

    def observe(self, snapshot: int, history: list[Nowcast]) -> None:
        """Tells the watch the mean loss since the last snapshot, and what it decides to the history."""
        mean = self._loss[0] / self._loss[1] if self._loss is not None and self._loss[1] else None
        self._loss = [0, 0]
        if self._watch is None or (mean is None and not self._watch.sees):
            return
        judgment = self._watch.observe(snapshot, mean)
        if judgment is None:
            return
        for nowcast in reversed(history):
            if nowcast.probation is not None and nowcast.probation.verdict == "pending":
                nowcast.probation = Probation(**asdict(judgment), bytes=nowcast.probation.bytes)
                break
        if judgment.verdict != "reverted":
            self._before = None
        elif self._before is not None:
            self._before["revert"] = True

    def begin(self, watch: JumpWatch, point: dict[str, Any], length: int) -> Probation:
        """Puts a nowcast on probation."""
        self._before = {"point": point, "revert": False}
        watch.jump(length)
        return Probation("pending", 0, None, None, None, None, 0, bytes_of(point))

    def reverted(self, history: list[Nowcast], seconds: float) -> Optional[Nowcast]:
        """Tells that the training was rolled back, in so many seconds; returns the nowcast."""
        self._before = None
        for nowcast in reversed(history):
            probation = nowcast.probation
            if probation is None or probation.verdict != "reverted":
                continue
            nowcast.outcome = "reverted"
            nowcast.reason = (
                f"after {probation.snapshots} snapshots the training loss was {probation.loss:.6g}, "
                f"on its trend at most {probation.allowed:.6g}"
            )
            nowcast.seconds += seconds
            return nowcast
        return None

    def state(self) -> dict[str, Any]:
        watch = None if self._watch is None else self._watch.state()
        before = None if self._before is None else dict(self._before)
        return {"loss": None if self._loss is None else list(self._loss), "watch": watch, "before": before}

    def restore(self, state: dict[str, Any]) -> None:
        """Puts back what :meth:`state` returned."""
        self._loss = None if state["loss"] is None else list(state["loss"])
        self._before = None if state["before"] is None else dict(state["before"])
        if self._watch is not None and state["watch"] is not None:
            self._watch.restore(state["watch"])
