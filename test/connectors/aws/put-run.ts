import type { Clock } from '../../../runtime/clock.ts'
import type { Sink, SinkWriter } from '../../../runtime/sink.ts'
import { ManualClock } from '../../../testing/manual-clock.ts'

/** One attempt of one subtask of a sink that has nothing to commit. */
export class PutRun<T> {
  readonly writer: SinkWriter<T, unknown>
  readonly counters: Record<string, number> = {}
  failure: unknown
  wakes = 0

  private constructor(sink: Sink<T>, clock: Clock) {
    this.writer = sink.createWriter({
      uid: 'sink',
      subtaskIndex: 0,
      parallelism: 1,
      attempt: 1,
      lineage: 'aa',
      restoredCheckpointId: 0,
      clock,
      wake: () => this.wakes++,
      fail: (error) => (this.failure ??= error),
      count: (name, by = 1) => (this.counters[name] = (this.counters[name] ?? 0) + by),
      log() {},
      print() {},
      printBacklog: 0,
      deliver() {},
    })
  }

  static async start<T>(sink: Sink<T>, clock: Clock = new ManualClock()): Promise<PutRun<T>> {
    const run = new PutRun(sink, clock)
    await run.writer.open?.()
    return run
  }

  write(...values: readonly T[]): void {
    for (const value of values) this.writer.write(value, 0)
  }

  async cut(): Promise<void> {
    await this.writer.prepareCommit(1, 0, false)
  }

  async close(): Promise<void> {
    await this.writer.close?.()
  }
}
