"""Averages of weights in ``fit``, on the backend that Keras has here. Skipped where Keras is missing."""

import numpy as np
import pytest

pytest.importorskip("keras", reason="needs Keras")

from ..keras import AveragedWeights, _reader, estimate_batch_norm, keras  # noqa: E402
from ._descent import EPOCHS, STEPS_PER_EPOCH, averages_of  # noqa: E402

layers = keras.layers
BATCH = 4


def data():
    random = np.random.default_rng(1)
    x = random.normal(size=(BATCH * STEPS_PER_EPOCH, 3)).astype(np.float32)
    return x, np.sin(x[:, :1])


def make_model():
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [layers.Input((3,)), layers.Dense(4), layers.BatchNormalization(momentum=0.5), layers.Dropout(0.2), layers.Dense(1)]
    )
    model.compile("sgd", "mse", metrics=["mae"])
    return model


def fit(model, callbacks, epochs=EPOCHS, **options):
    x, y = data()
    keras.utils.set_random_seed(4)
    return model.fit(x, y, epochs=epochs, batch_size=BATCH, shuffle=False, verbose=0, callbacks=callbacks, **options)


def floats(model):
    return np.concatenate([_reader(v)().reshape(-1) for v in model.weights if "float" in str(v.dtype)])


def flat(values):
    return None if values is None else np.concatenate([keras.ops.convert_to_numpy(v).reshape(-1) for v in values])


class Path(keras.callbacks.Callback):
    """Weights after each step, and the average after each epoch beside what it should be."""

    def __init__(self, averaged, which):
        super().__init__()
        self.averaged, self.which, self.path, self.compared = averaged, which, [], 0

    def on_train_batch_end(self, batch, logs=None):
        self.path.append(floats(self.model))

    def on_epoch_end(self, epoch, logs=None):
        expected, own = averages_of(self.path)[self.which][1], flat(self.averaged.value())
        assert (own is None) == (expected is None)
        if expected is not None:
            np.testing.assert_allclose(own, expected, rtol=0, atol=1e-5)
            self.compared += 1


@pytest.mark.parametrize("which", range(3))
def test_is_that_of_the_paper_after_each_epoch_and_leaves_the_training_alone(which):
    plain = make_model()
    fit(plain, [])
    model = make_model()
    averaged = AveragedWeights(**averages_of([np.zeros(1)])[which][0])
    path = Path(averaged, which)
    fit(model, [averaged, path])
    assert path.compared >= 3
    np.testing.assert_array_equal(floats(model), floats(plain))
    with averaged.applied():
        np.testing.assert_allclose(floats(model), averages_of(path.path)[which][1], rtol=0, atol=1e-5)
    np.testing.assert_array_equal(floats(model), floats(plain))


def test_evaluates_the_averages_into_the_history():
    x, y = data()
    model = make_model()
    averaged = AveragedWeights(decay=0.7, validation=(x, y))
    history = fit(model, [averaged], epochs=3).history
    assert len(history["averaged_val_loss"]) == 3 and "averaged_val_mae" in history
    with averaged.applied():
        own = model.evaluate(x, y, verbose=0, return_dict=True)
    assert own["loss"] == pytest.approx(history["averaged_val_loss"][-1], rel=1e-5)
    assert own["loss"] != pytest.approx(model.evaluate(x, y, verbose=0, return_dict=True)["loss"], rel=1e-5)


def test_goes_on_from_a_state_and_stays_in_the_model_when_asked():
    whole, model = make_model(), make_model()
    reference, first, second = AveragedWeights(decay=0.7), AveragedWeights(decay=0.7), AveragedWeights(decay=0.7, leave_in_model=True)

    class Checkpoint(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            keras.utils.set_random_seed(epoch)

    fit(whole, [reference, Checkpoint()], epochs=4)
    fit(model, [first, Checkpoint()], epochs=2)
    second.restore(first.state())
    fit(model, [second, Checkpoint()], epochs=4, initial_epoch=2)
    np.testing.assert_allclose(flat(second.value()), flat(reference.value()), rtol=0, atol=1e-5)
    np.testing.assert_allclose(floats(model), flat(reference.value()), rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match="the state of another average"):
        AveragedWeights(average="lawa").restore(first.state())


def test_estimates_batch_norm_as_the_mean_over_batches():
    model = make_model()
    x, _ = data()
    norm = next(layer for layer in model.layers if isinstance(layer, layers.BatchNormalization))
    others = [v for v in model.non_trainable_variables if v is not norm.moving_mean and v is not norm.moving_variance]
    before = [_reader(v)().copy() for v in others]
    with pytest.raises(ValueError, match="no batch to estimate"):
        estimate_batch_norm(model, [])
    batches = [x[i : i + BATCH] for i in range(0, len(x), BATCH)]
    estimate_batch_norm(model, batches)
    outputs = [keras.ops.convert_to_numpy(model.layers[0](batch)).astype(np.float64) for batch in batches]
    np.testing.assert_allclose(_reader(norm.moving_mean)(), np.mean([y.mean(0) for y in outputs], axis=0), atol=1e-5)
    np.testing.assert_allclose(_reader(norm.moving_variance)(), np.mean([y.var(0) for y in outputs], axis=0), atol=1e-5)
    assert norm.momentum == 0.5
    assert all(np.array_equal(_reader(v)(), values) for v, values in zip(others, before))
