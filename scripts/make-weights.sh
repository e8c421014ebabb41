#!/usr/bin/env bash
# Makes weights/zoo again: records the runs of weights/plan.yaml, builds samples, trains, exports. Goes on where it was
# interrupted. Needs Fashion-MNIST and CIFAR-10 (wnn data get fashion-mnist; wnn data get cifar10).
set -euo pipefail
cd "$(dirname "$0")/.."
wnn() { node dist/cli/main.js "$@"; }

wnn collect --plan weights/plan.yaml --store data/zoo/trajectories --engine wasm
wnn dataset data/zoo/trajectories --out data/zoo/samples --scalars-per-tensor 20000 --seed 2023
wnn train data/zoo/samples --out data/zoo/training --epochs 12 --batch-size 4096 --seed 2023 --engine wasm
wnn export --from data/zoo/training --to weights/zoo --tag zoo --overwrite
