import { StreamError, thrownText } from '../runtime/errors.ts'
import type { JobMetrics } from '../runtime/job/job-events.ts'

/** Virtual time a step, on average, from which waiting rather than records is taken to be what makes a job long. */
const WAITING_MS_PER_STEP = 2

/** The failures of a job under test after which it has gone on. */
export class SurvivedFailures {
  #count = 0
  #last: Error | undefined

  add(error: Error): void {
    this.#count++
    this.#last = error
  }

  get count(): number {
    return this.#count
  }

  get last(): Error | undefined {
    return this.#last
  }
}

/** A job under test that has not ended, and how far it got. */
export interface EndlessRun {
  readonly job: string
  /** Whether there is anything left to do. */
  readonly isAlive: boolean
  /** The virtual world: steps of its scheduler, its time, and how much of it has passed. */
  readonly world: { readonly steps: number; readonly now: number; readonly elapsed: number }
  readonly metrics: JobMetrics
  readonly failures: SurvivedFailures
}

/** Says how far it got, and which failure keeps it from its end, if there is one: that is the cause of the error too. */
export function endless({ job, isAlive, world, metrics, failures }: EndlessRun): StreamError {
  const { steps, now, elapsed } = world
  const { recordsRead, recordsWritten, checkpoints } = metrics
  const what = isAlive
    ? `has not ended after ${steps} steps of the scheduler`
    : 'waits for something that never comes: nothing is left to do, and it has not ended'
  // Restarts wait too, and longer each time.
  const isWaiting = failures.count === 0 && elapsed > WAITING_MS_PER_STEP * steps
  const wayOut = isWaiting ? useHarness(elapsed) : BOUNDED
  return new StreamError(
    'MR_TEST_ENDLESS',
    `testJob: job "${job}" ${what}; it has read ${recordsRead} records, written ${recordsWritten} and completed ${checkpoints} checkpoints in this run; ${failed(failures)}testJob needs the end of all input; ${wayOut}.`,
    { steps, now, recordsRead, recordsWritten, checkpoints, failures: failures.count },
    failures.last,
  )
}

const BOUNDED = 'give it bounded sources, or raise maxSteps where the job is merely long'

function useHarness(elapsed: number): string {
  return `${elapsed} ms of virtual time have passed, which costs steps too: test long spans of processing time with operatorHarness, and give the job bounded sources`
}

function failed({ count, last }: SurvivedFailures): string {
  if (last === undefined) return ''
  const times = count === 1 ? 'once' : `${count} times`
  return `it has failed ${times} and gone on from its last checkpoint, the last time with "${thrownText(last)}"; `
}
