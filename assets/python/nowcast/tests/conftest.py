"""The tests count epochs, whatever cadence the nowcaster was trained at."""

import pytest

from .._forecasters import NowcasterForecaster


@pytest.fixture(autouse=True)
def trained_on_snapshots_of_every_epoch(monkeypatch):
    monkeypatch.setattr(NowcasterForecaster, "cadence", {"unit": "epoch", "every": 1})
