import { fileURLToPath } from 'node:url'
import { SeededRandom } from '../../runtime/clock.ts'
import type { Blow, DiskTrouble, Moment, Savepoint } from './child-run.ts'
import type { CrashCase } from './crash-case.ts'
import type { CrashInputs } from './inputs.ts'

const FRAUD = fileURLToPath(new URL('../../examples/fraud-detection.ts', import.meta.url))
const LEDGER = fileURLToPath(new URL('./jobs/ledger.ts', import.meta.url))

/** One case of a campaign with what is done to it. */
export interface PlannedCase {
  readonly label: string
  readonly one: CrashCase
  readonly blows: readonly Blow[]
}

/** Seconds that an uninterrupted run takes, about; what kills add comes on top. */
const MIN_SECONDS = 1
const MAX_SECONDS = 5

/** Case `index` of a seed: the same whenever it is asked for. */
export function randomCase(seed: number, index: number, inputs: CrashInputs): PlannedCase {
  const random = new SeededRandom(seed * 7_919 + index)
  const parallelism = randomParallelism(random)
  const goesOnAt =
    random.next() < 0.5 ? [] : Array.from({ length: 8 }, () => randomParallelism(random))
  const checkpointIntervalMs = Math.floor(50 * 20 ** random.next())
  const seconds = MIN_SECONDS + random.next() * (MAX_SECONDS - MIN_SECONDS)
  const loadsLate = random.next() < 0.5
  const settings = { parallelism, goesOnAt, checkpointIntervalMs, seconds, loadsLate }
  const { one, label } =
    index % 3 === 2 ? ledgerCase(random, inputs, settings) : fraudCase(random, inputs, settings)
  const blows = Array.from({ length: 2 + Math.floor(random.next() * 7) }, () =>
    randomBlow(random, checkpointIntervalMs),
  )
  return {
    one,
    blows,
    label: `${label}, parallelism ${[parallelism, ...goesOnAt].join(' → ')}, every ${checkpointIntervalMs} ms${loadsLate ? ', state is loaded late' : ''}`,
  }
}

function randomParallelism(random: SeededRandom): number {
  return weighted(random, [
    [1, 1],
    [4, 2],
    [1, 3],
    [2, 4],
  ])
}

interface Settings {
  readonly parallelism: number
  readonly goesOnAt?: readonly number[]
  readonly checkpointIntervalMs: number
  readonly loadsLate?: boolean
  readonly seconds: number
}

type Drawn = Omit<PlannedCase, 'blows'>

/** The example, on one file, on eight, and on one that is compressed. */
export function fraudCase(random: SeededRandom, inputs: CrashInputs, settings: Settings): Drawn {
  const shape = weighted(random, [
    [3, 'single'],
    [5, 'eight'],
    [2, 'gzip'],
  ] as const)
  const { seconds, ...rest } = settings
  const rate = Math.ceil(inputs.rows / seconds)
  const one: CrashCase = {
    ...rest,
    job: FRAUD,
    name: 'fraud-detection',
    input: inputs[shape],
    params: { rate },
    memory: undefined,
    expected: inputs.alerts,
  }
  return { one, label: `fraud on ${shape}` }
}

/** A job whose output rolls after every few rows, mostly with so little memory that its state goes to LevelDB. */
export function ledgerCase(random: SeededRandom, inputs: CrashInputs, settings: Settings): Drawn {
  const shape = random.next() < 0.6 ? 'eight' : 'single'
  const isSmall = random.next() < 0.75
  const { seconds, ...rest } = settings
  const rate = Math.ceil(inputs.rows / seconds)
  const roll = 2_000 + Math.floor(random.next() * 30_000)
  const most = Math.max(settings.parallelism, ...(settings.goesOnAt ?? []))
  const writesChanges = isSmall && random.next() < 0.6
  // Three times what does not fit, so that changes leave the cache early in each run.
  const note = isSmall ? noteLength(most, inputs.rows) * (writesChanges ? 3 : 1) : 200
  const one: CrashCase = {
    ...rest,
    job: LEDGER,
    name: 'ledger',
    input: inputs[shape],
    params: { rate, note, roll },
    memory: isSmall ? `${leastMemoryMb(most)}mb` : undefined,
    writesChanges,
    expected: inputs.ledger,
  }
  const changes = writesChanges ? ', changes in files' : ''
  return { one, label: `ledger on ${shape}${isSmall ? ' with little memory' : ''}${changes}` }
}

/** What `splitMemory` asks for at least: 40 MB of heap a slot. */
function leastMemoryMb(parallelism: number): number {
  return Math.ceil((40 * parallelism) / 0.75)
}

/** Long enough that the notes of all rows take about 16 MB a slot: more than the cache of a slot with least memory. */
function noteLength(parallelism: number, rows: number): number {
  return Math.ceil((16_000_000 * parallelism) / rows)
}

function randomBlow(random: SeededRandom, checkpointIntervalMs: number): Blow {
  const kind = weighted(random, [
    [3, 'start'],
    [3, 'recovery'],
    [4, 'checkpoint'],
    [4, 'commit'],
    [4, 'running'],
    [1, 'stop'],
    [1, 'stop and kill'],
    [2, 'savepoint'],
    [2, 'savepoint and kill'],
    [1, 'stop by command'],
    [1, 'stop by command and kill'],
    [3, 'fold'],
    [3, 'removal'],
    [2, 'changes'],
    [3, 'gc'],
    [2, 'faults'],
    [2, 'faults and kill'],
  ] as const)
  const nth = 1 + Math.floor(random.next() ** 2 * 5)
  const at = (after: Moment['after'], withinMs: number, count = 1): Moment => ({
    after,
    nth: count,
    delayMs: Math.floor(random.next() * withinMs),
  })
  const whileRunning = (): Moment => at('running', Math.max(600, 2 * checkpointIntervalMs))
  const savepoint = (verb: Savepoint['verb']): Savepoint => ({
    verb,
    at: whileRunning(),
    next: weighted(random, [
      [1, 'resume'],
      [2, 'from'],
      [2, 'claim'],
    ] as const),
  })
  const faults = (): DiskTrouble => ({
    faults: {
      seed: Math.floor(random.next() * 1e6),
      probability: 0.2 * random.next() ** 2,
      fromMs: 500 + Math.floor(random.next() * 2_000),
      forMs: 500 + Math.floor(random.next() * 3_000),
      slowMs: 20 * random.next(),
    },
  })
  switch (kind) {
    case 'start':
      return { kind: 'kill', at: at('spawned', 800) }
    case 'recovery':
      return { kind: 'kill', at: at('started', 250) }
    case 'checkpoint':
      return { kind: 'kill', at: at('begun', 25, nth) }
    case 'commit':
      return { kind: 'kill', at: at('checkpoint', 6, nth) }
    case 'running':
      return { kind: 'kill', at: whileRunning() }
    // Where there are too few checkpoints to be folded or removed, it is killed all the same.
    case 'fold':
      return killInFold(nth + 2, at('running', 6_000))
    case 'changes':
      return killInChanges(5 * nth, at('running', 6_000))
    case 'removal':
      return killInRemoval(2 * nth, at('running', 6_000))
    case 'gc':
      return killInGc(1)
    case 'faults':
      return { kind: 'none', disk: faults() }
    case 'faults and kill':
      return { label: 'a disk that fails', kind: 'kill', at: whileRunning(), disk: faults() }
    case 'stop':
      return { kind: 'stop', at: whileRunning() }
    case 'stop and kill':
      return { label: 'a stop', kind: 'stop', at: whileRunning(), kill: at('stopping', 40) }
    case 'savepoint':
      return {
        label: 'a savepoint',
        kind: 'kill',
        at: at('commanded', 1_000),
        savepoint: savepoint('savepoint'),
      }
    case 'savepoint and kill':
      return {
        label: 'a savepoint',
        kind: 'kill',
        at: at('commanded', 100),
        savepoint: savepoint('savepoint'),
      }
    case 'stop by command':
      return { kind: 'none', savepoint: savepoint('stop') }
    case 'stop by command and kill':
      return {
        label: 'a stop by command',
        kind: 'kill',
        at: at('commanded', 100),
        savepoint: savepoint('stop'),
      }
  }
}

/** Killed in the nth call that has to do with folding, at the latest at that moment. */
export function killInFold(nth: number, at: Moment): Blow {
  const kill = { calls: ['open', 'write', 'sync'], name: '/fold-', nth }
  return { label: 'a fold', kind: 'kill', at, disk: { kill } }
}

/** Killed in the nth call that writes changes to a file before their checkpoint, at the latest at that moment. */
export function killInChanges(nth: number, at: Moment): Blow {
  const kill = { calls: ['open', 'open to read', 'write'], name: '/changes-', nth }
  return { label: 'a file of changes', kind: 'kill', at, disk: { kill } }
}

/** Killed when the nth file or folder of a checkpoint is removed, at the latest at that moment. */
export function killInRemoval(nth: number, at: Moment): Blow {
  const kill = { calls: ['unlink', 'rmdir'], name: '/chk-', nth }
  return { label: 'a removal', kind: 'kill', at, disk: { kill } }
}

/** Garbage is collected, if there is any, until the nth file is removed. */
export function killInGc(nth: number): Blow {
  return { kind: 'gc', disk: { kill: { calls: ['unlink'], name: '/chk-', nth } } }
}

function weighted<T>(random: SeededRandom, choices: readonly (readonly [number, T])[]): T {
  const sum = choices.reduce((total, [weight]) => total + weight, 0)
  let left = random.next() * sum
  for (const [weight, choice] of choices) {
    left -= weight
    if (left < 0) return choice
  }
  return choices.at(-1)![1]
}
