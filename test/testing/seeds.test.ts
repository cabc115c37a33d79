import { AssertionError } from 'node:assert'
import { describe, expect, it } from 'vitest'
import { collectionSink, collectionSource, job, type JobModule } from 'millrace'
import { forSeeds, randomCrashes, testJob } from 'millrace/testing'

function numbersJob(check: (n: number) => number): JobModule {
  return job('numbers', {}, (env) => {
    env
      .fromSource(collectionSource([1, 2, 3, 4, 5]), { uid: 'numbers' })
      .rebalance()
      .map(check)
      .sinkTo(collectionSink(), { uid: 'out' })
  })
}

async function failureOf(run: Promise<unknown>): Promise<Error> {
  try {
    await run
  } catch (error) {
    return error as Error
  }
  throw new Error('it did not fail')
}

describe('forSeeds', () => {
  it('runs a test with each seed in turn', async () => {
    const seen: number[] = []
    await forSeeds(3, (seed) => void seen.push(seed))
    await forSeeds([7, 5], async (seed) => void seen.push(seed))
    expect(seen).toEqual([1, 2, 3, 7, 5])
  })

  it('names the first seed that fails, and leaves the error what it is (R40)', async () => {
    const seen: number[] = []
    const run = forSeeds(5, (seed) => {
      seen.push(seed)
      if (seed === 3) throw new AssertionError({ message: 'three $& is', actual: 3, expected: 4 })
    })
    const error = await failureOf(run)
    expect(seen).toEqual([1, 2, 3])
    expect(error).toBeInstanceOf(AssertionError)
    expect(error).toMatchObject({ actual: 3, expected: 4 })
    const message = 'Seed 3 (of 1 to 5) fails; forSeeds([3], …) runs it alone. three $& is'
    expect(error.message).toBe(message)
    expect(error.stack).toContain(message)
  })

  it('names it where something else than an error was thrown', async () => {
    const run = forSeeds([4], () => {
      // eslint-disable-next-line no-throw-literal
      throw 'text'
    })
    expect(await failureOf(run)).toMatchObject({
      message: 'Seed 4 fails; forSeeds([4], …) runs it alone. text',
      cause: 'text',
    })
  })

  it('refuses to test nothing', async () => {
    for (const seeds of [0, [], -1, 1.5]) {
      await expect(forSeeds(seeds, () => {})).rejects.toMatchObject({ code: 'MR_TEST_INVALID' })
    }
  })
})

describe('randomCrashes', () => {
  it('gives the same for the same seed, and in time all kinds (R40)', () => {
    const all = Array.from({ length: 200 }, (_, seed) => randomCrashes(seed))
    expect(all).toEqual(Array.from({ length: 200 }, (_, seed) => randomCrashes(seed)))
    expect(new Set(all.map((crashes) => crashes.length))).toEqual(new Set([1, 2, 3]))
    const kinds = all.flat().map((point) => (typeof point === 'string' ? 'point' : point.kind))
    expect(new Set(kinds)).toEqual(new Set(['point', 'process', 'thread', 'stop']))
    expect(all.filter(([first]) => /restore/.test(String(first)))).toEqual([])
    expect(randomCrashes(1, 7)).toHaveLength(7)
    const losses = randomCrashes(2, 200).filter(
      (point) => typeof point !== 'string' && point.kind === 'thread',
    )
    expect(losses).toHaveLength(2)
  })

  it('interrupts small jobs for most seeds, and nothing is lost or doubled (R40)', async () => {
    let crashes = 0
    await forSeeds(40, async (seed) => {
      const crashAt = randomCrashes(seed)
      const result = await testJob(
        numbersJob((n) => n),
        { seed, parallelism: 2, checkpointInterval: 5, crashAt },
      )
      expect([...(result.collected['out'] ?? [])].sort()).toEqual([1, 2, 3, 4, 5])
      if (result.crashes.length > 0) crashes++
    })
    expect(crashes).toBeGreaterThan(20)
  })
})

describe('a failure in testJob', () => {
  const failing = numbersJob((n) => {
    if (n === 4) throw new RangeError('four')
    return n
  })

  it('names the seed, the step, and what has been interrupted, and comes again (R40)', async () => {
    const options = { seed: 9, parallelism: 2, crashAt: { step: 10 } } as const
    const [error, again] = [
      await failureOf(testJob(failing, options)),
      await failureOf(testJob(failing, options)),
    ]
    expect(error).toMatchObject({ code: 'MR_FUNCTION_FAILED' })
    expect(error.message).toMatch(
      /four.* \(testJob, seed 9: at step \d+ after \{"step":10\}; the same call with seed: 9 does the same again\)$/,
    )
    expect(error.stack).toContain('(testJob, seed 9:')
    expect(again.message).toBe(error.message)
  })

  it('tells what is no job, and what is no seed', async () => {
    await expect(testJob(undefined as never)).rejects.toMatchObject({
      code: 'MR_TEST_INVALID',
      message: expect.stringContaining('something of type undefined that is no job') as string,
    })
    await expect(testJob(failing, { seed: 0.5 })).rejects.toMatchObject({
      message: expect.stringContaining('seed is 0.5') as string,
    })
  })
})
