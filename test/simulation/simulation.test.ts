import { describe, expect, it } from 'vitest'
import { FAILPOINTS } from '../../runtime/failpoint.ts'
import { decodeManifest } from '../../runtime/checkpoint/manifest-codec.ts'
import {
  aligned,
  randomSimulation,
  readingFirst,
  shrink,
  simulate,
  simulateIdle,
  simulateLate,
} from './simulate.ts'

const SEEDS = Array.from({ length: 14 }, (_, index) => 7_000 + index)
/** For what other seeds of the same kind show as well: "npm run simulate" tries many. */
const FEW = SEEDS.slice(0, 8)

describe('simulation', { timeout: 60_000 }, () => {
  it('random jobs with random interruptions put out what plain arrays say, with one watermark behind each shuffle (R8, R40)', async () => {
    let crashes = 0
    for (const seed of SEEDS) crashes += (await simulate(randomSimulation(seed))).crashes.length
    expect(crashes).toBeGreaterThan(SEEDS.length / 2)
  })

  it('random jobs put out the same with aligned sources, none of which waits for ever (semantics 2.6)', async () => {
    for (const seed of FEW) await simulate(aligned(randomSimulation(seed)))
  })

  it('random jobs put out the same where one source is read first, and none of its rows comes behind another (R10)', async () => {
    let count = 0
    for (const seed of SEEDS) {
      const simulation = readingFirst(randomSimulation(seed))
      if (simulation === undefined) continue
      await simulate(simulation)
      count++
    }
    expect(count).toBeGreaterThan(5)
  })

  it('late data is exact where one source subtask decides on time (R12, R41)', async () => {
    for (const seed of SEEDS) await simulateLate(randomSimulation(seed))
  })

  it('every row is in time or late, once, where sources go idle (R11, R41)', async () => {
    let late = 0
    for (const seed of FEW) {
      const { collected } = await simulateIdle(randomSimulation(seed))
      late += collected['late']!.length
    }
    expect(late).toBeGreaterThan(0)
  })

  it('is the same for the same seed, step by step (R40)', async () => {
    for (const seed of SEEDS.slice(0, 5)) {
      const [one, again] = [
        await simulate(randomSimulation(seed)),
        await simulate(randomSimulation(seed)),
      ]
      expect(again.trace).toEqual(one.trace)
      expect(again.crashes).toEqual(one.crashes)
    }
  })

  it('keeps three checkpoints, and no file that none of them names (R27, R29)', async () => {
    for (const seed of SEEDS.slice(0, 10)) {
      const { disk } = await simulate({ ...randomSimulation(seed), storageFaults: 0, crashAt: [] })
      const named = new Set<string>()
      for (const [id, bytes] of disk.manifests) {
        const { subtasks } = decodeManifest(bytes, String(id))
        for (const { segments } of subtasks) for (const { file } of segments) named.add(file)
      }
      expect(disk.manifests.size).toBeLessThanOrEqual(3)
      expect([...disk.files.keys()].filter((file) => !named.has(file))).toEqual([])
    }
  })
})

describe('a crash', { timeout: 60_000 }, () => {
  /** Several sources, state, timers and sinks; little enough to be run very often. */
  const base = shrink(
    { ...randomSimulation(33), parallelism: 2, storageFaults: 0, checkpointIntervalMs: 25 },
    12,
  )

  for (const point of FAILPOINTS) {
    it(`leaves no trace in the output, and none in the recovery: ${point} (R33, R40)`, async () => {
      const { crashes } = await simulate({ ...base, crashAt: [point, point] })
      expect(crashes.map((crash) => crash.point)).toEqual([point, point])
    })

    it(`leaves no trace however often the point was reached before: ${point} (R34, R40)`, async () => {
      let count = 1
      while ((await simulate({ ...base, crashAt: [`${point}:${count}`] })).crashes.length === 1) {
        count += 1 + Math.floor(count / 4)
      }
      expect(count).toBeGreaterThan(1)
    })
  }

  it('leaves no trace at whatever step of the scheduler it falls (R40)', async () => {
    let step = 1
    while ((await simulate({ ...base, crashAt: [{ step }] })).crashes.length === 1) step += 19
    expect(step).toBeGreaterThan(100)
  })
})
