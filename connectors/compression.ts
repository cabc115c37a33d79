import { promisify } from 'node:util'
import { gzip, zstdCompress } from 'node:zlib'

/** How the bytes of files and objects of text are compressed. */
export type FileCompression = 'none' | 'gzip' | 'zstd'

/** What makes bytes smaller; what it makes of several pieces, one after another, must be valid. */
export type Compress = (bytes: Uint8Array) => Promise<Uint8Array>

/** A compression: the ending that it adds, and what does it, off this thread. */
export interface Compressor {
  readonly suffix: string
  readonly compress: Compress | undefined
}

/** What is compressed piece by piece is one file: readers of gzip and of zstd take several, one after another, for one. */
export const COMPRESSORS: Readonly<Record<FileCompression, Compressor>> = {
  none: { suffix: '', compress: undefined },
  gzip: { suffix: '.gz', compress: promisify(gzip) },
  zstd: { suffix: '.zst', compress: promisify(zstdCompress) },
}
