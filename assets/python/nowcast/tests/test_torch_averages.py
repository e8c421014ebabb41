"""Averages of weights in a loop of PyTorch. Skipped where PyTorch is missing."""

import io

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")

from ..torch import AveragedWeights, estimate_batch_norm  # noqa: E402
from ._descent import EPOCHS, STEPS_PER_EPOCH, averages_of  # noqa: E402

nn = torch.nn


def descend(model):
    """Trains a step at a time on noise."""
    generator = torch.Generator().manual_seed(5)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(STEPS_PER_EPOCH * EPOCHS):
        optimizer.zero_grad()
        model(torch.randn(8, 3, generator=generator)).square().mean().backward()
        optimizer.step()
        yield torch.cat([p.detach().reshape(-1) for p in model.parameters()]).numpy().copy()


def make_model():
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))


def flat(values):
    return None if values is None else torch.cat([v.reshape(-1) for v in values]).numpy()


@pytest.mark.parametrize("which", range(3))
def test_is_that_of_the_paper_after_each_step_and_goes_on_from_a_state(which):
    model, path = make_model(), []
    options = averages_of([np.zeros(1)])[which][0]
    averaged = AveragedWeights(model, **options)
    for weights in descend(model):
        path.append(weights)
        averaged.step()
        if len(path) % STEPS_PER_EPOCH == 0:
            averaged.end_epoch()
        expected, own = averages_of(path)[which][1], flat(averaged.value())
        assert (own is None) == (expected is None)
        if expected is not None:
            np.testing.assert_allclose(own, expected, rtol=0, atol=1e-6)
        if len(path) == 5 * STEPS_PER_EPOCH:
            buffer = io.BytesIO()
            torch.save(averaged.state_dict(), buffer)
            buffer.seek(0)
            averaged = AveragedWeights(model, **options)
            averaged.load_state_dict(torch.load(buffer, weights_only=True))


def test_is_in_the_model_for_a_while_and_leaves_the_training_alone():
    model, plain = make_model(), make_model()
    model.register_buffer("seen", torch.zeros((), dtype=torch.int64))
    averaged = AveragedWeights(nn.DataParallel(model))
    with averaged.applied() as is_applied:
        assert not is_applied
    for _, weights in zip(descend(plain), descend(model)):
        averaged.step()
        model.seen += 1
        with averaged.applied():
            own = flat(p.detach() for p in model.parameters())
            np.testing.assert_array_equal(own, flat(averaged.value()))
            assert not np.array_equal(own, weights) or model.seen == 1
    for own, other in zip(model.parameters(), plain.parameters()):
        assert torch.equal(own, other)
    assert model.seen == STEPS_PER_EPOCH * EPOCHS
    averaged.apply()
    with pytest.raises(ValueError, match="a step was trained on the averages.*call revert"):
        averaged.step()
    with pytest.raises(RuntimeError, match="fails"):
        with averaged.applied():
            raise RuntimeError("fails")
    averaged.step()


def test_refuses_what_cannot_be():
    model = make_model()
    for options, message in [
        ({"average": "sma"}, "unknown average: average 'sma'; use ema, lawa, swa"),
        ({"decay": 1}, "impossible decay: decay 1; give a number above 0 below 1"),
        ({"k": 3}, "an option of another average: k 3; ema takes decay"),
        ({"average": "lawa", "k": 1.5}, "impossible k"),
    ]:
        with pytest.raises(ValueError, match=message):
            AveragedWeights(model, **options)
    with pytest.raises(ValueError, match="give the option epochs"):
        AveragedWeights(model, average="swa").end_epoch()
    averaged = AveragedWeights(model)
    averaged.step()
    with pytest.raises(ValueError, match="the state of another average"):
        AveragedWeights(model, decay=0.5).load_state_dict(averaged.state_dict())
    with pytest.raises(ValueError, match="the state of another model"):
        AveragedWeights(nn.Linear(2, 2)).load_state_dict(averaged.state_dict())


def test_estimates_batch_norm_as_the_mean_over_batches():
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4, momentum=0.3), nn.Dropout(0.5)).eval()
    batches = [torch.randn(8, 3) for _ in range(3)]
    before = [buffer.clone() for buffer in model.buffers()]
    with pytest.raises(ValueError, match="no batch to estimate"):
        estimate_batch_norm(model, [])
    assert all(torch.equal(a, b) for a, b in zip(before, model.buffers()))
    estimate_batch_norm(model, batches)
    outputs = [model[0](batch).detach().double() for batch in batches]
    mean = torch.stack([y.mean(0) for y in outputs]).mean(0)
    variance = torch.stack([y.var(0) for y in outputs]).mean(0)
    np.testing.assert_allclose(model[1].running_mean, mean, atol=1e-6)
    np.testing.assert_allclose(model[1].running_var, variance, atol=1e-6)
    assert model[1].momentum == 0.3 and not model.training
    averaged = AveragedWeights(model, statistics=lambda: batches)
    averaged.step()
    with torch.no_grad():
        model[1].running_mean.fill_(9)
    with averaged.applied():
        np.testing.assert_allclose(model[1].running_mean, mean, atol=1e-6)
    assert (model[1].running_mean == 9).all()
