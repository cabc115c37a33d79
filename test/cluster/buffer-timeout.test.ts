import { expect, it } from 'vitest'
import type { JobEvent } from '../../runtime/job/job-events.ts'
import { temporaryFolders } from '../runtime/job/temporary-folder.ts'
import { jobUrl, run } from './run.ts'

const makeFolder = temporaryFolders()

it('lets records of busy threads wait for the buffer timeout of the run, or the next barrier (R8)', async () => {
  const stop = new AbortController()
  const told: { type: 'cut' | 'row'; at: number }[] = []
  const onEvent = (event: JobEvent): void => {
    if (event.type === 'log') told.push(JSON.parse(event.line) as (typeof told)[number])
    if (event.type === 'checkpoint') stop.abort()
  }
  const { error } = await run(jobUrl('buffering'), {
    dir: await makeFolder(),
    parallelism: 2,
    bufferTimeout: '1h',
    checkpointInterval: '500ms',
    signal: stop.signal,
    onEvent,
  })
  expect(error).toBeUndefined()
  const at = (type: 'cut' | 'row'): number[] =>
    told.filter((line) => line.type === type).map((line) => line.at)
  expect(at('row').length).toBeGreaterThan(0)
  expect(Math.min(...at('row'))).toBeGreaterThanOrEqual(Math.min(...at('cut')))
})
