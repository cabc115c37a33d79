import type {
  CheckpointManifest,
  ManifestSubtask,
  SegmentReference,
} from '../checkpoint/manifest.ts'
import { undrained } from '../checkpoint/drained.ts'
import { mergeEntries } from '../checkpoint/merge.ts'
import type { OpenSavepoint } from '../checkpoint/open-savepoint.ts'
import { SegmentWriter } from '../checkpoint/segment-writer.ts'
import type { FoundSnapshot } from '../inspect/find-snapshot.ts'
import { entriesOfPart } from '../inspect/snapshot-parts.ts'
import { keyGroupOf, keyGroupRange } from '../key-group.ts'
import { readEntryKey, readTimerKey, stateIdIn } from '../state/snapshot-format.ts'
import type { KeyGroupRange, StateEntry } from '../state/state-backend.ts'
import { editEntries } from './edit-entries.ts'
import type { EditPlan, PlannedEntries } from './edit-plan.ts'
import { EntrySorter } from './entry-sorter.ts'
import { encodeTimer, NewEntries } from './new-entries.ts'
import { editLists } from './edit-lists.ts'
import { editEnumerators, editOwn } from './own-state.ts'
import type { NewEntryOwner, NewTimer } from './state-edit.ts'

const ALL: KeyGroupRange = { first: 0, last: 0xffff }

export interface SavepointWriterOptions {
  readonly base: FoundSnapshot | undefined
  readonly plan: EditPlan
  readonly target: OpenSavepoint
  /** A folder in which entries are sorted, absolute: made when it is needed, and removed. */
  readonly sorting: string
  readonly header: Omit<CheckpointManifest, 'states' | 'subtasks' | 'enumerators'>
  /** As `EntrySorter` has it. */
  readonly runBytes?: number
}

/**
 * Writes the files of a savepoint, one a subtask at most, vertex by vertex: what an edited snapshot has of it, merged with what is
 * new, which is sorted first. An operator that the snapshot does not have gets one part, of all key groups.
 */
export class SavepointWriter {
  entries = 0
  bytes = 0
  readonly #options: SavepointWriterOptions

  constructor(options: SavepointWriterOptions) {
    this.#options = options
  }

  /** The manifest, which is still to be published. */
  async write(): Promise<CheckpointManifest> {
    const { header, plan, base } = this.#options
    const subtasks: ManifestSubtask[] = []
    for (const parts of this.#vertices()) subtasks.push(...(await this.#writeVertex(parts)))
    return {
      ...header,
      states: plan.states,
      subtasks: await editLists(await editOwn(subtasks, plan), plan.own),
      enumerators: editEnumerators(base?.manifest.enumerators ?? {}, plan),
    }
  }

  /** The parts of each vertex; an operator that is new is a vertex of its own. */
  #vertices(): ManifestSubtask[][] {
    const { base, plan } = this.#options
    // What a drain has ended goes on in a savepoint (R12).
    const known = undrained(base?.manifest.subtasks ?? [])
    const uids = new Set(known.flatMap((part) => Object.keys(part.watermarks)))
    const { broadcast, lists } = plan.own
    const wanted = [...plan.entries.map(({ uid }) => uid), ...broadcast.keys(), ...lists.keys()]
    const added = [...new Set(wanted)].filter((uid) => !uids.has(uid))
    return [
      ...Map.groupBy(known, ({ vertex }) => vertex).values(),
      ...added.map((uid) => [newPart(uid)]),
    ]
  }

  async #writeVertex(parts: readonly ManifestSubtask[]): Promise<ManifestSubtask[]> {
    const { sorting: directory, runBytes } = this.#options
    const sorter = new EntrySorter({ directory, ...(runBytes === undefined ? {} : { runBytes }) })
    try {
      if (this.#isRekeyed) await this.#sortOld(parts, sorter)
      await this.#sortNew(parts, sorter)
      const written: ManifestSubtask[] = []
      for (const part of parts) {
        const segment = await this.#writePart(part, parts.length, sorter)
        written.push({ ...part, segments: segment === undefined ? [] : [segment] })
      }
      return written
    } finally {
      await sorter.close()
    }
  }

  /** Whether keys are in other key groups than in the snapshot. */
  get #isRekeyed(): boolean {
    const { base, header } = this.#options
    return base !== undefined && base.manifest.maxParallelism !== header.maxParallelism
  }

  async #sortOld(parts: readonly ManifestSubtask[], sorter: EntrySorter): Promise<void> {
    const { header, plan } = this.#options
    const timers = new Set(
      plan.states.filter(({ kind }) => kind === 'timers').map(({ stateId }) => stateId),
    )
    for (const part of parts) {
      for await (const batch of this.#old(part, ALL)) {
        for (const entry of batch) {
          const isTimer = timers.has(stateIdIn(entry.key))
          const { key } = isTimer ? readTimerKey(entry.key) : readEntryKey(entry.key)
          const writing = sorter.add(inKeyGroup(keyGroupOf(key, header.maxParallelism), entry))
          if (writing !== undefined) await writing
        }
      }
    }
  }

  async #sortNew(parts: readonly ManifestSubtask[], sorter: EntrySorter): Promise<void> {
    const { plan, header } = this.#options
    for (const planned of plan.entries) {
      if (!(planned.uid in parts[0]!.watermarks)) continue
      const encode = encoderOf(planned, header.maxParallelism)
      for await (const entry of planned.edit.entries) {
        for (const encoded of encode(entry)) {
          const writing = sorter.add(encoded)
          if (writing !== undefined) await writing
        }
      }
    }
  }

  async #writePart(
    part: ManifestSubtask,
    parallelism: number,
    sorter: EntrySorter,
  ): Promise<SegmentReference | undefined> {
    const { target, header } = this.#options
    const range = keyGroupRange(part.subtaskIndex, parallelism, header.maxParallelism)
    const old = this.#isRekeyed ? [] : [this.#old(part, range)]
    const sources = [...old, ...(await sorter.sorted(range))]
    let writer: SegmentWriter | undefined
    try {
      for await (const batch of mergeEntries(sources, { dropTombstones: true })) {
        for (const entry of batch) {
          writer ??= await SegmentWriter.create(
            target,
            header.checkpointId,
            `${part.vertex}-${part.subtaskIndex}`,
          )
          const writing = writer.add(entry)
          if (writing !== undefined) await writing
        }
      }
    } catch (error) {
      await writer?.abort()
      throw error
    }
    const segment = await writer?.finish()
    this.entries += segment?.entries ?? 0
    this.bytes += segment?.bytes ?? 0
    return segment
  }

  /** What is left of the snapshot's entries of one subtask. */
  #old(part: ManifestSubtask, range: KeyGroupRange): AsyncGenerator<readonly StateEntry[]> {
    const { base, plan } = this.#options
    const stored = base === undefined ? none() : entriesOfPart(base, part, range)
    return editEntries(stored, plan.actions)
  }
}

async function* none(): AsyncGenerator<readonly StateEntry[]> {}

function newPart(uid: string): ManifestSubtask {
  return {
    vertex: uid,
    subtaskIndex: 0,
    segments: [],
    operatorState: {},
    watermarks: { [uid]: null },
    isFinished: false,
  }
}

/** A copy of an entry in another key group. */
function inKeyGroup(keyGroup: number, entry: StateEntry): StateEntry {
  const key = entry.key.slice()
  key[0] = keyGroup >>> 8
  key[1] = keyGroup & 0xff
  return { key, kind: entry.kind, value: entry.value.slice() }
}

type NewOne = NewTimer | (NewEntryOwner & { readonly value: unknown })

function encoderOf(
  { uid, stateId, edit }: PlannedEntries,
  maxParallelism: number,
): (entry: NewOne) => readonly StateEntry[] {
  const place = { uid, stateId, maxParallelism }
  if (edit.edit === 'timers') return (timer) => [encodeTimer(place, timer as NewTimer)]
  const encoder = new NewEntries(place, edit.descriptor)
  return (entry) => encoder.encode(entry as NewEntryOwner & { readonly value: unknown })
}
