/** What a source or a sink tells of itself, as a line of the log. */
export interface Report {
  /** A source is about to emit its first record; a sink has been cut for a checkpoint, or closed. */
  readonly type: 'first' | 'cut' | 'closed'
  /** In ms since the epoch. */
  readonly at: number
  /** User and system time of the process so far, in seconds. */
  readonly cpu: number
}

/** A report of now; it tells of the whole process in each of its threads. */
export function report(type: Report['type']): string {
  const { user, system } = process.cpuUsage()
  const at = performance.timeOrigin + performance.now()
  const told: Report = { type, at, cpu: (user + system) / 1e6 }
  return JSON.stringify(told)
}

/** CPU seconds of the process from the first record of a source to the last close of a sink. */
export function cpuSecondsOf(reports: readonly Report[]): number {
  const of = (wanted: Report['type']): number[] =>
    reports.filter(({ type }) => type === wanted).map(({ cpu }) => cpu)
  return Math.max(...of('closed')) - Math.min(...of('first'))
}
