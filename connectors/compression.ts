import { promisify } from 'node:util'
import { gzip, zstdCompress } from 'node:zlib'
import type { Compress } from './object-upload.ts'

/** How the bytes of text objects are compressed. */
export type S3Compression = 'none' | 'gzip' | 'zstd'

/** A compression: the ending that it adds, and what does it, off this thread. */
export interface Compressor {
  readonly suffix: string
  readonly compress: Compress | undefined
}

/** What is compressed piece by piece is one file: readers of gzip and of zstd take several, one after another, for one. */
export const COMPRESSORS: Readonly<Record<S3Compression, Compressor>> = {
  none: { suffix: '', compress: undefined },
  gzip: { suffix: '.gz', compress: promisify(gzip) },
  zstd: { suffix: '.zst', compress: promisify(zstdCompress) },
}
