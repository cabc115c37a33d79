import {
  CheckpointCoordinator,
  type CheckpointCoordinatorOptions,
  type CoordinatedSubtask,
} from '../../../runtime/checkpoint/checkpoint-coordinator.ts'
import { LocalMerger } from '../../../runtime/checkpoint/segment-merger.ts'
import type { CheckpointStorage } from '../../../runtime/checkpoint/checkpoint-storage.ts'
import type { CheckpointSummary } from '../../../runtime/checkpoint/checkpoint-summary.ts'
import { createFileStorage } from '../../../runtime/checkpoint/file-storage.ts'
import type { CheckpointManifest } from '../../../runtime/checkpoint/manifest.ts'
import { mergeSegments } from '../../../runtime/checkpoint/merge.ts'
import { openSegment } from '../../../runtime/checkpoint/segment-reader.ts'
import { writeSegment } from '../../../runtime/checkpoint/segment-writer.ts'
import { SystemClock } from '../../../runtime/clock.ts'
import { type ErrorData, toErrorData } from '../../../runtime/errors.ts'
import type { SlotCommand, SlotReport, SnapshotPart, SubtaskId } from '../../../runtime/messages.ts'
import type { StateEntry } from '../../../runtime/state/state-backend.ts'
import { ManualClock } from '../../../testing/manual-clock.ts'
import { continuingOf, manifestOf, put, remove } from '../../harness/checkpoint-fixtures.ts'
import { FaultFileSystem } from '../../harness/fault-file-system.ts'

type Report = SlotReport extends infer R
  ? R extends { attempt: number; slot: number }
    ? Omit<R, 'attempt' | 'slot'>
    : never
  : never

export const INTERVAL = 1_000
export const TIMEOUT = 10_000

const system = new SystemClock()

/** Lets everything happen that waits for nothing but promises. */
export async function settle(turns = 3): Promise<void> {
  for (let i = 0; i < turns; i++) {
    await new Promise<void>((resolve) => system.nextTurn(resolve))
  }
}

/** A storage that does some things in another way. */
export function changed(
  inner: CheckpointStorage,
  changes: Partial<CheckpointStorage>,
): CheckpointStorage {
  return {
    reserveId: (above) => inner.reserveId(above),
    create: (checkpointId, name) => inner.create(checkpointId, name),
    read: (name, offset, length) => inner.read(name, offset, length),
    stat: (name) => inner.stat(name),
    publish: (manifest) => inner.publish(manifest),
    list: () => inner.list(),
    readManifest: (checkpointId) => inner.readManifest(checkpointId),
    retain: (kept, spared) => inner.retain(kept, spared),
    discard: (upTo) => inner.discard(upTo),
    ...changes,
  }
}

/** Keyed state of one subtask in a plain map, and what it was at each barrier. */
export class FakeState {
  readonly now: Map<string, string> = new Map()
  readonly #at: Map<number, Map<string, string>> = new Map()

  /** What a restored subtask begins with. */
  restore(checkpointId: number, state: ReadonlyMap<string, string>): void {
    for (const [key, value] of state) this.now.set(key, value)
    this.#at.set(checkpointId, new Map(state))
  }

  at(checkpointId: number): Map<string, string> {
    return this.#at.get(checkpointId) ?? new Map()
  }

  /** What has changed since the base, and nothing else (R24). */
  changesAt(checkpointId: number, baseId: number): StateEntry[] {
    const base = this.at(baseId)
    this.#at.set(checkpointId, new Map(this.now))
    const keys = [...new Set([...base.keys(), ...this.now.keys()])].sort()
    return keys
      .filter((key) => base.get(key) !== this.now.get(key))
      .map((key) => (this.now.has(key) ? put(1, key, this.now.get(key)!) : remove(1, key)))
  }
}

/** Two slots, each with a subtask of the source `cards` and one of `counts`, which has state. */
export const SUBTASKS: readonly CoordinatedSubtask[] = [
  { vertex: 0, subtask: 0, slot: 0, vertexName: 'cards' },
  { vertex: 0, subtask: 1, slot: 1, vertexName: 'cards' },
  { vertex: 1, subtask: 0, slot: 0, vertexName: 'counts' },
  { vertex: 1, subtask: 1, slot: 1, vertexName: 'counts' },
]

/** A coordinator over files in memory, with slots that the test plays. */
export class CoordinatorRun {
  readonly fileSystem: FaultFileSystem
  readonly storage: CheckpointStorage
  readonly clock: ManualClock = new ManualClock()
  readonly states: readonly FakeState[] = SUBTASKS.map(() => new FakeState())
  readonly commands: { readonly slot: number; readonly command: SlotCommand }[] = []
  readonly completed: CheckpointSummary[] = []
  readonly aborted: { readonly checkpointId: number; readonly error: ErrorData }[] = []
  readonly failures: unknown[] = []
  readonly points: string[] = []
  readonly coordinator: CheckpointCoordinator

  constructor(
    options: Partial<CheckpointCoordinatorOptions> = {},
    fileSystem: FaultFileSystem = new FaultFileSystem(['/storage']),
  ) {
    this.fileSystem = fileSystem
    this.storage =
      options.storage ?? createFileStorage({ directory: '/storage', fileSystem: this.fileSystem })
    const { checkpointId: _id, kind: _kind, createdAt: _at, ...rest } = manifestOf(1)
    const { subtasks: _subtasks, enumerators: _enumerators, ...header } = rest
    this.coordinator = new CheckpointCoordinator({
      clock: this.clock,
      storage: this.storage,
      merger: new LocalMerger(this.storage, this.clock),
      header,
      subtasks: SUBTASKS,
      slots: 2,
      send: (slot, command) => this.commands.push({ slot, command }),
      intervalMs: INTERVAL,
      minPauseMs: 0,
      timeoutMs: TIMEOUT,
      tolerableFailures: 2,
      retained: 3,
      base: undefined,
      continuing: continuingOf(options.base),
      lastId: 0,
      keptIds: [],
      pathOf: (checkpointId) => `/storage/chk-${checkpointId}`,
      onCompleted: (summary) => this.completed.push(summary),
      onAborted: (checkpointId, error) => this.aborted.push({ checkpointId, error }),
      failpoint: (name) => this.points.push(name),
      fail: (error) => this.failures.push(error),
      ...options,
    })
  }

  /** Begins, and waits for the first trigger. */
  async start(): Promise<this> {
    this.coordinator.start()
    await this.next()
    return this
  }

  /** Lets an interval pass. */
  async next(): Promise<void> {
    this.clock.advance(INTERVAL)
    await settle()
  }

  /** The trigger that was sent last; undefined if none was. */
  get trigger(): Extract<SlotCommand, { type: 'trigger' }> | undefined {
    const triggers = this.commands.map(({ command }) => command)
    return triggers.findLast((command) => command.type === 'trigger')
  }

  report(report: Report): void {
    this.coordinator.receive({ attempt: 1, slot: 0, ...report } as SlotReport)
  }

  /** Everyone answers the last trigger. */
  async answer(): Promise<void> {
    const { checkpointId, baseId } = this.trigger!
    this.report({ type: 'enumerators', checkpointId, states: { cards: Uint8Array.of(0) } })
    for (const [i, id] of SUBTASKS.entries())
      await this.acknowledge(i, id, { checkpointId, baseId })
    await settle()
  }

  async acknowledge(
    index: number,
    subtask: SubtaskId,
    { checkpointId, baseId }: { readonly checkpointId: number; readonly baseId: number },
  ): Promise<void> {
    const part = await this.partOf(index, checkpointId, baseId)
    this.report({ type: 'acknowledge', checkpointId, subtask, part })
  }

  /** What a subtask contributes; its segment is written. */
  async partOf(index: number, checkpointId: number, baseId: number): Promise<SnapshotPart> {
    const changes = this.states[index]!.changesAt(checkpointId, baseId)
    const { vertexName, subtask } = SUBTASKS[index]!
    const name = `${vertexName}-${subtask}-1`
    return {
      segment: await writeSegment(this.storage, checkpointId, name, changes),
      operatorState: {},
      watermarks: { [vertexName]: checkpointId },
      isFinished: false,
      extraBytes: 0,
    }
  }

  decline(error: Error): void {
    const { checkpointId } = this.trigger!
    this.report({ type: 'decline', checkpointId, subtask: SUBTASKS[3]!, error: toErrorData(error) })
  }

  /** An interval passes, and everyone answers. */
  async checkpoint(): Promise<void> {
    const before = this.trigger
    await this.next()
    if (this.trigger === before) throw new Error('no checkpoint was triggered')
    await this.answer()
  }

  commit(checkpointId: number): void {
    for (const subtask of SUBTASKS) this.report({ type: 'committed', checkpointId, subtask })
  }

  /** Reads the state of a subtask back from a checkpoint. */
  async restored(index: number, manifest: CheckpointManifest): Promise<Map<string, string>> {
    const { vertexName, subtask } = SUBTASKS[index]!
    const part = manifest.subtasks.find((one) => {
      return one.vertex === vertexName && one.subtaskIndex === subtask
    })!
    const readers = await Promise.all(part.segments.map((one) => openSegment(this.storage, one)))
    const state = new Map<string, string>()
    const range = { first: 0, last: 127 }
    for await (const batch of mergeSegments(readers, range, { dropTombstones: true })) {
      for (const { key, value } of batch) {
        state.set(Buffer.from(key.subarray(4)).toString(), Buffer.from(value).toString())
      }
    }
    return state
  }

  /** Names of the files of checkpoints, as the system sees them now. */
  files(): string[] {
    return this.fileSystem.files().map((path) => path.replace('/storage/', ''))
  }
}
