import type { OwnStates } from '../checkpoint/manifest.ts'
import type { JobGraph } from '../graph/job-graph-types.ts'
import type { LinkMessage, ReaderEvent, SlotCommand } from '../messages.ts'
import { decodeValue, encodeValue } from '../value-codec.ts'
import { EnumeratorHost } from './enumerator-host.ts'
import type { SlotEnvironment } from './slot-environment.ts'
import type { Subtask } from './subtask.ts'

export interface SlotSourcesOptions {
  readonly environment: SlotEnvironment
  readonly graph: JobGraph
  /** The subtasks of this slot, and the one of a vertex. */
  readonly subtasks: () => readonly Subtask[]
  readonly subtaskOf: (vertex: number) => Subtask | undefined
  readonly log: (uid: string, message: string) => void
}

/** What slots tell each other about sources. */
export type SourceMessage = Extract<
  LinkMessage,
  { type: 'splits' | 'no-more-splits' | 'inject-barrier' }
>

/**
 * The sources of a slot: brings splits and triggers from the enumerators, which slot 0 hosts, to the readers.
 *
 * Both take the same way, and to another slot the same port, so that they stay in order (R31).
 */
export class SlotSources {
  readonly #options: SlotSourcesOptions
  #host: EnumeratorHost | undefined
  #started: Promise<void> = Promise.resolve()

  constructor(options: SlotSourcesOptions) {
    this.#options = options
  }

  /** Makes the enumerators; `restored` has their state by uid. Only in slot 0. */
  host(restored: OwnStates): void {
    const { environment, graph, log } = this.#options
    const host = new EnumeratorHost({
      clock: environment.clock,
      allow: new Set(environment.settings.allow),
      restored,
      log,
    })
    for (const vertex of graph.vertices) {
      const node = vertex.chain[0]!.node
      if (node.type !== 'source') continue
      host.add(node, vertex.parallelism, {
        assignSplits: (subtask, splits) => {
          const bytes = encodeValue(splits, `splits of ${node.name}`)
          this.#send(subtask, { type: 'splits', vertex: vertex.index, subtask, splits: bytes })
        },
        noMoreSplits: (subtask) =>
          this.#send(subtask, { type: 'no-more-splits', vertex: vertex.index, subtask }),
      })
    }
    this.#host = host
  }

  /** Hands what a reader has told to its enumerator, which is here. */
  readerEvent({ vertex, subtask, event }: ReaderEvent): void {
    const uid = this.#options.graph.vertices[vertex]!.chain[0]!.node.name
    this.#host!.readerEvent(uid, subtask, event)
  }

  #send(slot: number, message: SourceMessage): void {
    if (slot === 0) this.receive(message)
    else this.#options.environment.links[slot]!.post(message)
  }

  /** Starts the enumerators that are here: splits flow from here on. */
  start(): Promise<void> {
    this.#started = this.#host?.start() ?? Promise.resolve()
    return this.#started
  }

  /** Settles when all enumerators that are here have started: before that they have no state to take. */
  get started(): Promise<void> {
    return this.#started
  }

  /** Takes the state of the enumerators, by uid, as of a checkpoint. */
  snapshotState(checkpointId: number): OwnStates {
    return this.#host?.snapshotState(checkpointId) ?? {}
  }

  /** Triggers the readers of all slots. */
  trigger({ checkpointId, baseId, kind }: Extract<SlotCommand, { type: 'trigger' }>): void {
    const message: SourceMessage = { type: 'inject-barrier', checkpointId, baseId, kind }
    for (const port of this.#options.environment.links) port?.post(message)
    this.receive(message)
  }

  /** Hands what an enumerator, here or in slot 0, has for readers to those of this slot. */
  receive(message: SourceMessage): void {
    const { subtasks, subtaskOf } = this.#options
    switch (message.type) {
      case 'splits': {
        const splits = decodeValue(message.splits) as unknown[]
        subtaskOf(message.vertex)?.assign((source) => source.reader.addSplits(splits))
        break
      }
      case 'no-more-splits':
        subtaskOf(message.vertex)?.assign((source) => source.noMoreSplits())
        break
      case 'inject-barrier': {
        const { checkpointId, baseId, kind } = message
        for (const subtask of subtasks()) subtask.trigger({ checkpointId, baseId, kind })
        break
      }
    }
  }

  async close(): Promise<void> {
    await this.#host?.close()
  }
}
