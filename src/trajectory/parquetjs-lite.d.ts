// The part of parquetjs-lite that metricsParquet.ts uses; the package brings no types of its own.

declare module 'parquetjs-lite' {
  import type { Writable } from 'node:stream';

  export interface FieldDefinition {
    type: 'INT32' | 'DOUBLE';
    optional?: boolean;
    compression?: 'UNCOMPRESSED' | 'GZIP' | 'SNAPPY';
  }
  export interface ParquetSchema {
    fieldList: { name: string }[];
  }
  export interface ParquetWriter {
    appendRow(row: Record<string, number | undefined>): Promise<void>;
    close(): Promise<void>;
  }
  export interface ParquetReader {
    schema: ParquetSchema;
    getCursor(): { next(): Promise<Record<string, number | null> | null> };
    close(): Promise<void>;
  }
  const parquet: {
    ParquetSchema: new (fields: Record<string, FieldDefinition>) => ParquetSchema;
    ParquetWriter: { openStream(schema: ParquetSchema, stream: Writable, options?: object): Promise<ParquetWriter> };
    ParquetReader: { openBuffer(buffer: Buffer): Promise<ParquetReader> };
  };
  export default parquet;
}
