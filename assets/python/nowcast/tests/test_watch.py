"""The watch's decisions, against a table that the toolkit's own implementation has made."""

import copy
import json
import re
from dataclasses import asdict
from pathlib import Path

import pytest

from ..watch import JumpWatch

CASES = json.loads((Path(__file__).parent / "watch_cases.json").read_text())
_NOT_FINITE = {"NaN", "Infinity", "-Infinity"}


def spelled(value):
    """The toolkit's names as Python writes them, and numbers that JSON cannot write."""
    if isinstance(value, dict):
        return {re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", key): spelled(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [spelled(inner) for inner in value]
    return float(value) if isinstance(value, str) and value in _NOT_FINITE else value


def require_same(found, expected, where):
    """Numbers to 1e-12."""
    if isinstance(expected, dict):
        assert set(found) == set(expected), where
        for key, value in expected.items():
            require_same(found[key], value, f"{where}, {key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for i, value in enumerate(expected):
            require_same(found[i], value, f"{where}, {i}")
    elif isinstance(expected, (int, float)) and not isinstance(expected, bool):
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-12, nan_ok=True), where
    else:
        assert found == expected, where


def play(case, stop=None):
    """Decides a case; with ``stop`` by a second watch from that loss on."""
    settings = case["settings"]
    step_scale = tuple(settings["step_scale"][key] for key in ("start", "min", "max"))

    def make():
        return JumpWatch(settings["period"], settings["budget"], step_scale)

    watch, decisions = make(), []
    for i, loss in enumerate(case["losses"]):
        if i == stop:
            state, watch = watch.state(), make()
            watch.restore(copy.deepcopy(state))
        snapshot = i + 1 if case["gap"] is not None and i >= case["gap"] else i
        judgment = watch.observe(snapshot, loss)
        due = (snapshot + 1) % settings["period"] == 0 and snapshot >= watch.not_before and not watch.on_probation
        length = watch.affordable(len(case["losses"]) - 1 - i if case["known"] else None) if due else None
        if length:
            watch.jump(length)
        if judgment is not None or due:
            judged = None if judgment is None else list(asdict(judgment).values())
            decisions.append([snapshot, length, watch.pause, watch.not_before, watch.step_scale, judged])
    return decisions, watch.state()


@pytest.mark.parametrize("case", [spelled(case) for case in CASES], ids=[case["name"] for case in CASES])
def test_decisions_are_those_of_the_table(case):
    decisions, state = play(case)
    assert [one[0] for one in decisions] == [one[0] for one in case["decisions"]]
    require_same(decisions, case["decisions"], case["name"])
    require_same(state, case["state"], case["name"])


def test_a_state_goes_on_as_if_it_had_not_been_put_away():
    case = next(spelled(case) for case in CASES if case["name"] == "a step scale that adapts")
    straight = play(case)
    for stop in range(len(case["losses"])):
        assert play(case, stop) == straight
