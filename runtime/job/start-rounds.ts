import { HeadMoved } from '../checkpoint/head-moved.ts'
import type { JobHome } from './job-home.ts'

/** How often a start that nothing refuses may find the job changed when it takes it over. */
const READY_TWICE = 2

/** How often a start is refused before that is believed, where the job changes while it is checked. */
const REFUSED_THRICE = 3

/**
 * Checks a start until it has taken the job over exactly as it was checked, so that one that is refused changes nothing for the run that
 * has the job.
 *
 * ```
 *   look ─▶ check ─ ready ─▶ take over, if it is as it was ─▶ run
 *     ▲       └─ refused, but it is not as it was ─┐   └─ it is not, twice ─▶ take over ─▶ check ─▶ run
 *     └───────────────────────────────────────────┴─ it is not
 * ```
 *
 * A run that publishes faster than a start is checked would never be taken over from. So what was ready twice takes the job first, and
 * finds what that run has published last when it is its own.
 */
export async function startRounds<T>(
  home: Pick<JobHome, 'lookAgain' | 'hasMoved'>,
  start: () => Promise<T>,
): Promise<T> {
  let ready = 0
  let refused = 0
  for (;;) {
    try {
      return await start()
    } catch (error) {
      // What was found may be wrong for that alone: files are gone that a newer checkpoint does not need.
      if (!(await home.hasMoved())) throw error
      if (!(error instanceof HeadMoved)) refused++
      else if (error.wasReady) ready++
      if (refused === REFUSED_THRICE) throw error
    }
    await home.lookAgain({ takes: ready === READY_TWICE })
  }
}
