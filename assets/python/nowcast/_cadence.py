"""When the snapshots of a training are taken. Windows, horizons and periods count snapshots."""

from __future__ import annotations

from typing import Any, Mapping, Optional

UNITS = ("epoch", "step")


def require_whole(value: Any, least: int, option: str) -> int:
    """The whole number.

    Raises:
        ValueError: It is none, or less than ``least``.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"not a whole number of at least {least}: {option} {value!r}; give {least} or more")
    return value


def require_cadence(value: Mapping[str, Any]) -> dict[str, Any]:
    """A cadence with its two fields and no others.

    Raises:
        ValueError: It is none.
    """
    unit, every = value.get("unit"), value.get("every", 1)
    if unit not in UNITS or set(value) - {"unit", "every"}:
        raise ValueError(f"not a cadence: cadence {dict(value)!r}; write e.g. {{'unit': 'step', 'every': 100}}")
    return {"unit": unit, "every": require_whole(every, 1, "every")}


def require_snapshots(value: Mapping[str, Any]) -> Optional[int]:
    """The number of snapshots over the training; None for a cadence.

    Raises:
        ValueError: It is no whole number of at least 2.
    """
    if set(value) != {"snapshots"}:
        return None
    return require_whole(value["snapshots"], 2, "snapshots")


def describe_cadence(cadence: Mapping[str, Any]) -> str:
    """``every epoch``, ``every 100 steps``."""
    unit, every = cadence["unit"], cadence["every"]
    return f"every {unit}" if every == 1 else f"every {every} {unit}s"
