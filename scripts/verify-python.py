#!/usr/bin/env python3
"""Checks that nowcasts in Keras and PyTorch are those of TensorFlow.js. One line a check, with the largest difference.

usage: verify-python.py [NOWCASTER]           (a nowcaster directory; default: weights/zoo)
Needs: npm run build; pip install keras tensorflow-cpu torch. KERAS_BACKEND chooses the backend.

The same small network trains from the same weights on the same batches in Keras and in tfjs, with the callback of each, once
without the watch and once with it; what the watch decides and the weights after every nowcast, also after going back, are
compared, these as shares of the largest weight of their tensor. In PyTorch, every nowcast is compared with what the numpy
runtime makes of the weights before it.
"""
import importlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np

PROJECT = pathlib.Path(__file__).resolve().parent.parent
LIMIT = 1e-5
EPOCHS, EXAMPLES, BATCH = 25, 128, 32
WATCHED = {"epochs": 45, "budget": 0.3, "max": 8}
RATE, MOMENTUM = 0.02, 0.9
failures = 0

TFJS = """
  import { readFileSync, writeFileSync } from 'node:fs';
  const [dist, directory, nowcaster] = process.argv.slice(1);
  await import('@tensorflow/tfjs-backend-cpu');
  const tf = await import('@tensorflow/tfjs-core');
  const tfl = await import('@tensorflow/tfjs-layers');
  const { WeightForecasting } = await import(new URL('callback/node.js', dist));
  tf.enableProdMode();
  const { x, y, weights, epochs, batch, rate, momentum, options } = JSON.parse(readFileSync(`${directory}/task.json`, 'utf8'));
  const { layers } = tfl;
  const model = tfl.sequential({ layers: [
    layers.conv2d({ filters: 4, kernelSize: 3, activation: 'tanh', inputShape: [6, 6, 2], name: 'conv' }),
    layers.batchNormalization({ name: 'normalization' }),
    layers.flatten(),
    layers.dense({ units: 12, activation: 'tanh', name: 'hidden' }),
    layers.dense({ units: 3, activation: 'softmax', name: 'head' }),
  ] });
  model.compile({ optimizer: tf.train.momentum(rate, momentum), loss: 'categoricalCrossentropy' });
  const variables = model.layers.flatMap((layer) => layer.weights);
  for (const [i, variable] of variables.entries()) variable.write(tf.tensor(weights[i], variable.shape));
  const nowcasts = [];
  const read = () => variables.map((variable) => Array.from(variable.read().dataSync()));
  const callback = await WeightForecasting.load(nowcaster, {
    ...options,
    onNowcast: ({ snapshot, outcome, stepScale, probation }) =>
      void nowcasts.push({ snapshot, outcome, stepScale, probation: { ...probation }, weights: read() }),
  });
  await model.fit(tf.tensor(x, [x.length / 72, 6, 6, 2]), tf.tensor(y, [y.length / 3, 3]),
    { epochs, batchSize: batch, shuffle: false, verbose: 0, callbacks: [callback] });
  const verdicts = callback.history.map(({ probation }) => probation?.verdict ?? null);
  await callback.dispose();
  writeFileSync(`${directory}/tfjs.json`, JSON.stringify({ nowcasts, verdicts }));
"""


def report(name, difference, limit=LIMIT):
    global failures
    good = bool(difference <= limit)
    failures += not good
    print(f"{'ok  ' if good else 'FAIL'}  {name:70s} {difference:.1e}", flush=True)


def share(values, expected):
    """The largest difference as a share of the largest weight."""
    return np.abs(values - expected).max() / np.abs(expected).max()


def make_task():
    random = np.random.default_rng(1)
    x = random.normal(size=(EXAMPLES, 6, 6, 2)).astype(np.float32)
    labels = np.argmax(x.reshape(EXAMPLES, -1) @ random.normal(size=(72, 3)), axis=1)
    return x, np.eye(3, dtype=np.float32)[labels]


def make_keras():
    import keras

    keras.utils.set_random_seed(3)
    layers = keras.layers
    # Epsilon and momentum of batch normalization are spelled out: they are the defaults of both.
    model = keras.Sequential([
        layers.Input((6, 6, 2)),
        layers.Conv2D(4, 3, activation="tanh", name="conv"),
        layers.BatchNormalization(momentum=0.99, epsilon=1e-3, name="normalization"),
        layers.Flatten(),
        layers.Dense(12, activation="tanh", name="hidden"),
        layers.Dense(3, activation="softmax", name="head"),
    ])
    model.compile(keras.optimizers.SGD(RATE, momentum=MOMENTUM), "categorical_crossentropy")
    return model


def check_keras(package, nowcaster, temporary, watched):
    import keras

    x, y = make_task()
    model = make_keras()
    weights = [array for layer in model.layers for array in layer.get_weights()]
    epochs = WATCHED["epochs"] if watched else EPOCHS
    budget, bounds = WATCHED["budget"], {"start": 0.8, "min": 0.1, "max": WATCHED["max"]}
    options = {"watch": {"budget": budget}, "stepScale": bounds} if watched else {"watch": False}
    task = {"x": x.ravel().tolist(), "y": y.ravel().tolist(), "weights": [array.ravel().tolist() for array in weights],
            "epochs": epochs, "batch": BATCH, "rate": RATE, "momentum": MOMENTUM, "options": options}
    (temporary / "task.json").write_text(json.dumps(task))
    dist = (PROJECT / "dist").as_uri() + "/"
    subprocess.run(["node", "--input-type=module", "-e", TFJS, dist, str(temporary), str(nowcaster)], check=True, cwd=PROJECT)

    found = []

    def keep(nowcast):
        held = [array for layer in model.layers for array in layer.get_weights()]
        found.append((nowcast.snapshot, nowcast.outcome, nowcast.step_scale, held))

    own = {"budget": budget, "step_scale": bounds} if watched else {"watch": False}
    callback = importlib.import_module(f"{package}.keras").WeightForecasting(on_nowcast=keep, **own)
    model.fit(x, y, epochs=epochs, batch_size=BATCH, shuffle=False, verbose=0, callbacks=[callback])
    expected = json.loads((temporary / "tfjs.json").read_text())
    verdicts = [nowcast.probation and nowcast.probation.verdict for nowcast in callback.history]
    same = verdicts == expected["verdicts"]
    same &= [one[:2] for one in found] == [(one["snapshot"], one["outcome"]) for one in expected["nowcasts"]]
    how = f"watched ({', '.join(verdict or 'none' for verdict in verdicts)})" if watched else "without the watch"
    report(f"Keras {keras.__version__} on {keras.config.backend()}, {how}: other nowcasts than tfjs's", not same, 0)
    for (snapshot, outcome, step_scale, arrays), reference in zip(found, expected["nowcasts"]):
        difference = max(share(array.ravel(), np.array(values, np.float32)) for array, values in zip(arrays, reference["weights"]))
        difference = max(difference, abs(step_scale - reference["stepScale"]))
        report(f"Keras and tfjs, weights after the nowcast of snapshot {snapshot} ({outcome})", difference)


def check_torch(package):
    import torch

    runtime = importlib.import_module(f"{package}.numpy")
    nn = torch.nn
    torch.manual_seed(3)
    model = nn.Sequential(nn.Conv2d(2, 4, 3), nn.Tanh(), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(64, 12), nn.Tanh(),
                          nn.Linear(12, 3))
    optimizer = torch.optim.SGD(model.parameters(), RATE, momentum=MOMENTUM)
    nowcaster = importlib.import_module(f"{package}.torch").WeightNowcaster(model, watch=False)
    images, targets = make_task()
    x, y = torch.from_numpy(images).permute(0, 3, 1, 2), torch.from_numpy(targets)
    read = lambda: {name: array.detach().numpy().copy() for name, array in model.named_parameters()}
    kinds = {"0.weight": "conv", "4.weight": "fc", "6.weight": "fc", "0.bias": "bias", "4.bias": "bias", "6.bias": "bias"}
    seen = []
    for _ in range(EPOCHS):
        for start in range(0, EXAMPLES, BATCH):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x[start:start + BATCH]), y[start:start + BATCH])
            loss.backward()
            optimizer.step()
        seen.append(read())
        nowcast = nowcaster.step(loss)
        if nowcast is None:
            continue
        differences = []
        for name, landed in read().items():
            expected = current = seen[-1][name]
            if name in kinds:
                ahead = runtime.forecast(kinds[name], [epoch[name] for epoch in seen[-runtime.WINDOW_LENGTH:]])
                expected = current + nowcaster.step_scale * (ahead - current)
            differences.append(share(landed, expected))
        report(f"PyTorch and numpy, weights after the nowcast of snapshot {nowcast.snapshot}", max(differences))


def main():
    nowcaster = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else PROJECT / "weights/zoo").resolve()
    with tempfile.TemporaryDirectory() as name:
        temporary = pathlib.Path(name)
        command = ["node", PROJECT / "dist/cli/main.js", "export", "--from", nowcaster, "--to", temporary / "package",
                   "--format", "python", "--name", "verified"]
        subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
        sys.path.insert(0, str(temporary / "package"))
        for watched in (False, True):
            check_keras("verified", nowcaster, temporary, watched)
        check_torch("verified")
    sys.exit(failures > 0)


main()
