import type { GraphDescription, Step } from './random-graph.ts'
import type { Row } from './rows.ts'

/**
 * Looks at the rows of each stream of one slot: no row of a source that is read first may come behind one of another source.
 *
 * Sums of several rows are of no source, and what waits for a timer comes when that fires.
 */
export class ReadingOrder {
  /** The rows of the source that is read first begin with it; undefined where there is none. */
  readonly #first: string | undefined
  readonly #others: Set<string> = new Set()

  constructor(graph: GraphDescription) {
    const source = graph.steps.find(({ kind }) => kind.type === 'source' && kind.readFirst === true)
    this.#first = source?.uid.replace('source', 's')
  }

  /** Whether the order holds in the stream of this step. */
  isKept(step: Step): boolean {
    return this.#first !== undefined && step.isTimely
  }

  check(uid: string, row: Row): Row {
    if (!/^s\d/.test(row.id)) return row
    if (!row.id.startsWith(this.#first!)) this.#others.add(uid)
    else if (this.#others.has(uid)) throw new Error(`row ${row.id} comes late to ${uid}`)
    return row
  }
}
