import type { OwnStates } from '../checkpoint/manifest.ts'
import type { Clock } from '../clock.ts'
import { invariant } from '../errors.ts'
import type { SourceNode } from '../graph/stream-graph.ts'
import type { SplitEnumerator } from '../source.ts'
import { decodeValue, encodeValue } from '../value-codec.ts'

/** How the host reaches the reader of a source subtask; calls for one subtask keep their order (R31). */
export interface ReaderLink {
  assignSplits(subtask: number, splits: readonly unknown[]): void
  noMoreSplits(subtask: number): void
}

export interface EnumeratorHostOptions {
  readonly clock: Clock
  readonly allow: ReadonlySet<string>
  /** States of the checkpoint, by uid. */
  readonly restored: OwnStates
  readonly log: (uid: string, message: string) => void
}

interface EarlyEvent {
  readonly uid: string
  readonly subtask: number
  readonly event: Uint8Array
}

interface Hosted {
  readonly uid: string
  readonly enumerator: SplitEnumerator<unknown>
}

/**
 * Hosts the enumerators of all sources, in slot 0's thread: the main thread never imports the job (N8).
 *
 * Assignments and triggers reach a reader over one ordered port, and the enumerators' state is taken when the triggers
 * are sent, so a split is in exactly one part of a checkpoint (R31).
 */
export class EnumeratorHost {
  readonly #options: EnumeratorHostOptions
  readonly #hosted: Hosted[] = []
  /** What readers told before all enumerators had started; undefined from then on. */
  #early: EarlyEvent[] | undefined = []

  constructor(options: EnumeratorHostOptions) {
    this.#options = options
  }

  /** Makes the enumerator of a source; `parallelism` is that of its readers. */
  add(node: SourceNode, parallelism: number, link: ReaderLink): void {
    const { clock, allow, restored, log } = this.#options
    const uid = node.name
    const state = restored[uid]
    const enumerator = node.source.createEnumerator(
      {
        uid,
        parallelism,
        clock,
        allow,
        assignSplits: (subtask, splits) => {
          invariant(
            subtask >= 0 && subtask < parallelism,
            `source "${uid}" has no subtask ${subtask}`,
          )
          link.assignSplits(subtask, splits)
        },
        signalNoMoreSplits: (subtask) => link.noMoreSplits(subtask),
        log: (message) => log(uid, message),
      },
      state === undefined ? undefined : decodeValue(state),
    )
    this.#hosted.push({ uid, enumerator })
  }

  /** Starts them one after another; splits flow from here on. */
  async start(): Promise<void> {
    for (const { enumerator } of this.#hosted) await enumerator.start()
    const early = this.#early ?? []
    this.#early = undefined
    for (const { uid, subtask, event } of early) this.readerEvent(uid, subtask, event)
  }

  /** Hands on what a reader has told its enumerator; what comes early waits until all have started. */
  readerEvent(uid: string, subtask: number, event: Uint8Array): void {
    if (this.#early !== undefined) {
      this.#early.push({ uid, subtask, event })
      return
    }
    const hosted = this.#hosted.find((one) => one.uid === uid)
    hosted?.enumerator.handleReaderEvent?.(subtask, decodeValue(event))
  }

  snapshotState(checkpointId: number): OwnStates {
    const states: Record<string, Uint8Array> = {}
    for (const { uid, enumerator } of this.#hosted) {
      const state = enumerator.snapshotState(checkpointId)
      if (state !== undefined) states[uid] = encodeValue(state, `enumerator of ${uid}`)
    }
    return states
  }

  /** Closes all of them, then fails with the first failure. */
  async close(): Promise<void> {
    const closing = this.#hosted.map(async ({ enumerator }) => enumerator.close?.())
    const results = await Promise.allSettled(closing)
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }
}
