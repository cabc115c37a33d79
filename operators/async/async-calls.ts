import type { Cancel, Clock } from '../../runtime/clock.ts'
import type { OperatorContext } from '../../runtime/operator.ts'
import { type FunctionContext, functionContext, type FunctionLifecycle } from '../function.ts'
import { isThenable, refusePromise } from '../synchronous.ts'
import { AsyncCall } from './async-call.ts'
import type { AsyncEntry } from './async-entry.ts'
import { callFailed, timedOut } from './async-errors.ts'
import type { AsyncContext } from './async-function.ts'
import type { AsyncSettings } from './async-options.ts'
import { EntryDeadlines } from './entry-deadlines.ts'

/** An asynchronous function as the operator calls it. */
export interface AsyncInvocation {
  readonly lifecycle: FunctionLifecycle
  invoke(value: unknown, ctx: AsyncContext): unknown
  /** Undefined where a timeout fails the job. */
  readonly timeout: ((value: unknown, ctx: AsyncContext) => unknown) | undefined
  /** The records that an answer stands for; fails if it stands for none. `what` names who answered. */
  toRecords(answer: unknown, what: string): readonly unknown[]
}

/** Whom the calls tell what becomes of a record; they may do so in the callback of a promise. */
export interface AsyncCallsListener {
  /** It has its results. */
  settled(entry: AsyncEntry): void
  /** The job has to fail. */
  failed(entry: AsyncEntry, error: unknown): void
  /** A timeout or a retry is due: `followClock` is to be called. */
  due(): void
}

/**
 * Calls a function for records, repeats calls and gives up on them: whatever settles a record first counts.
 *
 * One timer serves all records, since their deadlines come in the order of their first calls.
 */
export class AsyncCalls {
  readonly #invocation: AsyncInvocation
  readonly #settings: AsyncSettings
  readonly #context: OperatorContext
  readonly #clock: Clock
  readonly #listener: AsyncCallsListener
  readonly #shared: FunctionContext
  readonly #deadlines: EntryDeadlines<AsyncEntry> = new EntryDeadlines()
  #alarm: { readonly at: number; readonly cancel: Cancel } | undefined
  #isClosed = false

  constructor(
    invocation: AsyncInvocation,
    settings: AsyncSettings,
    context: OperatorContext,
    listener: AsyncCallsListener,
  ) {
    this.#invocation = invocation
    this.#settings = settings
    this.#context = context
    this.#clock = context.clock
    this.#listener = listener
    this.#shared = functionContext(context)
  }

  /** Makes the first call for a record. Deadlines must not decrease from one record to the next. */
  begin(entry: AsyncEntry): void {
    this.#deadlines.add(entry)
    this.#setAlarm(entry.deadline)
    this.#call(entry)
  }

  /** What is due by now. Timeouts go first: a call that would be due at the same time would come too late. */
  followClock(): void {
    const now = this.#clock.elapsed()
    const deadlines = this.#deadlines
    for (let late = deadlines.takeTimedOut(now); late; late = deadlines.takeTimedOut(now)) {
      this.#timeOut(late)
    }
    for (const due of deadlines.takeDue(now)) this.#call(due)
    this.#setAlarm(deadlines.next)
  }

  /** Repeats at once, and once, what waits to be repeated. */
  hurry(): void {
    for (const due of this.#deadlines.takeDue(Infinity)) this.#call(due)
  }

  /** Whatever comes from now on is ignored. */
  close(): void {
    this.#isClosed = true
    this.#alarm?.cancel()
  }

  // --- Calls and answers ---

  #call(entry: AsyncEntry): void {
    if (!entry.follow('due')) return
    const call = new AsyncCall(this.#shared, entry.timestamp, (entry.call?.callNumber ?? 0) + 1)
    entry.call = call
    let answer: unknown
    try {
      answer = this.#invocation.invoke(entry.value, call)
      if (isThenable(answer)) {
        Promise.resolve(answer).then(
          (settled) => this.#answered(entry, settled),
          (error: unknown) => this.#refused(entry, error, `${FUNCTION} rejected with`),
        )
        return
      }
    } catch (error) {
      this.#refused(entry, error, `${FUNCTION} threw`)
      return
    }
    this.#answered(entry, answer)
  }

  /** Throws nothing: a promise calls it, and nobody would hear. */
  #answered(entry: AsyncEntry, answer: unknown): void {
    if (this.#isClosed || !entry.isCalling) return
    try {
      if (this.#mayRetry(entry) && this.#settings.retry!.retryOnResult(answer)) {
        this.#retry(entry)
        return
      }
      entry.results = this.#invocation.toRecords(answer, FUNCTION)
    } catch (error) {
      this.#listener.failed(entry, callFailed('retryOnResult threw', error))
      return
    }
    entry.follow('answer')
    entry.sides = entry.call!.end()
    this.#settle(entry)
  }

  #refused(entry: AsyncEntry, thrown: unknown, what: string): void {
    if (this.#isClosed || !entry.isCalling) return
    try {
      if (this.#mayRetry(entry) && this.#settings.retry!.retryOnError(thrown)) {
        this.#retry(entry)
        return
      }
    } catch (error) {
      this.#listener.failed(entry, callFailed('retryOnError threw', error))
      return
    }
    this.#listener.failed(entry, callFailed(what, thrown))
  }

  #mayRetry({ call }: AsyncEntry): boolean {
    const { retry } = this.#settings
    return retry !== undefined && call!.callNumber <= retry.maxAttempts
  }

  #retry(entry: AsyncEntry): void {
    entry.follow('retry')
    entry.call!.end()
    this.#context.count('asyncRetries')
    const at = this.#clock.elapsed() + this.#settings.retry!.delayMs(entry.call!.callNumber)
    this.#deadlines.retryAt(at, entry)
    this.#setAlarm(at)
  }

  #settle(entry: AsyncEntry): void {
    this.#deadlines.delete(entry)
    this.#listener.settled(entry)
  }

  // --- Time ---

  #timeOut(entry: AsyncEntry): void {
    if (!entry.follow('timeout')) return
    this.#context.count('asyncTimeouts')
    const error = timedOut(this.#settings.timeoutMs, entry)
    entry.call!.abort(error)
    const { timeout } = this.#invocation
    if (timeout === undefined) {
      this.#listener.failed(entry, error)
      return
    }
    try {
      entry.call!.beginAnew()
      const answer = timeout(entry.value, entry.call!)
      refusePromise(answer, TIMEOUT)
      entry.results = this.#invocation.toRecords(answer, TIMEOUT)
      entry.sides = entry.call!.end()
    } catch (thrown) {
      this.#listener.failed(entry, callFailed(`${TIMEOUT} threw`, thrown))
      return
    }
    this.#settle(entry)
  }

  #setAlarm(at: number): void {
    if (at === Infinity || (this.#alarm !== undefined && this.#alarm.at <= at)) return
    this.#alarm?.cancel()
    const delayMs = Math.ceil(Math.max(0, at - this.#clock.elapsed()))
    const cancel = this.#clock.schedule(delayMs, () => {
      this.#alarm = undefined
      this.#listener.due()
    })
    this.#alarm = { at, cancel }
  }
}

const FUNCTION = 'the asynchronous function'
const TIMEOUT = 'the timeout method'
