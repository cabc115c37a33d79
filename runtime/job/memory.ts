import { totalmem } from 'node:os'
import { StreamError } from '../errors.ts'
import type { JobPlan } from '../graph/job-plan.ts'

const MIB = 1_024 * 1_024
const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1_024, m: MIB, g: 1_024 * MIB }
const PATTERN = /^(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?$/i

/** Of the memory that the process may use, and within these bounds: what a job takes unless told otherwise (N15). */
const DEFAULT_SHARE = 1 / 4
const DEFAULT_MIN = 256 * MIB
const DEFAULT_MAX = 2_048 * MIB

/** Shares of `--memory`: heaps of the workers; batches between them; the rest is native. */
const HEAP_SHARE = 0.75
/**
 * What the code takes of the heap for old objects: 17.5 MB after a collection in the jobs of our tests, 4 of them what Node
 * strips types with. Of the rest, the share that may be cache; garbage that is not collected yet needs the other.
 */
const CODE_MB = 20
const CACHE_SHARE_OF_REST = 0.5
/**
 * The share of a heap for young objects, and its bounds. Left to itself V8 takes up to 96 MB a thread on a large machine:
 * the fraud example then needs 480 MB instead of 320 MB at parallelism 2; below 48 MB collecting costs more.
 */
const YOUNG_SHARE_OF_HEAP = 0.25
const MIN_YOUNG_MB = 8
const MAX_YOUNG_MB = 64
const CHANNEL_SHARE = 0.125
const MIN_HEAP_MB = 40
const MIN_CHANNEL_BYTES = 16 * 1_024
const MAX_CHANNEL_BYTES = 256 * 1_024

/** How the memory of a job is split; all but the heap limit in bytes. */
export interface MemorySplit {
  /** Decoded values, pending writes and indexes of the keyed state of one slot. They live in its heap. */
  readonly cacheBytesPerSlot: number
  /** Credit of one channel between threads (R7). */
  readonly channelBytes: number
  /** Heap limits of one worker thread, for old and for young objects. */
  readonly heapMb: number
  readonly youngHeapMb: number
}

/** Bytes of a size: a number, or text such as `512mb`, `2g`, `1.5GiB` (all binary multiples); `MR_OPTION_INVALID` else. */
export function parseMemory(value: number | string): number {
  const match = typeof value === 'string' ? PATTERN.exec(value.trim()) : undefined
  const bytes =
    typeof value === 'number'
      ? value
      : Number(match?.[1] ?? NaN) * UNITS[(match?.[2] ?? '').toLowerCase()]!
  if (Number.isFinite(bytes) && bytes > 0) return Math.round(bytes)
  throw new StreamError(
    'MR_OPTION_INVALID',
    `memory is ${JSON.stringify(value)} (${typeof value}), which is not a size, so it cannot be split between caches, channels and heaps; write bytes as a number or one of "512mb", "2gb".`,
    { value },
  )
}

/** A quarter of what the process may use (the limit of its container, if there is one), from 256 MiB to 2 GiB. */
export function defaultMemory(
  total: number = totalmem(),
  constrained: number = process.constrainedMemory(),
): number {
  const usable = constrained > 0 ? Math.min(total, constrained) : total
  return Math.round(Math.min(DEFAULT_MAX, Math.max(DEFAULT_MIN, usable * DEFAULT_SHARE)))
}

/** Splits the memory of a job between its slots and channels; `MR_OPTION_INVALID` where it does not suffice. */
export function splitMemory(bytes: number, plan: JobPlan): MemorySplit {
  const slots = Math.max(1, ...plan.vertices.map((vertex) => vertex.parallelism))
  const wholeHeapMb = Math.floor((bytes * HEAP_SHARE) / slots / MIB)
  if (wholeHeapMb < MIN_HEAP_MB) {
    const needed = Math.ceil((MIN_HEAP_MB * slots) / HEAP_SHARE)
    throw new StreamError(
      'MR_OPTION_INVALID',
      `memory is ${showSize(bytes)} for ${slots} worker ${slots === 1 ? 'thread' : 'threads'}, which leaves each ${wholeHeapMb} MB of heap, too little to run a job; give at least ${needed}mb${slots > 1 ? ', or a lower parallelism' : ''}.`,
      { bytes, slots },
    )
  }
  const youngHeapMb = Math.floor(
    Math.min(MAX_YOUNG_MB, Math.max(MIN_YOUNG_MB, wholeHeapMb * YOUNG_SHARE_OF_HEAP)),
  )
  const perChannel = (bytes * CHANNEL_SHARE) / Math.max(1, remoteChannels(plan))
  const heapMb = wholeHeapMb - youngHeapMb
  return {
    cacheBytesPerSlot: Math.floor((heapMb - CODE_MB) * MIB * CACHE_SHARE_OF_REST),
    channelBytes: Math.floor(Math.min(MAX_CHANNEL_BYTES, Math.max(MIN_CHANNEL_BYTES, perChannel))),
    heapMb,
    youngHeapMb,
  }
}

/** Below 1 MB the unit was probably forgotten. */
function showSize(bytes: number): string {
  if (bytes >= MIB) return `${Math.floor(bytes / MIB)} MB`
  return `${bytes} ${bytes === 1 ? 'byte' : 'bytes'} (a number without a unit means bytes)`
}

/** Channels between threads: each pair of subtasks that an edge connects, those of one slot aside (R6). */
function remoteChannels(plan: JobPlan): number {
  let channels = 0
  for (const edge of plan.edges) {
    if (edge.partitioner === 'forward') continue
    const from = plan.vertices[edge.fromVertex]!.parallelism
    const to = plan.vertices[edge.toVertex]!.parallelism
    channels += from * to - Math.min(from, to)
  }
  return channels
}
