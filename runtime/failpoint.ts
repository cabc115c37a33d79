/**
 * The points of the checkpoint and commit protocol at which a crash must do no harm; tests crash at each by name.
 *
 * In the order in which a run passes them: output prepared, state restored, then for each checkpoint.
 */
export const FAILPOINTS = [
  'before-prepare-output',
  'after-prepare-output',
  'before-restore',
  'after-restore',
  'before-trigger',
  'after-trigger',
  'snapshot-cut',
  'before-segment',
  'after-segment',
  'after-pre-commit',
  'before-publish',
  'after-publish',
  'after-notify',
  'before-commit',
  'after-commit',
] as const

/** Those of a savepoint, and of a start that takes a snapshot over; only some runs pass them, in this order. */
export const SAVEPOINT_POINTS = [
  'savepoint-begun',
  'savepoint-copied',
  'savepoint-published',
  'claim-begun',
  'claim-copied',
  'claim-published',
] as const

export type Failpoint = (typeof FAILPOINTS)[number] | (typeof SAVEPOINT_POINTS)[number]

/** Called when a point is reached. */
export type FailpointHook = (name: Failpoint) => void

/**
 * The hook of a real process: with `MILLRACE_FAILPOINT=name` or `name:count` in the environment the process is killed as
 * by `kill -9` when a thread reaches that point for the count-th time; without it nothing happens.
 */
export function processFailpoint(setting: string | undefined): FailpointHook {
  if (setting === undefined || setting === '') return () => {}
  const [name, count] = setting.split(':')
  let left = Number(count ?? 1)
  return (reached) => {
    if (reached === name && --left === 0) process.kill(process.pid, 'SIGKILL')
  }
}
