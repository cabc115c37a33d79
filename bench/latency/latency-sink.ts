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
  /** What was due before that does not count (`monotonicMs`); asked for each record. */
  readonly from: () => number
}

/** Measures each record from its timestamp, when it was due, to when it comes here. What it has is not part of checkpoints. */
export function latencySink<T>({ directory, from }: LatencySinkOptions): Sink<T> {
  const sink: Sink<T, never> = {
    kind: 'latency',
    guarantee: 'at-least-once',
    createWriter(context) {
      const histogram = new LatencyHistogram()
      return {
        isReady: true,
        write(_, due) {
          if (due >= Math.floor(from() * 1_000)) histogram.add(monotonicMs() * 1_000 - due)
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
