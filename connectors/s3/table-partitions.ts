import { StreamError } from '../../runtime/errors.ts'
import { partitionValues } from './partitions.ts'
import type { CatalogTable, TableCatalog } from './table-catalog.ts'

/** So many partitions are known to be there; one that is forgotten is made once more, which changes nothing. */
const MAX_KNOWN = 10_000

/** What a table must fit. */
export interface TableOutput {
  readonly bucket: string
  /** What keys begin with: with a slash at its end, or empty. */
  readonly prefix: string
  /** The names of the partitions, outermost first. */
  readonly partitions: readonly string[]
}

/**
 * The partitions that the table of a sink has: makes those that objects have been written into.
 *
 * Nothing is asked for while no new partition comes. The catalogue is made with the first request.
 */
export class TablePartitions {
  readonly #output: TableOutput
  readonly #makeCatalog: () => TableCatalog
  #catalog: TableCatalog | undefined
  /** Folders, the one that was used last at the end. */
  readonly #known: Set<string> = new Set()

  constructor(makeCatalog: () => TableCatalog, output: TableOutput) {
    this.#makeCatalog = makeCatalog
    this.#output = output
  }

  /** Looks at the table; fails with `MR_TABLE_MISMATCH` where it is not one over the objects of the sink. */
  async check(): Promise<CatalogTable> {
    this.#catalog ??= this.#makeCatalog()
    const table = await this.#catalog.describe()
    checkTable(table, this.#output, this.#catalog.name)
    return table
  }

  /** Sees to it that the table has the partitions of these objects; other keys than those of the output count for nothing. */
  async addOf(keys: Iterable<string>): Promise<void> {
    const folders = new Set<string>()
    for (const key of keys) {
      const folder = this.#folderOf(key)
      if (folder === undefined) continue
      if (this.#known.delete(folder)) this.#known.add(folder)
      else folders.add(folder)
    }
    if (folders.size === 0) return
    // Looked at each time: it may have got columns since.
    const table = await this.check()
    const { bucket, prefix } = this.#output
    const partitions = [...folders].map((folder) => ({
      values: partitionValues(folder),
      location: `s3://${bucket}/${prefix}${folder}`,
    }))
    await this.#catalog!.createPartitions(table, partitions)
    for (const folder of folders) this.#known.add(folder)
    for (const folder of this.#known) {
      if (this.#known.size <= MAX_KNOWN) break
      this.#known.delete(folder)
    }
  }

  close(): void {
    this.#catalog?.close()
  }

  #folderOf(key: string): string | undefined {
    const { prefix } = this.#output
    return key.startsWith(prefix) ? key.slice(prefix.length, key.lastIndexOf('/') + 1) : undefined
  }
}

/** Names of columns have no case in Glue and Hive. */
function checkTable(table: CatalogTable, output: TableOutput, name: string): void {
  const place = `s3://${output.bucket}/${output.prefix}`
  const { location = 'nowhere' } = table
  if (bare(location) !== bare(place)) {
    throw mismatch(
      name,
      `lies at ${location}, and the sink writes to ${place}`,
      'nobody who reads the table would find its objects',
      'make them the same, or name the table over that place',
    )
  }
  const found = table.partitionKeys.map((key) => key.toLowerCase())
  const wanted = output.partitions.map((key) => key.toLowerCase())
  if (found.join('/') !== wanted.join('/')) {
    throw mismatch(
      name,
      `is partitioned by ${listed(table.partitionKeys)}, and the sink by ${listed(output.partitions)}`,
      'its partitions cannot be named in the table',
      'give partitions of the same names in the same order, or make the table anew with PARTITIONED BY these',
    )
  }
}

function bare(location: string): string {
  return location.replace(/^s3[an]:/, 's3:').replace(/\/+$/, '')
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'nothing' : names.join(', ')
}

function mismatch(name: string, what: string, prevents: string, wayOut: string): StreamError {
  return new StreamError(
    'MR_TABLE_MISMATCH',
    `s3Sink(): ${name} ${what}; ${prevents}; ${wayOut}.`,
    {
      table: name,
    },
  )
}
