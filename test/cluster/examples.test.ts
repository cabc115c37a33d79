import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runJob } from 'millrace'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cheat } from '../../examples/game-cheat-detection.ts'
import { moveOf } from '../../examples/generated/moves.ts'
import { pointsOf } from '../../examples/generated/points.ts'
import { type Reading, readingOf } from '../../examples/generated/readings.ts'
import type { Anomaly } from '../../examples/iot-anomaly.ts'
import type { Leaderboard } from '../../examples/leaderboard.ts'
import { readCommitted } from '../crash/committed-output.ts'

const COUNT = 30_000
const MINUTE = 60_000
const indices = Array.from({ length: COUNT }, (_, index) => index)
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-examples-'))
})

afterAll(() => rm(folder, { recursive: true }))

/** What an example commits at parallelism 2, its rows sorted as text. */
async function committed<T>(name: string): Promise<T[]> {
  const out = join(folder, name, 'out')
  const result = await runJob(new URL(`../../examples/${name}.ts`, import.meta.url), {
    parallelism: 2,
    dir: join(folder, name, 'state'),
    params: { out, count: COUNT },
  })
  expect(result.status).toBe('finished')
  return (await readCommitted(out)).rows.map((row) => JSON.parse(row) as T)
}

const sorted = <T extends object>(rows: readonly T[]): string[] =>
  rows.map((row) => JSON.stringify(Object.entries(row).sort())).sort()

/** Records of each key, in the order of their time. */
function inOrder<T extends { readonly at: number }>(
  records: readonly T[],
  keyOf: (record: T) => string,
): T[][] {
  return [...Map.groupBy(records, keyOf).values()].map((those) => those.sort((a, b) => a.at - b.at))
}

describe(
  'the examples with generated input, compared with plain arrays',
  { timeout: 120_000 },
  () => {
    it('leaderboard: the best of each minute, best first', async () => {
      const byMinute = Map.groupBy(
        indices.map(pointsOf),
        ({ at }) => Math.floor(at / MINUTE) * MINUTE + MINUTE,
      )
      const expected = [...byMinute].map(([end, those]) => {
        const sums = [...Map.groupBy(those, ({ player }) => player)].map(([player, won]) => ({
          player,
          points: won.reduce((sum, { points }) => sum + points, 0),
          end,
        }))
        sums.sort((a, b) => b.points - a.points || (a.player < b.player ? -1 : 1))
        return { end, best: sums.slice(0, 5) }
      })
      expect(expected.length).toBeGreaterThan(20)
      expect(sorted(await committed<Leaderboard>('leaderboard'))).toEqual(sorted(expected))
    })

    it('game-cheat-detection: who jumps, and who hits too often', async () => {
      const expected: Cheat[] = []
      for (const moves of inOrder(indices.map(moveOf), ({ player }) => player)) {
        let shots = 0
        let hits = 0
        for (const [i, move] of moves.entries()) {
          const { player, at } = move
          const before = moves[i - 1]
          const metres = before === undefined ? 0 : Math.hypot(move.x - before.x, move.y - before.y)
          const speed = before === undefined ? 0 : (metres / (at - before.at)) * 1_000
          if (speed > 12) expected.push({ player, kind: 'too-fast', at, value: Math.round(speed) })
          shots += move.shots
          hits += move.hits
          if (shots < 40) continue
          const value = Math.round((100 * hits) / shots)
          if (value > 85) expected.push({ player, kind: 'too-accurate', at, value })
          shots = 0
          hits = 0
        }
      }
      const who = (kind: string) => [
        ...new Set(expected.filter((cheat) => cheat.kind === kind).map(({ player }) => player)),
      ]
      expect([who('too-fast'), who('too-accurate')]).toEqual([['player-7'], ['player-13']])
      expect(sorted(await committed<Cheat>('game-cheat-detection'))).toEqual(sorted(expected))
    })

    it('iot-anomaly: outliers of one sensor, and silence', async () => {
      const bySensor = inOrder(indices.map(readingOf), ({ sensor }) => sensor)
      const lastOf = (those: readonly Reading[]): Reading => those.at(-1)!
      const silent = bySensor.map((those) => ({ ...lastOf(those), kind: 'silent' as const }))
      // It is 12 degrees too hot in the last of every 300 turns of 40 sensors.
      const hot = indices
        .filter((index) => index % 40 === 3 && Math.floor(index / 40) % 300 === 299)
        .map((index) => ({ ...readingOf(index), kind: 'outlier' as const }))
      expect(hot.length).toBeGreaterThan(1)
      const rows = await committed<Anomaly>('iot-anomaly')
      expect(sorted(rows)).toEqual(sorted([...silent, ...hot]))
      const first = rows.filter(({ kind }) => kind === 'silent').sort((a, b) => a.at - b.at)[0]!
      expect(first.sensor).toBe('sensor-11')
    })
  },
)
