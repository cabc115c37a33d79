import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Sink } from 'millrace'
import { monotonicMs } from '../monotonic.ts'
import { report } from '../nexmark/report.ts'
import { LatencyHistogram } from './histogram.ts'

/** Options of `latencySink()`. */
export interface LatencySinkOptions {
  /** Each subtask writes its histogram into this folder, as `latencies-<subtask>.json`. */
  readonly directory: string
  /** What was due in the first so many ms after the first record that a subtask gets does not count; 0: all counts. */
  readonly warmupMs: number
}

/** Measures each record from its timestamp, when it was due, to when it comes here. What it has is not part of checkpoints. */
export function latencySink<T>({ directory, warmupMs }: LatencySinkOptions): Sink<T> {
  const sink: Sink<T, never> = {
    kind: 'latency',
    guarantee: 'at-least-once',
    createWriter(context) {
      const histogram = new LatencyHistogram()
      let from: number | undefined
      return {
        isReady: true,
        write(_, due) {
          from ??= warmupMs === 0 ? 0 : due + warmupMs * 1_000
          if (due >= from) histogram.add(monotonicMs() * 1_000 - due)
        },
        prepareCommit: () => Promise.resolve([]),
        close() {
          const path = join(directory, `latencies-${context.subtaskIndex}.json`)
          writeFileSync(path, JSON.stringify(histogram))
          context.log(report('closed'))
        },
      }
    },
  }
  return sink
}
