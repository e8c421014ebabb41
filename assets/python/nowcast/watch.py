"""Whether nowcasts pay, judged by the training loss: losses in, decisions out. No framework, no clock, no randomness.

The rules are those of the toolkit's ``docs/watch.md``; a table of cases that the toolkit decided goes with the tests.
"""

from __future__ import annotations

import copy
import math
import sys
from dataclasses import dataclass, replace
from typing import Any, Optional, Sequence

from ._trend import trend_length, exp, fit_trend, median

__all__ = ["Judgment", "JumpWatch"]

# Standard deviations that a loss may lie above its trend.
_ALLOWANCE = 2
# What sums of fractions may lack of a whole number.
_ROUNDING = 1e-9
# Most periods from one nowcast to the next.
_MOST_PAUSE = 64
# Most lengths of its probation that a nowcast is said to gain.
_MOST_GAIN = 10
# Factor on the step scale after a nowcast that gained; after one that did not, its inverse; reverted, a half.
_SCALE_STEP = 1.2
_LEAST_LOSS = sys.float_info.min * sys.float_info.epsilon


@dataclass(frozen=True)
class Judgment:
    """What became of a nowcast."""

    #: ``gained``: the loss came back on its trend; ``late``: it did not, though it is lower than before the nowcast, so that
    #: a rollback would cost more; ``reverted``: it is not even that, and the training is rolled back; ``unjudged``: losses were
    #: missing.
    verdict: str
    #: Snapshots that it was on probation for.
    snapshots: int
    #: The loss that the trend has at the end, the highest that counts as on it, and the one measured; None when unjudged.
    expected: Optional[float]
    allowed: Optional[float]
    loss: Optional[float]
    #: Snapshots that the loss is ahead of its trend; negative: behind it. None where the trend does not fall.
    gain: Optional[float]
    #: Snapshots that it has cost: those discarded by rollbacks; by how many the loss, of a late one, is later than allowed.
    cost: float


def _judge(probation: dict[str, Any], time: int) -> Optional[Judgment]:
    """Judges a nowcast by the losses since, if they decide. ``time`` is that of the snapshot that it followed."""
    length, trend, losses = probation["length"], probation["trend"], probation["losses"]
    intercept, slope, logarithmic = trend["intercept"], trend["slope"], trend["logarithmic"]
    count = len(losses)

    def measure(y: float) -> float:
        return exp(y) if logarithmic else y

    level = intercept + slope * math.log(time)
    # Halves of what was measured at the end and before the nowcast are compared: medians, so that both have the same phase.
    ending = min(count, (length + 1) // 2)
    y = [math.log(max(loss, _LEAST_LOSS)) if logarithmic else loss for loss in losses]
    ahead = median(
        [value - intercept - slope * math.log(time + count - ending + 1 + i) for i, value in enumerate(y[-ending:])]
    )
    measured = median(y[-ending:])
    shift = math.log((time + count) / time)

    def snapshots_ahead(above: float) -> float:
        # The trend has the loss of now at the time t * exp(above / slope).
        found = (time + count) * exp(above / slope, math.expm1) if slope < 0 else -count
        return min(_MOST_GAIN * length, max(-count, found)) if found == found else found

    noise = trend["deviation"] * math.sqrt(1 / ending + 1 / trend["recent"])
    allowance = _ALLOWANCE * math.hypot(noise, trend["slope_deviation"] * shift)
    judgment = Judgment(
        verdict="gained",
        snapshots=count,
        expected=measure(measured - ahead),
        allowed=measure(measured - ahead + allowance),
        loss=measure(measured),
        gain=snapshots_ahead(ahead) if slope < 0 else None,
        cost=-snapshots_ahead(ahead - allowance) if ahead > allowance else 0,
    )
    if not all(math.isfinite(loss) for loss in losses) or _is_hopeless(probation, y, level):
        return replace(judgment, verdict="reverted", cost=count)
    if count < length:
        return None
    if ahead <= allowance + _ROUNDING:
        return judgment
    if measured > level + _ALLOWANCE * noise:
        return replace(judgment, verdict="reverted", cost=count)
    return replace(judgment, verdict="late")


def _is_hopeless(probation: dict[str, Any], y: Sequence[float], level: float) -> bool:
    """Whether a probation that goes on need not be waited for.

    For a third of it all losses are above all of the trend, or they fall so slowly that in a straight line they do not
    come down to where they were before the nowcast.

    Args:
        y: Its losses as the trend takes them.
        level: The trend before the nowcast.
    """
    length, trend = probation["length"], probation["trend"]
    count = len(y)
    if count >= length:
        return False
    if 3 * count >= length and min(y) > trend["range"][1]:
        return True
    half = count // 2
    if half == 0:
        return False
    before, after = sum(y[:half]) / half, sum(y[-half:]) / half
    # From the middle of the last half to the middle of the losses that decide at the end, in distances between the halves.
    ending = (length + 1) // 2
    steps = max(0, length - count - (ending - half) / 2) / (count - half)
    projected = after + min(after - before, 0) * steps
    noise = trend["deviation"] * math.sqrt(((1 + steps) ** 2 + steps**2) / half + 1 / trend["recent"])
    return projected > level + _ALLOWANCE * noise


class JumpWatch:
    """Watches the nowcasts of one training.

    Args:
        period: Snapshots from one nowcast to the next where every nowcast pays; the longest probation.
        budget: Share of the training's snapshots that nowcasts which do not pay may cost, above 0 and below 1.
        step_scale: ``(start, min, max)``: the step scale that it begins with and the range that it stays in; a range of one
            value: it does not adapt.
    """

    def __init__(self, period: int, budget: float = 0.1, step_scale: tuple[float, float, float] = (1, 1, 1)) -> None:
        self._period, self._budget, self._range = period, budget, step_scale
        self._state: dict[str, Any] = {
            # Mean loss between each snapshot and the one before, oldest first, without those of nowcasts that were reverted.
            "losses": [],
            # Number of the last snapshot.
            "last": None,
            # Snapshots seen, those of them that rollbacks discarded, and by how many late nowcasts were late.
            "seen": 0,
            "discarded": 0,
            "late": 0,
            # Periods from one nowcast to the next, and the first snapshot that one may follow.
            "pause": 1,
            "not_before": 0,
            "step_scale": step_scale[0],
            "probation": None,
        }

    @property
    def step_scale(self) -> float:
        return self._state["step_scale"]

    @property
    def pause(self) -> float:
        """Periods from one nowcast to the next."""
        return self._state["pause"]

    @property
    def not_before(self) -> int:
        """No nowcast before this snapshot."""
        return self._state["not_before"]

    @property
    def on_probation(self) -> bool:
        """Whether a nowcast waits for its judgment."""
        return self._state["probation"] is not None

    @property
    def sees(self) -> bool:
        """Whether it has seen any loss of this training."""
        return self._state["last"] is not None

    def state(self) -> dict[str, Any]:
        """A copy of what it remembers: plain data."""
        return copy.deepcopy(self._state)

    def restore(self, state: dict[str, Any]) -> None:
        """Puts back what :meth:`state` returned."""
        self._state = copy.deepcopy(state)

    def observe(self, snapshot: int, loss: Optional[float]) -> Optional[Judgment]:
        """Takes the mean training loss between a snapshot and the one before.

        Args:
            snapshot: Its number, from 0.
            loss: None when it is not known.

        Returns:
            The judgment of the nowcast on probation, when this loss decides it.
        """
        state = self._state
        probation, last = state["probation"], state["last"]
        gap = loss is None or (last is not None and snapshot != last + 1)
        state["seen"] += 1
        state["last"] = snapshot
        if gap:
            state["losses"] = []
            if probation is None:
                return None
            return self._end(Judgment("unjudged", len(probation["losses"]), None, None, None, None, 0))
        if probation is None:
            self._remember([loss])
            return None
        probation["losses"].append(loss)
        judgment = _judge(probation, self._time(probation["snapshot"]))
        return None if judgment is None else self._end(judgment)

    def affordable(self, left: Optional[int]) -> int:
        """How long a nowcast after the last snapshot could be on probation: no more than the budget can lose.

        Args:
            left: Snapshots that follow in this training; None: nobody knows.

        Returns:
            Snapshots, at most a period; 0: no nowcast may happen.
        """
        state, budget, period = self._state, self._budget, self._period
        seen, last = state["seen"], state["last"]
        if last is None or fit_trend(state["losses"], self._time(last), period) is None:
            return 0
        wasted = state["discarded"] + state["late"]
        # All of it may be lost: wasted + length <= budget * (the snapshots that the training is then known to have).
        if left is None:
            most, wanted = (budget * seen - wasted) / (1 - budget), period
        else:
            most = min(budget * (seen + left) - wasted, left - 1)
            wanted = min(period, math.floor(budget * (seen + left) + _ROUNDING))
        length = min(period, math.floor(most + _ROUNDING))
        return length if length >= max(1, wanted / 2) else 0

    def jump(self, length: int) -> None:
        """Tells that a nowcast has followed the last snapshot, which is on probation from now on."""
        snapshot = self._state["last"]
        trend = fit_trend(self._state["losses"], self._time(snapshot), self._period)
        self._state["probation"] = {"snapshot": snapshot, "length": length, "trend": trend, "losses": []}

    def _time(self, snapshot: int) -> int:
        """The time of a snapshot: how many there have been, without those that rollbacks discarded."""
        return snapshot + 1 - self._state["discarded"]

    def _remember(self, losses: Sequence[float]) -> None:
        self._state["losses"] = [*self._state["losses"], *losses][-trend_length(self._period) :]

    def _end(self, judgment: Judgment) -> Judgment:
        """Ends the probation: what is remembered, when the next nowcast may come, and how far it goes."""
        state, verdict = self._state, judgment.verdict
        snapshot, losses = state["probation"]["snapshot"], state["probation"]["losses"]
        state["probation"] = None
        if verdict == "reverted":
            state["discarded"] += judgment.cost
        elif verdict != "unjudged":
            self._remember(losses)
        if verdict == "late":
            state["late"] += judgment.cost
        if verdict == "gained":
            state["pause"] = max(1, state["pause"] / 2)
        elif verdict != "unjudged":
            state["pause"] = min(_MOST_PAUSE, state["pause"] * 2)
        # Powers of 2, so that this is a whole number.
        begin = state["last"] if verdict == "reverted" else snapshot
        state["not_before"] = int(begin + state["pause"] * self._period)
        factor = {
            "gained": _SCALE_STEP if (judgment.gain or 0) > 0 else 1 / _SCALE_STEP,
            "late": 1 / _SCALE_STEP,
            "reverted": 1 / 2,
            "unjudged": 1,
        }[verdict]
        _, least, most = self._range
        state["step_scale"] = min(most, max(least, state["step_scale"] * factor))
        return judgment
