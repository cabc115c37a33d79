/** What the time of a job goes into, in the order in which it is shown. */
export const SHARES = [
  'user code',
  'source and sink',
  'operators',
  'chain',
  'serialization',
  'shuffle',
  'state',
  'timers and windows',
  'checkpoints',
  'job',
  'garbage collection',
  'program',
  'other',
  'idle',
] as const

export type Share = (typeof SHARES)[number]

/**
 * The files of each share, folders with all that is in them: of several that hold a file the longest counts. The files in the root of
 * `runtime/` stand one by one.
 *
 * `user code` is the queries, and `source and sink` the rest of the benchmark and the connectors; `chain` calls operators, one after
 * another, and watches over whose turn it is; `timers and windows` has watermarks too; `job` is what starts, watches and ends a
 * job; nothing of it is done for a record.
 */
const FILES: Readonly<Partial<Record<Share, readonly string[]>>> = {
  'user code': [
    'bench/nexmark/queries',
    'bench/nexmark/price-range.ts',
    'bench/nexmark/query.ts',
    'examples',
  ],
  'source and sink': ['bench', 'connectors'],
  operators: ['operators'],
  chain: [
    'runtime/task',
    'runtime/deep-freeze.ts',
    'runtime/element.ts',
    'runtime/operator.ts',
    'runtime/own-code.ts',
    'runtime/sink.ts',
    'runtime/source.ts',
    'runtime/synchronous.ts',
    'runtime/upsert.ts',
    'runtime/value-check.ts',
  ],
  serialization: [
    'runtime/bytes.ts',
    'runtime/channel/generated-codec.ts',
    'runtime/channel/record-shape.ts',
    'runtime/channel/row-codec.ts',
    'runtime/channel/row-reader.ts',
    'runtime/channel/row-writer.ts',
    'runtime/key-encoding.ts',
    'runtime/value-codec.ts',
    'runtime/value-decoder.ts',
    'runtime/value-encoder.ts',
    'runtime/value-layout.ts',
  ],
  shuffle: [
    'runtime/channel',
    'runtime/job/thread-port.ts',
    'runtime/key-group.ts',
    'runtime/key.ts',
    'runtime/messages.ts',
    'runtime/task/edge-output.ts',
    'runtime/task/remote-inputs.ts',
    'runtime/task/spread-outputs.ts',
  ],
  state: ['runtime/key-hash.ts', 'runtime/state', 'runtime/task/keyed-context.ts'],
  'timers and windows': [
    'operators/custom-watermarks.ts',
    'operators/watermark-options.ts',
    'operators/watermarks-operator.ts',
    'operators/watermarks.ts',
    'operators/window',
    'operators/windowed-stream.ts',
    'runtime/channel/indexed-heap.ts',
    'runtime/channel/watermark-valve.ts',
    'runtime/event-time.ts',
    'runtime/state/far-timers.ts',
    'runtime/state/row-timers.ts',
    'runtime/state/timer-budget.ts',
    'runtime/state/timer-domain.ts',
    'runtime/state/timer-heap.ts',
    'runtime/state/timer-horizon.ts',
    'runtime/state/timer-names.ts',
    'runtime/state/timer-queue.ts',
    'runtime/task/chain-time.ts',
    'runtime/task/processing-timers.ts',
    'runtime/task/split-watermarks.ts',
    'runtime/task/watermark-cascade.ts',
    'runtime/task/watermark-hold.ts',
    'runtime/task/watermark-ticks.ts',
    'runtime/timestamps.ts',
    'runtime/watermark-strategy.ts',
  ],
  checkpoints: [
    'runtime/channel/barrier-aligner.ts',
    'runtime/checkpoint',
    'runtime/durable-folder.ts',
    'runtime/failpoint.ts',
    'runtime/file-system.ts',
    'runtime/job/merge-thread.ts',
    'runtime/job/merge-worker.ts',
    'runtime/keep-compiled.ts',
    'runtime/state/change-log.ts',
    'runtime/state/change-runs.ts',
    'runtime/state/change.ts',
    'runtime/state/entry-merge.ts',
    'runtime/state/entry-place.ts',
    'runtime/state/entry-run.ts',
    'runtime/state/key-sort.ts',
    'runtime/state/merged-entries.ts',
    'runtime/state/run-file.ts',
    'runtime/state/run-merge.ts',
    'runtime/state/run-spares.ts',
    'runtime/state/run-store.ts',
    'runtime/state/stored-runs.ts',
    'runtime/task/restore-state.ts',
    'runtime/task/subtask-checkpoints.ts',
    'runtime/task/subtask-snapshot.ts',
  ],
  job: [
    'cli',
    'index.ts',
    'runtime/clock.ts',
    'runtime/duration.ts',
    'runtime/error-codes.ts',
    'runtime/errors.ts',
    'runtime/graph',
    'runtime/inspect',
    'runtime/job',
    'runtime/names.ts',
    'runtime/nearest.ts',
    'runtime/option-names.ts',
    'runtime/optional-peer.ts',
    'runtime/free-bytes.ts',
    'runtime/object-store.ts',
    'runtime/aws',
    'runtime/rewrite',
    'runtime/show-value.ts',
    'runtime/time-text.ts',
    'state',
    'testing',
  ],
}

const shareByPath: ReadonlyMap<string, Share> = new Map(
  Object.entries(FILES).flatMap(([share, paths]) =>
    paths.map((path): [string, Share] => [path, share as Share]),
  ),
)

/** The paths of the table, folders and files, each once for each share that has it. */
export const LISTED: readonly string[] = Object.values(FILES).flat()

/** The share of a file, by its path from the root of the project; `other` where neither it nor a folder above is in the table. */
export function shareOf(path: string): Share {
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
    const share = shareByPath.get(path.slice(0, end))
    if (share !== undefined) return share
  }
  return 'other'
}
