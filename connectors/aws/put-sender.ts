import { awsError, awsFailure, mayPassAws } from '../../runtime/aws/aws-errors.ts'
import { type Clock, pause } from '../../runtime/clock.ts'
import {
  answerIncomplete,
  count as counted,
  isOutcomeUnknown,
  putGivenUp,
  refusalError,
} from './put-errors.ts'
import type { PutRecord } from './put-record.ts'
import type { PutRefusal, PutService } from './put-service.ts'
import type { RecordWindow } from './record-window.ts'

export interface PutSenderOptions {
  readonly service: PutService
  readonly clock: Clock
  readonly window: RecordWindow
  readonly retryTimeoutMs: number
  /** Ends requests, and waits between them. */
  readonly signal: AbortSignal
  count(counter: string, by: number): void
}

/** What became of each record of a request, by its place: undefined where it was taken. */
export type PutAnswers = readonly (PutRefusal | undefined)[]

/**
 * Sends a request until the service answers for each of its records: one that fails as a whole again and again, after a random
 * delay that grows ("full jitter"), for `retryTimeout` at most. What it refuses of a request is left to the caller.
 *
 * Where the outcome of a request is not known, its records are sent again, and may be there twice: `recordsSentAgain` counts
 * them. `recordsRefused` counts those that the service did not take at once.
 */
export class PutSender {
  readonly #options: PutSenderOptions

  constructor(options: PutSenderOptions) {
    this.#options = options
  }

  /** Rejects with a coded error where trying ends, and where a record was refused that will be refused again. */
  async send(records: readonly PutRecord[]): Promise<PutAnswers> {
    const { service, clock, signal, retryTimeoutMs, count } = this.#options
    const all = countOf(records)
    const what = `write ${counted(all)} to ${service.target}`
    const since = clock.elapsed()
    let first: Error | undefined
    let wasSkewed = false
    for (let failures = 0; ;) {
      const answers = await this.#try(records)
      if (!(answers instanceof Error)) {
        this.#checkRefusals(records, answers, what)
        return answers
      }
      const error = answers
      // The SDK has learned from the answer how far its clock is off: once more.
      const hasLearned: boolean = awsFailure(error) === 'skewed' && !wasSkewed
      wasSkewed ||= hasLearned
      if (signal.aborted || !(hasLearned || mayPassAws(error))) {
        throw awsError(service.attempt(what), error)
      }
      first ??= error
      const triedMs = clock.elapsed() - since
      if (triedMs >= retryTimeoutMs) {
        throw putGivenUp(service, { records: all, triedMs, first, last: error })
      }
      await pause(clock, service.delayBefore(++failures), signal)
      if (signal.aborted) throw awsError(service.attempt(what), error)
      count(isOutcomeUnknown(error) ? 'recordsSentAgain' : 'recordsRefused', all)
    }
  }

  /** Resolves with an error where the request failed as a whole. */
  async #try(records: readonly PutRecord[]): Promise<PutAnswers | Error> {
    const { service, window, signal } = this.#options
    const request = window.sent()
    let answers: PutAnswers
    try {
      answers = await service.put(records, signal)
    } catch (thrown) {
      const error = thrown as Error
      if (this.#isThrottle(error)) window.answered(request, 1)
      return error
    }
    if (answers.length !== records.length) {
      throw answerIncomplete(service, records.length, answers.length)
    }
    // That a range which was refused still is says nothing about the others.
    const isOwn = (i: number): boolean => !records[i]!.isProbe
    const own = answers.filter((_, i) => isOwn(i))
    const throttled = own.filter((answer) => answer !== undefined && this.#isThrottle(answer))
    if (own.length > 0) window.answered(request, throttled.length / own.length)
    return answers
  }

  /** Codes of single records that nobody knows are given the time to pass. */
  #checkRefusals(records: readonly PutRecord[], answers: PutAnswers, what: string): void {
    let refused = 0
    for (const [i, answer] of answers.entries()) {
      if (answer === undefined) continue
      refused += records[i]!.count
      const error = refusalError(answer)
      if (mayPassAws(error) || awsFailure(error) === 'refused') continue
      throw awsError(this.#options.service.attempt(what), error)
    }
    if (refused > 0) this.#options.count('recordsRefused', refused)
  }

  #isThrottle(failure: PutRefusal): boolean {
    return failure.name === this.#options.service.throttle || awsFailure(failure) === 'throttled'
  }
}

/** Records of the job. */
function countOf(records: readonly PutRecord[]): number {
  return records.reduce((sum, { count }) => sum + count, 0)
}
