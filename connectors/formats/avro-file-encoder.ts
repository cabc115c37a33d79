import { randomBytes } from 'node:crypto'
import { type FileCut, type FileEncoder, NO_CLOSING } from '../format.ts'
import { avroUnsupported } from './avro-codec.ts'
import type { AvroCodec } from './avro-file-codecs.ts'
import type { AvroType } from './avro-library.ts'

/** So many bytes of records make a block; a reader holds one in memory. */
const BLOCK_BYTES = 128 * 1024
const MAGIC = Buffer.from('Obj\x01')
const SYNC_BYTES = 16
const FILE = { from: 'avroFile()', unit: 'record' } as const

/** What all files of a format have in common. */
export interface AvroFileEncoderOptions {
  readonly type: AvroType
  /** As it stands in files. */
  readonly schemaText: string
  readonly codec: AvroCodec
}

/**
 * Makes one Avro object container file: a header with the schema, then blocks, each with its number of records and the marker of the
 * file behind it.
 *
 * A file may end after any block, so a cut ends one and leaves nothing to be closed. The marker is drawn anew for each file, and no
 * checkpoint needs to know it: a file that an attempt takes over gets no more blocks.
 */
export class AvroFileEncoder<T> implements FileEncoder<T> {
  readonly #type: AvroType
  readonly #codec: AvroCodec
  readonly #sync: Uint8Array = randomBytes(SYNC_BYTES)
  /** Until it is taken. */
  #header: Uint8Array
  /** The records of the block, up to `#length`. */
  #block: Buffer = Buffer.allocUnsafe(BLOCK_BYTES)
  #length = 0
  #records = 0

  constructor({ type, schemaText, codec }: AvroFileEncoderOptions) {
    this.#type = type
    this.#codec = codec
    this.#header = headerOf(schemaText, codec.name, this.#sync)
  }

  add(value: T): void {
    let end = this.#encode(value)
    if (end < 0) {
      const needed = this.#block.byteLength - end
      const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#block.byteLength))
      this.#block.copy(larger, 0, 0, this.#length)
      this.#block = larger
      end = this.#encode(value)
    }
    this.#length = end
    this.#records++
  }

  get heldBytes(): number {
    return this.#header.byteLength + this.#length
  }

  get isFull(): boolean {
    return this.#length >= BLOCK_BYTES
  }

  take(): Uint8Array {
    const taken: Uint8Array[] = [this.#header]
    this.#header = NO_CLOSING
    if (this.#records > 0) {
      const data = this.#codec.compress(this.#block.subarray(0, this.#length))
      taken.push(longBytes(this.#records), longBytes(data.byteLength), data, this.#sync)
    }
    // A copy, as the block is used again.
    const bytes = Buffer.concat(taken)
    this.#length = 0
    this.#records = 0
    if (this.#block.byteLength > 4 * BLOCK_BYTES) this.#block = Buffer.allocUnsafe(BLOCK_BYTES)
    return bytes
  }

  end(): Uint8Array {
    return this.take()
  }

  cut(): FileCut {
    return { bytes: this.take(), closing: NO_CLOSING }
  }

  /** Where the record ends in the block; below zero: so many bytes are missing. Nothing is changed where it throws. */
  #encode(value: T): number {
    try {
      return this.#type.encode(value, this.#block, this.#length)
    } catch (error) {
      throw avroUnsupported(this.#type, value, error, FILE)
    }
  }
}

function headerOf(schemaText: string, codec: string, sync: Uint8Array): Uint8Array {
  const entries = { 'avro.schema': schemaText, 'avro.codec': codec }
  const texts = Object.entries(entries).flat()
  const parts = texts.flatMap((text) => [longBytes(Buffer.byteLength(text)), Buffer.from(text)])
  return Buffer.concat([MAGIC, longBytes(texts.length / 2), ...parts, longBytes(0), sync])
}

/** A whole number from zero on as Avro has its longs. */
function longBytes(value: number): Uint8Array {
  const bytes: number[] = []
  let left = value * 2
  for (; left > 0x7f; left = Math.floor(left / 128)) bytes.push((left % 128) + 128)
  bytes.push(left)
  return Uint8Array.from(bytes)
}
