#!/usr/bin/env python3
"""What one would otherwise write: samples from a trajectory store with numpy and pyarrow, all of it vectorized.

Reads each run's Parquet with pyarrow's threads, keeps a random draw of scalars of each tensor, cuts all windows of a
run at once, normalizes them in float32, leaves out those that do not change, scatters them over shards at random and
appends them in random order to Arrow IPC files. Prints one JSON line: seconds, samples, peakMemory in bytes.
It writes no statistics of the samples, and its files depend on the number of processes; both save work.
Needs numpy and pyarrow. bench/dataset.bench.ts runs it.
"""
import argparse
import json
import multiprocessing
import os
import resource
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

LENGTH, HORIZON, SHARD_ROWS = 5, 5, 1 << 20
KINDS = ("conv", "fc", "bias")


def draw_scalars(tensors, limit, rng):
    """For each kind, positions of the drawn scalars within a snapshot's values."""
    drawn = {kind: [] for kind in KINDS}
    start = 0
    for tensor in tensors:
        size = int(np.prod(tensor["shape"]))
        if tensor["kind"] in drawn:
            chosen = rng.choice(size, limit, replace=False) if size > limit else np.arange(size)
            drawn[tensor["kind"]].append(start + np.sort(chosen))
        start += size
    return {kind: np.concatenate(parts) if parts else np.empty(0, np.int64) for kind, parts in drawn.items()}, start


def read_run(directory, manifest, drawn, snapshot_size):
    """Drawn scalars of every snapshot: for each kind [epochs, scalars] float32."""
    rows = {kind: [] for kind in KINDS}
    for file in manifest["files"]:
        parquet = pq.ParquetFile(os.path.join(directory, file["name"]))
        for group in range(parquet.num_row_groups):
            column = parquet.read_row_group(group, columns=["values"]).column("values")
            for chunk in column.chunks:
                values = chunk.flatten().to_numpy(zero_copy_only=False).reshape(-1, snapshot_size)
                for kind in KINDS:
                    rows[kind].append(values[:, drawn[kind]])
    return {kind: np.concatenate(parts) for kind, parts in rows.items()}


def cut_windows(values):
    """All samples of [epochs, scalars] values: windows [n, LENGTH], targets [n], scales [n]."""
    starts = values.shape[0] - LENGTH - HORIZON + 1
    raw = np.lib.stride_tricks.sliding_window_view(values[: starts + LENGTH - 1], LENGTH, axis=0).reshape(-1, LENGTH)
    future = values[LENGTH + HORIZON - 1 :].reshape(-1)
    low, high = raw.min(axis=1), raw.max(axis=1)
    scales = 2 * ((high - low + np.float32(1e-8)) + np.float32(1e-5))
    windows = (raw - raw[:, :1]) / scales[:, None]
    targets = (future - raw[:, -1]) / scales
    keep = (high > low) & np.isfinite(windows).all(axis=1) & np.isfinite(targets)
    if keep.all():
        return windows, targets, scales
    return windows[keep], targets[keep], scales[keep]


def build(store, out, names, splits, limit, shard_counts, label):
    """Samples of some runs, to shards of their own."""
    schema = pa.schema(
        [
            pa.field("window", pa.list_(pa.float32(), LENGTH)),
            pa.field("target", pa.float32()),
            pa.field("scale", pa.float32()),
            pa.field("run", pa.dictionary(pa.int32(), pa.string())),
        ]
    )
    dictionary = pa.array(names)
    writers, samples = {}, 0
    for index, name in enumerate(names):
        directory = os.path.join(store, name)
        with open(os.path.join(directory, "run.json")) as file:
            manifest = json.load(file)
        rng = np.random.default_rng(index)
        drawn, size = draw_scalars(manifest["tensors"], limit, rng)
        for kind, values in read_run(directory, manifest, drawn, size).items():
            windows, targets, scales = cut_windows(values)
            samples += len(targets)
            split = splits[name]
            shard = rng.integers(shard_counts[split][kind], size=len(targets), dtype=np.int16)
            shuffled = rng.permutation(len(targets))
            order = shuffled[np.argsort(shard[shuffled], kind="stable")]
            ends = np.cumsum(np.bincount(shard, minlength=shard_counts[split][kind]))
            for s, end in enumerate(ends):
                rows = order[(ends[s - 1] if s else 0) : end]
                if len(rows) == 0:
                    continue
                path = os.path.join(out, kind, f"{split}-{label}{s:05d}.arrow")
                if path not in writers:
                    os.makedirs(os.path.dirname(path), exist_ok=True)
                    writers[path] = pa.ipc.new_file(path, schema)
                batch = pa.record_batch(
                    [
                        pa.FixedSizeListArray.from_arrays(pa.array(windows[rows].reshape(-1)), LENGTH),
                        pa.array(targets[rows]),
                        pa.array(scales[rows]),
                        pa.DictionaryArray.from_arrays(np.full(len(rows), index, np.int32), dictionary),
                    ],
                    schema=schema,
                )
                writers[path].write_batch(batch)
    for writer in writers.values():
        writer.close()
    return samples, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("store")
    parser.add_argument("out")
    parser.add_argument("--scalars", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()
    pa.set_cpu_count(max(1, options.threads // options.processes))
    start = time.perf_counter()
    names = sorted(name for name in os.listdir(options.store) if name.startswith("run="))
    held = set(np.random.default_rng(0).choice(names, max(1, len(names) // 5), replace=False))
    splits = {name: "val" if name in held else "train" for name in names}
    planned = {split: {kind: 0 for kind in KINDS} for split in ("train", "val")}
    for name in names:
        with open(os.path.join(options.store, name, "run.json")) as file:
            manifest = json.load(file)
        for tensor in manifest["tensors"]:
            if tensor["kind"] in KINDS:
                scalars = min(options.scalars, int(np.prod(tensor["shape"])))
                starts = max(0, manifest["snapshotsRecorded"] - LENGTH - HORIZON + 1)
                planned[splits[name]][tensor["kind"]] += scalars * starts
    parts = options.processes
    counts = {s: {k: max(1, -(-n // (SHARD_ROWS * parts))) for k, n in kinds.items()} for s, kinds in planned.items()}
    jobs = [
        (options.store, options.out, names[i::parts], splits, options.scalars, counts, f"{i}-" if parts > 1 else "")
        for i in range(parts)
    ]
    if parts == 1:
        results = [build(*jobs[0])]
    else:
        with multiprocessing.get_context("fork").Pool(parts) as pool:
            results = pool.starmap(build, jobs)
    print(
        json.dumps(
            {
                "seconds": time.perf_counter() - start,
                "samples": sum(samples for samples, _ in results),
                "peakMemory": sum(memory for _, memory in results),
            }
        )
    )


if __name__ == "__main__":
    main()
