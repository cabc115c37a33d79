import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { loopLines } from '../../bench/nexmark/loop-run.ts'
import type { QueryName } from '../../bench/nexmark/query.ts'
import { eventsOf } from '../../bench/nexmark/replay.ts'
import { resultOf, rowsOf } from '../bench/nexmark/query-job.ts'
import { temporaryFolders } from '../runtime/job/temporary-folder.ts'
import { jobUrl, run } from './run.ts'

const makeFolder = temporaryFolders()
const EVENTS = 100_000

/** Runs queries as one job over two threads, out of order by as much as the watermark allows; how often it restarted. */
async function restartsOf(queries: readonly QueryName[], fails: boolean): Promise<number> {
  const dir = await makeFolder()
  const failAt = join(dir, 'fail')
  const { result, events, error } = await run(jobUrl('nexmark'), {
    dir: join(dir, 'state'),
    params: { queries: queries.join(), events: EVENTS, group: 1_000, failAt: fails ? failAt : '' },
    parallelism: 2,
    checkpointInterval: 500,
    memory: '512mb',
    onEvent: ({ type }) => {
      if (type === 'checkpoint') writeFileSync(failAt, '')
    },
  })
  expect(error).toBeUndefined()
  const inOrder = eventsOf({ events: EVENTS }, 0, 1)
  for (const name of queries) {
    const rows = resultOf(name, rowsOf(name, result!.collected[name]!))
    const expected = loopLines(name, inOrder, 1).sort()
    const difference = rows.find((row, index) => row !== expected[index])
    expect({ name, rows: rows.length, difference }).toEqual({ name, rows: expected.length })
  }
  return events.filter(({ type }) => type === 'restarting').length
}

it('Nexmark queries put out what the loops do, through a failure behind a checkpoint (R16, R22, R34)', async () => {
  expect(await restartsOf(['q4', 'q5', 'q8', 'q11', 'q18'], true)).toBe(1)
})

it('Nexmark queries put out what the loops do, over threads and out of order (R8, R12)', async () => {
  await restartsOf(['q2', 'q3', 'q7', 'q9', 'q12', 'q15', 'q17', 'q20'], false)
})
