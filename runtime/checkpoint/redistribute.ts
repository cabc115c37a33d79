import { keyGroupRange } from '../key-group.ts'
import type { RestoredSubtask } from '../messages.ts'
import type { KeyGroupRange } from '../state/state-backend.ts'
import type { ManifestSubtask, SegmentReference } from './manifest.ts'
import { type Spread, spreadState } from './spread-state.ts'

/** A vertex of the job that goes on, as far as its state is concerned. */
export interface RestoreTarget {
  readonly vertex: number
  readonly name: string
  readonly parallelism: number
  /** The operators of its chain by name, with what becomes of the state of each. */
  readonly operators: ReadonlyMap<string, Spread>
  /**
   * Whether what reaches a subtask is not what reached the old one of its number, since the number of subtasks before it has
   * changed. Keyed records reach the same one whatever is before it. Default false.
   */
  readonly isRearranged?: boolean
  /** Those of its operators that records reach right behind a `keyBy`. Default: none. */
  readonly keyed?: ReadonlySet<string>
}

export interface RedistributeOptions {
  readonly maxParallelism: number
  /** Whether chains of segments may go on; else all that is restored counts as changed. */
  readonly continues: boolean
}

/**
 * What each subtask of a job reads back from the parts of a checkpoint, at the same parallelism or at another. Pure.
 *
 * Parts are found by the operators that they held, so an operator that has moved to another chain finds its state. Keyed
 * state and timers go by key group: a subtask reads all old parts whose key groups meet its own, and takes from them what is
 * its own (semantics 2.8, 2.9). Where subtasks get other input than before, the watermark of an operator is the lowest of its old
 * subtasks (R12), and they have finished only if all had (R9). Right behind a `keyBy` all old subtasks hold the same one (R8), but
 * for sources that went idle between two watermarks: there it is the highest of those whose keys it takes over, as their windows
 * have fired.
 *
 * Chains of segments go on where the operators of the old subtasks are all in the new one: at another parallelism each new
 * subtask goes on with those of several old ones, one behind the other, as far as they hold its key groups (R28); no key is
 * in two of them.
 */
export function redistribute(
  parts: readonly ManifestSubtask[],
  targets: readonly RestoreTarget[],
  options: RedistributeOptions,
): RestoredSubtask[] {
  const counts = new Map<string, number>()
  for (const { vertex } of parts) counts.set(vertex, (counts.get(vertex) ?? 0) + 1)
  return targets.flatMap((target) => {
    const names = [...target.operators.keys()]
    const old = parts
      .filter((part) => names.some((name) => name in part.watermarks))
      .map((part) => ({ part, parallelism: counts.get(part.vertex)! }))
    return restoredVertex(old, target, options)
  })
}

/** A part, and how many there are of its vertex. */
interface OldPart {
  readonly part: ManifestSubtask
  readonly parallelism: number
}

function restoredVertex(
  old: readonly OldPart[],
  target: RestoreTarget,
  { maxParallelism, continues }: RedistributeOptions,
): RestoredSubtask[] {
  const { parallelism } = target
  const isRearranged =
    target.isRearranged === true || old.some((one) => one.parallelism !== parallelism)
  const hasFinished = old.length > 0 && old.every(({ part }) => part.isFinished)
  const places = { parallelism, maxParallelism, isRearranged, hasFinished }
  const states = new Map(
    [...target.operators].map(([name, spread]) => {
      const kept = holdersOf(old, name).map((part) => part.operatorState[name])
      return [name, spreadState(kept, { name, spread, ...places })]
    }),
  )
  return Array.from({ length: parallelism }, (_, subtask) => {
    const range = keyGroupRange(subtask, parallelism, maxParallelism)
    const read = old.filter((one) =>
      meet(range, keyGroupRange(one.part.subtaskIndex, one.parallelism, maxParallelism)),
    )
    const own = isRearranged ? old : read
    const continuesChain =
      continues && read.length > 0 && read.every((one) => isContinued(one, target))
    const chains = continuesChain
      ? [read.flatMap((one) => one.part.segments.flatMap((segment) => within(segment, range)))]
      : read.map(({ part }) => part.segments)
    return {
      vertex: target.vertex,
      subtask,
      chains: chains.filter((chain) => chain.length > 0),
      continuesChain,
      operatorState: pick(target, (name) => states.get(name)![subtask]),
      watermarks: pick(target, (name) => {
        const holders = holdersOf(old, name)
        if (!isRearranged) return holders[subtask]?.watermarks[name]
        if (target.keyed?.has(name) === true) {
          return highest(holdersOf(read, name).map((part) => part.watermarks[name]!))
        }
        return lowest(holders.map((part) => part.watermarks[name]!))
      }),
      isFinished: own.length > 0 && own.every(({ part }) => part.isFinished),
    }
  })
}

function meet(a: KeyGroupRange, b: KeyGroupRange): boolean {
  return a.first <= b.last && b.first <= a.last
}

/** What a segment has of some key groups, named as such (R28); nothing where it has nothing of them. */
function within(segment: SegmentReference, range: KeyGroupRange): SegmentReference[] {
  const first = Math.max(segment.range.first, range.first)
  const last = Math.min(segment.range.last, range.last)
  if (first > last) return []
  const before = segment.range.last - segment.range.first + 1
  const count = last - first + 1
  if (count === before) return [segment]
  const rangeBytes = Math.ceil(((segment.rangeBytes ?? segment.bytes) * count) / before)
  return [{ ...segment, range: { first, last }, rangeBytes }]
}

function isContinued({ part }: OldPart, target: RestoreTarget): boolean {
  if (part.vertex !== target.name) return false
  return Object.keys(part.watermarks).every((name) => target.operators.has(name))
}

/** The parts that held an operator, in the order of its subtasks. */
function holdersOf(old: readonly OldPart[], name: string): ManifestSubtask[] {
  return old
    .map(({ part }) => part)
    .filter((part) => name in part.watermarks)
    .sort((a, b) => a.subtaskIndex - b.subtaskIndex)
}

type WatermarkData = ManifestSubtask['watermarks'][string]

/** The lowest of several watermarks as they stand in a manifest; undefined of none. */
function lowest(watermarks: readonly WatermarkData[]): WatermarkData | undefined {
  if (watermarks.includes(null)) return null
  const numbers = watermarks.filter((watermark) => typeof watermark === 'number')
  return numbers.length > 0 ? Math.min(...numbers) : watermarks[0]
}

/** The highest of several; undefined of none. */
function highest(watermarks: readonly WatermarkData[]): WatermarkData | undefined {
  if (watermarks.includes('max')) return 'max'
  const numbers = watermarks.filter((watermark) => typeof watermark === 'number')
  return numbers.length > 0 ? Math.max(...numbers) : watermarks[0]
}

/** What there is of each operator of a vertex. */
function pick<V>(
  target: RestoreTarget,
  valueOf: (name: string) => V | undefined,
): Readonly<Record<string, V>> {
  const picked: Record<string, V> = {}
  for (const name of target.operators.keys()) {
    const value = valueOf(name)
    if (value !== undefined) picked[name] = value
  }
  return picked
}
