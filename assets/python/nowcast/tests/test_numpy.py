"""Forecasts against golden values, which were computed in float64 by a loop of another language."""

import json
from pathlib import Path

import numpy as np
import pytest

from .. import numpy as runtime

GOLDEN = json.loads((Path(__file__).parent.parent / "golden.json").read_text())
KINDS = list(GOLDEN)


def snapshots_of(kind):
    """The golden windows as snapshots: L arrays of a scalar a window."""
    return [np.array(values, np.float32) for values in zip(*GOLDEN[kind]["windows"])]


@pytest.mark.parametrize("kind", KINDS)
def test_forecasts_are_the_golden_ones(kind):
    expected = np.array(GOLDEN[kind]["forecasts"])
    for index, horizon in enumerate(runtime.HORIZONS):
        forecasts = runtime.forecast(kind, snapshots_of(kind), horizon)
        assert forecasts.dtype == np.float32
        np.testing.assert_allclose(forecasts, expected[:, index], rtol=0, atol=1e-5)
    farthest = runtime.forecast(kind, snapshots_of(kind))
    np.testing.assert_allclose(farthest, expected[:, -1], rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_many_scalars_of_any_shape_are_forecast_each_by_itself(kind):
    window = snapshots_of(kind)
    single = runtime.forecast(kind, window)
    copies = 105
    tiled = [np.tile(values, copies).reshape(7, -1, 8) for values in window]
    forecasts = runtime.forecast(kind, tiled)
    assert forecasts.shape == tiled[0].shape
    np.testing.assert_allclose(forecasts.reshape(copies, -1), np.tile(single, (copies, 1)), rtol=0, atol=1e-6)


def test_the_oldest_snapshot_may_receive_the_forecasts():
    kind = KINDS[0]
    window = snapshots_of(kind)
    expected = runtime.forecast(kind, window)
    result = runtime.forecast(kind, window, out=window[0])
    assert result is window[0]
    np.testing.assert_array_equal(window[0], expected)


def test_what_does_not_fit_is_refused_in_one_line():
    window = snapshots_of(KINDS[0])
    with pytest.raises(ValueError, match="^no network for this kind of tensor: kind 'other'; use "):
        runtime.forecast("other", window)
    with pytest.raises(ValueError, match="^no forecast 99 snapshots ahead: horizon 99; use one of "):
        runtime.forecast(KINDS[0], window, 99)
    with pytest.raises(ValueError, match="^1 snapshots of 1 shapes: snapshots; give "):
        runtime.forecast(KINDS[0], window[:1])
    with pytest.raises(ValueError, match="^the output does not fit: out; "):
        runtime.forecast(KINDS[0], window, out=np.empty(3, np.float32))
