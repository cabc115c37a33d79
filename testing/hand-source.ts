import { MAX_TIMESTAMP, MIN_TIMESTAMP } from '../runtime/element.ts'
import type {
  PollResult,
  ReaderContext,
  ReaderOutput,
  Source,
  SourceReader,
} from '../runtime/source.ts'
import type { WatermarkStrategy } from '../runtime/watermark-strategy.ts'

/** A source with one subtask that emits what it is handed, and whose watermark is set by hand. */
export class HandSource {
  readonly #waiting: { readonly value: unknown; readonly timestamp: number }[] = []
  #watermark = MIN_TIMESTAMP
  #hasEnded = false
  #wake: () => void = () => {}

  /** Emits it in a later poll, after what was pushed before. */
  push(value: unknown, timestamp: number): void {
    this.#waiting.push({ value, timestamp })
    this.#wake()
  }

  /** Takes effect at the next tick. */
  setWatermark(watermark: number): void {
    this.#watermark = Math.max(this.#watermark, watermark)
    this.#wake()
  }

  end(): void {
    this.#hasEnded = true
    this.#wake()
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  get source(): Source<unknown> {
    return {
      kind: 'hand',
      boundedness: 'unbounded',
      createEnumerator: () => ({ start() {}, snapshotState: () => null }),
      createReader: (context) => this.#reader(context),
    }
  }

  get watermarks(): WatermarkStrategy<unknown> {
    return {
      idleTimeoutMs: Infinity,
      createGenerator: () => ({
        onEvent() {},
        currentWatermark: () => this.#watermark,
        snapshotState: () => null,
        restoreState() {},
      }),
    }
  }

  #reader(context: ReaderContext): SourceReader<unknown, unknown> {
    let output: ReaderOutput<unknown> | undefined
    this.#wake = () => context.wake()
    return {
      open(opened) {
        output = opened
        output.split('hand')
      },
      addSplits() {},
      noMoreSplits() {},
      poll: (maxRecords) => this.#poll(output!, maxRecords),
      snapshotState: () => [],
    }
  }

  #poll(output: ReaderOutput<unknown>, maxRecords: number): PollResult {
    const split = output.split('hand')
    for (let emitted = 0; emitted < maxRecords; emitted++) {
      const next = this.#waiting.shift()
      if (next === undefined) return this.#hasEnded ? 'end' : 'wait'
      if (!split.emit(next.value, next.timestamp)) break
    }
    return 'more'
  }
}

/** Fails with a `RangeError` for what `processWatermark` cannot stand for. */
export function checkWatermark(watermark: number): void {
  if (Number.isSafeInteger(watermark)) return
  const wayOut = watermark === MAX_TIMESTAMP ? '; the final watermark comes with endInput()' : ''
  throw new RangeError(`A watermark must be an integer of milliseconds, not ${watermark}${wayOut}.`)
}
