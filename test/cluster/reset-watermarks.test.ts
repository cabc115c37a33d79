import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import type { RunJobOptions } from '../../runtime/job/job-events.ts'
import { temporaryFolders } from '../runtime/job/temporary-folder.ts'
import type { Judged } from './jobs/late-numbers.ts'
import { eventOf, jobUrl, run, type Run } from './run.ts'

const makeFolder = temporaryFolders()
const COUNT = 900
let folder: string

beforeEach(async () => {
  folder = await makeFolder()
})

function start(rate: number, minutesEarlier: number, options: RunJobOptions = {}): Promise<Run> {
  const params = { out: join(folder, 'out'), count: COUNT, rate, minutesEarlier }
  return run(jobUrl('late-numbers'), { dir: join(folder, 'state'), params, ...options })
}

/** Runs it for some checkpoints. */
async function stopInTheMiddle(): Promise<void> {
  const stop = new AbortController()
  let seen = 0
  const onEvent: RunJobOptions['onEvent'] = (event) => {
    if (event.type === 'checkpoint' && ++seen === 12) stop.abort()
  }
  const stopped = await start(600, 0, { signal: stop.signal, onEvent })
  expect(stopped.result?.status).toBe('stopped')
}

async function judged(): Promise<Judged[]> {
  const out = join(folder, 'out')
  const texts = await Promise.all(
    (await readdir(out)).map((name) => readFile(join(out, name), 'utf8')),
  )
  const lines = texts.join('').trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line) as Judged).sort((a, b) => a.n - b.n)
}

/** All numbers that come after the stop are older than all before it. */
const EARLIER = 10_000

describe('a job that goes on with older records', () => {
  it('counts them as late, as they were before the stop (R12)', async () => {
    await stopInTheMiddle()
    const before = (await judged()).length
    const resumed = await start(0, EARLIER)
    expect(resumed.result?.status).toBe('finished')
    const rows = await judged()
    expect(rows.map(({ n }) => n)).toEqual(Array.from({ length: COUNT }, (_, n) => n))
    expect(rows.map(({ isLate }) => isLate)).toEqual(rows.map(({ n }) => n >= before))
  })

  it('lets time begin anew on request, and says so, from whatever checkpoint (R12)', async () => {
    await stopInTheMiddle()
    const resumed = await start(0, EARLIER, { resetWatermarks: true })
    expect(resumed.result?.status).toBe('finished')
    expect(eventOf(resumed, 'started')?.notes).toContain(
      'watermarks begin anew: what was late before may be in time now',
    )
    const rows = await judged()
    expect(rows).toHaveLength(COUNT)
    expect(rows.filter(({ isLate }) => isLate)).toEqual([])
  })
})
