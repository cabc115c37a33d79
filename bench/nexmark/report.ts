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
