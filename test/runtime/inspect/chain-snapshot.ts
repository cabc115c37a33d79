import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createFileStorage } from '../../../runtime/checkpoint/file-storage.ts'
import type {
  CheckpointManifest,
  ManifestSubtask,
  SegmentReference,
} from '../../../runtime/checkpoint/manifest.ts'
import { writeSegment } from '../../../runtime/checkpoint/segment-writer.ts'
import { nodeFileSystem } from '../../../runtime/file-system.ts'
import { keyGroupOf, keyGroupRange, subtaskOfKeyGroup } from '../../../runtime/key-group.ts'
import type { Key } from '../../../runtime/key.ts'
import { MemoryBackend } from '../../../runtime/state/memory-backend.ts'
import {
  type AggregatingState,
  aggregatingState,
  type ListState,
  listState,
  type MapState,
  mapState,
  type ReducingState,
  reducingState,
  type StateDescriptor,
  type ValueState,
  valueState,
} from '../../../runtime/state/state.ts'
import type { TimerQueue } from '../../../runtime/state/state-backend.ts'
import { backendContext, encodeAll, MAX_PARALLELISM } from '../../contract/state-harness.ts'
import { manifestOf } from '../../harness/checkpoint-fixtures.ts'

const PARALLELISM = 2

export interface AllStates {
  readonly value: ValueState<unknown>
  readonly list: ListState<unknown>
  readonly map: MapState<Key, unknown>
  readonly sum: ReducingState<number>
  readonly average: AggregatingState<number, number>
  readonly timed: ValueState<unknown>
  readonly timers: TimerQueue
}

const DESCRIPTORS: readonly StateDescriptor[] = [
  { ...valueState<unknown>({ version: 3 }), name: 'value' },
  { ...listState<unknown>(), name: 'list' },
  { ...mapState<Key, unknown>(), name: 'map' },
  { ...reducingState((a: number, b: number) => a + b), name: 'sum' },
  {
    ...aggregatingState({
      create: () => ({ sum: 0, count: 0 }),
      add: (all, value: number) => ({ sum: all.sum + value, count: all.count + 1 }),
      result: (all) => all.sum / all.count,
    }),
    name: 'average',
  },
  { ...valueState<unknown>({ ttl: '1h' }), name: 'timed' },
]
const EVENT_TIMERS = 7
const PROCESSING_TIMERS = 8

/**
 * An operator "op" of two subtasks with a state of each kind, whose checkpoints are written to files as a run would: a chain of
 * segments each, changes only.
 */
export class ChainSnapshots {
  readonly directory: string
  readonly #backends: MemoryBackend[] = []
  readonly #states: AllStates[] = []
  readonly #chains: SegmentReference[][] = [[], []]
  #last = 0

  private constructor(directory: string) {
    this.directory = directory
  }

  static async create(folder: string): Promise<ChainSnapshots> {
    const directory = join(folder, '0123456789abcdef')
    await mkdir(directory)
    const snapshots = new ChainSnapshots(directory)
    for (let subtask = 0; subtask < PARALLELISM; subtask++) await snapshots.#open(subtask)
    return snapshots
  }

  async #open(subtask: number): Promise<void> {
    const range = keyGroupRange(subtask, PARALLELISM, MAX_PARALLELISM)
    const backend = new MemoryBackend(backendContext({ range }))
    const handles = DESCRIPTORS.map((state, i) => [
      state.name,
      backend.register(i + 1, 'op', state),
    ])
    const timers = backend.timers('op', EVENT_TIMERS, PROCESSING_TIMERS)
    await backend.restore([])
    this.#backends.push(backend)
    this.#states.push({ ...Object.fromEntries(handles), timers } as unknown as AllStates)
  }

  /** Does something with the states of a key, as a callback would. */
  at(key: Key, namespace: Key | undefined, work: (states: AllStates) => void): void {
    const keyGroup = keyGroupOf(key, MAX_PARALLELISM)
    const subtask = subtaskOfKeyGroup(keyGroup, MAX_PARALLELISM, PARALLELISM)
    const backend = this.#backends[subtask]!
    backend.setCurrentKey(key, keyGroup)
    if (namespace !== undefined) backend.setNamespace(namespace)
    work(this.#states[subtask]!)
    backend.clearCurrent()
  }

  /** Takes a checkpoint; returns its folder. */
  async take(
    changes: Partial<CheckpointManifest> & {
      readonly subtasksOf?: (part: ManifestSubtask) => ManifestSubtask
    } = {},
  ): Promise<string> {
    const storage = createFileStorage({ directory: this.directory, fileSystem: nodeFileSystem })
    const id = await storage.reserveId(this.#last)
    for (const [subtask, backend] of this.#backends.entries()) {
      const entries = encodeAll(backend, backend.beginSnapshot(id, this.#last))
      const segment = await writeSegment(storage, id, `op-${subtask}`, entries)
      if (segment !== undefined) this.#chains[subtask]!.push(segment)
      backend.checkpointCompleted(id)
    }
    const { subtasksOf = (part) => part, ...rest } = changes
    const manifest = this.#manifest(id, rest)
    await storage.publish({ ...manifest, subtasks: manifest.subtasks.map(subtasksOf) })
    this.#last = id
    return join(this.directory, `chk-${id}`)
  }

  #manifest(id: number, changes: Partial<CheckpointManifest>): CheckpointManifest {
    const timers = [
      { stateId: EVENT_TIMERS, name: '!event-timers' },
      { stateId: PROCESSING_TIMERS, name: '!processing-timers' },
    ].map((one) => ({ ...one, uid: 'op', kind: 'timers' as const, version: 1 }))
    return manifestOf(id, {
      maxParallelism: MAX_PARALLELISM,
      states: [
        ...DESCRIPTORS.map(({ name, kind, version }, i) => ({
          ...{ stateId: i + 1, uid: 'op', name, kind, version },
        })),
        ...timers,
      ],
      subtasks: this.#chains.map((chain, subtaskIndex) => ({
        vertex: 'op',
        subtaskIndex,
        segments: [...chain],
        operatorState: {},
        watermarks: { op: 5 + subtaskIndex },
        isFinished: false,
      })),
      operators: [{ uid: 'op', name: 'op', kind: 'process', parallelism: PARALLELISM }],
      enumerators: {},
      ...changes,
    })
  }

  async close(): Promise<void> {
    for (const backend of this.#backends) await backend.close()
  }
}
