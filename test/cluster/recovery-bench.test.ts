import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { temporaryFolders } from '../runtime/job/temporary-folder.ts'
import { bench } from './bench-process.ts'

const makeFolder = temporaryFolders()

it('the recovery benchmark kills a job with state and finds each record counted once (R1, R33)', async () => {
  const json = join(await makeFolder(), 'figures.json')
  const { code, printed } = await bench('recovery', [
    ...['--state-mb=1', '--rate=1000', '--kills=1', '--seconds=1', '--memory=256mb'],
    ...['--checkpoint-interval=200ms', `--json=${json}`],
  ])
  expect([code, printed]).toEqual([0, expect.stringContaining('first record')])
  const [outcome] = JSON.parse(readFileSync(json, 'utf8'))
  expect(outcome).toMatchObject({
    rate: 1_000,
    differences: { losses: 0, duplicates: 0, wrongCounts: 0 },
  })
  expect(outcome.records).toBeGreaterThan(1_000)
  const [{ exitSeen, up, begun, restored, firstRecord }] = outcome.recoveries
  const stages = [exitSeen, up, begun, restored, firstRecord]
  expect(stages).toEqual(stages.toSorted((a, b) => a - b))
})
