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


def tensor_of(kind):
    return GOLDEN[kind]["tensor"]["name"], GOLDEN[kind]["tensor"]["shape"]


@pytest.mark.parametrize("kind", KINDS)
def test_forecasts_are_the_golden_ones(kind):
    expected = np.array(GOLDEN[kind]["forecasts"])
    tensors = [tensor_of(kind)]
    for index, horizon in enumerate(runtime.HORIZONS):
        forecasts = runtime.forecast(kind, snapshots_of(kind), horizon, tensors=tensors)
        assert forecasts.dtype == np.float32
        np.testing.assert_allclose(forecasts, expected[:, index], rtol=0, atol=1e-5)
    farthest = runtime.forecast(kind, snapshots_of(kind), tensors=tensors)
    np.testing.assert_allclose(farthest, expected[:, -1], rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_tensors_that_stand_side_by_side_are_forecast_each_by_itself(kind):
    """The last one stands still, which changes nothing for the first two."""
    window = snapshots_of(kind)
    single = runtime.forecast(kind, window, tensors=[tensor_of(kind)])
    resting = [window[0]] * len(window)
    both = [np.concatenate(parts) for parts in zip(window, window, resting)]
    forecasts = runtime.forecast(kind, both, tensors=[tensor_of(kind)] * 3).reshape(3, -1)
    np.testing.assert_allclose(forecasts[:2], [single, single], rtol=0, atol=1e-6)
    np.testing.assert_allclose(
        forecasts[2], runtime.forecast(kind, resting, tensors=[tensor_of(kind)]), rtol=0, atol=1e-6
    )
    with pytest.raises(ValueError, match="^tensors of another size than the snapshots: tensors; "):
        runtime.forecast(kind, both, tensors=[tensor_of(kind)])


@pytest.mark.skipif(runtime.LOOKS_AT_TENSORS, reason="a scalar's forecast depends on its tensor")
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
