"""When weights are nowcast, with arrays in place of a model."""

import numpy as np
import pytest

from .. import _periodic, numpy as runtime
from .._forecasters import MeanLinearForecaster, NowcasterForecaster

LENGTH = runtime.WINDOW_LENGTH
KIND = runtime.KINDS[-1]


class Training(_periodic.PeriodicForecasting):
    """Weights that drift, so that every snapshot differs from the last."""

    filters = None

    def __init__(self, forecaster=None, horizon=None, watch=False, **options):
        super().__init__(forecaster or NowcasterForecaster(horizon), watch=watch, **options)
        self.told = []
        self.weights = np.linspace(-0.2, 0.3, 12, dtype=np.float32).reshape(3, 4)
        self.seen = []

    def _list_tensors(self):
        def write(values):
            self.weights = values

        return [_periodic.TrackedTensor("dense/bias", KIND, (3, 4), lambda: self.weights, write, self.filters)]

    def _read_point(self):
        return {"weights": [self.weights.copy()], "optimizer": None}

    def _return_to(self, point):
        self.weights = point["weights"][0].copy()

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
    assert epochs_of(second) == epochs_of(whole)


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
    with pytest.raises(ValueError, match="^not a nowcasting state of this version: state; "):
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
        ({"step_scale": {"start": 1, "max": 0.5}}, "^no bounds of an adaptive step scale: step_scale {'start': 1, 'max': 0.5}; "),
        ({"step_scale": "adaptive"}, "^a step scale adapts by what the watch sees, and the watch is off: step_scale; "),
        ({"step_scale_decay": {"over": 0}}, "^not a decay of the step scale: step_scale_decay {'over': 0}; "),
        ({"watch": True, "budget": 1}, "^the budget of a watch is a share of the training: budget 1; give e.g. 0.1$"),
        ({"length": 0}, "^not a whole number of at least 1: length 0; "),
        ({"recalibrate": 3}, "^recalibration needs training batches: recalibrate; "),
        ({"kinds": "fc"}, "^not a list of names: kinds 'fc'; give a list of names$"),
        ({"keep_norm": "kernel"}, "^not a list of names: keep_norm 'kernel'; "),
        ({"watch": "off"}, "^not True or False: watch 'off'; give True or False$"),
        ({"watch": {"budget": 0.2}}, "^the budget is an option of its own: watch {'budget': 0.2}; give e.g. budget=0.1$"),
        ({"watch": True, "budget": "low"}, "^the budget of a watch is a share of the training: budget 'low'; "),
        ({"cadence": "20steps"}, "^not a dictionary: cadence '20steps'; write e.g. {'unit': 'step', 'every': 100}$"),
        ({"step_scale_decay": "linear"}, "^not a dictionary: step_scale_decay 'linear'; "),
        ({"step_scale": "fast"}, "^the step scale must be above 0 and at most 10: step_scale 'fast'; "),
        ({"layers": ["dense"]}, "^not a function: layers \\['dense'\\]; give a function$"),
        ({"on_nowcast": 1}, "^not a function: on_nowcast 1; "),
        ({"kinds": ["dense"]}, "^no network for this kind of tensor: kinds 'dense'; use "),
    ],
)
def test_impossible_options_are_refused_in_one_line(options, message):
    with pytest.raises(ValueError, match=message):
        Training(**options)


def test_each_of_several_horizons_is_for_an_equal_part_of_the_training():
    asked = []

    class Asking(NowcasterForecaster):
        def forecast(self, tensors, snapshots, snapshot, out, done=None):
            asked.append((snapshot, done))
            super().forecast(tensors, snapshots, snapshot, out, done)

    farthest = max(runtime.HORIZONS)
    several = Training(Asking([farthest, farthest]), period=LENGTH, start=0, length=4 * LENGTH).run(2 * LENGTH)
    one = Training(horizon=farthest, period=LENGTH, start=0).run(2 * LENGTH)
    np.testing.assert_array_equal(several.weights, one.weights)
    assert asked == [(LENGTH - 1, 0.25), (2 * LENGTH - 1, 0.5)]
    with pytest.raises(ValueError, match="^horizons for parts of the training, whose length is not known: horizon; "):
        Training(NowcasterForecaster([farthest])).run(1)
    with pytest.raises(ValueError, match="^no horizon: horizon"):
        NowcasterForecaster([])
    with pytest.raises(ValueError, match="^no forecast 99 snapshots ahead"):
        NowcasterForecaster([farthest, 99])


def test_what_is_recommended_is_the_default():
    training = Training()
    recommended = runtime.RECOMMENDED
    assert [training.period, training.start, training.step_scale] == [
        recommended["period"],
        recommended["start"],
        recommended["step_scale"],
    ]


class Watched(Training):
    """A training whose loss is that of its progress, which each nowcast sets back by ``harm`` snapshots."""

    def __init__(self, harm, **options):
        super().__init__(watch=True, period=LENGTH, start=LENGTH - 1, on_nowcast=lambda nowcast: self.told.append(nowcast), **options)
        self.progress, self.harm = 0, harm

    def _read_point(self):
        return {**super()._read_point(), "progress": self.progress}

    def _return_to(self, point):
        super()._return_to(point)
        self.progress = point["progress"]

    def live(self, snapshots, first=0):
        for snapshot in range(first, first + snapshots):
            self.weights = self.weights + np.float32(0.01) * np.sin(np.arange(12, dtype=np.float32) + snapshot).reshape(3, 4)
            self.progress += 1
            self._end(2 * max(self.progress, 0.5) ** -0.4)
            nowcast = self._apply(None)
            if nowcast is not None and nowcast.outcome == "kept":
                self.progress -= self.harm
        return self


@pytest.mark.filterwarnings("ignore:rolled back")
def test_a_nowcast_that_harms_is_taken_back_and_the_next_comes_later():
    training = Watched(harm=40, length=400).live(400)
    assert {nowcast.outcome for nowcast in training.history} <= {"reverted", "skipped"}
    reverted = [nowcast for nowcast in training.history if nowcast.outcome == "reverted"]
    assert len(reverted) >= 2
    assert sum(nowcast.probation.cost for nowcast in reverted) == 400 - training.progress <= 40
    pauses = np.diff([nowcast.snapshot for nowcast in reverted])
    assert (pauses >= 2 * LENGTH).all() and (np.diff(pauses) > 0).all()
    # Each is told when it happens, and again when it is taken back.
    assert [told is reverted[0] for told in training.told if told.outcome == "reverted"][:2] == [True, True]
    assert reverted[0].probation.bytes == 48
    assert reverted[0].reason.startswith(f"after {reverted[0].probation.snapshots} snapshots the training loss was ")


def test_going_back_says_once_that_the_optimizer_is_out_of_reach():
    with pytest.warns(UserWarning, match="^rolled back to the weights before a nowcast, but the optimizer's state") as caught:
        Watched(harm=40, length=400).live(400)
    assert len(caught) == 1


def test_nowcasts_that_pay_are_kept_and_go_farther():
    training = Watched(harm=-3, length=300, step_scale={"start": 0.5, "max": 0.8}).live(300)
    judged = [nowcast for nowcast in training.history if nowcast.probation is not None]
    assert len(judged) > 5
    assert {nowcast.probation.verdict for nowcast in judged[:-1]} == {"gained"}
    assert judged[1].step_scale == pytest.approx(0.6)
    for before, after in zip(judged, judged[1:]):
        factor = 1.2 if before.probation.gain > 0 else 1 / 1.2
        assert after.step_scale == pytest.approx(min(0.8, max(0.25, before.step_scale * factor)))


@pytest.mark.filterwarnings("ignore:rolled back")
@pytest.mark.parametrize("harm", [40, -3])
def test_a_watched_training_goes_on_from_any_moment(harm):
    total = 14 * LENGTH + 10
    whole = Watched(harm, length=total).live(total)
    assert any(nowcast.probation is not None for nowcast in whole.history)
    for stop in range(1, total, 3):
        first = Watched(harm, length=total).live(stop)
        second = Watched(harm, length=total)
        second.weights, second.progress = first.weights, first.progress
        second._restore(first._state())
        second.live(total - stop, first=stop)
        np.testing.assert_array_equal(second.weights, whole.weights)
        assert epochs_of(second) == epochs_of(whole)
        assert second._state()["watch"] == whole._state()["watch"]


def test_a_state_with_a_watch_needs_one():
    state = Watched(0).live(2)._state()
    with pytest.raises(ValueError, match="^a state with a watch, and the watch is off: state; "):
        Training()._restore(state)


def test_the_step_scale_decays_towards_the_end():
    training = Training(period=1, start=LENGTH - 1, step_scale=0.4, length=20, step_scale_decay={"shape": "linear"}).run(20)
    scales = {nowcast.snapshot: nowcast.step_scale for nowcast in training.history}
    assert scales[9] == pytest.approx(0.4)
    assert scales[14] == pytest.approx(0.4 * 0.55)
    assert scales[19] == pytest.approx(0.04)
    with pytest.warns(UserWarning, match="^the step scale does not decay: the length of the training is unknown; "):
        Training(period=1, start=LENGTH - 1, step_scale_decay={}).run(LENGTH + 2)


def test_filters_before_batch_norm_keep_their_norms():
    training = Training(period=LENGTH, start=0, step_scale=1)
    training.filters = (-1,)
    training.run(LENGTH)
    last = training.seen[-1].astype(np.float64)
    ahead = runtime.forecast(KIND, training.seen).astype(np.float64)
    expected = ahead * np.sqrt((last**2).sum(axis=0) / (ahead**2).sum(axis=0))
    np.testing.assert_allclose(training.weights, expected, rtol=0, atol=1e-6)


def test_mean_linear_goes_along_the_change_of_the_mean():
    kind = "bias"

    class MeanLinear(Training):
        def _list_tensors(self):
            return [_periodic.TrackedTensor("b", kind, (3, 4), *[(lambda: self.weights), self.put])]

        def put(self, values):
            self.weights = values

    training = MeanLinear(MeanLinearForecaster(averaged=4, window=3), cadence={"unit": "epoch"})
    assert [training.period, training.start, training._window.points] == [20, 11, 3]
    training.run(20)
    means = [np.mean(training.seen[begin : begin + 4], axis=0, dtype=np.float64) for begin in (8, 12, 16)]
    expected = means[2] + 16 * (means[2] - means[0]) / 8
    np.testing.assert_allclose(training.weights, expected, rtol=0, atol=1e-6)
    with pytest.raises(ValueError, match="^means of 4 snapshots end at a nowcast when .* period 6; give e.g. 8$"):
        Training(MeanLinearForecaster(averaged=4), period=6)


@pytest.mark.parametrize(
    ("kinds", "moved"), [(None, ["fc"]), (["norm"], ["norm"]), (["fc", "embedding"], ["fc", "embedding"])]
)
def test_mean_linear_moves_normalizations_and_embeddings_where_they_are_named(kinds, moved):
    class Listed(_periodic.PeriodicForecasting):
        def _candidates(self):
            for i, kind in enumerate(("fc", "norm", "embedding")):
                yield i, "float32", _periodic.TrackedTensor(kind, kind, (2,), lambda: np.zeros(2), lambda values: None)

    forecasting = Listed(MeanLinearForecaster(), watch=False, kinds=kinds)
    assert [tensor.kind for tensor in forecasting._track()] == moved


def by_steps(steps, stop=None, **options):
    """A loop of steps, resumed by another instance after some of them."""

    def create():
        return Training(period=3, start=0, **options)

    training = create()
    for step in range(steps):
        if step == stop:
            state, weights = training._state(), training.weights
            training = create()
            training.weights = weights
            training._restore(state)
        drift = np.sin(np.arange(12, dtype=np.float32) + step).reshape(3, 4)
        training.weights = training.weights + np.float32(0.01) * drift
        training._end(None)
        training._apply(None)
    return training


@pytest.mark.filterwarnings("ignore:the nowcaster was trained")
@pytest.mark.parametrize(("snapshots", "every"), [(20, 3), (30, 2), (90, 1)])
def test_a_number_of_snapshots_is_the_cadence_of_as_many_steps(snapshots, every):
    counted = by_steps(60, cadence={"snapshots": snapshots}, length=60)
    stepped = by_steps(60, cadence={"unit": "step", "every": every})
    assert counted.cadence == {"unit": "step", "every": every}
    assert epochs_of(counted) == epochs_of(stepped)
    np.testing.assert_array_equal(counted.weights, stepped.weights)
    for stop in (1, 17, 41):
        resumed = by_steps(60, stop, cadence={"snapshots": snapshots}, length=60)
        np.testing.assert_array_equal(resumed.weights, counted.weights)


def test_a_number_of_snapshots_needs_the_length():
    with pytest.raises(ValueError, match="^how many steps the training has is not known: .*give length in steps"):
        by_steps(1, cadence={"snapshots": 20})
    with pytest.raises(ValueError, match="^not a whole number of at least 2: snapshots 1; "):
        Training(cadence={"snapshots": 1})
