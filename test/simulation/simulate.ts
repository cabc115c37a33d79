import { isDeepStrictEqual } from 'node:util'
import { SeededRandom } from '../../runtime/clock.ts'
import { FAILPOINTS } from '../../runtime/failpoint.ts'
import type { AlignmentOptions } from '../../operators/watermark-options.ts'
import { DEFAULT_MAX_PARALLELISM, type JobModule } from '../../runtime/job/job-module.ts'
import type { CrashPoint } from '../../testing/crash-plan.ts'
import type { SimulatedDisk } from '../../testing/simulated-storage.ts'
import { testJob } from '../../testing/test-job.ts'
import type { TestJobResult } from '../../testing/test-job-options.ts'
import { buildJob } from './build-job.ts'
import { expectedBuckets, idleJob, randomIdleSource } from './idle-job.ts'
import { expectedOfBatches, lateJob, randomBatches } from './late-job.ts'
import { expectedRows } from './oracle.ts'
import { jobAtEach, rescalingJob } from './rescaled.ts'
import { type GraphDescription, randomGraph, type Step } from './random-graph.ts'
import { below, pick, type Row } from './rows.ts'
import { WatchedDisk } from './watched-disk.ts'

/** A random job and what is done to it. */
export interface Simulation {
  readonly seed: number
  readonly parallelism: number
  /** Of the runs after the first, each at another one (R12); without it all are at the same. */
  readonly goesOnAt?: readonly number[]
  readonly graph: GraphDescription
  readonly crashAt: readonly CrashPoint[]
  readonly checkpointIntervalMs: number
  readonly storageFaults: number
  /** How far sources may be ahead of each other; without it they are not aligned. */
  readonly alignment?: AlignmentOptions
}

export function randomSimulation(seed: number): Simulation {
  const random = new SeededRandom(seed)
  const parallelism = 1 + below(random, 3)
  return {
    seed,
    parallelism,
    graph: randomGraph(random, parallelism),
    crashAt: randomCrashes(random, parallelism),
    checkpointIntervalMs: pick(random, [3, 20, 80]),
    storageFaults: pick(random, [0, 0.01, 0.03]),
  }
}

/** The same job with aligned sources, some of which can pause single splits. */
export function aligned(simulation: Simulation): Simulation {
  const random = new SeededRandom(simulation.seed)
  const steps = simulation.graph.steps.map((step) => {
    if (step.kind.type !== 'source') return step
    const options = { ...step.kind.options, canPauseSplits: random.next() < 0.5 }
    return { ...step, kind: { ...step.kind, options } }
  })
  const alignment = {
    group: 'all',
    maxDrift: pick(random, [0, 10, 100, 1_000]),
    updateInterval: pick(random, [1, 20, 1_000]),
  }
  return { ...simulation, alignment, graph: { ...simulation.graph, steps } }
}

/** The same job with one of its two sources read first; undefined where it has but one. */
export function readingFirst(simulation: Simulation): Simulation | undefined {
  const { steps } = simulation.graph
  const sources = steps.filter(({ kind }) => kind.type === 'source')
  if (sources.length < 2) return undefined
  const first = pick(new SeededRandom(simulation.seed), sources)
  const changed = steps.map((step): Step => {
    if (step !== first || step.kind.type !== 'source') return step
    return { ...step, kind: { ...step.kind, readFirst: true } }
  })
  return { ...simulation, graph: { ...simulation.graph, steps: changed } }
}

/** The same job, interrupted more often, and after each interruption at another parallelism. */
export function rescaled(simulation: Simulation, parallelisms: readonly number[]): Simulation {
  const random = new SeededRandom(simulation.seed)
  const [parallelism = 1, ...goesOnAt] = parallelisms
  const crashAt = goesOnAt.map((): CrashPoint => {
    // Mostly with a checkpoint of its own, which the next run goes on from.
    const kind = pick(random, ['published', 'published', 'point', 'process', 'stop'] as const)
    if (kind === 'published') return `after-publish:${1 + below(random, 4)}`
    if (kind === 'point') return `${pick(random, FAILPOINTS)}:${1 + below(random, 3)}`
    return { step: 1 + Math.floor(10 ** (0.5 + random.next() * 2.5)), kind }
  })
  return { ...simulation, parallelism, goesOnAt, crashAt }
}

/** The same job with at most so many rows a split. */
export function shrink(simulation: Simulation, rows: number): Simulation {
  const steps = simulation.graph.steps.map((step) => {
    if (step.kind.type !== 'source') return step
    const { options } = step.kind
    const splits = options.splits.map((split) => split.slice(0, rows))
    return { ...step, kind: { ...step.kind, options: { ...options, splits } } }
  })
  return { ...simulation, graph: { ...simulation.graph, steps } }
}

function randomCrashes(random: SeededRandom, parallelism: number): CrashPoint[] {
  const points: CrashPoint[] = []
  let threads = 0
  const count = below(random, 5)
  for (let i = 0; i < count; i++) {
    const step = 1 + Math.floor(10 ** (1 + random.next() * 2.7))
    const kind = pick(random, ['point', 'point', 'process', 'thread', 'stop'] as const)
    if (kind === 'point') points.push(`${pick(random, FAILPOINTS)}:${1 + below(random, 4)}`)
    else if (kind !== 'thread') points.push({ step, kind })
    // A failure that comes back three times ends the job (R38).
    else if (++threads <= 2) points.push({ step, kind, slot: below(random, parallelism) })
  }
  return points
}

/** Runs it and compares every sink with the oracle; throws what is wrong, with the seed. `disk`: default one that is watched. */
export async function simulate(
  simulation: Simulation,
  disk?: SimulatedDisk,
): Promise<TestJobResult> {
  const { seed, graph, crashAt, checkpointIntervalMs, storageFaults } = simulation
  const name = `simulation-${seed}`
  const job =
    simulation.goesOnAt === undefined
      ? buildJob(name, graph, simulation.alignment)
      : rescalingJob(name, graph, seed)
  const watched = new WatchedDisk((parallelism) => shuffledOperators(job, parallelism))
  let result: TestJobResult
  try {
    result = await testJob(job, {
      seed,
      disk: disk ?? watched,
      parallelism: parallelismsOf(simulation),
      crashAt,
      checkpointInterval: checkpointIntervalMs,
      storageFaults,
    })
  } catch (error) {
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
  if (watched.problem !== '') throw new Error(`seed ${seed}: ${watched.problem}`)
  for (const [uid, rows] of expectedRows(graph)) {
    const difference = differenceOf(result.collected[uid] as readonly Row[], rows)
    if (difference !== '') throw new Error(`seed ${seed}: sink "${uid}": ${difference}`)
  }
  return result
}

function parallelismsOf({ parallelism, goesOnAt = [] }: Simulation): number[] {
  return [parallelism, ...goesOnAt]
}

/** Late data, which is exact where one source subtask decides on time (R41); the same crashes as in the other simulation. */
export async function simulateLate(simulation: Simulation): Promise<TestJobResult> {
  const { seed, crashAt, checkpointIntervalMs, storageFaults } = simulation
  const batches = randomBatches(new SeededRandom(seed))
  const job = jobAtEach((parallelism) => {
    const sourceParallelism = simulation.goesOnAt === undefined ? 1 : parallelism
    return lateJob(`late-${seed}`, batches, { parallelism, sourceParallelism })
  })
  const result = await testJob(job, {
    seed,
    parallelism: parallelismsOf(simulation),
    crashAt,
    checkpointInterval: checkpointIntervalMs,
    storageFaults,
  })
  const expected = expectedOfBatches(batches)
  for (const [uid, rows] of [
    ['in-time', expected.windows],
    ['late', expected.late],
  ] as const) {
    const difference = differenceOf(result.collected[uid] as readonly Row[], rows)
    if (difference !== '')
      throw new Error(`seed ${seed}: sink "${uid}" of late data: ${difference}`)
  }
  return result
}

/**
 * Sources that go idle, so that rows are late or not as the threads happen to run: each is in time or late once, and the
 * buckets are those of the rows in time (R41).
 */
export async function simulateIdle(simulation: Simulation): Promise<TestJobResult> {
  const { seed, crashAt, checkpointIntervalMs, storageFaults } = simulation
  const random = new SeededRandom(seed)
  const sources = [randomIdleSource(random, 'a'), randomIdleSource(random, 'b')]
  const rows = sources.flatMap(({ splits }) => splits.flat())
  const job = jobAtEach((parallelism) => idleJob(`idle-${seed}`, sources, parallelism))
  const result = await testJob(job, {
    seed,
    parallelism: parallelismsOf(simulation),
    crashAt,
    checkpointInterval: checkpointIntervalMs,
    storageFaults,
  })
  const [inTime, late, buckets] = ['in-time', 'late', 'buckets'].map(
    (uid) => result.collected[uid] as readonly Row[],
  ) as [readonly Row[], readonly Row[], readonly Row[]]
  const difference =
    differenceOf([...inTime, ...late], rows) || differenceOf(buckets, expectedBuckets(inTime))
  if (difference !== '') throw new Error(`seed ${seed}: with idle sources: ${difference}`)
  return result
}

/** Partitioners with which a subtask gets from some of those before it only. */
const POINTWISE: readonly string[] = ['forward', 'rescale']

/** Heads of the vertices whose every subtask gets from every one before it. */
function shuffledOperators(job: JobModule, parallelism: number): ReadonlySet<string> {
  const { plan } = job.build({}, { parallelism, maxParallelism: DEFAULT_MAX_PARALLELISM })
  const names = plan.vertices
    .filter(({ index }) => {
      const edges = plan.edges.filter(({ toVertex }) => toVertex === index)
      return edges.length > 0 && edges.every(({ partitioner }) => !POINTWISE.includes(partitioner))
    })
    .flatMap(({ chain }) => chain.filter(({ parent }) => parent === -1))
    .map(({ name }) => name)
  return new Set(names)
}

/** What is too much and what is missing, as multisets; empty when nothing is. */
export function differenceOf(actual: readonly Row[], expected: readonly Row[]): string {
  const left = sorted(actual)
  const right = sorted(expected)
  if (isDeepStrictEqual(left, right)) return ''
  const missing = minus(right, left)
  const extra = minus(left, right)
  const shown = (rows: readonly string[]): string => rows.slice(0, 3).join(' ')
  return `${missing.length} rows are missing (${shown(missing)}), ${extra.length} are too much (${shown(extra)}), of ${right.length}`
}

function sorted(rows: readonly Row[]): string[] {
  return rows.map(({ id, key, n, t }) => JSON.stringify([id, key, n, t])).sort()
}

function minus(from: readonly string[], others: readonly string[]): string[] {
  const counts = new Map<string, number>()
  for (const row of others) counts.set(row, (counts.get(row) ?? 0) + 1)
  return from.filter((row) => {
    const count = counts.get(row) ?? 0
    counts.set(row, count - 1)
    return count <= 0
  })
}
