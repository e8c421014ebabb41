#!/usr/bin/env python3
"""Makes test/collect/import/fixtures: checkpoints of every epoch of two short trainings, by Keras and by PyTorch.

usage: make-import-fixtures.py OUT_DIR [keras|torch|know|cases]...
  keras.tar.gz  weights-h5/ (.weights.h5), legacy-h5/ (whole model, .h5), native/ (.keras), npz/
  torch.tar.gz  safetensors/, npz/
  know.tar.gz   trajectories as MATLAB 7.3 writes them (axes reversed, 512 bytes before) and as they are documented
  cases.tar.gz  checkpoints as trainings leave them (checkpoint_cases.py)
Each archive but the last holds expected.json: the values that each tensor must have, epoch by epoch, as base64 of little-endian
float32, by the names that the importer gives. PyTorch's kernels are there in Keras's layout; that this layout is right is
checked here, by letting Keras compute with it.
Needs: pip install tensorflow-cpu torch safetensors h5py ml_dtypes.
"""
import base64
import gzip
import io
import json
import os
import pathlib
import sys
import tarfile
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import h5py
import keras
import numpy as np
import torch
from safetensors.torch import save_file

from checkpoint_cases import make_cases

EPOCHS = 11


def encode(array):
    array = np.asarray(array, dtype="<f4")
    return {"shape": list(array.shape), "base64": base64.b64encode(array.tobytes()).decode()}


def pack(folder, target):
    """A tar.gz whose bytes depend on the content only."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            info = tarfile.TarInfo(str(path.relative_to(folder)))
            info.size = path.stat().st_size
            tar.addfile(info, io.BytesIO(path.read_bytes()))
    target.write_bytes(gzip.compress(buffer.getvalue(), 9, mtime=0))


def make_data(rng):
    images = rng.normal(size=(64, 6, 6, 1)).astype("f4")
    words = rng.integers(0, 6, size=(64, 2))
    return images, words, rng.integers(0, 3, size=64)


def make_keras(folder):
    keras.utils.set_random_seed(7)
    layers = keras.layers
    image, words = keras.Input((6, 6, 1)), keras.Input((2,), dtype="int32")
    block_in = keras.Input((2, 2, 4))
    block = keras.Model(block_in, layers.Conv2DTranspose(2, 2, name="up")(block_in), name="block")
    x = layers.Conv2D(4, 3, name="stem")(image)
    x = layers.ReLU()(layers.BatchNormalization(name="settle")(x))
    x = layers.DepthwiseConv2D(2, strides=2, name="each")(x)
    x = layers.Flatten()(block(x))
    x = layers.Concatenate()([x, layers.Flatten()(layers.Embedding(6, 2, name="words")(words))])
    x = layers.Dropout(0.1)(layers.Dense(4, activation="relu", name="hidden")(x))
    model = keras.Model([image, words], layers.Dense(3, name="head")(x))
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    images, words, labels = make_data(np.random.default_rng(1))
    expected = []
    for kind in ["weights-h5", "legacy-h5", "native", "npz"]:
        (folder / kind).mkdir()

    class Expect(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            tensors = {}
            for layer in [*model.layers, *block.layers]:
                prefix = "block/" if layer in block.layers else ""
                if not isinstance(layer, keras.Model):
                    for weight in layer.weights:
                        if "float" in weight.dtype:
                            tensors[f"{prefix}{layer.name}/{weight.name}"] = weight.numpy()
            expected.append({name: encode(value) for name, value in tensors.items()})
            np.savez_compressed(folder / "npz" / f"{epoch + 1}.npz", **tensors, step=np.int64(epoch))

    checkpoint = keras.callbacks.ModelCheckpoint
    model.fit([images, words], labels, epochs=EPOCHS, batch_size=16, verbose=0, callbacks=[
        checkpoint(str(folder / "weights-h5" / "{epoch}-{loss:.2f}.weights.h5"), save_weights_only=True),
        checkpoint(str(folder / "legacy-h5" / "model.{epoch:02d}-{loss:.2f}.h5")),
        checkpoint(str(folder / "native" / "epoch_{epoch}.keras")),
        Expect(),
    ])
    (folder / "expected.json").write_text(json.dumps(expected))


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        nn = torch.nn
        self.features = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 8, (1, 2), groups=4), nn.ConvTranspose2d(8, 2, 2))
        self.tok_emb = nn.Embedding(6, 2)
        self.ln = nn.LayerNorm(44)
        self.line = nn.Conv1d(2, 3, 2)
        self.fc = nn.Linear(44, 3)

    def forward(self, images, words):
        x = self.features(images).flatten(1)
        x = self.fc(self.ln(torch.cat([x, self.tok_emb(words).flatten(1)], 1)))
        return x + self.line(self.tok_emb(words).transpose(1, 2)).squeeze(2)


def to_keras(name, array):
    if name.startswith("tok_emb") or array.ndim < 2:
        return array
    return array.transpose(*range(2, array.ndim), 1, 0)


def check_layouts(net):
    """Keras computes with the converted kernels what PyTorch does with its own."""
    kernel = lambda layer: layer.weight.detach().numpy().transpose(2, 3, 1, 0)
    first, each, up = net.features[0], net.features[3], net.features[4]
    ops, rng = keras.ops, np.random.default_rng(3)
    for layer, compute in [
        (first, lambda x, w: ops.conv(x, w)),
        (each, lambda x, w: ops.depthwise_conv(x, w.reshape(1, 2, 4, 2))),
        (up, lambda x, w: ops.conv_transpose(x, w)),
    ]:
        x = rng.normal(size=(2, layer.in_channels, 5, 6)).astype("f4")
        theirs = (layer(torch.from_numpy(x)) - layer.bias[:, None, None]).detach().numpy()
        ours = np.asarray(compute(x.transpose(0, 2, 3, 1), kernel(layer)))
        np.testing.assert_allclose(ours.transpose(0, 3, 1, 2), theirs, atol=1e-5)


def make_torch(folder):
    torch.manual_seed(7)
    torch.use_deterministic_algorithms(True)
    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    images, words, labels = make_data(np.random.default_rng(2))
    images = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    words, labels = torch.from_numpy(words), torch.from_numpy(labels)
    expected = []
    for kind in ["safetensors", "npz"]:
        (folder / kind).mkdir()
    for epoch in range(EPOCHS):
        for start in range(0, 64, 16):
            part = slice(start, start + 16)
            loss = torch.nn.functional.cross_entropy(net(images[part], words[part]), labels[part])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        state = net.state_dict()
        save_file(state, folder / "safetensors" / f"checkpoint-{epoch}.safetensors")
        np.savez(folder / "npz" / f"state_{epoch}.npz", **{name: value.numpy() for name, value in state.items()})
        expected.append({name: encode(to_keras(name, value.numpy()))
                         for name, value in state.items() if value.is_floating_point()})
    check_layouts(net)
    (folder / "expected.json").write_text(json.dumps(expected))


def make_know(folder):
    rng = np.random.default_rng(5)
    arrays = {"ConvWeights": rng.normal(size=(3, 3, 5, 7)), "FCWeights": rng.normal(size=(11, 7)), "Bias": rng.normal(size=(4, 7))}
    with h5py.File(folder / "matlab.mat", "w", userblock_size=512) as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=np.asfortranarray(array).T).attrs["MATLAB_class"] = np.bytes_("double")
    with open(folder / "matlab.mat", "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512))
    with h5py.File(folder / "documented.mat", "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array.astype("f4"))
    expected = [{name: encode(array[..., t]) for name, array in arrays.items()} for t in range(7)]
    (folder / "expected.json").write_text(json.dumps(expected))


out = pathlib.Path(sys.argv[1])
makers = {"keras": make_keras, "torch": make_torch, "know": make_know, "cases": lambda folder: make_cases(folder, encode)}
for name in sys.argv[2:] or makers:
    make = makers[name]
    with tempfile.TemporaryDirectory() as temporary:
        make(pathlib.Path(temporary))
        pack(pathlib.Path(temporary), out / f"{name}.tar.gz")
