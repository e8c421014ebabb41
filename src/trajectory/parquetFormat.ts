// The numbers that the Parquet format gives to things, for who writes it and who reads it.
// https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift

/** Of values to bytes. */
export const Encoding = { plain: 0, plainDictionary: 2, rle: 3, rleDictionary: 8, byteStreamSplit: 9 } as const;
/** Of what a column's values are stored as. */
export const PhysicalType = { int32: 1, float: 4, byteArray: 6 } as const;
export const PageType = { data: 0, dictionary: 2 } as const;
export const Codec = { uncompressed: 0, zstd: 6 } as const;
