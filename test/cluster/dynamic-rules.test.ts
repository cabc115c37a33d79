import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runJob } from 'millrace'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readCommitted } from '../crash/committed-output.ts'
import { runCase } from '../crash/crash-case.ts'
import { expectedRuleAlerts } from '../dynamic-rules/expected-rule-alerts.ts'
import {
  BUNDLED_RULES,
  parsePayments,
  readRules,
  REFUSED_LINE,
} from '../dynamic-rules/rule-files.ts'
import { BUNDLED, readCards } from '../fraud/card-files.ts'

const job = new URL('../../examples/dynamic-rules.ts', import.meta.url)
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-rules-'))
})

afterAll(() => rm(folder, { recursive: true }))

async function committed(parallelism: number): Promise<string[]> {
  const place = join(folder, `run-${parallelism}`)
  const out = join(place, 'out')
  const result = await runJob(job, { parallelism, dir: join(place, 'state'), params: { out } })
  expect(result.status).toBe('finished')
  return (await readCommitted(out)).rows as string[]
}

describe('the job with dynamic rules on the bundled payments', { timeout: 180_000 }, () => {
  let rows: string[]

  beforeAll(async () => {
    rows = await committed(1)
  }, 180_000)

  it('commits what plain arrays say of rules that come, pause and go, and tells of the one refused', () => {
    const expected = expectedRuleAlerts(parsePayments(readCards(BUNDLED)), readRules())
    const count = (rule: string): number => expected.filter((row) => row.includes(rule)).length
    for (const { id, action } of readRules()) {
      if (action === 'add') expect(count(`"rule":"${id}"`)).toBeGreaterThan(5)
    }
    expect(rows.filter((row) => !row.startsWith('{"error"'))).toEqual(expected)
    const refused = rows.filter((row) => row.startsWith('{"error"'))
    expect(refused).toHaveLength(1)
    expect(refused[0]).toContain(`${BUNDLED_RULES}:${REFUSED_LINE} `)
    expect(refused[0]).toContain('is none of cents, population')
  })

  it('commits the same at parallelism 2', async () => {
    expect(await committed(2)).toEqual(rows)
  })

  it('commits the same when it is killed twice, at parallelism 2 (R26, R33)', async () => {
    const { problems, kills } = await runCase(
      {
        job: fileURLToPath(job),
        name: 'dynamic-rules',
        input: BUNDLED,
        parallelism: 2,
        checkpointIntervalMs: 150,
        params: { rate: 12_000 },
        memory: undefined,
        expected: rows,
      },
      [
        { kind: 'failpoint', name: 'after-publish', count: 3 },
        { kind: 'failpoint', name: 'before-publish', count: 3 },
      ],
    )
    expect(problems).toEqual([])
    expect(kills).toHaveLength(2)
  })
})
