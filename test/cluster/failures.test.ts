import { existsSync, writeFileSync } from 'node:fs'
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { beforeEach, describe, expect, it } from 'vitest'
import type { RunJobOptions } from '../../runtime/job/job-events.ts'
import { temporaryFolders } from '../runtime/job/temporary-folder.ts'
import { eventOf, expectedRows, jobUrl, rowsOf, type Run, run } from './run.ts'
import { SteppedClock } from './stepped-clock.ts'
import { expectFailure, threadsEnded } from './told-failure.ts'

const makeFolder = temporaryFolders()
const COUNT = 600
let folder: string
let out: string

beforeEach(async () => {
  folder = await makeFolder()
  out = join(folder, 'out')
})

function paramsOf(fault: string, times: number) {
  return { out, count: COUNT, rate: 3_000, fault, at: 400, times, marks: join(folder, 'marks') }
}

function fail(fault: string, times = 1, options: RunJobOptions = {}): Promise<Run> {
  const params = paramsOf(fault, times)
  return run(jobUrl('counting'), { dir: join(folder, 'state'), ...options, params })
}

describe('a failure in a worker', () => {
  it.each([
    ['throw', 'MR_FUNCTION_FAILED'],
    ['exit', 'MR_WORKER_EXITED'],
    ['heap', 'MR_WORKER_OUT_OF_MEMORY'],
    ['reject', 'MR_FUNCTION_FAILED'],
  ])(
    'is survived with equal output, and leaves no working state: %s (R36, R37)',
    async (fault, code) => {
      const left: boolean[] = []
      const failed = await fail(fault, 1, {
        parallelism: 2,
        memory: '200mb',
        onEvent: (event) => {
          if (event.type === 'restarting')
            left.push(existsSync(join(folder, 'state/counting/work/1')))
        },
      })
      expect(failed.error).toBeUndefined()
      expect(left).toEqual([false])
      expect(failed.result).toMatchObject({ status: 'finished', metrics: { restarts: 1 } })
      expect(eventOf(failed, 'restarting')).toMatchObject({ attempt: 2, error: { code } })
      expect(await rowsOf(out)).toEqual(expectedRows(COUNT))
    },
  )

  it('ends the job when it comes back three times at one record (R38)', async () => {
    const failed = await fail('throw', 99, { checkpointInterval: '1h' })
    expectFailure(failed, {
      code: 'MR_REPEATED_FAILURE',
      where:
        'Operator "number" failed 3 times in a row with MR_FUNCTION_FAILED, each time from the start',
      what: /record \{ key: 'k0', index: 400 \}.*: the function threw TypeError: this record is too much/,
      prevents: 'Another attempt would fail there again',
      wayOut: 'mend the cause, then run the same command, which starts from the beginning',
    })
    expect(failed.error).toMatchObject({ fields: { operator: 'number' } })
    expect(failed.events.filter((event) => event.type === 'restarting')).toHaveLength(2)
    const mended = await fail('', 0)
    expect(mended.result?.status).toBe('finished')
    expect(await rowsOf(out)).toEqual(expectedRows(COUNT))
  })

  it('that never returns is reported with its operator, and ends with the stop timeout (R37, N21)', async () => {
    const clock = new SteppedClock()
    const stop = new AbortController()
    const marks = join(folder, 'go')
    const params = { out, count: 2_000, rate: 1_000, fault: 'hang', marks }
    let isOver = false
    const hurry = (): void => {
      clock.advance(1_000)
      if (!isOver) setImmediate(hurry)
    }
    const onEvent: RunJobOptions['onEvent'] = (event) => {
      if (event.type === 'checkpoint' && event.checkpointId === 1) writeFileSync(marks, '')
      if (event.type === 'error') isOver = true
      if (event.type !== 'log' || event.line !== 'hanging') return
      for (let second = 0; second < 11; second++) clock.advance(1_000)
      stop.abort()
      hurry()
    }
    const options = { dir: join(folder, 'state'), params, signal: stop.signal, onEvent }
    const stuck = await run(jobUrl('counting'), options, { clock })
    expect(eventOf(stuck, 'note')?.message).toMatch(
      /^slot 0 has not turned for 10 s; it is in "number"/,
    )
    const last = stuck.events.findLast((event) => event.type === 'checkpoint')!
    await threadsEnded()
    expectFailure(stuck, {
      code: 'MR_STOP_TIMEOUT',
      where: 'The job did not stop within 10000 ms',
      what: 'its threads were terminated without a last checkpoint',
      prevents: `the last completed checkpoint is ${last.checkpointId}`,
      wayOut: 'look for a function that does not return or an output that does not answer',
    })
    const mended = await run(jobUrl('counting'), {
      dir: options.dir,
      params: { out, count: 2_000 },
    })
    expect(eventOf(mended, 'started')?.restored?.checkpointId).toBe(last.checkpointId)
    expect(await rowsOf(out)).toEqual(expectedRows(2_000))
  })

  it('does not hide that the job file was changed since it was planned (N18)', async () => {
    await mkdir(join(folder, 'node_modules'))
    await symlink(
      fileURLToPath(new URL('../../', import.meta.url)),
      join(folder, 'node_modules/millrace'),
    )
    for (const name of ['counting.ts', 'faults.ts']) {
      await copyFile(new URL(`./jobs/${name}`, import.meta.url), join(folder, name))
    }
    let changing: Promise<void> | undefined
    const options: RunJobOptions = {
      dir: join(folder, 'state'),
      params: paramsOf('throw', 1),
      onEvent: (event) => {
        if (event.type === 'restarting')
          changing = writeFile(join(folder, 'faults.ts'), 'export const x = 1')
      },
    }
    const changed = await run(pathToFileURL(join(folder, 'counting.ts')), options)
    await changing
    expect(changed.error).toMatchObject({
      code: 'MR_JOB_CHANGED',
      fields: { changed: ['faults.ts'] },
    })
  })
})

describe('a job module', () => {
  it('finds the sources of the package in a worker, and its console is heard (N29, N16)', async () => {
    const { result, events } = await run(jobUrl('resolving'), { dir: join(folder, 'state') })
    expect(result?.collected).toEqual({ urls: [new URL('../../index.ts', import.meta.url).href] })
    const lines = events.flatMap((event) => (event.type === 'log' ? [[event.uid, event.line]] : []))
    expect(lines).toContainEqual([undefined, 'the module is evaluated'])
    expect(lines.slice(-2).map(([, line]) => line)).toEqual(['resolving', 'millrace'])
    expect(lines.at(-1)?.[0]).toMatch(/^map/)
  })

  it('and a callback that throws ends the run with its error, and all threads', async () => {
    const { error } = await fail('', 0, {
      onEvent: (event) => {
        if (event.type === 'checkpoint') throw new RangeError('cannot listen')
      },
    })
    expect(error).toMatchObject({ name: 'RangeError', message: 'cannot listen' })
    expect((await fail('', 0)).result?.status).toBe('finished')
  })

  it('of a checkpoint that does not come together name the channel whose barrier is missing', async () => {
    const stop = new AbortController()
    const isNamed = /within 1500 ms by .*behind\[0\] \(no barrier has come from busy\[1\]\)/
    const messages: string[] = []
    await run(jobUrl('held-up'), {
      dir: join(folder, 'state'),
      parallelism: 2,
      checkpointTimeout: 1_500,
      tolerableFailures: 1_000,
      stopTimeout: 1,
      signal: stop.signal,
      print: () => undefined,
      onEvent: (event) => {
        if (event.type !== 'checkpoint-failed') return
        messages.push(event.error.message)
        if (isNamed.test(event.error.message) || messages.length === 5) stop.abort()
      },
    })
    expect(messages).toContainEqual(expect.stringMatching(isNamed))
  })
})
