"""The files of a recorded trajectory, with arrays in place of a model."""

import json

import numpy as np
import pytest

from .. import _safetensors
from ..record import MANIFEST_NAME, RecordedTensor, TrajectoryRecorder


class Recorder(TrajectoryRecorder):
    """Records two arrays that change at every step."""

    def __init__(self, directory, **options):
        super().__init__(directory, **options)
        self.kernel = np.arange(600, dtype=np.float32).reshape(20, 30) / 8
        self.bias = np.zeros(3, np.float32)

    def _framework(self):
        return {"name": "none", "version": "0"}

    def _describe_optimizer(self):
        return {"name": "Adam", "learning_rate": 0.001}

    def _list_recorded(self):
        return [
            RecordedTensor("dense/kernel", "fc", (20, 30), "Dense", lambda: self.kernel),
            RecordedTensor("dense/bias", "bias", (3,), "Dense", lambda: self.bias),
        ]

    def train(self, epochs, first=None):
        for i in range(epochs):
            self.kernel = self.kernel + np.float32(0.5)
            self.step(None if first is None else first + i, loss=float(self.kernel[0, 0]))
        return self


def manifest_of(directory):
    return json.loads((directory / MANIFEST_NAME).read_text())


def read(directory, file):
    return _safetensors.decode((directory / file).read_bytes())


def test_each_snapshot_is_a_file_that_the_manifest_names(tmp_path):
    Recorder(tmp_path, batch_size=32, task="mnist").train(3).close()
    manifest = manifest_of(tmp_path)
    assert [manifest["format"], manifest["schemaVersion"], manifest["status"]] == ["weight-trajectory", 1, "complete"]
    assert [manifest["batchSize"], manifest["task"], manifest["optimizer"]["name"]] == [32, "mnist", "Adam"]
    assert manifest["cadence"] == {"unit": "epoch", "every": 1}
    assert manifest["tensors"][0] == {"name": "dense/kernel", "kind": "fc", "class": "Dense", "shape": [20, 30]}
    assert [entry["epoch"] for entry in manifest["snapshots"]] == [0, 1, 2]
    for i, entry in enumerate(manifest["snapshots"]):
        values = read(tmp_path, entry["file"])["dense/kernel"]
        np.testing.assert_array_equal(values, np.arange(600, dtype=np.float32).reshape(20, 30) / 8 + 0.5 * (i + 1))
        assert entry["metrics"] == {"loss": float(values[0, 0])}
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "epoch-00000.safetensors", "epoch-00001.safetensors", "epoch-00002.safetensors", MANIFEST_NAME,
    ]


def test_every_second_step(tmp_path):
    recorder = Recorder(tmp_path, unit="step", every=2)
    assert [recorder.step() for _ in range(5)] == [False, True, False, True, False]
    manifest = manifest_of(tmp_path)
    assert [entry["step"] for entry in manifest["snapshots"]] == [1, 3]
    assert manifest["status"] == "recording"


def test_a_share_of_the_scalars_at_places_that_stay(tmp_path):
    Recorder(tmp_path, scalars_per_tensor=50, seed=3).train(2)
    manifest = manifest_of(tmp_path)
    places = read(tmp_path, manifest["positions"])
    assert list(places) == ["dense/kernel"]
    assert len(np.unique(places["dense/kernel"])) == 50
    for i in range(2):
        values = read(tmp_path, manifest["snapshots"][i]["file"])
        np.testing.assert_array_equal(
            values["dense/kernel"], places["dense/kernel"].astype(np.float32) / 8 + np.float32(0.5 * (i + 1))
        )
        assert values["dense/bias"].shape == (3,)
        whole = np.arange(600, dtype=np.float64) / 8 + 0.5 * (i + 1)
        mean, rms, *change = manifest["snapshots"][i]["statistics"]["dense/kernel"]
        np.testing.assert_allclose([mean, rms], [whole.mean(), np.sqrt((whole**2).mean())], rtol=1e-12)
        assert change == ([None, None] if i == 0 else [0.5, 0.5])
    other = tmp_path / "other"
    Recorder(other, scalars_per_tensor=50, seed=4).train(1)
    assert not np.array_equal(read(other, "positions.safetensors")["dense/kernel"], places["dense/kernel"])


def test_bfloat16_is_the_nearest(tmp_path):
    recorder = Recorder(tmp_path, dtype="bfloat16")
    recorder.bias = np.array([1 + 2**-8, 1 + 3 * 2**-8, -np.inf], np.float32)
    recorder.train(1)
    halves = read(tmp_path, "epoch-00000.safetensors")
    values = (halves["dense/bias"].astype(np.uint32) << 16).view(np.float32)
    # Both lie halfway between two: the even one is taken.
    np.testing.assert_array_equal(values, [1, 1 + 2**-6, -np.inf])
    assert _safetensors.to_bfloat16(np.array([np.nan], np.float32)) == 0x7FC0
    kernel = (halves["dense/kernel"].astype(np.uint32) << 16).view(np.float32)
    np.testing.assert_allclose(kernel, recorder.kernel, rtol=2**-8)


def test_a_job_that_was_interrupted_goes_on(tmp_path):
    Recorder(tmp_path, scalars_per_tensor=50).train(5)
    with pytest.raises(ValueError, match="^a trajectory is there: .*; choose another directory, or go on with resume=True$"):
        Recorder(tmp_path)
    recorder = Recorder(tmp_path, scalars_per_tensor=50, resume=True)
    recorder.kernel = recorder.kernel + 100
    recorder.train(1, first=3)
    manifest = manifest_of(tmp_path)
    assert [entry["epoch"] for entry in manifest["snapshots"]] == [0, 1, 2, 3]
    assert not (tmp_path / "epoch-00004.safetensors").exists()
    assert read(tmp_path, "epoch-00003.safetensors")["dense/kernel"].min() > 100
    assert read(tmp_path, "epoch-00002.safetensors")["dense/kernel"].min() < 100
    Recorder(tmp_path, scalars_per_tensor=50, resume=True).train(1)
    assert manifest_of(tmp_path)["snapshots"][-1]["epoch"] == 4
    with pytest.raises(ValueError, match="^another scalarsPerTensor than before: "):
        Recorder(tmp_path, resume=True).train(1)


def test_metrics_that_are_not_finite_are_null(tmp_path):
    Recorder(tmp_path).step(loss=float("nan"), accuracy=np.float32(0.5))
    assert manifest_of(tmp_path)["snapshots"][0]["metrics"] == {"loss": None, "accuracy": 0.5}


def test_what_is_impossible_is_refused_in_one_line(tmp_path):
    with pytest.raises(ValueError, match="^unknown value 'batch': unit; use epoch or step$"):
        Recorder(tmp_path, unit="batch")
    with pytest.raises(ValueError, match="^unknown value 'float16': dtype; use float32 or bfloat16$"):
        Recorder(tmp_path, dtype="float16")
    with pytest.raises(ValueError, match="^not a whole number of at least 1: every 0; give 1 or more$"):
        Recorder(tmp_path, every=0)
    recorder = Recorder(tmp_path).train(2)
    with pytest.raises(ValueError, match="^epoch 0 was recorded already: .*; give each training a recorder of its own$"):
        recorder.step(0)
    (tmp_path / MANIFEST_NAME).write_text("{}")
    with pytest.raises(ValueError, match="^not a manifest of a trajectory: "):
        Recorder(tmp_path)
