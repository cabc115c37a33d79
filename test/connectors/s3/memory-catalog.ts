import type {
  CatalogTable,
  NewPartition,
  TableCatalog,
} from '../../../connectors/s3/table-catalog.ts'
import { RestartableError } from '../../../runtime/errors.ts'
import type { Fate } from './memory-bucket.ts'

/** A table in memory that outlives those who use it. */
export class MemoryCatalog {
  readonly calls: string[] = []
  /** Locations by values, joined with slashes. */
  readonly partitions: Map<string, string> = new Map()
  readonly table: CatalogTable
  openClients = 0
  fate: (call: string) => Fate = () => 'done'

  constructor(location: string, partitionKeys: readonly string[]) {
    this.table = { location, partitionKeys, storage: { InputFormat: 'text' } }
  }

  catalog(): TableCatalog {
    this.openClients++
    return {
      name: 'table "lake.clicks" of a catalogue in memory',
      describe: () => this.#call('describe', () => this.table),
      createPartitions: (table, partitions) =>
        this.#call('createPartitions', () => this.#create(table, partitions)),
      close: () => {
        this.openClients--
      },
    }
  }

  #create(table: CatalogTable, partitions: readonly NewPartition[]): void {
    if (table !== this.table) throw new Error('another table was described')
    for (const { values, location } of partitions) {
      const key = values.join('/')
      if (!this.partitions.has(key)) this.partitions.set(key, location)
    }
  }

  async #call<R>(call: string, work: () => R): Promise<R> {
    this.calls.push(call)
    const fate = this.fate(call)
    if (fate === 'fails') throw failed(call)
    const result = work()
    if (fate === 'done, then fails') throw failed(call)
    return result
  }
}

function failed(call: string): RestartableError {
  return new RestartableError('MR_AWS_UNAVAILABLE', `${call} of the test failed`)
}
