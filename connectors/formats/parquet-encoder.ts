import type { FileCut, FileEncoder } from '../format.ts'
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
/** At a cut fewer than that, and fewer rows than a quarter of a row group, are no row group of their own yet. */
const LEAST_GROUP_BYTES = 1024 * 1024

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
 *
 * At a cut the rows that are no row group yet have to be in what ends the file. If they always became one, a short checkpoint interval
 * would make groups of a few rows each, which are slow to read and large in the footer; if they never did, each cut would encode up to a
 * whole group anew, and the checkpoint would hold it. So few rows (under a quarter of a group, and under 1 MiB) are encoded for the
 * closing alone, and stay; more become a group, and also where the sink says that it is too much with what its other files have left.
 */
export class ParquetEncoder<T> implements FileEncoder<T> {
  readonly #rowGroupRows: number
  readonly #names: readonly string[]
  readonly #converters: readonly ParquetConvert[]
  readonly #meter: SizeMeter = { bytes: 0 }
  readonly #options: ParquetEncoderOptions
  readonly #bytes: ByteWriter
  readonly #writer: ParquetWriter
  /** The values of the row group, by column. */
  #data: unknown[][]
  /** Those of the record at hand: it is taken as a whole, or not at all. */
  readonly #row: unknown[]
  #rows = 0

  constructor(options: ParquetEncoderOptions) {
    const { library, columns, rowGroupRows } = options
    this.#options = options
    this.#rowGroupRows = rowGroupRows
    this.#names = columns.map(({ name }) => name)
    this.#converters = columns.map((column) => converterOf(column, column.name, this.#meter))
    this.#data = columns.map(() => [])
    this.#row = columns.map(() => undefined)
    this.#bytes = new library.ByteWriter(FIRST_BUFFER_BYTES)
    this.#writer = this.#writerOn(this.#bytes)
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
    this.#writeGroup(this.#writer)
    this.#data = this.#data.map(() => [])
    this.#rows = 0
    this.#meter.bytes = 0
    return takeBytes(this.#bytes)
  }

  end(): Uint8Array {
    this.#writeGroup(this.#writer)
    this.#finish(this.#writer)
    return takeBytes(this.#bytes)
  }

  cut(maxAgainBytes: number): FileCut {
    const { bytes: held } = this.#meter
    const isGroup =
      this.#rows * 4 >= this.#rowGroupRows || held >= LEAST_GROUP_BYTES || held > maxAgainBytes
    const bytes = isGroup ? this.take() : takeBytes(this.#bytes)
    return { bytes, closing: this.#closing() }
  }

  /** Ends the file with a writer that knows what this one does; this one does not notice. */
  #closing(): Uint8Array {
    const bytes = new this.#options.library.ByteWriter(FIRST_BUFFER_BYTES)
    const writer = this.#writerOn(bytes)
    // Without what it has begun a file with.
    bytes.index = 0
    bytes.offset = this.#bytes.offset
    const { row_groups, num_rows, pendingIndexes } = this.#writer
    writer.row_groups = [...row_groups]
    writer.num_rows = num_rows
    writer.pendingIndexes = [...pendingIndexes]
    this.#writeGroup(writer)
    this.#finish(writer)
    return takeBytes(bytes)
  }

  #writerOn(writer: ByteWriter): ParquetWriter {
    const { library, elements: schema, codec } = this.#options
    const common = { compressors: COMPRESSORS, createdBy: 'millrace' }
    return new library.ParquetWriter({ ...common, writer, schema, codec })
  }

  #writeGroup(writer: ParquetWriter): void {
    if (this.#rows === 0) return
    const columnData = this.#names.map((name, i) => ({ name, data: this.#data[i]! }))
    writer.write({ columnData, rowGroupSize: this.#rows })
  }

  #finish(writer: ParquetWriter): void {
    writer.schema = this.#options.footer
    writer.finish()
  }
}

function takeBytes(writer: ByteWriter): Uint8Array {
  const bytes = Buffer.from(writer.getBytes())
  writer.index = 0
  return bytes
}
