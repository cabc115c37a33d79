import type { QueryName } from './query.ts'

/** What one run of a query comes to. */
export interface Iteration {
  /** From the first record of a source to the last close of a sink. */
  readonly seconds: number
  /** To the moment at which the last sink has seen the end of its input: without the final checkpoint. */
  readonly secondsToDrained: number
  /** Of the whole process within `seconds`. */
  readonly cpuSeconds: number
  readonly rows: number
  /** Comparable with that of the loop; undefined where rows were kept, or another program has its own. */
  readonly hash?: number
  readonly checkpoints: number
  /** When it was, in ms since the epoch; undefined where another program does not say. */
  readonly fromMs?: number
  readonly toMs?: number
}

/** What a run is asked for. */
export interface Wanted {
  readonly rounds: number
  /** Write the rows into this folder, as files of CSV, rather than count them. */
  readonly rows?: string
}

/** One of those that take turns, each in a process of its own. */
export interface Contender {
  /** Runs the query once. One run at a time, and those of others in between. */
  run(wanted: Wanted): Promise<Iteration>
  /** Ends the process. */
  close(): Promise<void>
}

/** How a query is run. */
export interface Setting {
  readonly query: QueryName
  readonly events: number
  readonly group: number
  readonly parallelism: number
  readonly state: 'memory' | 'leveldb'
  /** 0 is without any but the final one. */
  readonly checkpointMs: number
  /** Such as `4gb`. */
  readonly memory: string
}

/** How much a job has unless told otherwise: with state in memory as much as the heap of the peer. */
export function memoryFor(state: Setting['state']): string {
  return state === 'memory' ? '8gb' : '4gb'
}

/** A setting for people. */
export function nameOf({ query, ...setting }: Setting): string {
  return `${query}, ${settingName(setting)}`
}

/** The same without its query. */
export function settingName({
  parallelism,
  state,
  checkpointMs,
}: Pick<Setting, 'parallelism' | 'state' | 'checkpointMs'>): string {
  const checkpoints = checkpointMs === 0 ? 'no checkpoints' : `checkpoints every ${checkpointMs} ms`
  return `parallelism ${parallelism}, ${state}, ${checkpoints}`
}
