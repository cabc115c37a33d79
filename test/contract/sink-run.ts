import type { Committer, Sink, SinkContext, SinkWriter } from '../../runtime/sink.ts'
import { decodeValue, encodeValue } from '../../runtime/value-codec.ts'
import { ManualClock } from '../../testing/manual-clock.ts'

/** A lineage as `randomId` makes them. */
export const LINEAGE = 'aaaaaaaaaaaaaaaa'

/** Who runs the job: takes what sinks print and deliver, and outlives attempts. */
export class Runner {
  readonly deliveries = new Map<string, readonly unknown[]>()
  readonly lines: string[] = []
  /** While true, nothing that is printed gets written. */
  isStuck = false
  unwrittenBytes = 0

  print(lines: string): void {
    this.lines.push(lines)
    if (this.isStuck) this.unwrittenBytes += Buffer.byteLength(lines)
  }

  get text(): string {
    return this.lines.join('')
  }

  get delivered(): readonly unknown[] {
    return [...this.deliveries.values()].flat()
  }
}

export interface SinkRunOptions {
  readonly runner?: Runner
  readonly subtaskIndex?: number
  readonly attempt?: number
  readonly lineage?: string
  /** Default 0. */
  readonly restoredCheckpointId?: number
}

/** One attempt of one subtask of a sink alone: writer and committer in this thread, with a manual clock. */
export class SinkRun<T = unknown> {
  readonly clock = new ManualClock()
  readonly runner: Runner
  readonly writer: SinkWriter<T, unknown>
  readonly committer: Committer<unknown> | undefined
  readonly logs: string[] = []
  failure: unknown
  wakes = 0

  constructor(sink: Sink<T>, options: SinkRunOptions = {}) {
    this.runner = options.runner ?? new Runner()
    const context = this.#context(options)
    this.writer = sink.createWriter(context)
    this.committer = sink.createCommitter?.(context)
  }

  write(...values: readonly T[]): void {
    for (const value of values) this.writer.write(value, 0)
  }

  /** Cuts, and hands the committables through a checkpoint, encoded as there. */
  async cut(
    checkpointId: number,
    baseId: number = checkpointId - 1,
    isLast = false,
  ): Promise<readonly unknown[]> {
    const committables = await this.writer.prepareCommit(checkpointId, baseId, isLast)
    return decodeValue(encodeValue(committables, 'committables')) as readonly unknown[]
  }

  async commit(committables: readonly unknown[]): Promise<void> {
    await this.committer?.commit(committables)
  }

  async close(): Promise<void> {
    await this.writer.close?.()
    await this.committer?.close?.()
  }

  #context(options: SinkRunOptions): SinkContext {
    const { runner } = this
    return {
      uid: 'sink',
      subtaskIndex: options.subtaskIndex ?? 0,
      parallelism: 2,
      attempt: options.attempt ?? 1,
      lineage: options.lineage ?? LINEAGE,
      restoredCheckpointId: options.restoredCheckpointId ?? 0,
      clock: this.clock,
      wake: () => this.wakes++,
      fail: (error) => {
        this.failure ??= error
      },
      count() {},
      log: (message) => this.logs.push(message),
      print: (lines) => runner.print(lines),
      get printBacklog() {
        return runner.unwrittenBytes
      },
      deliver: (id, values) => {
        if (!runner.deliveries.has(id)) runner.deliveries.set(id, structuredClone(values))
      },
    }
  }
}
