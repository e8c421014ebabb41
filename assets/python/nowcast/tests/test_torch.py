"""The nowcaster in a loop of PyTorch. Skipped where PyTorch is missing."""

import io
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")

from .. import _safetensors, numpy as runtime  # noqa: E402
from ..record import TrajectoryRecorder  # noqa: E402
from ..torch import MeanLinearNowcaster, WeightNowcaster  # noqa: E402

nn = torch.nn
LENGTH = runtime.WINDOW_LENGTH


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.embedding = nn.Embedding(7, 6)
        self.conv = nn.Conv1d(6, 5, 2, padding=1, groups=1)
        self.norm = nn.BatchNorm1d(5)
        self.frozen = nn.Linear(5, 6).requires_grad_(False)
        self.own = nn.Parameter(torch.ones(6, 6))
        self.tied = nn.Linear(6, 7)
        self.tied.weight = self.embedding.weight
        self.shared = nn.Linear(6, 6)
        self.again = self.shared
        self.half = nn.Linear(2, 2).to(torch.bfloat16)

    def forward(self, x):
        x = self.norm(torch.relu(self.conv(self.embedding(x).transpose(1, 2)))).mean(dim=2)
        return self.tied(torch.tanh(self.again(self.shared(self.frozen(x) @ self.own))))


TRACKED = {
    "conv.weight": "conv",
    "shared.weight": "fc",
    "conv.bias": "bias",
    "tied.bias": "bias",
    "shared.bias": "bias",
    "norm.weight": "norm",
    "norm.bias": "norm",
    "embedding.weight": "embedding",
}
TRACKED = {name: kind for name, kind in TRACKED.items() if kind in runtime.KINDS}


def tracked_as(name):
    """Tensors under a second name are nowcast with the first."""
    return {"tied.weight": "embedding.weight"}.get(name, name.replace("again", "shared"))


def train(model, epochs, at_end):
    random = np.random.default_rng(1)
    x = torch.from_numpy(random.integers(0, 7, (32, 4)))
    optimizer = torch.optim.SGD(model.parameters(), 0.05)
    for _ in range(epochs):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), x[:, 0])
        loss.backward()
        optimizer.step()
        at_end(loss)
    return optimizer


def copy_of(model):
    return {name: tensor.detach().clone() for name, tensor in model.state_dict(keep_vars=False).items()}


@pytest.mark.filterwarnings("ignore:only float32")
def test_a_step_without_a_loss_is_noted_once():
    model = nn.Sequential(nn.Linear(3, 2))
    nowcasting = WeightNowcaster(model)
    with pytest.warns(UserWarning, match="^no loss is given to step") as told:
        for _ in range(3):
            nowcasting.step()
    assert len([one for one in told if "no loss" in str(one.message)]) == 1


def test_the_model_comes_first():
    model = nn.Sequential(nn.Linear(3, 2))
    with pytest.raises(ValueError, match="^not a PyTorch model: model SGD; give the model first, then the optimizer$"):
        WeightNowcaster(torch.optim.SGD(model.parameters(), 0.1), model)


@pytest.mark.parametrize("wrap", [lambda model: model, nn.DataParallel, lambda model: torch.compile(model, backend="eager")])
def test_what_is_nowcast_becomes_the_forecast_and_the_rest_stays(wrap):
    network = Network()
    model = wrap(network)
    nowcaster = WeightNowcaster(model, watch=False, period=LENGTH, start=0, step_scale=1)
    seen, landed = [], []

    def at_end(loss):
        seen.append(copy_of(network))
        nowcaster.step(loss)
        landed.append(copy_of(network))

    train(model, LENGTH, at_end)
    assert {tensor.name: tensor.kind for tensor in nowcaster._tensors} == TRACKED
    assert [(n.snapshot, n.outcome) for n in nowcaster.history] == [(LENGTH - 1, "kept")]
    assert nowcaster.history[0].loss > 0
    for name, last in seen[-1].items():
        if tracked_as(name) not in TRACKED:
            assert torch.equal(landed[-1][name], last), name
            continue
        window = [epoch[name].numpy() for epoch in seen]
        expected = runtime.forecast(TRACKED[tracked_as(name)], window)
        np.testing.assert_allclose(landed[-1][name].numpy(), expected, rtol=0, atol=1e-6)
        assert not torch.equal(landed[-1][name], last)


def test_other_types_than_float32_are_told():
    with pytest.warns(UserWarning, match=r"only float32 is nowcast; left alone: half.weight \(torch.bfloat16\)"):
        WeightNowcaster(Network(), watch=False, period=1, start=0).step()


@pytest.mark.filterwarnings("ignore:only float32")
def test_options_choose_layers_and_kinds():
    model = Network()
    kind = runtime.KINDS[-1]
    nowcaster = WeightNowcaster(model, watch=False, kinds=[kind], layers=lambda name, module: name != "conv")
    train(model, nowcaster.start + nowcaster.period, lambda loss: nowcaster.step())
    expected = [name for name in TRACKED if TRACKED[name] == kind and not name.startswith("conv")]
    assert [tensor.name for tensor in nowcaster._tensors] == expected


@pytest.mark.filterwarnings("ignore:only float32")
def test_a_training_goes_on_within_a_window():
    def make():
        model = Network()
        return model, WeightNowcaster(model, watch=False, period=LENGTH, start=0)

    whole, nowcaster = make()
    train(whole, 2 * LENGTH, lambda loss: nowcaster.step(loss))
    first, early = make()
    train(first, LENGTH + 2, lambda loss: early.step(loss))
    file = io.BytesIO()
    torch.save({"model": first.state_dict(), "nowcaster": early.state_dict()}, file)
    saved = torch.load(io.BytesIO(file.getvalue()), weights_only=True)
    second, late = make()
    second.load_state_dict(saved["model"])
    late.load_state_dict(saved["nowcaster"])
    train(second, LENGTH - 2, lambda loss: late.step(loss))
    assert [(n.snapshot, n.loss) for n in late.history] == [(n.snapshot, n.loss) for n in nowcaster.history]
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name]), name


def test_sharded_and_lazy_models_are_refused_in_one_line():
    class FullyShardedDataParallel(nn.Linear):
        pass

    with pytest.raises(ValueError, match="^the weights are sharded over processes: FullyShardedDataParallel in Sequential; "):
        WeightNowcaster(nn.Sequential(FullyShardedDataParallel(2, 2)))
    lazy = WeightNowcaster(nn.Sequential(nn.LazyLinear(2)), watch=False, period=1, start=0)
    with pytest.raises(ValueError, match="^a lazy module without weights: 0.weight; run the model once "):
        lazy.step()


def test_a_recorder_writes_what_the_model_holds(tmp_path):
    model = Network()
    seen = []
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    with TrajectoryRecorder(tmp_path, model, optimizer=optimizer, architecture="small") as recorder:

        def at_end(loss):
            seen.append(copy_of(model))
            recorder.step(loss=loss, accuracy=0.5)

        train(model, 3, at_end)
    manifest = json.loads((tmp_path / "trajectory.json").read_text())
    assert [manifest["status"], manifest["layout"], manifest["architecture"]] == ["complete", "torch", "small"]
    assert [manifest["optimizer"][key] for key in ("name", "lr", "momentum")] == ["SGD", 0.05, 0.9]
    kinds = {tensor["name"]: (tensor["kind"], tensor["class"]) for tensor in manifest["tensors"]}
    assert kinds["norm.running_var"] == ("statistics", "BatchNorm1d")
    assert kinds["norm.bias"] == ("norm", "BatchNorm1d")
    assert kinds["embedding.weight"] == ("embedding", "Embedding")
    assert kinds["conv.weight"] == ("conv", "Conv1d")
    assert "norm.num_batches_tracked" not in kinds
    assert "again.weight" not in kinds and "tied.weight" not in kinds
    for entry, epoch in zip(manifest["snapshots"], seen):
        values = _safetensors.decode((tmp_path / entry["file"]).read_bytes())
        assert list(values) == list(kinds)
        for name, array in values.items():
            np.testing.assert_array_equal(array, epoch[name].float().numpy())
        assert entry["metrics"]["accuracy"] == 0.5


def test_what_is_no_model_of_pytorch_is_refused_in_one_line(tmp_path):
    with pytest.raises(ValueError, match="^not a PyTorch model: model dict; in Keras, give the recorder to fit alone$"):
        TrajectoryRecorder(tmp_path, {}).step()


@pytest.mark.filterwarnings("ignore:only float32", "ignore:rolled back")
@pytest.mark.parametrize("known", [True, False])
def test_going_back_restores_model_and_optimizer_but_not_the_learning_rate(known):
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 3))
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    before, found = [], []

    def at(nowcast):
        if nowcast.outcome == "kept":
            with torch.no_grad():
                model[3].weight.copy_(50 * torch.sin(torch.arange(24.0)).reshape(3, 8))
        elif nowcast.outcome == "reverted":
            found.append((copy_of(model), copied(optimizer)))

    nowcaster = WeightNowcaster(
        model, optimizer if known else None, period=LENGTH, start=0, budget=0.4, length=8 * LENGTH, on_nowcast=at
    )
    x = torch.randn(32, 6)
    for step in range(8 * LENGTH):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), torch.arange(32) % 3)
        loss.backward()
        optimizer.step()
        optimizer.param_groups[0]["lr"] = 0.01 / (step + 1)
        before.append((copy_of(model), copied(optimizer)))
        if len(before) == 6 * LENGTH:
            # A checkpoint at any moment, which torch.load takes.
            file = io.BytesIO()
            torch.save(nowcaster.state_dict(), file)
            nowcaster.load_state_dict(torch.load(io.BytesIO(file.getvalue()), weights_only=True))
        nowcaster.step(loss)
    reverted = [nowcast for nowcast in nowcaster.history if nowcast.outcome == "reverted"]
    assert len(reverted) == len(found) >= 1
    weights, state = before[reverted[0].snapshot]
    for name, tensor in found[0][0].items():
        assert torch.equal(tensor, weights[name]), name
    assert optimizer.param_groups[0]["lr"] == 0.01 / (8 * LENGTH)
    steps = int(optimizer.state[model[0].weight]["step"])
    discarded = sum(nowcast.probation.cost for nowcast in reverted)
    assert steps == 8 * LENGTH - (discarded if known else 0)
    for one, other in zip(found[0][1], state):
        assert torch.equal(one, other) or not known
    held = [*weights.values(), *(state if known else [])]
    assert reverted[0].probation.bytes == sum(tensor.nbytes for tensor in held)


def copied(optimizer):
    return [value.clone() for state in optimizer.state_dict()["state"].values() for value in state.values()]


def test_named_filters_keep_their_norms_and_batch_norm_is_estimated_anew():
    model = nn.Sequential(nn.Linear(6, 8, bias=False), nn.BatchNorm1d(8), nn.Linear(8, 3))
    inputs = torch.randn(24, 6)
    nowcaster = WeightNowcaster(
        model, watch=False, period=LENGTH, start=0, keep_norm=["0.weight"], recalibrate=lambda: [inputs] * 2
    )
    for step in range(LENGTH):
        with torch.no_grad():
            model[0].weight.add_(0.02 * torch.sin(torch.arange(48.0) + step).reshape(8, 6))
            norms = model[0].weight.norm(dim=1)
        nowcaster.step()
    if "fc" in runtime.KINDS:
        assert nowcaster.history[0].outcome == "kept"
        np.testing.assert_allclose(model[0].weight.detach().norm(dim=1), norms, rtol=1e-5)
    np.testing.assert_allclose(model[1].running_mean, model[0](inputs).detach().mean(dim=0), rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match="^which filters keep their norms has to be said: keep_norm; "):
        WeightNowcaster(model, keep_norm=True)


def test_mean_linear_needs_no_nowcaster():
    model = nn.Sequential(nn.Linear(6, 3))
    nowcaster = MeanLinearNowcaster(model, averaged=2, cadence={"unit": "step"}, watch=False)
    seen = []
    for step in range(10):
        with torch.no_grad():
            model[0].weight.add_(0.01 * step)
        seen.append(model[0].weight.detach().clone())
        nowcaster.step()
    means = [(seen[6] + seen[7]) / 2, (seen[8] + seen[9]) / 2]
    np.testing.assert_allclose(model[0].weight.detach(), means[1] + 8 * (means[1] - means[0]) / 2, rtol=1e-5)
