import { gzipSync, zstdCompressSync } from 'node:zlib'
import { requirePeer } from '../../runtime/optional-peer.ts'

/** How pages are compressed. */
export type ParquetCompression = 'none' | 'snappy' | 'gzip' | 'zstd'

/** A node of the schema of a file, as the library takes it. */
export interface SchemaElement {
  readonly name: string
  readonly type?: string
  readonly type_length?: number
  readonly repetition_type?: 'REQUIRED' | 'OPTIONAL' | 'REPEATED'
  readonly converted_type?: string
  readonly logical_type?: { readonly type: string }
  readonly num_children?: number
  readonly precision?: number
  readonly scale?: number
}

/** Where the library puts bytes; `index` is how many of them are still in its memory, `offset` how many there were in all. */
export interface ByteWriter {
  index: number
  offset: number
  getBytes(): Uint8Array
}

/** Writes one file, row group by row group; what it knows of them until the footer is written stands in three fields. */
export interface ParquetWriter {
  schema: readonly SchemaElement[]
  row_groups: readonly unknown[]
  num_rows: bigint
  pendingIndexes: readonly unknown[]
  write(group: {
    readonly columnData: readonly { readonly name: string; readonly data: readonly unknown[] }[]
    readonly rowGroupSize: number
  }): unknown
  finish(): unknown
}

/** What is used of the library. */
export interface ParquetLibrary {
  readonly ByteWriter: new (bytes: number) => ByteWriter
  readonly ParquetWriter: new (options: {
    readonly writer: ByteWriter
    readonly schema: readonly SchemaElement[]
    readonly codec: string
    readonly compressors: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>>
    readonly createdBy: string
  }) => ParquetWriter
}

/** The library, loaded where a format is made; fails with `MR_DEPENDENCY_MISSING`. */
export function loadParquet(): ParquetLibrary {
  return requirePeer('hyparquet-writer', 'parquet()', 'write json() or csv()') as ParquetLibrary
}

/** Names of compressions in files. */
export const CODECS: Readonly<Record<ParquetCompression, string>> = {
  none: 'UNCOMPRESSED',
  snappy: 'SNAPPY',
  gzip: 'GZIP',
  zstd: 'ZSTD',
}

/** Those that the library does not bring with it. */
export const COMPRESSORS: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  GZIP: (bytes) => gzipSync(bytes),
  ZSTD: (bytes) => zstdCompressSync(bytes),
}
