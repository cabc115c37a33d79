import type { Random } from '../../runtime/clock.ts'
import { below, pick, randomSplits, type Row } from './rows.ts'
import type { SplitsSourceOptions } from './splits-source.ts'

/** How a stream is spread over the subtasks of the next operator. */
export type Spreading = 'rebalance' | 'rescale' | 'shuffle' | 'global' | 'custom'

/** By what a stream is keyed: a string, a number, or a tuple. */
export type KeyKind = 'key' | 'mod' | 'tuple'

export type StepKind =
  | {
      readonly type: 'source'
      readonly options: SplitsSourceOptions
      /** Whether it is read before the others. */
      readonly readFirst?: boolean
    }
  | { readonly type: 'map'; readonly add: number }
  | { readonly type: 'filter'; readonly mod: number }
  | { readonly type: 'flat-map' }
  | { readonly type: 'union'; readonly other: number }
  | { readonly type: 'spread'; readonly by: Spreading }
  | { readonly type: 'connect'; readonly other: number }
  | { readonly type: 'both'; readonly other: number; readonly size: number }
  | { readonly type: 'side'; readonly of: 'main' | 'side' }
  | { readonly type: 'flaky'; readonly id: string }
  | { readonly type: 'linger'; readonly delayMs: number }
  | { readonly type: 'running'; readonly by: 'process' | 'reduce' }
  | {
      readonly type: 'buckets'
      readonly by: 'map' | 'list' | 'value' | 'window'
      readonly size: number
      readonly keyKind: KeyKind
    }

/** One stream of the graph: how it comes from another one (or from a source). */
export interface Step {
  readonly uid: string
  readonly kind: StepKind
  /** Index of the stream it reads; -1 for a source. */
  readonly from: number
  readonly parallelism: number
  /** Whether the rows of a key come in the order of the input. */
  readonly isOrdered: boolean
  /** Whether the timestamps of its records are the `t` of its rows. */
  readonly isTimely: boolean
}

/** A job as data: what is built, and what the oracle computes. */
export interface GraphDescription {
  readonly steps: readonly Step[]
  /** Sinks: uid, the stream they read, their parallelism. */
  readonly sinks: readonly {
    readonly uid: string
    readonly from: number
    readonly parallelism: number
  }[]
}

export const KEYED: readonly StepKind['type'][] = [
  'side',
  'flaky',
  'linger',
  'running',
  'buckets',
  'both',
]

/** Draws a graph: one or two sources, some steps on streams that are there already, and a sink for each loose end. */
export function randomGraph(random: Random, maxParallelism: number): GraphDescription {
  const steps: Step[] = []
  const parallelism = (): number => 1 + below(random, maxParallelism)
  const sources = 1 + below(random, 2)
  for (let i = 0; i < sources; i++) {
    steps.push({
      uid: `source${i}`,
      kind: { type: 'source', options: sourceOptions(random, `s${i}`) },
      from: -1,
      parallelism: parallelism(),
      isOrdered: true,
      isTimely: true,
    })
  }
  const count = 2 + below(random, 6)
  for (let i = 0; i < count; i++) {
    const from = below(random, steps.length)
    const kind = stepKind(random, steps, from)
    if (kind === undefined) continue
    steps.push(
      step(kind, from, steps, { uid: `${kind.type}${steps.length}`, parallelism: parallelism() }),
    )
    // The other half of a side output is a stream of its own, of the same operator.
    if (kind.type === 'side') {
      const main = steps.at(-1)!
      steps.push({
        ...main,
        uid: `${main.uid}-side`,
        kind: { type: 'side', of: 'side' },
        from: steps.length - 1,
      })
    }
  }
  const read = new Set(steps.flatMap(({ from, kind }) => [from, 'other' in kind ? kind.other : -1]))
  const sinks = steps
    .map((_, index) => index)
    .filter((index) => !read.has(index) || random.next() < 0.15)
    .map((from) => ({ uid: `sink${from}`, from, parallelism: parallelism() }))
  return { steps, sinks }
}

function sourceOptions(random: Random, name: string): SplitsSourceOptions {
  return {
    splits: randomSplits(random, name),
    assignEveryMs: pick(random, [0, 0, 7, 40]),
    fetchRows: pick(random, [0, 3, 10]),
    fetchMs: pick(random, [1, 9]),
  }
}

function stepKind(random: Random, steps: readonly Step[], from: number): StepKind | undefined {
  const { isOrdered, isTimely } = steps[from]!
  const others = steps.map((_, index) => index).filter((index) => index !== from)
  const choices: (() => StepKind | undefined)[] = [
    () => ({ type: 'map', add: below(random, 5) }),
    () => ({ type: 'filter', mod: 2 + below(random, 4) }),
    () => ({ type: 'flat-map' }),
    () => (others.length === 0 ? undefined : { type: 'union', other: pick(random, others) }),
    () => ({ type: 'spread', by: pick(random, SPREADINGS) }),
    () => (others.length === 0 ? undefined : { type: 'connect', other: pick(random, others) }),
    () => both(random, steps, from, others),
    () => ({ type: 'side', of: 'main' }),
    () => ({ type: 'flaky', id: `s0${below(random, 2)}.${below(random, 30)}` }),
    () => ({ type: 'linger', delayMs: 1 + below(random, 60) }),
    () => (isOrdered ? { type: 'running', by: pick(random, ['process', 'reduce']) } : undefined),
    () => (isTimely ? buckets(random) : undefined),
    () => (isTimely ? buckets(random) : undefined),
  ]
  return pick(random, choices)()
}

const SPREADINGS: readonly Spreading[] = ['rebalance', 'rescale', 'shuffle', 'global', 'custom']

/** Buckets over two inputs that share the state of each key; the other one must be timely as well. */
function both(
  random: Random,
  steps: readonly Step[],
  from: number,
  others: readonly number[],
): StepKind | undefined {
  const timely = others.filter((index) => steps[index]!.isTimely)
  if (!steps[from]!.isTimely || timely.length === 0) return undefined
  return { type: 'both', other: pick(random, timely), size: pick(random, [10, 50, 400]) }
}

function buckets(random: Random): StepKind {
  return {
    type: 'buckets',
    by: pick(random, ['map', 'list', 'value', 'window']),
    size: pick(random, [10, 50, 400]),
    keyKind: pick(random, ['key', 'mod', 'tuple']),
  }
}

function step(
  kind: StepKind,
  from: number,
  steps: readonly Step[],
  at: { readonly uid: string; readonly parallelism: number },
): Step {
  const before = steps[from]!
  const isKeyed = KEYED.includes(kind.type)
  const other = 'other' in kind ? steps[kind.other]! : before
  return {
    ...at,
    kind,
    from,
    // A union is no operator of its own; behind it, and behind round robin, records of a key overtake each other.
    isOrdered:
      kind.type === 'buckets' ||
      kind.type === 'both' ||
      (!['union', 'connect', 'spread'].includes(kind.type) &&
        before.isOrdered &&
        (isKeyed || at.parallelism === 1 || at.parallelism === before.parallelism)),
    isTimely: kind.type !== 'linger' && before.isTimely && other.isTimely,
  }
}

/** The key of a row, by kind. */
export function keyOf(kind: KeyKind, row: Row): string | number | [string, number] {
  if (kind === 'key') return row.key
  return kind === 'mod' ? row.n % 4 : [row.key, row.n % 2]
}
