"""The last few snapshots of a training's weights, or means of some, in buffers that are written over and over."""

from __future__ import annotations

from typing import Any, Callable, Optional

import numpy as np


class SnapshotWindow:
    """A ring of points, each a snapshot or the mean of ``averaged`` consecutive ones.

    Snapshot s belongs to point s // averaged, which stands in slot point mod points. Of a mean only the sum is held.
    """

    def __init__(self, points: int, averaged: int = 1) -> None:
        self.points = points
        self._averaged = averaged
        self._slots: list[np.ndarray] = []
        self.forget()

    @property
    def length(self) -> int:
        """Snapshots that the window spans."""
        return self.points * self._averaged

    def reset(self, size: int) -> None:
        """Forgets all snapshots and makes room for snapshots of ``size`` values."""
        if not self._slots or self._slots[0].size != size:
            self._slots = [np.zeros(size, np.float32) for _ in range(self.points)]
        self.forget()

    def forget(self) -> None:
        self._last = -2
        #: Snapshots without a gap up to the last one, at most ``length`` of which are held.
        self.consecutive = 0

    def record(self, snapshot: int, read: Callable[[np.ndarray], None]) -> None:
        """Records a snapshot: ``read`` fills the array that it is given."""
        self.consecutive = self.consecutive + 1 if snapshot == self._last + 1 else 1
        self._last = snapshot
        slot = self._slots[snapshot // self._averaged % self.points]
        place = snapshot % self._averaged
        if place == 0:
            read(slot)
        else:
            values = np.empty_like(slot)
            read(values)
            slot += values
        if place == self._averaged - 1 > 0:
            slot /= self._averaged

    def window(self) -> Optional[list[np.ndarray]]:
        """The points, oldest first; None while fewer than ``length`` snapshots in a row were recorded."""
        if self.consecutive < self.length or (self._last + 1) % self._averaged != 0:
            return None
        last = self._last // self._averaged
        return [self._slots[(last + 1 + i) % self.points] for i in range(self.points)]

    def state(self) -> dict[str, Any]:
        return {"slots": [slot.copy() for slot in self._slots], "last": self._last, "consecutive": self.consecutive}

    def restore(self, state: dict[str, Any]) -> None:
        """Puts back what :meth:`state` returned, into a window that was reset to the same size."""
        for slot, values in zip(self._slots, state["slots"]):
            slot[:] = values
        self._last, self.consecutive = state["last"], state["consecutive"]
