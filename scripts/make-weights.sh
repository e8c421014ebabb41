#!/usr/bin/env bash
# Makes weights/zoo again: records the runs of both plans, builds samples, trains, exports. Goes on where it was
# interrupted. Needs Fashion-MNIST and CIFAR-10 (wnn data get fashion-mnist; wnn data get cifar10).
set -euo pipefail
cd "$(dirname "$0")/.."
wnn() { node dist/cli/main.js "$@"; }

wnn collect --plan weights/plan.yaml --store data/zoo/short --engine wasm
wnn collect --plan weights/plan-long.yaml --store data/zoo/long --engine wasm
wnn dataset data/zoo/short data/zoo/long --out data/zoo/samples --input-length 5 --horizon 10 \
  --scalars-per-tensor 5000 --seed 2023
wnn train data/zoo/samples --out data/zoo/training --epochs 8 --batch-size 2048 --learning-rate 0.002 --seed 2023 --engine wasm
wnn export --from data/zoo/training --to weights/zoo --tag zoo --period 3 --step-scale 0.8 --overwrite
