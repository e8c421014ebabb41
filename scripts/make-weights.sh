#!/usr/bin/env bash
# Makes weights/zoo again: records the runs of both plans, builds samples, trains, exports. Resumes where it was
# interrupted. Needs Fashion-MNIST and CIFAR-10 (wnn data get fashion-mnist; wnn data get cifar10).
#
#   DATA=DIR  recordings, samples and training; default data/zoo
#   TO=DIR    the nowcaster; default weights/zoo
set -euo pipefail
cd "$(dirname "$0")/.."
data=${DATA:-data/zoo}
to=${TO:-weights/zoo}
wnn() { node dist/cli/main.js "$@"; }

wnn collect --plan weights/plan.yaml --store "$data/short" --engine wasm
wnn collect --plan weights/plan-long.yaml --store "$data/long" --engine wasm
wnn dataset "$data/short" "$data/long" --out "$data/samples" --input-length 5 --horizon 10 \
  --scalars-per-tensor 5000 --seed 2023
wnn train "$data/samples" --out "$data/training" --epochs 8 --batch-size 2048 --learning-rate 0.002 --seed 2023 --engine wasm
wnn export --from "$data/training" --to "$to" --tag zoo --period 3 --step-scale 0.8 --overwrite
