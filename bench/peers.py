#!/usr/bin/env python3
"""What one would otherwise use: the same network trained and applied by PyTorch and by Keras on TensorFlow.

Prints a JSON line for each measurement: peer, work (train or apply), batch, per_second (samples, or scalars).
Data are in memory beforehand; applying means the forward pass of normalized windows, nothing else.
Needs `pip install torch tensorflow-cpu`, and a C++ compiler for torch.compile. bench/train.bench.ts runs it between
its own measurements; only ratios of one run mean anything.
"""
import argparse
import json
import os
import time
import warnings

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
warnings.filterwarnings("ignore")

LENGTH = 5
APPLY_BATCH = 100_000


def report(peer, work, batch, per_second):
    print(json.dumps({"peer": peer, "work": work, "batch": batch, "per_second": per_second}), flush=True)


def rate_of(step, samples, seconds, finish=lambda: None):
    """Samples a second of `step`, after a warm-up of three steps."""
    for _ in range(3):
        step()
    finish()
    steps = 0
    start = time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        step()
        finish()
        steps += 1
    return steps * samples / elapsed


def measure_torch(peer, options):
    import torch

    torch.set_num_threads(options.threads)
    device = "cuda" if options.gpu and torch.cuda.is_available() else "cpu"
    finish = torch.cuda.synchronize if device == "cuda" else lambda: None
    torch.manual_seed(0)

    class Stream(torch.nn.Module):
        def __init__(self, inputs):
            super().__init__()
            self.features = torch.nn.Linear(inputs, 64)
            self.code = torch.nn.Linear(64, 8)
            self.exponent = torch.nn.Linear(8, 64)
            self.factor = torch.nn.Linear(8, 64)
            self.shift = torch.nn.Linear(8, 64)
            self.out = torch.nn.Linear(64, 32)

        def forward(self, x):
            f = self.features(x)
            c = torch.relu(self.code(f))
            h = self.factor(c) * torch.exp(self.exponent(c) * f) + self.shift(c)
            return torch.nn.functional.leaky_relu(self.out(h), 0.3)

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.values = Stream(LENGTH)
            self.differences = Stream(LENGTH - 1)
            self.head = torch.nn.Linear(64, 1)

        def forward(self, x):
            streams = [self.values(x), self.differences(torch.diff(x, dim=1))]
            return torch.tanh(self.head(torch.cat(streams, dim=1)))

    network = Network().to(device)
    call = torch.compile(network) if peer == "torch.compile" else network
    adam = torch.optim.Adam(network.parameters(), lr=1e-3, foreach=True)
    for batch in options.batches:
        windows = torch.rand(batch, LENGTH, device=device) / 2
        targets = torch.randn(batch, 1, device=device) / 10

        def step():
            adam.zero_grad(set_to_none=True)
            torch.nn.functional.l1_loss(call(windows), targets).backward()
            adam.step()

        report(peer, "train", batch, rate_of(step, batch, options.seconds, finish))
    with torch.inference_mode():
        count = options.apply_batch
        windows = torch.rand(count, LENGTH, device=device) / 2
        report(peer, "apply", count, rate_of(lambda: call(windows), count, options.seconds, finish))


def measure_keras(peer, options):
    import numpy as np
    import tensorflow as tf
    from tensorflow import keras

    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    keras.utils.set_random_seed(0)
    layers = keras.layers

    def penalized(units):
        return layers.Dense(units, kernel_regularizer=keras.regularizers.L1(1e-6), bias_regularizer=keras.regularizers.L1(0.1))

    def stream(inputs):
        f = penalized(64)(inputs)
        c = layers.Dense(8, activation="relu")(f)
        power = layers.Activation("exponential")(layers.Multiply()([layers.Dense(64)(c), f]))
        h = layers.Add()([layers.Multiply()([layers.Dense(64)(c), power]), layers.Dense(64)(c)])
        return layers.LeakyReLU(negative_slope=0.3)(penalized(32)(h))

    inputs = [keras.Input((LENGTH,)), keras.Input((LENGTH - 1,))]
    output = layers.Dense(1, activation="tanh")(layers.Concatenate()([stream(x) for x in inputs]))
    network = keras.Model(inputs, output)
    network.compile(optimizer=keras.optimizers.Adam(), loss="mae")

    def draw(count):
        windows = np.random.rand(count, LENGTH).astype(np.float32) / 2
        return windows, np.diff(windows, axis=1)

    for batch in options.batches:
        count = max(500_000 // batch, 8) * batch
        targets = np.random.randn(count, 1).astype(np.float32) / 10
        samples = tf.data.Dataset.from_tensor_slices((draw(count), targets)).batch(batch).cache()
        fit = lambda: network.fit(samples, epochs=1, verbose=0, shuffle=False)
        fit()
        epochs = 0
        start = time.perf_counter()
        while (elapsed := time.perf_counter() - start) < options.seconds:
            fit()
            epochs += 1
        report(peer, "train", batch, epochs * count / elapsed)
    windows = list(draw(5 * APPLY_BATCH))
    predict = lambda: network.predict(windows, batch_size=APPLY_BATCH, verbose=0)
    report(peer, "apply", APPLY_BATCH, rate_of(predict, 5 * APPLY_BATCH, options.seconds))


PEERS = {"torch": measure_torch, "torch.compile": measure_torch, "keras": measure_keras}

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("peer", choices=PEERS)
parser.add_argument("--threads", type=int, default=os.cpu_count())
parser.add_argument("--batches", type=lambda text: [int(part) for part in text.split(",")], default=[1024, 8192, 65536])
parser.add_argument("--apply-batch", type=int, default=APPLY_BATCH)
parser.add_argument("--gpu", action="store_true", help="on CUDA where PyTorch has it, with the data there")
parser.add_argument("--seconds", type=float, default=2.0)
arguments = parser.parse_args()
try:
    PEERS[arguments.peer](arguments.peer, arguments)
except Exception as error:  # Not installed, or no compiler: the bench shows the reason in the peer's place.
    print(json.dumps({"peer": arguments.peer, "error": str(error).strip().splitlines()[0][:160]}), flush=True)
