// Arrow columns of snapshots, made from typed arrays without a value in an object. Used by the log and by the Parquet.

import * as arrow from 'apache-arrow';

/** list<float32> with one entry a row; copies the values into one buffer. */
export function floatListColumn(rows: readonly Float32Array[]): arrow.Data<arrow.List<arrow.Float32>> {
  const valueOffsets = listOffsets(rows);
  const data = new Float32Array(valueOffsets[rows.length]);
  rows.forEach((row, i) => {
    data.set(row, valueOffsets[i]);
  });
  return listColumn(arrow.makeData({ type: new arrow.Float32(), data }), valueOffsets);
}

/** list<int32> with one entry a row. */
export function intListColumn(rows: readonly (readonly number[])[]): arrow.Data<arrow.List<arrow.Int32>> {
  const data = Int32Array.from(rows.flat());
  return listColumn(arrow.makeData({ type: new arrow.Int32(), data }), listOffsets(rows));
}

function listColumn<T extends arrow.DataType>(
  child: arrow.Data<T>,
  valueOffsets: Int32Array,
): arrow.Data<arrow.List<T>> {
  // "element" is the name that the Parquet format gives to the items of a list.
  const type = new arrow.List(new arrow.Field('element', child.type, false));
  return arrow.makeData({ type, length: valueOffsets.length - 1, nullCount: 0, valueOffsets, child });
}

function listOffsets(rows: readonly { length: number }[]): Int32Array {
  const offsets = new Int32Array(rows.length + 1);
  rows.forEach((row, i) => {
    offsets[i + 1] = offsets[i] + row.length;
  });
  return offsets;
}

/** A record batch of columns without nulls, in the order given. */
export function makeBatch(length: number, columns: Record<string, arrow.Data>): arrow.RecordBatch {
  const fields = Object.entries(columns).map(([name, { type }]) => new arrow.Field(name, type, false));
  const type = new arrow.Struct(fields);
  const children = Object.values(columns);
  return new arrow.RecordBatch(
    new arrow.Schema(fields),
    arrow.makeData({ type, length, nullCount: 0, children }) as arrow.Data<arrow.Struct>,
  );
}
