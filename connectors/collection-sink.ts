import type { Committer, Sink, SinkContext, SinkWriter } from '../runtime/sink.ts'
import { checkValue } from '../runtime/value-check.ts'
import { HeldCuts } from './held-cuts.ts'

/** The records of one cut as they stand in the checkpoint; plain data. */
export interface CollectedValues {
  /** The same whenever this cut is delivered, also after a restart. */
  readonly deliveryId: string
  readonly checkpointId: number
  readonly values: readonly unknown[]
}

/**
 * Hands records to whoever runs the job, exactly once: they are in `collected` of the result of `runJob`, by uid. For tests.
 *
 * Values appear when their checkpoint has completed, those of one subtask in order. They are part of the checkpoints and of
 * memory until then, so they must be within the type table (R18).
 *
 * @example
 * stream.sinkTo(collectionSink(), { uid: 'results' })
 */
export function collectionSink<T = unknown>(): Sink<T> {
  // The writer and the committer of a subtask have one context, and share what is held.
  const held: WeakMap<SinkContext, HeldCuts> = new WeakMap()
  const heldIn = (context: SinkContext): HeldCuts => {
    const known = held.get(context)
    if (known !== undefined) return known
    const cuts = new HeldCuts()
    held.set(context, cuts)
    return cuts
  }
  const sink: Sink<T, CollectedValues> = {
    kind: 'collection',
    guarantee: 'exactly-once',
    createWriter: (context) => new CollectionWriter<T>(context, heldIn(context)),
    createCommitter: (context) => new CollectionCommitter(context, heldIn(context)),
  }
  return sink
}

class CollectionWriter<T> implements SinkWriter<T, CollectedValues> {
  readonly #context: SinkContext
  readonly #cuts: HeldCuts
  #values: T[] = []

  constructor(context: SinkContext, cuts: HeldCuts) {
    this.#context = context
    this.#cuts = cuts
  }

  get isReady(): boolean {
    return this.#cuts.isReady
  }

  write(value: T): void {
    checkValue(value, 'record')
    this.#values.push(value)
  }

  async prepareCommit(checkpointId: number, baseId: number): Promise<readonly CollectedValues[]> {
    const values = this.#values
    this.#values = []
    this.#cuts.cut(checkpointId, baseId, values.length > 0)
    if (values.length === 0) return []
    const { lineage, subtaskIndex } = this.#context
    return [{ deliveryId: `${lineage}/${checkpointId}/${subtaskIndex}`, checkpointId, values }]
  }
}

class CollectionCommitter implements Committer<CollectedValues> {
  readonly #context: SinkContext
  readonly #cuts: HeldCuts

  constructor(context: SinkContext, cuts: HeldCuts) {
    this.#context = context
    this.#cuts = cuts
  }

  async commit(cuts: readonly CollectedValues[]): Promise<void> {
    for (const { deliveryId, checkpointId, values } of cuts) {
      this.#context.deliver(deliveryId, values)
      this.#cuts.committed(checkpointId)
    }
    this.#context.wake()
  }
}
