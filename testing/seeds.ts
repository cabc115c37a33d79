import { SeededRandom } from '../runtime/clock.ts'
import { FAILPOINTS } from '../runtime/failpoint.ts'
import type { CrashPoint } from './crash-plan.ts'
import { withNote } from './failure-note.ts'
import { misuse } from './misuse.ts'

/** Points that every run passes: the others only those that go on from a checkpoint. */
const OF_ANY_RUN = FAILPOINTS.filter(
  (name) => name !== 'before-restore' && name !== 'after-restore',
)

/** A failure that comes back three times at one place ends a job (R38). */
const MAX_LOSSES = 2

/** A crash by step comes after so many steps at most, from the start or from the crash before: small jobs have a few hundred. */
const MAX_CRASH_STEP = 300

/**
 * Runs a test with one seed after another, so that it sees many orders of events: seeds 1 to n, or those of a list.
 *
 * The first failure ends it. Its message names the seed, and the same call with `[seed]` in place of the number runs that one
 * alone. Rejects with what the test failed with, and with `MR_TEST_INVALID` where there is no seed.
 *
 * @example
 * await forSeeds(50, async (seed) => {
 *   const { collected } = await testJob(totals, { seed, parallelism: 2, crashAt: randomCrashes(seed) })
 *   expect(collected['totals']).toHaveLength(3)
 * })
 */
export async function forSeeds(
  seeds: number | readonly number[],
  test: (seed: number) => void | Promise<void>,
): Promise<void> {
  const all = typeof seeds === 'number' ? firstSeeds(seeds) : [...seeds]
  if (all.length === 0) {
    throw misuse('forSeeds', 'it was given no seed; nothing would be tested; name at least one.')
  }
  for (const seed of all) {
    try {
      await test(seed)
    } catch (error) {
      const which = all.length > 1 ? ` (of ${all[0]} to ${all.at(-1)})` : ''
      throw withNote(
        error,
        (message) => `Seed ${seed}${which} fails; forSeeds([${seed}], …) runs it alone. ${message}`,
      )
    }
  }
}

function firstSeeds(count: number): number[] {
  if (Number.isSafeInteger(count) && count >= 0) {
    return Array.from({ length: count }, (_, index) => index + 1)
  }
  throw misuse(
    'forSeeds',
    `it was given ${count}; there is no such number of seeds; give a whole number, or a list of seeds.`,
  )
}

/**
 * Interruptions drawn from a seed, for `crashAt` of `testJob`: points of the protocol by name, and crashes, losses of the
 * first thread and stops at any step.
 *
 * One to three of them unless `count` says otherwise. A job may end before it gets to all: `crashes` of the result has those
 * that happened. Pure: the same seed gives the same list.
 */
export function randomCrashes(seed: number, count?: number): CrashPoint[] {
  const random = new SeededRandom(seed)
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random.next() * choices.length)]!
  const points: CrashPoint[] = []
  let losses = 0
  for (let left = count ?? pick([1, 2, 3]); left > 0; left--) {
    const step = Math.ceil(MAX_CRASH_STEP ** random.next())
    const kind = pick(['point', 'point', 'process', 'thread', 'stop'] as const)
    if (kind === 'point')
      points.push(`${pick(points.length === 0 ? OF_ANY_RUN : FAILPOINTS)}:${pick([1, 2])}`)
    else if (kind !== 'thread') points.push({ step, kind })
    else if (losses++ < MAX_LOSSES) points.push({ step, kind, slot: 0 })
    else points.push({ step, kind: 'process' })
  }
  return points
}
