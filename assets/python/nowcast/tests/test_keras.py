"""The callback in ``fit``, on the backend that Keras has here. Skipped where Keras is missing."""

import json

import numpy as np
import pytest

pytest.importorskip("keras", reason="needs Keras")

from .. import _safetensors, numpy as runtime  # noqa: E402
from ..keras import MeanLinearForecasting, WeightForecasting, _reader, keras  # noqa: E402
from ..record import TrajectoryRecorder  # noqa: E402

LENGTH = runtime.WINDOW_LENGTH
layers = keras.layers


class Snapshots(keras.callbacks.Callback):
    """Keeps all weights of the model at the end of each epoch."""

    def __init__(self):
        super().__init__()
        self.epochs = []

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(weights_of(self.model))


def weights_of(model):
    return {id(v): _reader(v)().copy() for layer in flatten(model) for v in layer.weights}


def flatten(model):
    for layer in model.layers:
        yield from flatten(layer) if isinstance(layer, keras.Model) else [layer]


def data():
    random = np.random.default_rng(1)
    return random.normal(size=(64, 6, 6, 2)).astype(np.float32), random.integers(0, 3, 64)


def make_model():
    keras.utils.set_random_seed(3)
    shared = layers.Dense(4, activation="tanh", name="shared")
    inner = keras.Sequential([layers.Input((4,)), layers.Dense(4, name="inner_dense")], name="inner")
    inputs = layers.Input((6, 6, 2))
    x = layers.Conv2D(4, 3, name="conv", kernel_constraint=keras.constraints.MaxNorm(0.5))(inputs)
    x = layers.BatchNormalization(name="normalization")(x)
    x = layers.SeparableConv2D(4, 2, name="separable")(x)
    x = layers.Dense(4, name="frozen", trainable=False)(layers.Flatten()(x))
    x = inner(shared(shared(x)))
    model = keras.Model(inputs, layers.Dense(3, activation="softmax", name="head")(x))
    model.compile(keras.optimizers.SGD(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def fit(model, epochs, callbacks, **options):
    x, y = data()
    return model.fit(x, y, epochs=epochs, batch_size=16, shuffle=False, verbose=0, callbacks=callbacks, **options)


KERNELS = {
    "conv": ["conv/kernel", "separable/depthwise_kernel", "separable/pointwise_kernel"],
    "fc": ["shared/kernel", "inner_dense/kernel", "head/kernel"],
    "bias": ["conv/bias", "separable/bias", "shared/bias", "inner_dense/bias", "head/bias"],
    "norm": ["normalization/gamma", "normalization/beta"],
    "embedding": [],
}


def test_what_is_nowcast_becomes_the_forecast_and_the_rest_stays():
    model = make_model()
    seen, landings = Snapshots(), []
    forecasting = WeightForecasting(
        watch=False, period=LENGTH, start=0, step_scale=1, on_nowcast=lambda nowcast: landings.append(weights_of(model))
    )
    history = fit(model, 2 * LENGTH, [forecasting, seen]).history
    tracked = {tensor.name: tensor.kind for tensor in forecasting._tensors}
    assert tracked == {name: kind for kind in runtime.KINDS for name in KERNELS[kind]}
    # The second is due after the last epoch, when training does not go on.
    assert [(n.snapshot, n.epoch, n.outcome) for n in forecasting.history] == [(LENGTH - 1, LENGTH - 1, "kept")]
    assert forecasting.history[0].loss == pytest.approx(history["loss"][LENGTH - 1])
    for layer in flatten(model):
        for variable in layer.weights:
            own = variable.name.split("/")[-1].split(":")[0]
            window = [epoch[id(variable)] for epoch in seen.epochs[:LENGTH]]
            landed = landings[0][id(variable)]
            kind = tracked.get(f"{layer.name}/{own}")
            if kind is None:
                np.testing.assert_array_equal(landed, window[-1])
                continue
            expected = runtime.forecast(kind, window, tensors=[(f"{layer.name}/{own}", window[0].shape)])
            if layer.name == "conv" and own == "kernel":
                norms = np.sqrt((expected**2).sum(axis=0, keepdims=True))
                expected = expected * np.clip(norms, 0, 0.5) / (1e-7 + norms)
            np.testing.assert_allclose(landed, expected, rtol=0, atol=1e-6)
            jump = np.abs(landed - window[-1]).max()
            assert jump > 0
            if kind == "fc":
                # Training goes on from where the nowcast landed.
                assert 0 < np.abs(seen.epochs[LENGTH][id(variable)] - landed).max() < 0.2
    head = model.get_layer("head").weights[0]
    np.testing.assert_array_equal(_reader(head)(), seen.epochs[-1][id(head)])


def test_steps_are_counted_through_all_epochs():
    model = make_model()
    landings = []
    with pytest.warns(UserWarning, match="is applied to snapshots every 2 steps$"):
        forecasting = WeightForecasting(
            watch=False, period=LENGTH, start=0, cadence={"unit": "step", "every": 2}, on_nowcast=landings.append
        )
    fit(model, LENGTH, [forecasting])
    # Four steps an epoch are two snapshots; the last nowcast would follow the last step.
    assert [n.snapshot for n in landings] == [LENGTH - 1]
    assert landings[0].epoch == LENGTH // 2
    if keras.backend.backend() == "torch":  # refuses steps_per_execution itself
        return
    together = make_model()
    together.compile("sgd", "sparse_categorical_crossentropy", steps_per_execution=2)
    with pytest.raises(ValueError, match="^steps end 2 at a time and cannot be counted: steps_per_execution 2; "):
        fit(together, 1, [forecasting])


def test_a_training_goes_on_from_a_state_as_if_it_had_not_stopped():
    whole = make_model()
    expected = WeightForecasting(watch=False, period=LENGTH, start=0)
    fit(whole, LENGTH + 2, [expected])
    model = make_model()
    first, second = (WeightForecasting(watch=False, period=LENGTH, start=0) for _ in range(2))
    with pytest.warns(UserWarning, match="no nowcast happened: the training ended after"):
        fit(model, LENGTH - 1, [first])
    second.restore(first.state())
    fit(model, LENGTH + 2, [second], initial_epoch=LENGTH - 1)
    assert [n.snapshot for n in second.history] == [n.snapshot for n in expected.history] == [LENGTH - 1]
    for one, other in zip(weights_of(whole).values(), weights_of(model).values()):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


def test_options_choose_layers_and_kinds():
    model = make_model()
    kind = runtime.KINDS[-1]
    chosen = WeightForecasting(watch=False, kinds=[kind], layers=lambda layer: layer.name in ("head", "conv"))
    fit(model, chosen.start + chosen.period + 1, [chosen])
    assert [tensor.name for tensor in chosen._tensors] == [
        name for name in KERNELS[kind] if name.split("/")[0] in ("head", "conv")
    ]


@pytest.mark.filterwarnings("ignore:no nowcast happened")
def test_each_fit_starts_afresh_unless_it_continues():
    for continues, snapshots in ((False, []), (True, [LENGTH - 1])):
        model = make_model()
        forecasting = WeightForecasting(watch=False, period=LENGTH, start=0, continue_training=continues)
        told = []
        for _ in range(LENGTH + 1):
            fit(model, 1, [forecasting])
            told += [n.snapshot for n in forecasting.history]
        assert told == snapshots


@pytest.mark.filterwarnings("ignore:no nowcast happened", "ignore:the nowcaster was trained")
@pytest.mark.parametrize("unit", ["epoch", "step"])
def test_a_recorder_writes_what_the_model_holds(tmp_path, unit):
    model = make_model()
    snapshots = Snapshots()
    unit_cadence = {"unit": unit, "every": 1 if unit == "epoch" else 4}
    forecasting = WeightForecasting(cadence=unit_cadence)
    every = 1 if unit == "epoch" else 4
    recorder = TrajectoryRecorder(tmp_path, unit=unit, every=every, batch_size=16, nowcaster=forecasting)
    fit(model, 3, [recorder, forecasting, snapshots])
    manifest = json.loads((tmp_path / "trajectory.json").read_text())
    assert manifest["status"] == "complete"
    assert manifest["framework"]["name"] == "keras"
    assert manifest["optimizer"]["name"] == "SGD"
    assert manifest["optimizer"]["learning_rate"] == pytest.approx(0.05)
    assert manifest["epochsPlanned"] == 3
    assert manifest["nowcasts"] == {"period": forecasting.period, "start": forecasting.start}
    kinds = {tensor["name"]: (tensor["kind"], tensor["class"]) for tensor in manifest["tensors"]}
    assert kinds["normalization/moving_variance"] == ("statistics", "BatchNormalization")
    assert kinds["inner/inner_dense/kernel"] == ("fc", "Dense")
    assert kinds["separable/depthwise_kernel"] == ("conv", "SeparableConv2D")
    assert len(kinds) == sum(len({id(v) for v in layer.weights}) for layer in flatten(model))
    assert [entry[unit] for entry in manifest["snapshots"]] == ([0, 1, 2] if unit == "epoch" else [3, 7, 11])
    head = model.get_layer("head").weights[0]
    for entry, epoch in zip(manifest["snapshots"], snapshots.epochs):
        values = _safetensors.decode((tmp_path / entry["file"]).read_bytes())
        np.testing.assert_array_equal(values["head/kernel"], epoch[id(head)])
        assert entry["metrics"]["loss"] > 0


@pytest.mark.filterwarnings("ignore:no nowcast happened", "ignore:the nowcaster was trained")
def test_a_recorder_takes_the_snapshots_of_a_nowcaster_that_counts_them(tmp_path):
    forecasting = WeightForecasting(cadence={"snapshots": 3}, watch=False)
    recorder = TrajectoryRecorder(tmp_path, nowcaster=forecasting)
    fit(make_model(), 3, [recorder, forecasting])
    manifest = json.loads((tmp_path / "trajectory.json").read_text())
    every = forecasting.cadence["every"]
    assert every > 1
    assert manifest["cadence"] == {"unit": "step", "every": every}
    assert [entry["step"] for entry in manifest["snapshots"]] == [every - 1, 2 * every - 1, 3 * every - 1]
    with pytest.raises(ValueError, match="^another cadence than the nowcaster's.*; leave both out"):
        TrajectoryRecorder(tmp_path / "other", every=2, nowcaster=WeightForecasting(cadence={"snapshots": 3}))


def test_the_names_of_layers_within_layers(tmp_path):
    inputs = layers.Input((4, 8))
    attended = layers.MultiHeadAttention(2, 4, name="attention")(inputs, inputs)
    model = keras.Model(inputs, layers.LayerNormalization(name="scaled")(attended))
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 4, 8)), np.ones((8, 4, 8)), verbose=0, callbacks=[TrajectoryRecorder(tmp_path)])
    manifest = json.loads((tmp_path / "trajectory.json").read_text())
    kinds = {tensor["name"]: tensor["kind"] for tensor in manifest["tensors"]}
    assert kinds["attention/query/kernel"] == "conv"
    assert kinds["scaled/gamma"] == "norm"


@pytest.mark.filterwarnings("ignore:the nowcaster was trained", "ignore:no nowcast happened")
@pytest.mark.parametrize("cadence", [{"unit": "epoch"}, {"unit": "step", "every": 2}])
def test_going_back_restores_weights_and_optimizer_but_not_the_learning_rate(cadence):
    model = make_model()
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    points, found = [], []

    class Watched(WeightForecasting):
        def _read_point(self):
            points.append(super()._read_point())
            return points[-1]

    def spoil(nowcast):
        if nowcast.outcome == "reverted":
            held = [np.array(_reader(v)()) for v in model.optimizer.variables if v is not model.optimizer._learning_rate]
            found.append(([np.array(_reader(v)()) for v in model.weights], held))
        elif nowcast.outcome == "kept":
            head = model.get_layer("head").weights[0]
            head.assign(100 * np.sin(np.arange(12, dtype=np.float32)).reshape(4, 3))

    forecasting = Watched(period=LENGTH, start=0, budget=0.4, cadence=cadence, on_nowcast=spoil)
    rate = keras.callbacks.LearningRateScheduler(lambda epoch: 0.01 / (epoch + 1))
    fit(model, 5 * LENGTH, [forecasting, rate])
    reverted = [n for n in forecasting.history if n.outcome == "reverted"]
    assert len(reverted) == len(found) >= 1
    arrays = [*points[0]["weights"], *points[0]["optimizer"]]
    # Two moments of each trainable weight, and the steps.
    assert len(points[0]["optimizer"]) == 2 * len(model.trainable_variables) + 1
    assert reverted[0].probation.bytes == sum(array.nbytes for array in arrays)
    for values, expected in zip([*found[0][0], *found[0][1]], arrays):
        np.testing.assert_array_equal(values, expected)
    assert float(_reader(model.optimizer.learning_rate)()) == pytest.approx(0.01 / (5 * LENGTH))
    steps = 4 if cadence["unit"] == "epoch" else 2
    discarded = sum(n.probation.cost for n in reverted)
    assert int(_reader(model.optimizer.iterations)()) == 20 * LENGTH - steps * discarded


@pytest.mark.filterwarnings("ignore:no nowcast happened")
def test_the_loss_of_a_step_is_that_of_its_batch():
    random = np.random.default_rng(2)
    x, y = random.normal(size=(42, 5)).astype(np.float32), random.normal(size=(42, 3)).astype(np.float32)
    model = keras.Sequential([layers.Input((5,)), layers.Dense(3)])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    losses = []

    class Losses(WeightForecasting):
        def _end(self, loss, count=None):
            losses.append(loss)
            super()._end(loss, count)

    with pytest.warns(UserWarning, match="is applied to snapshots every step$"):
        forecasting = Losses(cadence={"unit": "step"})
    model.fit(x, y, epochs=2, batch_size=16, shuffle=False, verbose=0, callbacks=[forecasting])
    outputs = model.predict(x, verbose=0)
    expected = [np.square(outputs[i : i + 16] - y[i : i + 16]).mean() for i in (0, 16, 32)]
    np.testing.assert_allclose(losses, expected * 2, rtol=1e-5)
    assert forecasting._length == 6


def test_a_cadence_longer_than_the_training_is_refused_before_it():
    with pytest.warns(UserWarning, match="is applied to snapshots every 9 epochs$"):
        forecasting = WeightForecasting(cadence={"unit": "epoch", "every": 9})
    model = make_model()
    before = weights_of(model)
    with pytest.raises(ValueError, match="^the training ends before its first snapshot: it has 3 epochs: cadence every 9 epochs; "):
        fit(model, 3, [forecasting])
    for one, other in zip(before.values(), weights_of(model).values()):
        np.testing.assert_array_equal(one, other)


@pytest.mark.filterwarnings("ignore:no nowcast happened")
def test_filters_before_batch_norm_are_those_of_the_model():
    model = make_model()
    forecasting = WeightForecasting(watch=False, period=LENGTH, start=0, keep_norm=True)
    fit(model, 1, [forecasting])
    forecasting._track()
    kept = {tensor.name: tensor.filters for tensor in forecasting._tensors if tensor.filters is not None}
    assert kept == ({"conv/kernel": (-1,)} if "conv" in runtime.KINDS else {})


@pytest.mark.filterwarnings("ignore:no nowcast happened")
def test_batch_norm_is_estimated_anew_after_a_nowcast():
    def run(**options):
        model, landed = make_model(), []
        layer = model.get_layer("normalization")
        told = WeightForecasting(watch=False, period=LENGTH, start=0, **options)
        after = keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs: landed.append(np.array(_reader(layer.moving_mean)())) if epoch == LENGTH else None
        )
        fit(model, LENGTH + 1, [told, after])
        return landed[0]

    asked = []

    def batches():
        for begin in range(0, 64, 16):
            asked.append(begin)
            yield data()[0][begin : begin + 16]

    plain = run()
    estimated = run(recalibrate={"batches": batches, "n": 3})
    assert asked[:3] == [0, 16, 32] and 48 not in asked
    # From the initial 0, a momentum of 0.99 has gone a short way only.
    assert np.abs(estimated).max() > 5 * np.abs(plain).max()


def test_mean_linear_needs_no_nowcaster():
    model = make_model()
    forecasting = MeanLinearForecasting(averaged=2, cadence={"unit": "step", "every": 2}, budget=0.3)
    history = fit(model, 12, [forecasting])
    kept = [nowcast for nowcast in forecasting.history if nowcast.outcome == "kept"]
    assert kept and all(nowcast.snapshot % 10 == 9 for nowcast in kept)
    assert history.history["loss"][-1] < history.history["loss"][0]
