import type { FileEncoder } from '../format.ts'
import {
  type ByteWriter,
  COMPRESSORS,
  type ParquetLibrary,
  type ParquetWriter,
  type SchemaElement,
} from './parquet-library.ts'
import type { CheckedColumn } from './parquet-schema.ts'
import { converterOf, misfit, type ParquetConvert, type SizeMeter } from './parquet-values.ts'

/** So many bytes make a row group, however few rows they are. */
const ROW_GROUP_BYTES = 32 * 1024 * 1024
const FIRST_BUFFER_BYTES = 64 * 1024

/** What all files of a format have in common. */
export interface ParquetEncoderOptions {
  readonly library: ParquetLibrary
  readonly columns: readonly CheckedColumn[]
  readonly elements: readonly SchemaElement[]
  /** The same, as they stand in the footer. */
  readonly footer: readonly SchemaElement[]
  readonly codec: string
  readonly rowGroupRows: number
}

/**
 * Makes one file of Parquet, row group by row group.
 *
 * Values are converted and checked as they come, column by column, so that nothing can go wrong when a group is encoded; what is
 * kept of the groups before is their part of the footer.
 */
export class ParquetEncoder<T> implements FileEncoder<T> {
  readonly #rowGroupRows: number
  readonly #names: readonly string[]
  readonly #converters: readonly ParquetConvert[]
  readonly #meter: SizeMeter = { bytes: 0 }
  readonly #bytes: ByteWriter
  readonly #writer: ParquetWriter
  readonly #footer: readonly SchemaElement[]
  /** The values of the row group, by column. */
  #data: unknown[][]
  /** Those of the record at hand: it is taken as a whole, or not at all. */
  readonly #row: unknown[]
  #rows = 0

  constructor(options: ParquetEncoderOptions) {
    const { library, columns, elements, codec, footer, rowGroupRows } = options
    this.#footer = footer
    this.#rowGroupRows = rowGroupRows
    this.#names = columns.map(({ name }) => name)
    this.#converters = columns.map((column) => converterOf(column, column.name, this.#meter))
    this.#data = columns.map(() => [])
    this.#row = columns.map(() => undefined)
    this.#bytes = new library.ByteWriter(FIRST_BUFFER_BYTES)
    this.#writer = new library.ParquetWriter({
      writer: this.#bytes,
      schema: elements,
      codec,
      compressors: COMPRESSORS,
      createdBy: 'millrace',
    })
  }

  add(value: T): void {
    if (typeof value !== 'object' || value === null) {
      throw misfit('', value, 'an object with a field for each column belongs')
    }
    const names = this.#names
    const row = this.#row
    const before = this.#meter.bytes
    try {
      for (let i = 0; i < names.length; i++) {
        row[i] = this.#converters[i]!((value as Record<string, unknown>)[names[i]!])
      }
    } catch (error) {
      this.#meter.bytes = before
      throw error
    }
    for (let i = 0; i < row.length; i++) this.#data[i]!.push(row[i])
    this.#rows++
  }

  get heldBytes(): number {
    return this.#meter.bytes
  }

  get isFull(): boolean {
    return this.#rows >= this.#rowGroupRows || this.#meter.bytes >= ROW_GROUP_BYTES
  }

  take(): Uint8Array {
    if (this.#rows > 0) {
      const columnData = this.#names.map((name, i) => ({ name, data: this.#data[i]! }))
      this.#writer.write({ columnData, rowGroupSize: this.#rows })
      this.#data = this.#data.map(() => [])
      this.#rows = 0
      this.#meter.bytes = 0
    }
    return this.#takeBytes()
  }

  end(): Uint8Array {
    const group = this.take()
    this.#writer.schema = this.#footer
    this.#writer.finish()
    return Buffer.concat([group, this.#takeBytes()])
  }

  #takeBytes(): Uint8Array {
    const bytes = Buffer.from(this.#bytes.getBytes())
    this.#bytes.index = 0
    return bytes
  }
}
