import type { DataStream } from '../../operators/streams.ts'
import type { OutputTag } from '../../runtime/operator.ts'
import type { Key } from '../../runtime/key.ts'
import type { Random } from '../../runtime/clock.ts'
import type { Event } from './event.ts'
import type { EventTable } from './event-table.ts'
import type { Certainty, RandomStream } from './random-stream.ts'

/** A row as it is compared: plain values, the text of its key first. */
export type Row = readonly (string | number | null)[]

/** The streams that an operator under test reads; one with one input reads `first`. */
export interface Inputs {
  readonly first: DataStream<Event>
  /** The events of side 1; `first` then holds those of side 0. */
  readonly second: DataStream<Event>
  readonly keyOf: (event: Event) => Key
  readonly certainty: Certainty
}

/** What an operator under test puts out; late events, where it tells them, go to a side output of `main`. */
export interface Outputs {
  readonly main: DataStream<Row>
  readonly late?: OutputTag<Event> | OutputTag<LateRecord>
}

/** An event as joins tell that it is late. */
export interface LateRecord {
  readonly value: Event
}

/** An event, and the highest watermark that its split gave before it; -Infinity for none. */
export interface TimedEvent extends Event {
  readonly split: number
  readonly keyText: string
  readonly watermark: number
}

/** What is to be answered. */
export interface Question {
  readonly certainty: Certainty
  /** The events, ready for queries: see `EventTable`. */
  readonly table: EventTable
  /** The events split by split, each in its order. */
  readonly events: readonly TimedEvent[]
  /** Ids of the late ones. */
  readonly late: ReadonlySet<number>
}

/** The right answer. */
export interface Expectation {
  /** Those of one key in their order, if the operator is ordered. */
  readonly rows: readonly Row[]
  /** Which events are late, where more than their watermark decides; in an exact case only. */
  readonly late?: ReadonlySet<number>
}

/** One operator under test: what is drawn for it, how it is put into a job, and what must come out. */
export interface OracleOperator<P> {
  readonly name: string
  readonly inputs: 1 | 2
  readonly certainties: readonly Certainty[]
  /** The result depends on the order of a key's events, and rows of a key are compared in order. */
  readonly isOrdered: boolean
  /**
   * Whether runs go on at other parallelisms; default true. Records that an operator holds go where their key group is: with a
   * partitioner of the user's own, who may send later ones elsewhere, not even the order of a key holds.
   */
  readonly isRescaled?: boolean
  /** Default 5,000. */
  readonly maxEvents?: number
  /** Options of the operator; plain data. */
  draw(random: Random, stream: RandomStream): P
  build(
    inputs: Inputs,
    params: P,
    options: { readonly uid: string; readonly parallelism: number },
  ): Outputs
  /**
   * Which events are late, as a condition in SQL over the table `events` with `watermark`, that of the own split before the
   * event. In a loose case it says which may be.
   */
  late(params: P): string
  /** What must come out. */
  expected(question: Question, params: P): Promise<Expectation>
  /**
   * What is wrong with the rows of a loose case, or an empty text; for operators whose rows depend on more than on which
   * events are late. Default: they are compared with what is expected.
   */
  justify?(question: Question, params: P, rows: readonly Row[]): string
}
