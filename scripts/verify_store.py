#!/usr/bin/env python3
"""Checks a trajectory store against its design with pyarrow, DuckDB, polars and fastparquet, which share no code with
the toolkit.

    pip install pyarrow duckdb polars fastparquet numpy
    python scripts/verify_store.py STORE [EXPECTED]

EXPECTED, optional, is a directory of raw little-endian float32 files `<run id>/<epoch>.f32` (all tensors of an epoch in
the order of run.json, one after the other), e.g. from `node scripts/dump-store.mjs`; values are then compared bit by bit.
"""

import glob
import json
import pathlib
import sys

import duckdb
import fastparquet
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.ipc
import pyarrow.parquet as pq

LIST_OF = lambda type: pa.list_(pa.field("element", type, nullable=False))
COLUMNS = {
    "epoch": pa.int32(),
    "tensor": pa.dictionary(pa.int32(), pa.string()),
    "kind": pa.dictionary(pa.int32(), pa.string()),
    "shape": LIST_OF(pa.int32()),
    "values": LIST_OF(pa.float32()),
}


def check(condition, message):
    if not condition:
        sys.exit(f"FAILED: {message}")


def epochs_of(table, tensors):
    """Yields (epoch, all values of it in the order of run.json) and checks the other columns."""
    check(table.num_rows % len(tensors) == 0, "rows are whole epochs")
    values = table["values"].combine_chunks()
    flat = values.values.to_numpy(zero_copy_only=True)
    offsets = values.offsets.to_numpy()
    epochs = table["epoch"].to_numpy()
    names, kinds, shapes = (table[column].to_pylist() for column in ("tensor", "kind", "shape"))
    for first in range(0, table.num_rows, len(tensors)):
        last = first + len(tensors)
        check((epochs[first:last] == epochs[first]).all(), "each block of rows is one epoch")
        rows = {names[row]: row for row in range(first, last)}
        check(rows.keys() == {t["name"] for t in tensors}, "names as in run.json")
        parts = []
        for t in tensors:
            row = rows[t["name"]]
            check(kinds[row] == t["kind"] and shapes[row] == t["shape"], "kinds and shapes as in run.json")
            parts.append(flat[offsets[row] : offsets[row + 1]])
            check(len(parts[-1]) == int(np.prod(t["shape"])), "sizes as the shapes say")
        yield int(epochs[first]), np.concatenate(parts)


def check_run(directory, expected):
    manifest = json.loads((directory / "run.json").read_text())
    files = sorted(directory.glob("weights-*.parquet"))
    check([f.name for f in files] == [f["name"] for f in manifest["files"]], f"{directory}: files as in run.json")
    seen = 0
    for path in files:
        file = pq.ParquetFile(path)
        schema = file.schema_arrow
        check(schema.names == list(COLUMNS), f"{path}: columns {schema.names}")
        for name, type in COLUMNS.items():
            check(schema.field(name).type == type, f"{path}: {name} is {schema.field(name).type}, not {type}")
        for group in range(file.metadata.num_row_groups):
            row_group = file.metadata.row_group(group)
            check(row_group.num_rows % len(manifest["tensors"]) == 0, f"{path}: row groups hold whole epochs")
            for column in range(row_group.num_columns):
                chunk = row_group.column(column)
                check(chunk.compression == "ZSTD", f"{path}: {chunk.path_in_schema} is {chunk.compression}")
                split = "BYTE_STREAM_SPLIT" in chunk.encodings
                # A chunk of so few values that all fit its dictionary has no need of another encoding.
                small = chunk.num_values <= 4096
                of_values = chunk.path_in_schema.startswith("values")
                check(
                    split or small if of_values else not split,
                    f"{path}: {chunk.path_in_schema} has encodings {chunk.encodings}",
                )
        for epoch, values in epochs_of(file.read(), manifest["tensors"]):
            if expected:
                raw = np.fromfile(expected / manifest["id"] / f"{epoch}.f32", "<u4")
                check((raw == values.view(np.uint32)).all(), f"{path}: epoch {epoch} differs from what was recorded")
            seen += 1
    check(seen == manifest["snapshotsRecorded"], f"{directory}: {seen} epochs, run.json says {manifest['snapshotsRecorded']}")
    if files:
        metrics = pq.read_table(directory / "metrics.parquet")
        check(metrics.num_rows == seen and metrics.schema.field("epoch").type == pa.int32(), f"{directory}: metrics")
    log = directory / "snapshots.arrows"
    if log.exists():
        with pa.OSFile(str(log)) as source:
            print(f"  {log.name}: {sum(1 for _ in pa.ipc.open_stream(source))} epochs")
    print(f"{directory.name}: {manifest['status']}, {seen} epochs, {len(files)} files")
    return seen * len(manifest["tensors"])


def check_polars(store, arrow):
    keys = ["run", "epoch", "tensor"]
    frame = pl.scan_parquet(f"{store}/run=*/weights-*.parquet", hive_partitioning=True).sort(keys)
    values = frame.select("values").collect()["values"]
    other = pl.from_arrow(arrow).with_columns(pl.col("run", "tensor").cast(pl.String)).sort(keys)["values"]
    a, b = (series.explode(empty_as_null=False).to_numpy().view(np.uint32) for series in (values, other))
    check(len(values) == arrow.num_rows and (a == b).all(), "polars reads the store as one table, equal to pyarrow's")


def check_fastparquet(parts, rows):
    # Given relative paths, it does not find its way from the third file on.
    file = fastparquet.ParquetFile([str(pathlib.Path(part).resolve()) for part in parts])
    frame = file.to_pandas(columns=["epoch", "tensor", "kind", "shape"])
    check(len(frame) == rows, "fastparquet reads the columns but values")
    try:
        file.to_pandas(columns=["values"])
    except NotImplementedError as error:
        return f"reads all columns but values ({error})"
    return "reads all columns"


def main():
    store = pathlib.Path(sys.argv[1])
    expected = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
    runs = sorted(path for path in store.glob("run=*") if (path / "run.json").exists())
    check(runs, f"{store} has runs")
    rows = sum(check_run(run, expected) for run in runs)

    parts = glob.glob(f"{store}/run=*/weights-*.parquet")
    table = ds.dataset(parts, format="parquet", partitioning=ds.HivePartitioning.discover(), partition_base_dir=str(store))
    check("run" in table.schema.names and table.count_rows() == rows, "pyarrow reads the store as one table")
    query = f"from read_parquet('{store}/run=*/weights-*.parquet', hive_partitioning = true)"
    check(duckdb.sql(f"select count(*) {query}").fetchone()[0] == rows, "DuckDB reads the store as one table")
    duck = duckdb.sql(f"select run, epoch, tensor, kind, shape, values {query} order by run, epoch, tensor").arrow()
    arrow = table.to_table()
    order = sorted(range(rows), key=list(zip(*(arrow[name].to_pylist() for name in ("run", "epoch", "tensor")))).__getitem__)
    duck = duck.read_all() if hasattr(duck, "read_all") else duck
    check(duck.column_names[:3] == ["run", "epoch", "tensor"], "DuckDB has the columns")
    for i in range(0, rows, max(1, rows // 200)):
        a = np.asarray(arrow["values"][order[i]].values).view(np.uint32)
        b = np.asarray(duck["values"][i].values).view(np.uint32)
        check(str(arrow["run"][order[i]]) == str(duck["run"][i]) and (a == b).all(), f"row {i}: pyarrow and DuckDB agree")
    check_polars(store, arrow)
    refused = check_fastparquet(sorted(parts), rows)
    print(f"OK: {len(runs)} runs, {rows} rows; pyarrow, DuckDB and polars agree; fastparquet {refused}")


main()
