import type { JobModule } from 'millrace'
import {
  type CollectionMarker,
  pause,
  testJob,
  type TestJobOptions,
  type TestJobResult,
} from 'millrace/testing'
import { expect } from 'vitest'

/**
 * What comes of a job that crashes when so many percent of its way are done (0 to 99), and goes on.
 *
 * Small jobs of one test differ tenfold in their steps: one that is drawn without a look at the job lies behind the end of most
 * of them, and nothing crashes. So the job runs to its end first; up to the crash the same seed does the same again.
 */
export async function crashOnTheWay(
  job: JobModule,
  percent: number,
  options: Omit<TestJobOptions, 'crashAt'>,
): Promise<TestJobResult> {
  const { trace } = await testJob(job, options)
  const step = Math.floor((trace.length * percent) / 100)
  const result = await testJob(job, { ...options, crashAt: { step } })
  expect(result.crashes).toHaveLength(1)
  return result
}

/** Values for a `collectionSource` with a pause behind each: small inputs are read before the first checkpoint else. */
export function slowly<T>(values: readonly T[]): (T | CollectionMarker)[] {
  return values.flatMap((value) => [value, pause(1)])
}
