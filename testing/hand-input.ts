import { GraphDataStream } from '../operators/data-stream.ts'
import type { StreamGraphBuilder } from '../operators/graph-builder.ts'
import type { OperatorSpec } from '../operators/operator-spec.ts'
import type { DataStream } from '../operators/streams.ts'
import { MAX_TIMESTAMP, MIN_TIMESTAMP, type WatermarkStatus } from '../runtime/element.ts'
import type { ReaderContext, ReaderOutput, Source, SourceReader } from '../runtime/source.ts'
import type { PollResult } from '../runtime/source.ts'

interface InputState {
  readonly watermark: number
  readonly status: WatermarkStatus
  readonly hasEnded: boolean
}

/** What an input was told behind records that the operators had not taken yet: it goes in order with them. */
type Told = { readonly watermark: number } | { readonly status: 'active' | 'idle' }

/** What is told goes through the source as if it were a record, in this. */
class InOrder {
  readonly told: Told

  constructor(told: Told) {
    this.told = told
  }
}

/**
 * One input of a stream under test: emits what it is handed, and its time is what it was last told.
 *
 * In the graph it is a source with one subtask and, chained to it, an operator that generates the watermarks: where a source
 * gives its status by a timeout, here it is set by hand.
 */
export class HandInput {
  readonly uid: string
  readonly #waiting: { readonly value: unknown; readonly timestamp: number }[] = []
  #watermark: number = MIN_TIMESTAMP
  #status: WatermarkStatus = 'active'
  #hasEnded = false
  #wake: () => void = () => {}

  /** `uid` names it in the graph. */
  constructor(uid: string) {
    this.uid = uid
  }

  /** Emits it in a later poll, after what was pushed before; an idle input is active again, as in a job. */
  push(value: unknown, timestamp: number): void {
    if (!this.isWaiting) this.#status = 'active'
    this.#waiting.push({ value, timestamp })
    this.#wake()
  }

  /** Takes effect in the next turn, or when all that was pushed before has been taken; an idle input is active again. */
  setWatermark(watermark: number): void {
    this.#tell({ watermark })
  }

  /** Takes effect in the next turn, or when all that was pushed before has been taken. */
  setStatus(status: 'active' | 'idle'): void {
    this.#tell({ status })
  }

  #tell(told: Told): void {
    if (this.isWaiting) this.push(new InOrder(told), MIN_TIMESTAMP)
    else this.#follow(told)
    this.#wake()
  }

  #follow(told: Told): void {
    this.#status = 'status' in told ? told.status : 'active'
    if ('watermark' in told) this.#watermark = Math.max(this.#watermark, told.watermark)
  }

  /** Whether the operators have not taken all that was pushed. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0
  }

  end(): void {
    this.#hasEnded = true
    this.#wake()
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** Adds it to a graph; the stream of what it will be handed. */
  addTo(builder: StreamGraphBuilder): DataStream<unknown> {
    const place = { uid: this.uid, parallelism: 1 }
    const read = builder.addSource(this.#source(), { watermarks: undefined }, place)
    const timed = builder.addOperator(this.#time(), [read], { ...place, uid: `${this.uid}.time` })
    return new GraphDataStream(builder, [timed])
  }

  #source(): Source<unknown> {
    return {
      kind: 'hand',
      boundedness: 'unbounded',
      createEnumerator: () => ({ start() {}, snapshotState: () => null }),
      createReader: (context) => this.#reader(context),
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

  #time(): OperatorSpec {
    return {
      operatorKind: 'hand-time',
      hasOperatorState: true,
      // There is one at any parallelism.
      stateSpread: 'fresh',
      factory: ({ output, watermarks, restoredState }) => {
        if (restoredState !== undefined) this.#restore(restoredState as InputState)
        return {
          processElement: (value, timestamp) => {
            const isTold = value instanceof InOrder
            this.#follow(isTold ? value.told : { status: 'active' })
            if (this.#status === 'active') watermarks.markActive()
            if (!isTold) output.emit(value, timestamp)
            else if ('watermark' in value.told) watermarks.emitWatermark(this.#watermark)
          },
          processWatermark: (timestamp) =>
            timestamp === MAX_TIMESTAMP ? timestamp : MIN_TIMESTAMP,
          onTick: () => this.#watermark,
          watermarkStatus: () => this.#status,
          snapshotState: (): InputState => ({
            watermark: this.#watermark,
            status: this.#status,
            hasEnded: this.#hasEnded,
          }),
        }
      },
    }
  }

  #restore({ watermark, status, hasEnded }: InputState): void {
    this.#watermark = watermark
    this.#status = status
    this.#hasEnded = hasEnded
  }
}
