import { crc32, deflateRawSync, zstdCompressSync } from 'node:zlib'
import { requirePeer } from '../../runtime/optional-peer.ts'

/** How the blocks of an Avro file are compressed. Snappy needs the package `snappy`. */
export type AvroCompression = 'none' | 'deflate' | 'snappy' | 'zstd'

/** A codec: its name in files, and what compresses a block; that may hand its argument back. */
export interface AvroCodec {
  readonly name: string
  readonly compress: (block: Uint8Array) => Uint8Array
}

interface Snappy {
  compressSync(bytes: Uint8Array): Buffer
}

/** Each loads what it needs where a format is made; fails with `MR_DEPENDENCY_MISSING`. */
export const AVRO_CODECS: Readonly<Record<AvroCompression, () => AvroCodec>> = {
  none: () => ({ name: 'null', compress: (block) => block }),
  deflate: () => ({ name: 'deflate', compress: (block) => deflateRawSync(block) }),
  snappy: () => {
    const from = 'avroFile() with snappy'
    const snappy = requirePeer('snappy', from, 'set compression: "deflate"') as Snappy
    return { name: 'snappy', compress: (block) => withChecksum(snappy.compressSync(block), block) }
  },
  zstd: () => ({ name: 'zstandard', compress: (block) => zstdCompressSync(block) }),
}

/** Avro's Snappy has a checksum of the plain block behind it. */
function withChecksum(compressed: Uint8Array, block: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(compressed.byteLength + 4)
  bytes.set(compressed)
  bytes.writeUInt32BE(crc32(block), compressed.byteLength)
  return bytes
}
