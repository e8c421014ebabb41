#!/usr/bin/env bash
# The paper's experiment: the plain CNN on CIFAR-10, Adam 1e-3, batches of 1,024, 50 epochs, three seeds; trained as it is,
# with straight lines, and with the shipped nowcaster; and a page of it. Called again it goes on where it was interrupted.
# Needs CIFAR-10 (wnn data get cifar10). Further arguments go to `wnn evaluate`, e.g. --workers 1.
#
#   PUBLISHED=DIR  also compares the published weights: a directory with NWNN_{Conv,FC,Bias}_13.h5
#   TRAINING=DIR   draws how the shipped nowcaster was trained: what `wnn train --out` wrote
#   OUT=DIR        where results and page go; default data/paper
#   SEEDS=1,2,3  EPOCHS=50
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
wnn() { node "$here/dist/cli/main.js" "$@"; }
out=${OUT:-$here/data/paper}
epochs=${EPOCHS:-50}

# The paper has no watch over its nowcasts.
methods=(--method 'linear?watch=off&name=linear' --nowcaster "ours=$here/weights/zoo?watch=off&name=ours")
if [ -n "${PUBLISHED:-}" ]; then
  files=("$PUBLISHED"/NWNN_Conv_13.h5 "$PUBLISHED"/NWNN_FC_13.h5 "$PUBLISHED"/NWNN_Bias_13.h5)
  [ -e "$out/published/nowcaster.json" ] || wnn export --from "$(IFS=,; echo "${files[*]}")" --to "$out/published" --tag 13
  methods+=(--nowcaster "published=$out/published?watch=off&name=published")
fi
wnn evaluate --task cifar10/simplenet --seed "${SEEDS:-1,2,3}" --epochs "$epochs" --bests-after $((epochs * 2 / 5)) \
  --optimizer adam --learning-rate 0.001 --batch-size 1024 --engine wasm "${methods[@]}" --out "$out" "$@"
wnn report "$out" --title "Weight nowcasting: the paper's experiment" ${TRAINING:+--training "ours=$TRAINING"}
