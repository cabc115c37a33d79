import { SeededRandom } from '../../runtime/clock.ts'
import { FAILPOINTS } from '../../runtime/failpoint.ts'
import type { CrashPoint } from '../../testing/crash-plan.ts'
import { below, pick } from '../simulation/rows.ts'
import { KEY_KINDS, type KeyKind } from './event.ts'
import { OPERATORS } from './operators.ts'
import type { OracleOperator } from './oracle-operator.ts'
import { type Certainty, logUniform, type RandomStream, randomStream } from './random-stream.ts'

/** Events of the largest case, where nothing else is said. */
export const MAX_EVENTS = 5_000

/** One question for the oracle: an operator, its input, where it runs and how it is interrupted. */
export interface OracleCase {
  readonly seed: number
  readonly number: number
  /** Of the cases that it was drawn from: with another there, it is another case. */
  readonly maxEvents: number
  readonly operator: OracleOperator<unknown>
  readonly params: unknown
  readonly stream: RandomStream
  readonly keyKind: KeyKind
  readonly parallelism: number
  /** Of the runs after the first, in turn; the last one stays. Empty: all are at the same. */
  readonly goesOnAt: readonly number[]
  /** At `parallelism`, where it is more than one it follows that of each run. */
  readonly sourceParallelism: number
  /** Whether an operator with two inputs reads two sources, or one that is divided. */
  readonly hasTwoSources: boolean
  /** In memory under a seeded scheduler, or LevelDB in real time. */
  readonly backend: 'memory' | 'leveldb'
  readonly crashAt: readonly CrashPoint[]
  readonly settings: CaseSettings
}

export interface CaseSettings {
  readonly checkpointIntervalMs: number
  readonly storageFaults: number
  readonly strict: boolean
  readonly cacheBytes: number
  /** Events after which a source waits as if it fetched; 0 never waits. */
  readonly fetchEvents: number
}

/** The case of that number; the same for the same seed and most events, whatever cases were drawn before. */
export function drawCase(
  seed: number,
  number: number,
  { operators = OPERATORS, maxEvents = MAX_EVENTS } = {},
): OracleCase {
  const random = new SeededRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b))
  // The first numbers of neighbouring seeds are alike.
  for (let i = 0; i < 4; i++) random.next()
  const operator = pick(random, operators)
  const certainty = pick(random, operator.certainties)
  const parallelism = certainty === 'exact' && operator.inputs === 2 ? 1 : pick(random, [1, 3])
  const stream = randomStream(random, {
    certainty,
    keysStay: operator.isOrdered,
    maxEvents: Math.min(maxEvents, operator.maxEvents ?? maxEvents),
  })
  const params = operator.draw(random, stream)
  const backend = pick(random, ['memory', 'leveldb'] as const)
  const count = eventCount(stream)
  const drawn = {
    seed,
    number,
    maxEvents,
    operator,
    params,
    stream,
    keyKind: pick(random, KEY_KINDS),
    parallelism,
    sourceParallelism: certainty === 'exact' ? 1 : pick(random, [1, parallelism]),
    hasTwoSources: operator.inputs === 2 && certainty !== 'exact' && random.next() < 0.5,
    backend,
    crashAt: randomCrashes(random, { parallelism, count, backend }),
    settings: {
      checkpointIntervalMs: pick(random, backend === 'memory' ? [3, 20, 80] : [1, 3, 10]),
      storageFaults: backend === 'memory' ? pick(random, [0, 0, 0.01]) : 0,
      strict: count <= 500 && random.next() < 0.5,
      cacheBytes: pick(random, [4_000, 20_000, 200_000]),
      fetchEvents: pick(random, [0, 0, Math.max(1, count >> 3)]),
    },
  }
  // Where threads must not decide what is late there is one of each.
  const isAlone = certainty === 'exact' && operator.inputs === 2
  const isRescaled = !isAlone && operator.isRescaled !== false && random.next() < 0.4
  const goesOnAt = isRescaled ? drawn.crashAt.map(() => pick(random, [1, 2, 3, 4])) : []
  return { ...drawn, goesOnAt }
}

/** The parallelism of each run in turn; the last one stays. */
export function parallelismsOf({ parallelism, goesOnAt }: OracleCase): readonly number[] {
  return [parallelism, ...goesOnAt]
}

function randomCrashes(
  random: SeededRandom,
  {
    parallelism,
    count,
    backend,
  }: { parallelism: number; count: number; backend: OracleCase['backend'] },
): CrashPoint[] {
  const points: CrashPoint[] = []
  let threads = 0
  const interruptions = pick(random, [0, 1, 1, 2, 4])
  const lastStep = backend === 'memory' ? 300 + 3 * count : 40 + count / 4
  for (let i = 0; i < interruptions; i++) {
    const step = logUniform(random, 8, Math.floor(lastStep / interruptions))
    const kind = pick(random, ['point', 'process', 'process', 'thread', 'stop'] as const)
    if (kind === 'point') points.push(`${pick(random, FAILPOINTS)}:${1 + below(random, 4)}`)
    else if (kind !== 'thread') points.push({ step, kind })
    // A failure that comes back three times ends the job (R38).
    else if (++threads <= 2) points.push({ step, kind, slot: below(random, parallelism) })
  }
  return points
}

export function eventCount({ splits }: RandomStream): number {
  return splits.reduce((count, events) => count + events.length, 0)
}

/** The same case with at most so many events a split, and those interruptions. */
export function reduced(
  from: OracleCase,
  changes: { readonly perSplit?: number; readonly crashAt?: readonly CrashPoint[] },
): OracleCase {
  const { perSplit = Infinity, crashAt = from.crashAt } = changes
  const splits = from.stream.splits.map((events) => events.slice(0, perSplit))
  return { ...from, crashAt, stream: { ...from.stream, splits } }
}

/** A case as one line, with which it can be run again. */
export function describeCase(from: OracleCase): Record<string, unknown> {
  const { operator, stream, params, ...rest } = from
  const { splits, certainty, ...facts } = stream
  const events = eventCount(stream)
  return {
    ...rest,
    operator: operator.name,
    params,
    certainty: certainty satisfies Certainty,
    stream: { ...facts, events, splits: splits.map(({ length }) => length) },
    ...(events <= 40 ? { events: splits } : {}),
  }
}
