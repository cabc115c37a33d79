import { createReadStream, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { scattered } from '../scattered.ts'

/** A row of the job: the record of an index was the n-th one of its key. */
export interface CountedRow {
  readonly index: number
  readonly n: number
}

export function keyOf(index: number, keys: number): number {
  return scattered(index) % keys
}

/** What is wrong with rows; all 0 where each record was counted exactly once. */
export interface Differences {
  /** Indices without a row. */
  readonly losses: number
  /** Rows of an index beyond its first. */
  readonly duplicates: number
  /** By how much the counts of all rows together are too high, or too low. */
  readonly wrongCounts: number
}

/**
 * Compares rows with what records 0 to `count` must give, computed without any order: a key with m records has rows with the
 * counts 1 to m, whichever record has which.
 */
export class RowCheck {
  readonly #keys: number
  readonly #seen: Uint8Array
  #others = 0
  #sum = 0

  constructor(count: number, keys: number) {
    this.#keys = keys
    this.#seen = new Uint8Array(count)
  }

  add({ index, n }: CountedRow): void {
    this.#sum += n
    if (this.#seen[index] === 0) this.#seen[index] = 1
    else this.#others++
  }

  differences(): Differences {
    const perKey = new Uint32Array(this.#keys)
    for (let index = 0; index < this.#seen.length; index++) perKey[keyOf(index, this.#keys)]!++
    const expected = perKey.reduce((sum, records) => sum + (records * (records + 1)) / 2, 0)
    const losses = this.#seen.reduce((sum, seen) => sum + (1 - seen), 0)
    return { losses, duplicates: this.#others, wrongCounts: Math.abs(this.#sum - expected) }
  }
}

/** Reads what has been committed into a folder. */
export async function checkRows(folder: string, check: RowCheck): Promise<Differences> {
  for (const name of readdirSync(folder).filter((one) => !one.startsWith('.'))) {
    const lines = createInterface({ input: createReadStream(join(folder, name)) })
    for await (const line of lines) check.add(JSON.parse(line) as CountedRow)
  }
  return check.differences()
}
