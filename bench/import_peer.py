#!/usr/bin/env python3
"""Makes checkpoints as a training leaves them, and reads them with safetensors: the peer of bench/import.bench.ts.

usage: import_peer.py make DIR COUNT MEGABYTES    state dicts of kernels that drift, one safetensors file an epoch
       import_peer.py read DIR                    reads every value of every file, as safetensors.numpy.load_file does
       import_peer.py store DIR OUT               reads them, and writes the Parquet that the toolkit's store has, one thread
Prints one JSON line: seconds, coreSeconds and peakMemory in bytes. Needs numpy, safetensors; `store` pyarrow.
"""
import glob
import json
import os
import resource
import sys
import time

import numpy as np


def make(directory, count, megabytes):
    from safetensors.numpy import save_file
    rng = np.random.default_rng(1)
    os.makedirs(directory, exist_ok=True)
    # Blocks as a bottleneck of a ResNet-50's last stage has them, 4.5 million values each.
    shapes = [(512, 2048, 1, 1), (512, 512, 3, 3), (2048, 512, 1, 1), (2048,)]
    blocks = max(1, round(megabytes * 1e6 / 4 / sum(int(np.prod(shape)) for shape in shapes)))
    weights = {f"layer{i}.{j}.weight": rng.normal(0, 0.02, shape).astype("f4")
               for i in range(blocks) for j, shape in enumerate(shapes)}
    for epoch in range(count):
        save_file(weights, f"{directory}/epoch_{epoch:03d}.safetensors")
        for array in weights.values():
            array += rng.normal(0, 1e-4, array.shape).astype("f4")


def read(directory):
    from safetensors.numpy import load_file
    total = 0
    for path in sorted(glob.glob(f"{directory}/*.safetensors")):
        total += sum(int(array.size) for array in load_file(path).values())
    assert total > 0


def store(directory, out):
    import pyarrow as pa
    import pyarrow.parquet as pq
    from safetensors.numpy import load_file
    pa.set_cpu_count(1)
    writer = None
    for epoch, path in enumerate(sorted(glob.glob(f"{directory}/*.safetensors"))):
        arrays = load_file(path)
        columns = [np.ascontiguousarray(a.transpose(*range(2, a.ndim), 1, 0) if a.ndim > 1 else a).reshape(-1) for a in arrays.values()]
        offsets = np.concatenate([[0], np.cumsum([c.size for c in columns])]).astype("i4")
        table = pa.table({"epoch": pa.array([epoch] * len(columns), pa.int32()), "tensor": pa.array(list(arrays)),
                          "values": pa.ListArray.from_arrays(offsets, np.concatenate(columns))})
        writer = writer or pq.ParquetWriter(out, table.schema, compression="zstd", use_dictionary=["tensor"],
                                            column_encoding={"values.list.element": "BYTE_STREAM_SPLIT"})
        writer.write_table(table)
    writer.close()


def main():
    task, *words = sys.argv[1:]
    begin, before = time.perf_counter(), time.process_time()
    if task == "make":
        make(words[0], int(words[1]), float(words[2]))
    else:
        {"read": read, "store": store}[task](*words)
    print(json.dumps({"seconds": time.perf_counter() - begin, "coreSeconds": time.process_time() - before,
                      "peakMemory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


main()
