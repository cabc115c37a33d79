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

/** What one try left over, and why. */
interface Rest {
  readonly records: readonly PutRecord[]
  readonly error: Error
  /** The request failed as a whole; otherwise the service has answered for each record. */
  readonly isWhole: boolean
}

/**
 * Sends the records of a request until the service has taken all: of a request that was taken in part only the rest, after a random
 * delay that grows ("full jitter").
 *
 * Trying ends when none of them was taken for `retryTimeout`. Where the outcome of a request is not known, its records are sent
 * again, and may be there twice: `recordsSentAgain` counts them. `recordsRefused` counts those that the service did not take at once.
 */
export class PutSender {
  readonly #options: PutSenderOptions

  constructor(options: PutSenderOptions) {
    this.#options = options
  }

  /** Resolves when all are taken; `taken` is told of them as they are. Rejects with a coded error. */
  async send(
    records: readonly PutRecord[],
    taken: (records: readonly PutRecord[]) => void,
  ): Promise<void> {
    const { service, clock, signal, retryTimeoutMs, count } = this.#options
    let left = records
    let since = clock.elapsed()
    let first: Error | undefined
    let wasSkewed = false
    for (let failures = 0; ;) {
      const rest = await this.#try(left, taken)
      if (rest === undefined) return
      const { error, isWhole } = rest
      const what = `write ${counted(countOf(rest.records))} to ${service.target}`
      // The SDK has learned from the answer how far its clock is off: once more.
      const hasLearned: boolean = awsFailure(error) === 'skewed' && !wasSkewed
      wasSkewed ||= hasLearned
      if (signal.aborted || !(hasLearned || mayPass(rest))) {
        throw awsError(service.attempt(what), error)
      }
      first ??= error
      if (rest.records.length < left.length) {
        since = clock.elapsed()
        failures = 0
      }
      left = rest.records
      const triedMs = clock.elapsed() - since
      if (triedMs >= retryTimeoutMs) {
        throw putGivenUp(service, { records: countOf(left), triedMs, first, last: error })
      }
      await pause(clock, service.delayBefore(++failures), signal)
      if (signal.aborted) throw awsError(service.attempt(what), error)
      const isUnknown = isWhole && isOutcomeUnknown(error)
      count(isUnknown ? 'recordsSentAgain' : 'recordsRefused', countOf(left))
    }
  }

  async #try(
    sent: readonly PutRecord[],
    taken: (records: readonly PutRecord[]) => void,
  ): Promise<Rest | undefined> {
    const { service, window, signal } = this.#options
    const request = window.sent()
    let answers: readonly (PutRefusal | undefined)[]
    try {
      answers = await service.put(sent, signal)
    } catch (thrown) {
      const error = thrown as Error
      if (this.#isThrottle(error)) window.throttled(request)
      return { records: sent, error, isWhole: true }
    }
    if (answers.length !== sent.length) throw answerIncomplete(service, sent.length, answers.length)
    const refused: PutRecord[] = []
    let refusal: PutRefusal | undefined
    let isThrottled = false
    for (const [i, answer] of answers.entries()) {
      if (answer === undefined) continue
      refused.push(sent[i]!)
      refusal = answer
      isThrottled ||= this.#isThrottle(answer)
    }
    if (isThrottled) window.throttled(request)
    if (refusal === undefined) {
      window.taken()
      taken(sent)
      return undefined
    }
    taken(sent.filter((_, i) => answers[i] === undefined))
    return { records: refused, error: refusalError(refusal), isWhole: false }
  }

  #isThrottle(failure: PutRefusal): boolean {
    return failure.name === this.#options.service.throttle || awsFailure(failure) === 'throttled'
  }
}

/** Records of the job. */
function countOf(records: readonly PutRecord[]): number {
  return records.reduce((sum, { count }) => sum + count, 0)
}

/** Whether what is left may be taken later. Codes of single records that nobody knows are given the time to pass. */
function mayPass({ error, isWhole }: Rest): boolean {
  return mayPassAws(error) || (!isWhole && awsFailure(error) === 'refused')
}
