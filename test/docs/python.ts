// Runs the blocks of docs/python.md and the Python block of docs/interchange.md: small trainings in Keras and PyTorch on noise, by
// the Python that PYTHON names.

import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

const PYTHON = process.env.PYTHON ?? 'python3';

/** What the blocks expect to be there. */
const BEFORE = `
import os
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0")
import numpy as np
rng = np.random.default_rng(0)
x = rng.random((256, 28, 28, 1), dtype="float32")
y = rng.integers(0, 10, 256)
held_out = (x[:64], y[:64])
def keras_model(kind):
    import keras
    from keras import layers
    cnn = [layers.Conv2D(16, 3, activation="relu"), layers.MaxPooling2D(), layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D()]
    model = keras.Sequential([keras.Input((28, 28, 1)), *(cnn if kind == "cnn" else []), layers.Flatten(),
                              layers.Dense(64, activation="relu"), layers.Dense(10)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model
def torch_training():
    import torch
    from torch import nn
    model = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
                          nn.Flatten(), nn.Linear(800, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters())
    images, labels = torch.tensor(x).permute(0, 3, 1, 2), torch.tensor(y)
    def train_one_epoch(model, _=None):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()
    return model, optimizer, train_one_epoch
validate = lambda model: (1.0, 0.5)
`;

/** A recording in PyTorch that is not closed; docs/python.md has the output of its import without the code. */
const RECORD_TORCH = `
from nowcast.record import TrajectoryRecorder
model, optimizer, train_one_epoch = torch_training()
recorder = TrajectoryRecorder("torch-runs/cnn8-4", model, optimizer=optimizer, batch_size=128)
for epoch in range(11):
    recorder.step(loss=train_one_epoch(model))
`;

/** What stands around a block, by a text that it contains; `{code}` is the block. */
const AROUND: [text: string, program: string][] = [
  [
    'TrajectoryRecorder("runs/cnn-1"',
    `
for kind in ("cnn", "mlp"):
    for i in (1, 2, 3):
        model = keras_model(kind)
        exec('''{code}'''.replace("cnn-1", f"{kind}-{i}").replace('architecture="cnn"', f'architecture="{kind}"'))
`,
  ],
  [
    'average="ema"',
    'model = keras_model("cnn")\n(x_val, y_val), (x_test, y_test) = held_out, held_out\n{code}\nassert averaged.value() is not None',
  ],
  [
    'average="lawa"',
    `
epochs = 2
model, optimizer, train_one_epoch = torch_training()
loader = [(None, None)] * 2
{code}
assert averaged.value() is not None
`,
  ],
  ['TrajectoryRecorder("runs/cnn8-1"', 'model, optimizer, train_one_epoch = torch_training()\n{code}'],
  [
    'nowcast_mine.keras',
    'model = keras_model("cnn")\n{code}\nassert any(entry.outcome == "kept" for entry in nowcasting.history)',
  ],
  [
    'nowcast_mine.torch',
    'epochs = 15\nmodel, optimizer, train_one_epoch = torch_training()\n{code}\nassert nowcaster.history',
  ],
  [
    'TrajectoryRecorder("runs/a"',
    `
from nowcast.record import TrajectoryRecorder
epochs, loss, val_loss = 3, 1.0, 1.0
model, optimizer, _ = torch_training()
{code}
`,
  ],
  [
    'from NAME.keras',
    `
snapshots = [np.full((3, 3, 1, 4), i, "float32") for i in range(5)]
windows = np.zeros((2, 5), "float32")
{code}
assert later.shape == (3, 3, 1, 4) and y.shape == (2, 1)
`,
  ],
];

/**
 * Runs a block.
 *
 * @param shell runs shell commands in the project.
 */
export function runPythonBlock(code: string, directory: string, shell: (commands: string) => void): void {
  const site = join(directory, 'site');
  // Into a directory of the project; setuptools and numpy are those of the Python, so no network is needed.
  const pip = (place: string) =>
    shell(`'${PYTHON}' -m pip install -q --no-build-isolation --no-deps --target '${site}' ${place}`);
  const run = (program: string) => {
    const file = join(directory, 'block.py');
    writeFileSync(file, BEFORE + program);
    const env = { ...process.env, PYTHONPATH: site };
    const { status, stderr } = spawnSync(PYTHON, [file], { cwd: directory, encoding: 'utf8', env });
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  };
  if (code.startsWith('$ ')) {
    const commands = code.split('\n').filter((line) => line.startsWith('$ '));
    if (code.includes('torch-runs')) run(RECORD_TORCH);
    for (const command of commands) {
      const [words, place] = command.slice(2).split(' && pip install ');
      shell(words);
      if (place) pip(place);
    }
    return;
  }
  const [, program] = AROUND.find(([known]) => code.includes(known))!;
  if (code.includes('nowcast_mine') && !existsSync(join(site, 'nowcast_mine'))) pip('./package');
  if (code.includes('NAME')) {
    shell('wnn export --from weights/zoo --to named --format python --name named');
    pip('./named');
  }
  run(program.replace('{code}', () => code.replaceAll('NAME', 'named')));
}
