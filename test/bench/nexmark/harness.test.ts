import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parsePlan } from '../../../bench/nexmark/options.ts'
import { ROWS } from '../../../bench/nexmark/query.ts'
import { rowHash, tallyColumns } from '../../../bench/nexmark/row-hash.ts'
import { firstDifference, sortedRows } from '../../../bench/nexmark/rows.ts'
import type { Iteration, Setting } from '../../../bench/nexmark/contender.ts'
import { geometricMean, summarize } from '../../../bench/nexmark/summary.ts'

describe('the options of the Nexmark benchmark', () => {
  it('are all queries in all settings unless told otherwise', () => {
    const plan = parsePlan([])
    expect(plan.queries).toEqual(Object.keys(ROWS))
    expect(plan).toMatchObject({ parallelisms: [1, 2], states: ['memory', 'leveldb'] })
    expect(plan).toMatchObject({ checkpointMs: [0, 1_000], warmup: 3, iterations: 5 })
  })

  it.each([
    ['--query=q6', /--query is q6; give q0, q1/],
    ['--events=0', /--events is 0; give a whole number/],
    ['--events=1234', /a multiple of 100000/],
    ['--parallelism=1,x', /--parallelism is x/],
    ['--state=disk', /--state is disk; give memory, leveldb/],
    ['--checkpoint-interval=5', /--checkpoint-interval is 5; give 0, or such as 500ms or 1s/],
    ['--iterations=5', /--iterations is 5; give such as 3\+5/],
    ['--iterations=3+0', /--iterations/],
    ['--peer=spark', /--peer is spark; give flink/],
    ['--group=953', /--group is 953/],
    ['--rows', /argument missing/],
    ['--turns=1', /Unknown option/],
  ])('refuse %s, and say what is wanted', (argument, message) => {
    expect(() => parsePlan([argument])).toThrow(message)
  })

  it('let the peer have no groups', () => {
    expect(() => parsePlan(['--peer=flink', '--group=10'])).toThrow(/the peer has no other/)
  })
})

describe('the hash of rows', () => {
  const columns = ['id', 'name', 'ts']
  const hashOf = rowHash(columns)
  const row = { id: 1_000, name: 'Peter Smith', ts: 1_436_918_400_000 }

  it('is the same for rows and for columns, in any order', () => {
    const [forwards, backwards] = [0, 0].map(() => ({ rows: 0, hash: 0 })) as [Tally, Tally]
    const rows = [row, { ...row, id: 1 }, { ...row, name: '' }]
    const [add, addAgain] = [forwards, backwards].map((tally) => tallyColumns(3, tally))
    for (const { id, name, ts } of rows) add!(id, name, ts)
    for (const { id, name, ts } of rows.toReversed()) addAgain!(id, name, ts)
    expect(forwards).toEqual(backwards)
    const sum = rows.reduce((hash, one) => (hash + hashOf(one)) | 0, 0)
    expect(forwards).toEqual({ rows: 3, hash: sum })
  })

  it('is another one where any column is', () => {
    const others = [
      { ...row, id: 1_001 },
      { ...row, name: 'Peter Smiti' },
      { ...row, ts: row.ts + 1 },
      { id: 0, name: 'Peter Smith', ts: row.ts },
    ]
    expect(new Set([row, ...others].map(hashOf)).size).toBe(5)
    // As columns, not as a whole.
    expect(rowHash(['a', 'b'])({ a: 1, b: 2 })).not.toBe(rowHash(['a', 'b'])({ a: 2, b: 1 }))
  })
})

interface Tally {
  rows: number
  hash: number
}

describe('the comparison of rows', () => {
  it('takes the files of a folder together, in any order', () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-rows-'))
    try {
      writeFileSync(join(folder, 'part-1.csv'), '3,4\n1,2\n')
      writeFileSync(join(folder, 'part-0.csv'), '2,3\n')
      expect(sortedRows(folder)).toEqual(['1,2', '2,3', '3,4'])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('tells of the first row that differs', () => {
    expect(firstDifference(['a', 'b'], ['a', 'b'])).toBeUndefined()
    expect(firstDifference(['a', 'c'], ['a', 'b'])).toMatch(/c instead of b/)
    expect(firstDifference(['a'], ['a', 'b'])).toMatch(/1 rows instead of 2.*missing instead of b/)
    expect(firstDifference(['a', 'b'], ['a'])).toMatch(/b instead of none/)
  })
})

describe('the summary', () => {
  const setting: Setting = {
    query: 'q0',
    events: 100_000,
    group: 1,
    parallelism: 1,
    state: 'memory',
    checkpointMs: 0,
    memory: '1gb',
  }
  const took = (seconds: number): Iteration => ({
    seconds,
    secondsToDrained: seconds / 2,
    cpuSeconds: 2 * seconds,
    rows: 1,
    checkpoints: 1,
  })

  it('compares the runs of one turn', () => {
    const summary = summarize({
      setting,
      rounds: 2,
      engine: [took(4), took(1), took(3)],
      loop: [took(2), took(1), took(1)],
      peer: [took(8), took(4), took(3)],
      differences: [],
    })
    expect(summary.toLoop.wall).toEqual({ min: 1, median: 2, max: 3 })
    expect(summary.toPeer?.cpu).toEqual({ min: 1, median: 2, max: 4 })
    expect(summary.engine.eventsPerSecond).toEqual({ min: 50_000, median: 66_667, max: 200_000 })
    expect(summary.isRight).toBe(true)
    expect(geometricMean([1, 4])).toBeCloseTo(2)
  })

  it('is void where rows differ', () => {
    const one = [took(1)]
    const differences = ['engine: 1 rows instead of 2']
    const summary = summarize({ setting, rounds: 1, engine: one, loop: one, peer: [], differences })
    expect(summary).toMatchObject({ isRight: false, toPeer: undefined, peer: undefined })
  })
})
