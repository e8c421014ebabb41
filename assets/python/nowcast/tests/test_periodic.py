"""When weights are nowcast, with arrays in place of a model."""

import numpy as np
import pytest

from .. import _periodic, numpy as runtime

LENGTH = runtime.WINDOW_LENGTH
KIND = runtime.KINDS[-1]


class Training(_periodic.PeriodicForecasting):
    """Weights that drift, so that every snapshot differs from the last."""

    def __init__(self, **options):
        super().__init__(**options)
        self.weights = np.linspace(-0.2, 0.3, 12, dtype=np.float32).reshape(3, 4)
        self.seen = []

    def _list_tensors(self):
        def write(values):
            self.weights = values

        return [_periodic.TrackedTensor("dense/bias", KIND, (3, 4), lambda: self.weights, write)]

    def run(self, epochs, first=0):
        for epoch in range(first, first + epochs):
            drift = np.sin(np.arange(12, dtype=np.float32) + epoch).reshape(3, 4)
            self.weights = self.weights + np.float32(0.01) * drift
            self.seen.append(self.weights)
            self._end(1 / (epoch + 1), epoch + 1)
            self._apply(epoch)
        return self


def epochs_of(training):
    return [(nowcast.snapshot, nowcast.outcome) for nowcast in training.history]


def test_nowcasts_come_once_a_period_from_the_start_on():
    training = Training(period=3, start=LENGTH - 1).run(LENGTH + 7)
    due = [epoch for epoch in range(LENGTH + 7) if (epoch + 1) % 3 == 0 and epoch >= LENGTH - 1]
    assert epochs_of(training) == [(epoch, "kept") for epoch in due]
    assert training.history[0].scalars[KIND] == 12
    assert training.history[0].loss == 1 / (due[0] + 1)


def test_the_weights_become_the_forecast_by_the_step_scale():
    told = []
    training = Training(period=LENGTH, start=0, step_scale=0.5, on_nowcast=told.append).run(LENGTH)
    current = training.seen[-1]
    forecast = runtime.forecast(KIND, training.seen)
    assert np.abs(forecast - current).max() > 1e-4
    np.testing.assert_allclose(training.weights, current + 0.5 * (forecast - current), rtol=0, atol=1e-6)
    assert told == training.history


def test_a_window_that_is_not_full_is_skipped():
    training = Training(period=LENGTH, start=0).run(LENGTH - 1, first=1)
    assert epochs_of(training) == [(LENGTH - 1, "skipped")]
    assert training.history[0].reason == f"only {LENGTH - 1} of {LENGTH} snapshots recorded"
    assert training.weights is training.seen[-1]


def test_weights_that_are_not_finite_are_left_alone_with_one_warning():
    training = Training(period=1, start=LENGTH - 1)
    training.weights[0, 0] = np.nan
    with pytest.warns(UserWarning, match="weights are not finite") as caught:
        training.run(LENGTH + 3)
    assert [nowcast.outcome for nowcast in training.history] == ["skipped"] * 4
    assert len(caught) == 1


def test_a_function_chooses_the_horizon():
    asked = []

    def choose(epoch):
        asked.append(epoch)
        return runtime.HORIZONS[0]

    Training(period=LENGTH, start=0, horizon=choose).run(2 * LENGTH)
    assert asked == [LENGTH - 1, 2 * LENGTH - 1]


def test_a_training_goes_on_within_a_window():
    whole = Training(period=LENGTH, start=0).run(3 * LENGTH)
    first = Training(period=LENGTH, start=0).run(LENGTH + 2)
    second = Training(period=LENGTH, start=0)
    second.weights = first.weights
    second._restore(first._state())
    second.run(2 * LENGTH - 2, first=LENGTH + 2)
    np.testing.assert_array_equal(second.weights, whole.weights)
    assert epochs_of(first) + epochs_of(second) == epochs_of(whole)


def test_a_nowcast_that_is_due_is_applied_when_training_goes_on():
    training = Training(period=LENGTH, start=0)
    for epoch in range(LENGTH):
        training.weights = training.weights + np.float32(0.01 * (epoch + 1))
        training._end(None)
    before = training.weights
    state = training._state()
    assert training.history == []
    later = Training(period=LENGTH, start=0)
    later.weights = before
    later._restore(state)
    for one in (training, later):
        nowcast = one._apply(4)
        assert [nowcast.snapshot, nowcast.epoch, nowcast.outcome] == [LENGTH - 1, 4, "kept"]
        assert one._apply(4) is None
    np.testing.assert_array_equal(training.weights, later.weights)
    assert not np.array_equal(training.weights, before)


def test_steps_are_counted_by_the_cadence():
    with pytest.warns(UserWarning, match="trained on snapshots every epoch and is applied to snapshots every 3 steps$"):
        training = Training(period=2, start=LENGTH - 1, cadence={"unit": "step", "every": 3})
    kept = []
    for step in range(3 * (LENGTH + 2)):
        training.weights = training.weights + np.float32(0.01 * np.cos(step))
        if (step + 1) % 3 == 0:
            kept.append(training.weights)
        training._end(None)
        if training._apply(None) is not None:
            break
    first = LENGTH - 1 if LENGTH % 2 == 0 else LENGTH
    assert [nowcast.snapshot for nowcast in training.history] == [first]
    window = kept[first + 1 - LENGTH : first + 1]
    expected = window[-1] + training.step_scale * (runtime.forecast(KIND, window) - window[-1])
    np.testing.assert_allclose(training.weights, expected, rtol=0, atol=1e-6)


def test_a_training_that_is_too_short_says_so():
    training = Training(period=LENGTH, start=0).run(LENGTH - 1)
    with pytest.warns(UserWarning, match=f"ended after {LENGTH - 1} snapshots .* first nowcast follows snapshot {LENGTH} when"):
        training._finish()


def test_a_state_of_another_model_is_refused():
    state = Training(period=1, start=0).run(2)._state()
    state["tensors"] = [["dense/bias", 13]]
    other = Training()
    other._restore(state)
    with pytest.raises(ValueError, match="^the state of another model: state; "):
        other.run(1)
    with pytest.raises(ValueError, match="^not a nowcasting state: state; "):
        Training()._restore({})
    with pytest.raises(ValueError, match="^the state of another cadence or nowcaster: state; "):
        Training()._restore({**state, "cadence": {"unit": "step", "every": 7}})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"period": 0}, "^not a whole number of at least 1: period 0; give 1 or more$"),
        ({"start": -1}, "^not a whole number of at least 0: start -1; give 0 or more$"),
        ({"step_scale": 11}, "^the step scale must be above 0 and at most 10: step_scale 11; "),
        ({"horizon": 99}, "^no forecast 99 snapshots ahead: horizon 99; "),
        ({"cadence": {"unit": "batch"}}, "^not a cadence: cadence {'unit': 'batch'}; write e.g. {'unit': 'step', 'every': 100}$"),
        ({"kinds": ["dense"]}, "^no network for this kind of tensor: kinds 'dense'; use "),
    ],
)
def test_impossible_options_are_refused_in_one_line(options, message):
    with pytest.raises(ValueError, match=message):
        Training(**options)


def test_what_is_recommended_is_the_default():
    training = Training()
    recommended = runtime.RECOMMENDED
    assert [training.period, training.start, training.step_scale] == [
        recommended["period"],
        recommended["start"],
        recommended["step_scale"],
    ]
