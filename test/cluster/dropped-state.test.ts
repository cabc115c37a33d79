import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import type { RunJobOptions } from '../../runtime/job/job-events.ts'
import { temporaryFolders } from '../runtime/job/temporary-folder.ts'
import type { Counts } from './jobs/dropping.ts'
import { jobUrl, run, type Run } from './run.ts'

const makeFolder = temporaryFolders()
/** So many that a busy machine does not come to the last one before it is stopped. */
const COUNT = 9_000
let folder: string
let out: string

beforeEach(async () => {
  folder = await makeFolder()
  out = join(folder, 'out')
})

function start(both: boolean, options: RunJobOptions = {}, rate = 0): Promise<Run> {
  const params = { out, count: COUNT, rate, both }
  return run(jobUrl('dropping'), { dir: join(folder, 'state'), params, ...options })
}

/** Runs it for two checkpoints, and returns how many rows it has put out by then. */
async function stopInTheMiddle(both: boolean, options: RunJobOptions = {}): Promise<number> {
  const stop = new AbortController()
  let seen = 0
  const onEvent: RunJobOptions['onEvent'] = (event) => {
    if (event.type === 'checkpoint' && ++seen === 2) stop.abort()
  }
  const stopped = await start(both, { ...options, signal: stop.signal, onEvent }, 600)
  expect(stopped.result?.status).toBe('stopped')
  return (await counts()).length
}

async function counts(): Promise<Counts[]> {
  const texts = await Promise.all(
    (await readdir(out)).map((name) => readFile(join(out, name), 'utf8')),
  )
  const lines = texts.join('').trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line) as Counts).sort((a, b) => a.n - b.n)
}

describe('a state that its operator does not declare any more', () => {
  it('is dropped once, on request, and empty when it is declared again (R1, R5)', async () => {
    const declared = await stopInTheMiddle(true)
    const refused = await start(false)
    expect(refused.error).toMatchObject({ code: 'MR_STATE_NOT_RESTORED' })
    expect(refused.error?.message).toContain('holds state of "count/second"')
    await stopInTheMiddle(false, { allowNonRestoredState: true })
    const dropped = await stopInTheMiddle(false)
    const resumed = await start(true)
    expect(resumed.result?.status).toBe('finished')
    const expected = Array.from({ length: COUNT }, (_, n): Counts => {
      const first = Math.floor(n / 3) + 1
      if (n < declared) return { n, first, second: first }
      if (n < dropped) return { n, first }
      // Numbers of the same key from there on, this one included.
      return { n, first, second: Math.floor((n - dropped) / 3) + 1 }
    })
    expect(await counts()).toEqual(expected)
  })
})
