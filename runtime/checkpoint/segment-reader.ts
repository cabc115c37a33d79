import { StreamError } from '../errors.ts'
import { stateIdIn } from '../state/snapshot-format.ts'
import type { KeyGroupRange, StateEntry } from '../state/state-backend.ts'
import type { SnapshotFiles } from './checkpoint-storage.ts'
import { keyGroupAt } from './entry-order.ts'
import type { SegmentReference } from './manifest.ts'
import { SegmentDamage } from './segment-damage.ts'
import {
  decodeBlock,
  decodeFooter,
  decodeIndex,
  FOOTER_BYTES,
  SegmentVersion,
} from './segment-format.ts'
import type { BlockInfo, SegmentIndex } from './segment-index.ts'
import { unreadable } from './storage-errors.ts'

/** Read at first: footer, and the index of most segments. */
const TAIL_BYTES = 16 * 1_024

/** Blocks are read together up to this size: a read costs as much as copying some 100 KiB. */
const READ_BYTES = 256 * 1_024

/** Entries are handed on when there are so many, or a read ends. */
const BATCH_ENTRIES = 512

/** Where segments are read from. */
export type SegmentFiles = Pick<SnapshotFiles, 'read'>

/**
 * Opens a segment that a manifest names: reads and checks its footer and index (R27), two reads at most. What does not
 * fit is `MR_CHECKPOINT_CORRUPT` with the name of the file; what has another layout `MR_CHECKPOINT_VERSION`.
 */
export async function openSegment(
  storage: SegmentFiles,
  reference: SegmentReference,
): Promise<SegmentReader> {
  const { file, bytes } = reference
  try {
    const tailBytes = Math.min(bytes, TAIL_BYTES)
    if (tailBytes < FOOTER_BYTES) throw new SegmentDamage(`it has only ${bytes} bytes`)
    const tail = await storage.read(file, bytes - tailBytes, tailBytes)
    const footer = decodeFooter(tail.subarray(tailBytes - FOOTER_BYTES))
    const { indexOffset, indexBytes } = footer
    if (indexOffset + indexBytes + FOOTER_BYTES !== bytes || footer.entries !== reference.entries) {
      throw new SegmentDamage('its footer contradicts the manifest')
    }
    const inTail = indexOffset - (bytes - tailBytes)
    const index =
      inTail >= 0
        ? tail.subarray(inTail, inTail + indexBytes)
        : await storage.read(file, indexOffset, indexBytes)
    return new SegmentReader(storage, reference, decodeIndex(index, footer))
  } catch (error) {
    throw describeDamage(error, file, undefined)
  }
}

/** An open segment. It holds the index only: about 2 % of the file. */
export class SegmentReader {
  readonly reference: SegmentReference
  readonly index: SegmentIndex
  readonly #storage: SegmentFiles
  #bytesRead = 0

  constructor(storage: SegmentFiles, reference: SegmentReference, index: SegmentIndex) {
    this.#storage = storage
    this.reference = reference
    this.index = index
  }

  /** Bytes of blocks read so far. */
  get bytesRead(): number {
    return this.#bytesRead
  }

  /**
   * The entries of these key groups, as far as the reference names them too (R28), in ascending order, some blocks at a time.
   * Each block is checked when it is loaded; a bad one is `MR_CHECKPOINT_CORRUPT` with file and key groups (R27). Entries
   * are views into up to 256 KiB: copy what is to stay. `stateIds`: only entries of these states; blocks that can hold none
   * are not read.
   */
  async *blocks(
    range: KeyGroupRange,
    stateIds?: ReadonlySet<number>,
  ): AsyncGenerator<readonly StateEntry[]> {
    const named = this.reference.range
    const first = Math.max(range.first, named.first)
    const last = Math.min(range.last, named.last)
    const ids = stateIds === undefined ? undefined : [...stateIds].sort((a, b) => a - b)
    const all = this.index.blocksOf(first, last)
    const wanted =
      ids === undefined ? all : all.filter((block) => this.index.mayHoldState(block.number, ids))
    const isWanted = ({ key }: StateEntry): boolean =>
      isWithin(keyGroupAt(key), first, last) &&
      (stateIds === undefined || stateIds.has(stateIdIn(key)))
    for (const run of runsOf(wanted)) {
      const start = run[0]!.offset
      const bytes = await this.#read(run)
      let batch: StateEntry[] = []
      for (const block of run) {
        const at = block.offset - start
        const entries = this.#decode(bytes.subarray(at, at + block.bytes), block)
        const isWhole = block.firstGroup >= first && block.lastGroup <= last
        for (const entry of entries) {
          if ((isWhole && stateIds === undefined) || isWanted(entry)) batch.push(entry)
        }
        if (batch.length < BATCH_ENTRIES) continue
        yield batch
        batch = []
      }
      if (batch.length > 0) yield batch
    }
  }

  /** Reads the whole file and checks every block; what is wrong with each bad one. */
  async *damages(): AsyncGenerator<unknown> {
    for (const block of this.index.blocksOf(0, 0xffff)) {
      try {
        this.#decode(await this.#read([block]), block)
      } catch (error) {
        yield error
      }
    }
  }

  async #read(run: readonly BlockInfo[]): Promise<Uint8Array> {
    const length = run.reduce((sum, block) => sum + block.bytes, 0)
    const { file } = this.reference
    try {
      const bytes = await this.#storage.read(file, run[0]!.offset, length)
      this.#bytesRead += length
      // Views of a Buffer would be Buffers, whose `slice` does not copy.
      return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    } catch (error) {
      throw describeDamage(error, file, { ...run[0]!, lastGroup: run.at(-1)!.lastGroup })
    }
  }

  #decode(bytes: Uint8Array, block: BlockInfo): StateEntry[] {
    try {
      const entries = decodeBlock(bytes, block)
      for (const { key } of entries) {
        if (isWithin(keyGroupAt(key), block.firstGroup, block.lastGroup)) continue
        throw new SegmentDamage(`the block at byte ${block.offset} holds other key groups`)
      }
      return entries
    } catch (error) {
      throw describeDamage(error, this.reference.file, block)
    }
  }
}

/** Cuts blocks into runs that are read at once: neighbours, together no longer than a read. */
function runsOf(blocks: readonly BlockInfo[]): BlockInfo[][] {
  const runs: BlockInfo[][] = []
  let bytes = 0
  for (const block of blocks) {
    const before = runs.at(-1)?.at(-1)
    const isNext = before !== undefined && before.offset + before.bytes === block.offset
    if (isNext && bytes + block.bytes <= READ_BYTES) {
      runs.at(-1)!.push(block)
      bytes += block.bytes
    } else {
      runs.push([block])
      bytes = block.bytes
    }
  }
  return runs
}

function isWithin(keyGroup: number, first: number, last: number): boolean {
  return keyGroup >= first && keyGroup <= last
}

/** Says in which file and key groups the damage is; other failures are left as they are. */
export function describeDamage(
  error: unknown,
  file: string,
  groups: { readonly firstGroup: number; readonly lastGroup: number } | undefined,
): unknown {
  if (error instanceof SegmentVersion) {
    return new StreamError(
      'MR_CHECKPOINT_VERSION',
      `Checkpoint file ${file} cannot be read: ${error.message}; what it holds cannot be restored; use the version of millrace that wrote it, or start over with --fresh.`,
      { file, version: error.version },
      error,
    )
  }
  const isDamage =
    error instanceof SegmentDamage ||
    (error instanceof StreamError && error.code === 'MR_CHECKPOINT_CORRUPT')
  if (!isDamage) return error
  if (groups === undefined) {
    return error instanceof SegmentDamage
      ? unreadable(file, `is damaged: ${error.message}`, error)
      : error
  }
  const where = `${file}, key groups ${groups.firstGroup} to ${groups.lastGroup},`
  return unreadable(where, `is damaged: ${error.message}`, error, {
    file,
    firstKeyGroup: groups.firstGroup,
    lastKeyGroup: groups.lastGroup,
  })
}
