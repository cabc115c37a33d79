/** When checkpoints are taken, and what becomes of those that fail. */
export interface CheckpointSettings {
  /** From the beginning of one to that of the next. */
  readonly intervalMs: number
  /** At least so long after the end of one, failed or not, before the next begins; savepoints and the last one do not wait. */
  readonly minPauseMs: number
  /** How long the parts of a checkpoint may take to come in. */
  readonly timeoutMs: number
  /** Failed checkpoints in a row that the job survives; one more fails the attempt. */
  readonly tolerableFailures: number
  /** Newest ones that are kept. */
  readonly retained: number
}

/** What is not said otherwise: half of the interval is left to the records where checkpoints take longer than that. */
export function checkpointSettings(
  intervalMs: number,
  given: Partial<Omit<CheckpointSettings, 'intervalMs'>> = {},
): CheckpointSettings {
  const {
    minPauseMs = Math.floor(intervalMs / 2),
    timeoutMs = 600_000,
    tolerableFailures = 2,
    retained = 3,
  } = given
  return { intervalMs, minPauseMs, timeoutMs, tolerableFailures, retained }
}

/** When the next checkpoint is due: `beganAt` and `endedAt` are those of the last one. Pure. */
export function nextCheckpointAt(
  { intervalMs, minPauseMs }: CheckpointSettings,
  beganAt: number,
  endedAt: number,
): number {
  return Math.max(beganAt + intervalMs, endedAt + minPauseMs)
}
