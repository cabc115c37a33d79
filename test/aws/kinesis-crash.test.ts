import { expect, it } from 'vitest'
import { SeededRandom } from '../../runtime/clock.ts'
import { kinesisEndpoint } from '../servers/aws-for-tests.ts'
import { KinesisCase } from './crash/kinesis-case.ts'

it('a job that is killed while its stream is split, merged and throttled loses and doubles nothing, in order per key', async () => {
  const seed = 1
  const outcome = await new KinesisCase({
    endpoint: kinesisEndpoint(),
    random: new SeededRandom(seed),
    seed,
    writingMs: 5_000,
    kills: 2,
  }).run()
  expect(outcome.problems).toEqual([])
  expect(outcome.kills).toBe(2)
  // A machine that has other things to do does less in the time.
  expect(outcome.records).toBeGreaterThan(100)
  expect(outcome.reshardings).toBeGreaterThan(2)
  expect(outcome.faults.get('GetRecords')).toBeGreaterThan(3)
})
