import { type Failpoint, FAILPOINTS } from '../runtime/failpoint.ts'
import { showValue } from '../runtime/show-value.ts'
import { misuse } from './misuse.ts'

/**
 * Where a run of a job under test is interrupted: when a point of the checkpoint and commit protocol is reached (for the
 * n-th time, with `:n`), or at a step of the scheduler.
 *
 * `process` (the default): all memory is gone, and the job is run again. `thread`: one slot is lost, and the job restarts
 * by itself. `stop`: as Ctrl-C; the job is run again. `drain`: as Ctrl-C with `--drain`: the input ends, in every process
 * that follows too.
 */
export type CrashPoint =
  | Failpoint
  | `${Failpoint}:${number}`
  | { readonly step: number; readonly kind?: 'process' | 'stop' | 'drain' }
  | { readonly step: number; readonly kind: 'thread'; readonly slot: number }

/** An interruption that has happened. */
export interface Crash {
  readonly point: CrashPoint
  /** Step of the scheduler, counted from the beginning of the test. */
  readonly step: number
}

/**
 * Crash points, one after another: each is armed when the one before has happened, and counts from there. Fails with
 * `MR_TEST_INVALID` for one that can never be reached.
 */
export class CrashPlan {
  readonly crashes: Crash[] = []
  readonly #points: CrashPoint[]
  #armedAt = 0
  #reached = 0

  constructor(points: readonly CrashPoint[]) {
    for (const point of points) checkPoint(point)
    this.#points = [...points]
  }

  /** A failpoint has been reached; whether the process crashes there. */
  reaches(name: Failpoint, step: number): boolean {
    const point = this.#points[0]
    if (typeof point !== 'string') return false
    const [armed, count = '1'] = point.split(':')
    if (armed !== name || ++this.#reached < Number(count)) return false
    this.happened(step)
    return true
  }

  /** The interruption that is due at this step, if any; it stays so until it has happened. */
  dueAt(step: number): Exclude<CrashPoint, string> | undefined {
    const point = this.#points[0]
    const isDue = typeof point === 'object' && step - this.#armedAt >= point.step
    return isDue ? point : undefined
  }

  /** What was due has happened; the next point is armed. */
  happened(step: number): void {
    this.crashes.push({ point: this.#points.shift()!, step })
    this.#armedAt = step
    this.#reached = 0
  }
}

/** A test with a crash that never comes would pass without one. */
function checkPoint(point: CrashPoint): void {
  if (typeof point === 'string' ? isNamed(point) : isStep(point)) return
  throw misuse(
    'testJob',
    `crashAt has ${showValue(point)}, which is no crash point; the job would run without that crash; give one of ${FAILPOINTS.join(', ')}, with :n for the n-th time, or { step: 40 }, whose kind may be process, stop, drain, or thread with a slot.`,
  )
}

const STEP = ['step', 'kind', 'slot']

function isNamed(point: string): boolean {
  const [name, count = '1', ...rest] = point.split(':')
  const isKnown = (FAILPOINTS as readonly string[]).includes(name!)
  return isKnown && rest.length === 0 && /^[1-9]\d*$/.test(count)
}

function isStep(point: Partial<Exclude<CrashPoint, string>> | null | undefined): boolean {
  if (!Number.isSafeInteger(point?.step)) return false
  if (Object.keys(point!).some((name) => !STEP.includes(name))) return false
  const { kind = 'process' } = point!
  return kind === 'thread' ? 'slot' in point! : ['process', 'stop', 'drain'].includes(kind)
}
