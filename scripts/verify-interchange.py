#!/usr/bin/env python3
"""Checks that a nowcaster is the same in every runtime it is exported to. One line a check, with the largest difference.

usage: verify-interchange.py [NOWCASTER]      (a directory or conv.h5,fc.h5,bias.h5; default: fresh random networks)
Needs: npm run build; pip install tensorflow-cpu torch onnx onnxruntime safetensors h5py.
Where ../shared/reference lies beside the project, the published files are checked against their golden forecasts too.
"""
import importlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import h5py
import numpy as np

PROJECT = pathlib.Path(__file__).resolve().parent.parent
REFERENCE = PROJECT.parent / "shared" / "reference"
KINDS = {"conv": "Conv", "fc": "FC", "bias": "Bias"}
LIMIT = 1e-5
sys.path.insert(0, str(PROJECT / "scripts"))
failures = 0


def report(name, difference, limit=LIMIT):
    global failures
    good = bool(difference <= limit)
    failures += not good
    print(f"{'ok  ' if good else 'FAIL'}  {name:58s} {difference:.1e}", flush=True)


def export(source, target, *options):
    command = ["node", PROJECT / "dist/cli/main.js", "export", "--from", source, "--to", target, *options]
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
    return target


def random_nowcaster(target):
    """Random networks, moved off their small start so that every layer matters, through the safetensors reader."""
    code = """
      import { writeFileSync } from 'node:fs';
      const at = (path) => import(new URL(path, process.argv[1]));
      const { initParameters } = await at('network/init.js');
      const { networkOf, PAPER_SPEC } = await at('nowcaster/spec.js');
      const { encodeWeights } = await at('nowcaster/weightsFile.js');
      const { Random } = await at('random.js');
      for (const kind of ['conv', 'fc', 'bias']) {
        const random = new Random(1, kind);
        const parameters = initParameters(networkOf(PAPER_SPEC), kind).map((x) => x + 0.1 * random.normal());
        writeFileSync(`${process.argv[2]}/${kind}.safetensors`, encodeWeights(PAPER_SPEC, parameters));
      }"""
    target.mkdir()
    dist = (PROJECT / "dist").as_uri() + "/"
    subprocess.run(["node", "--input-type=module", "-e", code, dist, str(target)], check=True)
    return ",".join(str(target / f"{kind}.safetensors") for kind in KINDS)


def read_tfjs(directory):
    """Weights by name from a tfjs model, without tfjs."""
    manifest = json.loads((directory / "model.json").read_text())["weightsManifest"]
    data = b"".join((directory / path).read_bytes() for group in manifest for path in group["paths"])
    weights, at = {}, 0
    for entry in (entry for group in manifest for entry in group["weights"]):
        count = int(np.prod(entry["shape"]))
        weights[entry["name"]] = np.frombuffer(data, "<f4", count, at).reshape(entry["shape"]).astype(np.float64)
        at += 4 * count
    assert at == len(data), "bytes left over"
    return weights


def forward(weights, x):
    """The network in float64."""
    def dense(layer, inputs):
        return inputs @ weights[f"{layer}/kernel"] + weights[f"{layer}/bias"]

    outputs = []
    for stream, inputs in (("values", x), ("differences", np.diff(x, axis=1))):
        features = dense(f"{stream}_in", inputs)
        code = np.maximum(dense(f"{stream}_code", features), 0)
        powers = np.exp(dense(f"{stream}_exp", code) * features)
        out = dense(f"{stream}_out", dense(f"{stream}_mul", code) * powers + dense(f"{stream}_add", code))
        outputs.append(np.where(out > 0, out, 0.3 * out))
    return np.tanh(dense("head", np.concatenate(outputs, axis=1)))


def windows(count, seed=1):
    """Normalized windows, as weights move."""
    random = np.random.default_rng(seed)
    raw = np.cumsum(random.normal(size=(count, 5)) + 0.5 * random.normal(size=(count, 1)), axis=1)
    return ((raw - raw[:, :1]) / (np.ptp(raw, axis=1, keepdims=True) + 1e-5 + 1e-8) / 2).astype(np.float32)


def same_layout(path, published):
    """Counts what differs between two weight files besides names and values."""
    def parts(file):
        def kind(owner, name):
            value = owner.attrs.get_id(name)
            return h5py.check_string_dtype(value.dtype) is not None, value.dtype.kind, value.shape

        names = [name if isinstance(name, str) else name.decode() for name in file.attrs["layer_names"]]
        layers = []
        for name in names:
            group = file[name]
            weights = [weight if isinstance(weight, str) else weight.decode() for weight in group.attrs["weight_names"]]
            arrays = [(weight.count("/"), group[weight].shape, group[weight].dtype.str, group[weight].chunks)
                      for weight in weights]
            layers.append((kind(group, "weight_names"), arrays))
        return [kind(file, name) for name in ("backend", "keras_version", "layer_names")] + layers

    with h5py.File(path) as ours, h5py.File(published) as theirs:
        a, b = parts(ours), parts(theirs)
        return abs(len(a) - len(b)) + sum(x != y for x, y in zip(a, b))


def check_runtimes(directory, package, temporary):
    import keras
    import onnx
    import onnxruntime
    import torch
    from safetensors.torch import load_file
    from wnn_keras import build_wnn

    keras_files = []
    for kind, name in KINDS.items():
        weights = read_tfjs(directory / "tfjs" / kind)
        x = windows(1000)
        expected = forward(weights, x.astype(np.float64))
        pair = [x, np.diff(x, axis=1)]
        [h5], [onnx_path], [torch_path] = (list(directory.glob(f"NWNN_{name}_*.{suffix}"))
                                           for suffix in ("h5", "onnx", "safetensors"))

        model = build_wnn()
        model.load_weights(h5)
        report(f"{kind}: h5 in Keras {keras.__version__}", np.abs(model.predict(pair, verbose=0) - expected).max())
        keras_files.append(temporary / f"{kind}.weights.h5")
        model.save_weights(keras_files[-1])

        session = onnxruntime.InferenceSession(str(onnx_path))
        onnx.checker.check_model(onnx.load(onnx_path), full_check=True)
        for count in (1, 7, 1000):
            outputs = session.run(None, {"window": x[:count]})[0]
            report(f"{kind}: ONNX in onnxruntime {onnxruntime.__version__}, {count} rows",
                   np.abs(outputs - expected[:count]).max())

        tensors = {name: tensor.double().numpy() for name, tensor in load_file(torch_path).items()}
        difference = np.abs(forward(tensors, x.astype(np.float64)) - expected).max()
        report(f"{kind}: safetensors in PyTorch {torch.__version__.split('+')[0]}", difference)

        difference = np.abs(package.forward(kind, x) - expected).max()
        report(f"{kind}: Python package, numpy {np.__version__}", difference)

    back = export(",".join(map(str, keras_files)), temporary / "back")
    for kind in KINDS:
        a, b = read_tfjs(directory / "tfjs" / kind), read_tfjs(back / "tfjs" / kind)
        report(f"{kind}: what Keras saved, read back", max(np.abs(a[name] - b[name]).max() for name in a), 0)


def check_published(temporary):
    golden = json.loads((REFERENCE / "golden.json").read_text())
    for pattern in ("NWNN_{}_13.h5", "KNOWN_{}.h5"):
        files = {kind: REFERENCE / pattern.format(name) for kind, name in KINDS.items()}
        ours = export(",".join(map(str, files.values())), temporary / pattern[:4])
        for kind, name in KINDS.items():
            weights = read_tfjs(ours / "tfjs" / kind)
            with h5py.File(files[kind]) as file:
                arrays = [np.array(file[layer][weight]) for layer in file.attrs["layer_names"]
                          for weight in file[layer].attrs["weight_names"]]
            difference = max(np.abs(a - b).max() for a, b in zip(arrays, weights.values(), strict=True))
            report(f"{files[kind].name}: weights", difference, 0)
            if pattern.startswith("NWNN"):
                outputs = forward(weights, np.array(golden[name]["normalised"]))[:, 0]
                report(f"{files[kind].name}: golden residuals", np.abs(outputs - golden[name]["residual"]).max())
                [own] = ours.glob(f"NWNN_{name}_*.h5")
                report(f"{files[kind].name}: parts of our file's layout that differ", same_layout(own, files[kind]), 0)


def main():
    with tempfile.TemporaryDirectory() as name:
        temporary = pathlib.Path(name)
        source = sys.argv[1] if len(sys.argv) > 1 else random_nowcaster(temporary / "random")
        directory = export(source, temporary / "exported", "--format", "h5,safetensors,onnx")
        sys.path.insert(0, str(export(directory, temporary / "package", "--format", "python", "--name", "exported")))
        check_runtimes(directory, importlib.import_module("exported.numpy"), temporary)
        if REFERENCE.is_dir():
            check_published(temporary)
        else:
            print("skip  published files: ../shared/reference is not there")
    sys.exit(failures > 0)


main()
