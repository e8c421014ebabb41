#!/usr/bin/env bash
# Checks that weights/zoo has the bytes that scripts/make-weights.sh makes. Half an hour on two cores; resumes.
#
#   DATA=DIR  recordings, samples and training, as of make-weights.sh; default data/zoo, whose recordings are kept
set -euo pipefail
cd "$(dirname "$0")/.."
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
TO="$made/zoo" bash scripts/make-weights.sh
if diff -r weights/zoo "$made/zoo"; then
  echo "weights/zoo: the same bytes, $(find weights/zoo -type f | wc -l) files"
else
  echo "weights/zoo: not the bytes that make-weights.sh makes" >&2
  exit 1
fi
