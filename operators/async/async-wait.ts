import { MIN_TIMESTAMP } from '../../runtime/element.ts'
import type { Operator, OperatorContext, Readiness } from '../../runtime/operator.ts'
import { FunctionRun } from '../function.ts'
import type { OperatorSpec } from '../operator-spec.ts'
import { AsyncCalls, type AsyncInvocation } from './async-calls.ts'
import { AsyncEntry } from './async-entry.ts'
import type { AsyncSettings } from './async-options.ts'
import { type AsyncQueue, HeldWatermark } from './async-queue.ts'
import { type AsyncState, type HeldRecord, restoreHeld, storeHeld } from './async-state.ts'
import { Fifo } from './fifo.ts'
import { OrderedQueue } from './ordered-queue.ts'
import { UnorderedQueue } from './unordered-queue.ts'

/** Emitted between two looks at the deadline: reading the clock costs 94 ns. */
const EMITTED_PER_LOOK = 64

/** The operator behind `orderedWait`, `unorderedWait` and `asyncMap`. */
export function asyncSpec(
  operatorKind: string,
  invocation: AsyncInvocation,
  settings: AsyncSettings & { readonly isOrdered: boolean },
): OperatorSpec {
  return {
    operatorKind,
    hasOperatorState: true,
    stateSpread: 'by-key-group',
    factory: (context) => {
      const queue: AsyncQueue<AsyncEntry> = settings.isOrdered
        ? new OrderedQueue()
        : new UnorderedQueue()
      return new AsyncWaitOperator(invocation, settings, context, queue)
    },
  }
}

/**
 * Asks a function of many records at once and emits what it answers, between inputs: nothing is emitted in the callback of a
 * promise.
 *
 * What it holds is bounded by the capacity: beyond, it takes barriers only. A checkpoint holds every input that has not been
 * emitted; after a restore all of them are asked again, before any new one (semantics 2.16).
 */
class AsyncWaitOperator extends FunctionRun implements Operator<unknown> {
  readonly #settings: AsyncSettings
  readonly #context: OperatorContext
  readonly #queue: AsyncQueue<AsyncEntry>
  readonly #calls: AsyncCalls
  /** Of the checkpoint, and not asked again yet, as there was no room. */
  readonly #restored: Fifo<HeldRecord | HeldWatermark> = new Fifo()
  /** The last watermark that was let go, and whether those behind have yet to be told after a restore. */
  #forwarded: number
  #mustAnnounce: boolean
  #isDue = false
  #failure: { readonly entry: AsyncEntry; readonly error: unknown } | undefined

  constructor(
    invocation: AsyncInvocation,
    settings: AsyncSettings,
    context: OperatorContext,
    queue: AsyncQueue<AsyncEntry>,
  ) {
    super(invocation.lifecycle, context)
    this.#settings = settings
    this.#context = context
    this.#queue = queue
    this.#calls = new AsyncCalls(invocation, settings, context, {
      settled: (entry) => this.#settled(entry),
      failed: (entry, error) => this.#failed(entry, error),
      due: () => this.#due(),
    })
    const restored = context.restoredState as AsyncState | undefined
    const { forwarded, items } = restoreHeld(restored, context.currentWatermark())
    for (const item of items) this.#restored.push(item)
    this.#forwarded = forwarded
    this.#mustAnnounce = forwarded > MIN_TIMESTAMP
  }

  // --- What comes in ---

  get readiness(): Readiness {
    return this.#restored.size > 0 || this.#isFull ? 'full' : 'ready'
  }

  get #isFull(): boolean {
    return this.#queue.size >= this.#settings.capacity
  }

  get holdsBack(): boolean {
    return this.#queue.size > 0 || this.#restored.size > 0
  }

  processElement(value: unknown, timestamp: number): void {
    this.#ask({
      value,
      timestamp,
      keyGroup: this.#context.currentKeyGroup(),
      position: this.#context.recordPosition(),
    })
    if (this.#isFull) this.#context.wake()
  }

  processWatermark(timestamp: number): number {
    if (!this.holdsBack) {
      this.#forwarded = timestamp
      return timestamp
    }
    this.#queue.add(new HeldWatermark(timestamp))
    if (this.#isFull) this.#context.wake()
    return MIN_TIMESTAMP
  }

  #ask(record: HeldRecord): void {
    const deadline = this.#context.clock.elapsed() + this.#settings.timeoutMs
    const entry = new AsyncEntry(record, deadline)
    this.#queue.add(entry)
    this.#calls.begin(entry)
  }

  endInput(): void {
    this.#calls.hurry()
  }

  // --- What the calls tell ---

  #settled(entry: AsyncEntry): void {
    this.#queue.settle(entry)
    if (this.#queue.next() !== undefined) this.#context.wake()
  }

  /** In the next turn: there is nobody to throw to in the callback of a promise. */
  #failed(entry: AsyncEntry, error: unknown): void {
    this.#failure ??= { entry, error }
    this.#context.wake()
  }

  #due(): void {
    this.#isDue = true
    this.#context.wake()
  }

  // --- What goes out ---

  work(deadline: number, mayEmit: () => boolean): boolean {
    let worked = this.#isDue
    if (this.#isDue) {
      this.#isDue = false
      this.#calls.followClock()
    }
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#mustAnnounce && mayEmit()) {
      this.#mustAnnounce = false
      this.#context.forwardWatermark(this.#forwarded)
    }
    if (this.#emit(deadline, mayEmit)) worked = true
    return this.#takeRestored() || worked
  }

  #emit(deadline: number, mayEmit: () => boolean): boolean {
    const { clock, output } = this.#context
    let emitted = 0
    for (let item = this.#queue.next(); item !== undefined; item = this.#queue.next()) {
      if (!mayEmit()) break
      this.#queue.take()
      if (item instanceof HeldWatermark) {
        this.#context.beginHeld(undefined)
        this.#forwarded = item.timestamp
        this.#context.forwardWatermark(item.timestamp)
      } else {
        this.#context.beginHeld(item.keyGroup)
        // All of one record at once: after a barrier between two of them it would be asked, and emitted, again.
        for (const value of item.results) output.emit(value, item.timestamp)
        for (const { tag, value } of item.sides) {
          this.#context.sideOutput(tag).emit(value, item.timestamp)
        }
      }
      emitted++
      if (emitted % EMITTED_PER_LOOK === 0 && clock.elapsed() >= deadline) break
    }
    return emitted > 0
  }

  /** Asks again what the checkpoint held, before anything new, as far as there is room. */
  #takeRestored(): boolean {
    const before = this.#restored.size
    while (this.#restored.size > 0 && !this.#isFull) {
      const item = this.#restored.shift()!
      if (item instanceof HeldWatermark) this.#queue.add(item)
      else this.#ask(item)
    }
    return this.#restored.size < before
  }

  // --- State ---

  snapshotState(): AsyncState | undefined {
    return storeHeld(this.#forwarded, [...this.#queue.contents(), ...this.#restored])
  }

  override close(): void | Promise<void> {
    this.#calls.close()
    for (const item of this.#queue.contents()) {
      if (item instanceof AsyncEntry && item.isCalling) item.call!.abort(undefined)
    }
    return super.close()
  }

  failedRecord(): HeldRecord | undefined {
    return this.#failure?.entry
  }
}
