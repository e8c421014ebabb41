// The part of parquetjs-lite that metricsParquet.ts uses; the package brings no types of its own.

declare module 'parquetjs-lite' {
  export interface ParquetSchema {
    fieldList: { name: string }[];
  }
  export interface ParquetReader {
    schema: ParquetSchema;
    getCursor(): { next(): Promise<Record<string, number | null> | null> };
    close(): Promise<void>;
  }
  const parquet: {
    ParquetReader: { openBuffer(buffer: Buffer): Promise<ParquetReader> };
  };
  export default parquet;
}
